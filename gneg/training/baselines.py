"""Trained models beside scores that need no training, by the same validation edges."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gneg.datasets import LinkData
from gneg.datasets.splits import drop_repeated_edges
from gneg.evaluation.ranking import evaluate_edges
from gneg.graph.heuristics import Heuristic
from gneg.training.record import DECODER_ALONE

__all__ = [
    "AT_CHANCE",
    "LONGER",
    "at_chance",
    "beside_scores",
    "scores_of",
    "still_improving",
    "validation_metric",
    "validation_of",
]

LONGER = (
    "every run was best at its last epoch, and could improve further: raise --epochs (or "
    "--seconds), with --fresh or another --out"
)

AT_CHANCE = (
    "the mean rank on validation is that of chance (amr near 1): a model has learned next to "
    "nothing; more steps help, by a smaller --batch-size or more --epochs"
)
FEW_PAIRS = 20_000_000  # of users and items that are scored along paths in seconds
CHANCE = 0.9  # mean rank over that by chance from which a model knows next to nothing


def scores_of(data: LinkData, profiled: Mapping[str, float]) -> list[str]:
    """Return the training-free scores that a model is told beside.

    Args:
        data: The dataset.
        profiled: Those that its profile has tried, by name: none of a bipartite graph, where paths
            of three edges and more, the shortest between its ends, take seconds to minutes.
    """
    graph = data.graph
    small = graph.bipartite and graph.num_src * graph.num_dst <= FEW_PAIRS
    return list(profiled) or (["ppr", "katz"] if small else [])


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

    A stack may be fitted on validation edges, so that the figure is that of the model alone times
    what the stack gains out of fold, where fewer negatives are ranked.

    Args:
        run: The record of a run.
        metric: The metric of its dataset.
    """
    stack = run.get("stack") or {}
    combined, alone = (stack.get(name) for name in (stack.get("chosen"), DECODER_ALONE))
    gain = combined["easy"] / alone["easy"] if combined and alone and alone["easy"] else 1.0
    return min(float(run["valid"][metric]) * gain, 1.0)


def beside_scores(data: LinkData, runs: Sequence[Mapping[str, Any]], kinds: Sequence[str]) -> str:
    """Return how models rank validation and test edges beside the best of training-free scores.

    Args:
        data: The dataset.
        runs: The records of runs on it, whose mean counts.
        kinds: Names of scores.

    Returns:
        A sentence; empty without scores.
    """
    if not kinds:
        return ""
    scores = validation_of(data, kinds)
    kind = max(scores, key=scores.__getitem__)
    model = statistics.fmean(validation_metric(run, data.metric) for run in runs)
    score = Heuristic(data.graph, kind, data.x)  # type: ignore[arg-type]
    tested = evaluate_edges(data.test, score)[data.metric]
    of_model = statistics.fmean(run["test"][data.metric] for run in runs)
    stacked = any(run["stack"] and run["stack"]["chosen"] != DECODER_ALONE for run in runs)
    how = " with heuristics (estimated out of fold)" if stacked else ""
    better = scores[kind] > model
    return (
        f"the training-free score {kind} is {'better' if better else 'no better'} on validation: "
        f"{data.metric} {100 * scores[kind]:.2f} %, this model{how} {100 * model:.2f} %; on test "
        f"{100 * tested:.2f} % and {100 * of_model:.2f} %"
        f"{f' (gneg train --encoder {kind} ranks by it)' if better else ''}"
    )


def at_chance(runs: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a run ranks validation triples hardly better than chance.

    Args:
        runs: Their metrics on validation, of triples with ``amr``.
    """
    return any(run["valid"].get("amr", 0.0) > CHANCE for run in runs)


def still_improving(runs: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether every run was best at its last epoch, which is always evaluated.

    Args:
        runs: Their ``epochs`` and ``best_epoch``.
    """
    return all(run["best_epoch"] == run["epochs"] for run in runs)
