"""Trained models beside scores that need no training, by the same validation edges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gneg.datasets import LinkData
from gneg.datasets.splits import drop_repeated_edges
from gneg.evaluation.ranking import evaluate_edges
from gneg.graph.heuristics import Heuristic
from gneg.training.stacking import DECODER_ALONE

__all__ = ["still_improving", "validation_metric", "validation_of"]


def validation_of(data: LinkData, kinds: Iterable[str]) -> dict[str, float]:
    """Return the validation metric of training-free scores, the one that selects a model's epoch.

    Args:
        data: The dataset.
        kinds: Names of scores, from :data:`gneg.graph.heuristics.KINDS`, that the data have.
    """
    data = drop_repeated_edges(data)
    scores = {kind: Heuristic(data.graph, kind, data.x) for kind in kinds}  # type: ignore[arg-type]
    return {kind: evaluate_edges(data.valid, score)[data.metric] for kind, score in scores.items()}


def validation_metric(run: Mapping[str, Any], metric: str) -> float:
    """Return the validation metric of a run, with its stack if it has one.

    A stack is fitted on validation edges, so that the figure is that of the model alone plus what
    the stack gains in cross-validation.

    Args:
        run: The record of a run.
        metric: The metric of its dataset.
    """
    stack = run.get("stack") or {}
    combined, alone = (stack.get(name) for name in (stack.get("chosen"), DECODER_ALONE))
    gain = combined["easy"] - alone["easy"] if combined and alone else 0.0
    return float(run["valid"][metric]) + gain


def still_improving(runs: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether every run was best at its last epoch, which is always evaluated.

    Args:
        runs: Their ``epochs`` and ``best_epoch``.
    """
    return all(run["best_epoch"] == run["epochs"] for run in runs)
