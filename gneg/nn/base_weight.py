"""The weight of a base measure that is best on validation."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from gneg.nn.base_measure import BaseMeasure
from gneg.nn.model import Scorer

__all__ = ["chosen", "replayed"]


def chosen(
    measure: BaseMeasure,
    scorer: Scorer,
    evaluate: Callable[[Any], dict[str, float]],
    metric: str,
    weights: Sequence[float],
) -> tuple[float, dict[str, float]]:
    """The weight with the best ``metric``, and all figures by it; the smallest of equal ones.

    Pairs are scored and measured once, whatever the number of weights.

    Args:
        measure: The decoder of the model.
        scorer: The model on fixed embeddings.
        evaluate: Asks a score for the same pairs in the same order at each call.
        metric: To choose by, higher is better.
        weights: What is tried.
    """

    def make(src: Tensor, dst: Tensor) -> tuple[Tensor, Tensor]:
        before = measure.c.clone()
        with torch.no_grad():
            measure.c.zero_()
            f = scorer(src, dst)
            measure.c.copy_(before)
        return f, measure.log_measure(src.reshape(-1), dst.reshape(-1)).view(src.shape)

    parts: list[tuple[Tensor, Tensor]] = []
    best: tuple[float, dict[str, float]] | None = None
    for weight in sorted(weights):
        found = evaluate(replayed(make, parts, weight))
        if best is None or found[metric] > best[1][metric]:
            best = weight, found
    assert best is not None
    return best


def replayed(
    make: Callable[..., tuple[Tensor, Tensor]], parts: list[tuple[Tensor, Tensor]], weight: float
) -> Callable[..., Tensor]:
    """Scores ``f + weight * log q`` of what other weights ask for in the same order.

    Args:
        make: f and log q of a question, asked once.
        parts: What ``make`` gave so far, in order; added to.
        weight: Of log q.
    """
    places = itertools.count()

    def score(*asked: Any) -> Tensor:
        place = next(places)
        if place == len(parts):
            parts.append(make(*asked))
        f, log_q = parts[place]
        return f + weight * log_q

    return score
