"""How hard negatives are: quantiles and histograms of heuristics, distances and model scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gneg.evaluation.audit.adapter import Adapter, FloatArray, Group, Score
from gneg.graph import Graph, heuristics

#: Measures of hardness and what they are called in tables and figures.
NAMES = {
    "ra": "resource allocation",
    "cn": "common neighbours",
    "aa": "Adamic-Adar",
    "ppr": "personalised PageRank",
    "katz": "Katz index",
    "cosine": "feature cosine",
    "pa": "preferential attachment",
    "degree": "degree",
    "fits": "occurs with the relation",
    "together": "triples with the relation",
    "kind": "shares a type with the true entity",
    "score": "model score",
}
QUANTILES = tuple(i / 20 for i in range(21))  # the levels that are recorded
BINS = 12
MAX_DISTANCE = 6  # edges; pairs farther apart are one group
MAX_PAIRS = 20_000  # pairs whose distance is searched for


def unit_of(record: Mapping[str, Any]) -> str:
    """Return what an audit counts, ``triples`` or ``edges``: only triples fit a relation.

    Args:
        record: The record of the audit.
    """
    return "triples" if "fits" in record["hardness"] else "edges"


def describe(adapter: Adapter, groups: Mapping[str, Group], score: Score | None) -> dict[str, Any]:
    """Return quantiles and histograms of every measure, and shares of distances, by group.

    Args:
        adapter: The pairs or triples that are audited.
        groups: Groups of pairs by name, one of them ``"positives"``.
        score: A trained model, whose scores are one more measure; None: none.
    """
    columns = adapter.columns(groups)
    if score is not None:
        columns["score"] = {
            name: score(*group.ids).cpu().double().numpy() for name, group in groups.items()
        }
    return {
        "at": list(QUANTILES),
        "hardness": {
            measure: {name: _quantiles(column) for name, column in by_group.items()}
            for measure, by_group in columns.items()
        },
        "histograms": {measure: _histogram(by_group) for measure, by_group in columns.items()},
        "distances": {
            name: distance_shares(adapter.graph, group) for name, group in groups.items()
        },
    }


def _quantiles(column: FloatArray) -> dict[str, Any]:
    return {"mean": float(column.mean()), "quantiles": np.quantile(column, QUANTILES).tolist()}


def _histogram(columns: Mapping[str, FloatArray]) -> dict[str, list[float]]:
    """Return the share of each group in common bins, whose lower ends are ``from``.

    The bins are those of the positives, so that samplers can be compared; the last one has no upper
    end. A measure that is never negative has a bin for 0 alone: pairs that it cannot tell apart.
    """
    positives = columns["positives"]
    low = float(min(column.min() for column in columns.values()))
    high = max(float(np.quantile(positives, 0.98)), low + 1e-12)
    edges = np.linspace(low, high, BINS + 1)[:-1]
    if low == 0.0 and (positives > 0).any():
        above_zero = np.maximum(edges, positives[positives > 0].min())
        edges = np.unique(np.concatenate([[0.0], above_zero]))
    if all((column == np.floor(column)).all() for column in columns.values()):
        edges = np.unique(np.ceil(edges))  # counts: no bins between them
    histogram: dict[str, list[float]] = {"from": edges.tolist()}
    for group, column in columns.items():
        bins = np.searchsorted(edges, column, side="right") - 1
        counts = np.bincount(np.maximum(bins, 0), minlength=len(edges))
        histogram[group] = (counts / max(len(column), 1)).tolist()
    return histogram


def distance_shares(graph: Graph, group: Group) -> dict[str, float]:
    """Return the share of a group's pairs at each distance in the training graph."""
    sample = slice(0, None, max(1, len(group.src) // MAX_PAIRS))
    distance = heuristics.distances(graph, group.src[sample], group.dst[sample], MAX_DISTANCE)
    counts = np.bincount(distance, minlength=MAX_DISTANCE + 2) / max(len(distance), 1)
    names = [*map(str, range(1, MAX_DISTANCE + 1)), f"over {MAX_DISTANCE}"]
    return {name: float(share) for name, share in zip(names, counts[1:], strict=True)}
