"""Triple classification against negatives that people have checked to be false."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import TripleData

#: ``score(head, relation, tail)`` of one shape.
Score = Callable[[Tensor, Tensor, Tensor], Tensor]
FloatArray = npt.NDArray[np.float64]
FEW = 2  # labelled validation triples of a relation below which the common threshold is taken


def classify(score: Score, data: TripleData) -> dict[str, Any]:
    """Accuracy and F1 on the test, by thresholds that are best on validation.

    A threshold for each relation (Socher, Chen, Manning and Ng, NIPS 2013), and one for relations
    with fewer than two labelled validation triples. Negatives are those of ``data.verified``, as in
    CoDEx (Safavi and Koutra, EMNLP 2020).

    Args:
        score: What scores triples of ids.
        data: A knowledge graph with verified negatives.

    Returns:
        ``accuracy``, ``f1`` and ``triples`` of the test; ``one_threshold``, the same by a single
        threshold for all relations, which nothing can be gained on by knowing how often each
        relation is true; ``valid``, those of validation.

    Raises:
        ValueError: If the data has no verified negatives, or scores are NaN.
    """
    if not data.verified or {"valid", "test"} - set(data.verified):
        checks.fail("data", "one with verified negatives, such as codex-s", data)
    parts = {}
    for part in ("valid", "test"):
        triples = torch.cat([data.positives(part), data.verified[part]], dim=1)
        label = np.arange(triples.size(1)) < data.positives(part).size(1)
        with torch.no_grad():
            values = score(*triples).cpu().double().numpy()
        if np.isnan(values).any():
            checks.fail("score", "free of NaN", f"{int(np.isnan(values).sum())} NaN")
        parts[part] = values, label, triples[1].numpy()
    values, label, relation = parts["valid"]
    common = threshold(values, label)
    limits = np.full(data.num_relations, common)
    for one in np.unique(relation):
        mine = relation == one
        if mine.sum() >= FEW:
            limits[one] = threshold(values[mine], label[mine])
    told = {
        part: _figures(values >= limits[relation], label)
        for part, (values, label, relation) in parts.items()
    }
    values, label, _ = parts["test"]
    single = _figures(values >= common, label)
    return {**told["test"], "one_threshold": single, "valid": told["valid"]}


def threshold(values: FloatArray, label: npt.NDArray[np.bool_]) -> float:
    """The value from which on calling triples true gives the best accuracy.

    Half-way between two neighbouring values.
    """
    order = np.argsort(-values, kind="stable")
    ordered, true = values[order], label[order]
    # Right if the first i are called true: the true ones of them and the false ones after.
    right = np.concatenate([[0], np.cumsum(true)]) + np.concatenate(
        [np.cumsum(~true[::-1])[::-1], [0]]
    )
    # Equal values cannot be parted.
    right[1:-1][ordered[1:] == ordered[:-1]] = -1
    best = int(right.argmax())
    if best == 0:
        return float(np.nextafter(ordered[0], np.inf))
    return float(ordered[-1] if best == len(ordered) else (ordered[best - 1] + ordered[best]) / 2)


def _figures(called: npt.NDArray[np.bool_], label: npt.NDArray[np.bool_]) -> dict[str, float]:
    hit = int((called & label).sum())
    f1 = 2 * hit / max(int(called.sum() + label.sum()), 1)
    return {"accuracy": float((called == label).mean()), "f1": f1, "triples": len(label)}
