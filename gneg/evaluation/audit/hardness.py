"""How hard pairs are: heuristics, distances and a model's scores, as quantiles and histograms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg.datasets import LinkData
from gneg.graph import Graph, heuristics
from gneg.graph.heuristics import Kind

Score = Callable[[Tensor, Tensor], Tensor]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Measures and what people call them.
NAMES = {
    "ra": "resource allocation",
    "cn": "common neighbours",
    "aa": "Adamic-Adar",
    "ppr": "PageRank",
    "katz": "Katz",
    "cosine": "feature cosine",
    "pa": "preferential attachment",
    "degree": "degree",
    "fits": "seen at this end of the relation",
    "together": "triples of the relation",
    "kind": "shares a type with the true one",
    "score": "score of the model",
}
AT = tuple(i / 20 for i in range(21))  # the quantiles that are told
BINS = 12
FARTHEST = 6  # edges; farther pairs are one group
FEW = 20_000  # pairs whose distance is searched for
# PageRank is that of the pairs of so many sources, or of as many as can be pushed from along this
# number of edges.
SOURCES, PUSHES = 512, 4 * 10**9


class Pairs(NamedTuple):
    """Pairs of nodes, and the end that a sampler may have chosen, in the ids of ``data.whole``."""

    src: IntArray
    dst: IntArray
    chosen: IntArray


def kinds(data: LinkData) -> tuple[Kind, ...]:
    """The heuristics that tell hardness, the most telling first.

    A source and a target of a bipartite graph have no common neighbours: there it is Katz, which
    counts the paths of three edges.
    """
    local: tuple[Kind, ...] = ("ra", "cn", "aa") if data.num_src is None else ("katz",)
    features: tuple[Kind, ...] = () if data.x is None else ("cosine",)
    return *local, "pa", *features


def measured(data: LinkData, groups: dict[str, Pairs], score: Score | None) -> dict[str, Any]:
    """Quantiles and histograms of every measure and shares of distances, of each group of pairs."""
    graph = data.whole
    degree = graph.degree().numpy()
    columns: dict[str, dict[str, FloatArray]] = {}
    for group, (src, dst, chosen) in groups.items():
        mine: dict[str, FloatArray] = {
            kind: heuristics.scores(graph, kind, src, dst[:, None], x=data.x)[:, 0]
            for kind in kinds(data)
        }
        mine |= {"ppr": _pagerank(graph, src, dst), "degree": degree[chosen].astype(np.float64)}
        if score is not None:
            # Models take the ids of each side.
            scored = score(torch.from_numpy(src), torch.from_numpy(dst - (data.num_src or 0)))
            mine["score"] = scored.cpu().double().numpy()
        for name, column in mine.items():
            columns.setdefault(name, {})[group] = column
    shells = {group: shares(graph, pair.src, pair.dst) for group, pair in groups.items()}
    return described(columns, shells)


def described(
    columns: dict[str, dict[str, FloatArray]], shells: dict[str, dict[str, float]]
) -> dict[str, Any]:
    """Quantiles and histograms of each measure in each group, beside the shares of distances."""
    told = {
        name: {
            group: {"mean": float(one.mean()), "quantiles": np.quantile(one, AT).tolist()}
            for group, one in by_group.items()
        }
        for name, by_group in columns.items()
    }
    histograms = {name: _histogram(by_group) for name, by_group in columns.items()}
    return {"at": list(AT), "hardness": told, "histograms": histograms, "distances": shells}


def _histogram(columns: dict[str, FloatArray]) -> dict[str, list[float]]:
    """Shares of each group in common bins, whose lower ends are ``from``; the last one is open.

    Bins are those of the positives, so that samplers can be compared. A measure that is never
    negative has a bin for 0 alone: what it does not see.
    """
    common = columns["positives"]
    low = float(min(column.min() for column in columns.values()))
    top = max(float(np.quantile(common, 0.98)), low + 1e-12)
    edges = np.linspace(low, top, BINS + 1)[:-1]
    if low == 0.0 and (common > 0).any():
        least = np.maximum(edges, common[common > 0].min())
        edges = np.unique(np.concatenate([[0.0], least]))
    found: dict[str, list[float]] = {"from": edges.tolist()}
    for group, column in columns.items():
        place = np.searchsorted(edges, column, side="right") - 1
        count = np.bincount(np.maximum(place, 0), minlength=len(edges))
        found[group] = (count / max(len(column), 1)).tolist()
    return found


def _pagerank(graph: Graph, src: IntArray, dst: IntArray) -> FloatArray:
    """PageRank of the pairs of as many sources as there is time to push from."""
    epsilon = heuristics.default_tolerance(graph.num_nodes, graph.num_edges)
    cost = min(1 / (0.15 * epsilon), 30 * max(graph.num_edges, 1))
    sources = np.unique(src)
    wanted = int(min(SOURCES, max(32, PUSHES / cost)))
    if len(sources) > wanted:
        random = np.random.Generator(np.random.Philox(0))
        kept = np.isin(src, random.choice(sources, wanted, replace=False))
        src, dst = src[kept], dst[kept]
    return heuristics.scores(graph, "ppr", src, dst[:, None])[:, 0]


def shares(graph: Graph, src: IntArray, dst: IntArray) -> dict[str, float]:
    """Share of pairs at each distance in the training graph."""
    few = slice(0, None, max(1, len(src) // FEW))
    distance = heuristics.distances(graph, src[few], dst[few], FARTHEST)
    count = np.bincount(distance, minlength=FARTHEST + 2) / max(len(distance), 1)
    names = [*map(str, range(1, FARTHEST + 1)), f"over {FARTHEST}"]
    return {name: float(share) for name, share in zip(names, count[1:], strict=True)}
