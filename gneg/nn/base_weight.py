"""The weight of a base measure that is best on validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from gneg.nn.base_measure import BaseMeasure
from gneg.nn.model import Scorer

__all__ = ["chosen"]


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
    parts: list[tuple[Tensor, Tensor]] = []
    best: tuple[float, dict[str, float]] | None = None
    for weight in sorted(weights):
        found = evaluate(_Replayed(measure, scorer, parts, weight))
        if best is None or found[metric] > best[1][metric]:
            best = weight, found
    assert best is not None
    return best


class _Replayed:
    """Scores by one weight, of pairs that another has asked for before."""

    def __init__(
        self,
        measure: BaseMeasure,
        scorer: Scorer,
        parts: list[tuple[Tensor, Tensor]],
        weight: float,
    ) -> None:
        self.measure, self.scorer, self.parts, self.weight = measure, scorer, parts, weight
        self.asked = 0

    def __call__(self, src: Tensor, dst: Tensor) -> Tensor:
        if self.asked == len(self.parts):
            before = self.measure.c.clone()
            with torch.no_grad():
                self.measure.c.zero_()
                f = self.scorer(src, dst)
                self.measure.c.copy_(before)
            log_q = self.measure.log_measure(src.reshape(-1), dst.reshape(-1)).view(src.shape)
            self.parts.append((f, log_q))
        f, log_q = self.parts[self.asked]
        self.asked += 1
        return f + self.weight * log_q
