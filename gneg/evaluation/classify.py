"""Triple classification against negatives that people have verified to be false."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import TripleData
from gneg.evaluation import metrics

#: ``score(head, relation, tail)`` of one shape.
Score = Callable[[Tensor, Tensor, Tensor], Tensor]
FloatArray = npt.NDArray[np.float64]
MIN_LABELS = 2  # labelled validation triples that a relation needs for a threshold of its own


def classify(score: Score, data: TripleData) -> dict[str, Any]:
    """Return accuracy and F1 on the test triples, by thresholds fitted on validation.

    Each relation has its own threshold (Socher, Chen, Manning and Ng, NIPS 2013), unless it has
    fewer than two labelled validation triples: those share one. The negatives are
    ``data.verified``, as in CoDEx (Safavi and Koutra, EMNLP 2020).

    Args:
        score: The model, ``score(head, relation, tail) -> Tensor`` of ids of one shape.
        data: A knowledge graph with verified negatives.

    Returns:
        ``accuracy``, ``f1`` and ``triples`` of the test part; ``one_threshold``, the same with a
        single threshold for all relations, which cannot gain from knowing how often each relation
        is true; ``valid``, the same as the former on validation.

    Raises:
        ValueError: If the data has no verified negatives, or scores are NaN.
    """
    if not data.verified or {"valid", "test"} - set(data.verified):
        checks.fail("data", "a TripleData with verified negatives, such as codex-s", data)
    parts = {part: _scored(score, data, part) for part in ("valid", "test")}
    values, label, relation = parts["valid"]
    shared = threshold(values, label)
    thresholds = np.full(data.num_relations, shared)
    for i in np.unique(relation):
        rows = relation == i
        if rows.sum() >= MIN_LABELS:
            thresholds[i] = threshold(values[rows], label[rows])
    results = {
        part: _accuracy(values >= thresholds[relation], label)
        for part, (values, label, relation) in parts.items()
    }
    values, label, _ = parts["test"]
    single = _accuracy(values >= shared, label)
    return {**results["test"], "one_threshold": single, "valid": results["valid"]}


def _scored(score: Score, data: TripleData, part: str) -> tuple[FloatArray, Any, Any]:
    """Return scores, labels (True: a true triple) and relations of a part's labelled triples."""
    assert data.verified is not None
    triples = torch.cat([data.positives(part), data.verified[part]], dim=1)
    label = np.arange(triples.size(1)) < data.positives(part).size(1)
    with torch.no_grad():
        output = checks.scores("score", score(*triples), triples[0].shape)
    metrics.check_no_nan("score", output)
    return output.cpu().double().numpy(), label, triples[1].numpy()


def threshold(values: FloatArray, label: npt.NDArray[np.bool_]) -> float:
    """Return the threshold with the best accuracy, half-way between two neighbouring scores.

    Args:
        values: ``[n]`` scores.
        label: ``[n]``, True for true triples.
    """
    order = np.argsort(-values, kind="stable")
    ordered, true = values[order], label[order]
    # If the first i triples are called true, the true ones of them and the false ones after them
    # are right.
    correct = np.concatenate([[0], np.cumsum(true)]) + np.concatenate(
        [np.cumsum(~true[::-1])[::-1], [0]]
    )
    # No threshold lies between equal scores.
    correct[1:-1][ordered[1:] == ordered[:-1]] = -1
    best = int(correct.argmax())
    if best == 0:
        return float(np.nextafter(ordered[0], np.inf))
    return float(ordered[-1] if best == len(ordered) else (ordered[best - 1] + ordered[best]) / 2)


def _accuracy(positive: npt.NDArray[np.bool_], label: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Return accuracy, F1 and the number of triples of predictions ``positive [n]``."""
    hits = int((positive & label).sum())
    f1 = 2 * hits / max(int(positive.sum() + label.sum()), 1)
    return {"accuracy": float((positive == label).mean()), "f1": f1, "triples": len(label)}
