"""What heuristics say of a pair, as numbers for a network."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor, nn

from gneg import checks, heuristics
from gneg.graph import Graph
from gneg.known import KnownEdges
from gneg.pagerank import TABLE, PageRank, without_own_edge
from gneg.rng import generator_from

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Common neighbours, Adamic-Adar, resource allocation, PageRank (the mean of both ways), Katz's
#: index of three steps, distance (2, 3, more), degrees of both ends, and cosines: of features, and
#: of features summed over the neighbourhood.
KINDS = ("cn", "aa", "ra", "ppr", "katz", "shell", "degree", "cosine", "smooth")
WIDTHS = {"shell": 2, "degree": 2}
OF_FEATURES = {"cosine", "smooth"}
SAMPLE = 10_000  # training edges, and as many random pairs, that inputs are standardised on
BETA = 0.005  # Katz's weight of a step
LEAST = 1e-3  # added to Katz's index, in common neighbours, before the logarithm


class PairInputs(nn.Module):
    """Heuristics of pairs, each without the pair's own edge, standardised.

    An edge is left out of its own features, else training would give itself away. Counts go in as
    ``log(1 + count)``, PageRank in multiples of 1 / N likewise. Standardised on training edges and
    random pairs.

    Args:
        graph: The training graph, homogeneous; a directed one is taken as undirected.
        kinds: Some of :data:`KINDS`; if None all that there are inputs for, without ``"ppr"`` on
            graphs that are too large for :attr:`gneg.pagerank.PageRank.table`.
        x: ``[N, F]`` features, for ``"cosine"`` and ``"smooth"``.
        seed: Of the pairs that standardise.

    Raises:
        ValueError: If the graph is bipartite, a kind is unknown or ``x`` is missing.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        kinds: Sequence[str] | None = None,
        x: Tensor | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if graph.bipartite:
            checks.fail(
                "graph", "homogeneous: two kinds of nodes have no neighbour in common", graph
            )
        if kinds is None:
            without = {"ppr"} if graph.num_nodes > TABLE else set()
            without |= OF_FEATURES if x is None else set()
            kinds = [one for one in KINDS if one not in without]
        self.kinds = [checks.choice("kinds", one, KINDS) for one in kinds]
        if x is None and not OF_FEATURES.isdisjoint(self.kinds):
            checks.fail("x", "features [N, F] for 'cosine' and 'smooth'", None)
        self.graph, self.x = graph.to_undirected(), x
        self._known = KnownEdges(self.graph)
        self._degree = self.graph.degree().numpy()
        steps = self.graph.steps()._replace(weights=None, in_weights=None)
        self._pagerank = PageRank(steps) if "ppr" in self.kinds else None
        self._smooth = Smoothed(self.graph, x) if x is not None and "smooth" in self.kinds else None
        #: Seconds that the features have taken so far.
        self.seconds = 0.0
        self.width = sum(WIDTHS.get(kind, 1) for kind in self.kinds)
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(self.width))
        self.register_buffer("scale", torch.ones(self.width))
        self._standardise(seed)

    def _standardise(self, seed: int) -> None:
        edges, generator = self.graph.edge_index, generator_from(seed)
        if not edges.size(1):
            return
        some = torch.randint(edges.size(1), (min(SAMPLE, edges.size(1)),), generator=generator)
        others = torch.randint(self.graph.num_nodes, (2, len(some)), generator=generator)
        rows = self.features(torch.cat([edges[:, some], others], dim=1))
        deviation = rows.std(dim=0)
        self.mean.copy_(rows.mean(dim=0))
        self.scale.copy_(torch.where(deviation > 1e-6, deviation, 1.0))

    def forward(self, pairs: Tensor) -> Tensor:
        """Standardised features ``[B, width]`` of ``pairs [2, B]``."""
        return (self.features(pairs) - self.mean) / self.scale

    def features(self, pairs: Tensor) -> Tensor:
        """Features ``[B, width]`` of ``pairs [2, B]``, float, not standardised.

        In the order of ``kinds``; ``"shell"`` is two columns (distance 2, distance 3), ``"degree"``
        as well, the larger degree first.
        """
        start = time.perf_counter()
        src, dst = pairs.detach().cpu().long().contiguous()
        asked = _Asked(src.numpy(), dst.numpy(), self._known.contains(src, dst).numpy())
        parts: list[FloatArray] = []
        for kind in self.kinds:
            parts += self._columns(kind, asked)
        table = np.stack(parts, axis=1) if parts else np.empty((len(src), 0))
        made = torch.from_numpy(table.astype(np.float32)).to(pairs.device)
        self.seconds += time.perf_counter() - start
        return made

    def _columns(self, kind: str, asked: _Asked) -> list[FloatArray]:
        degree = np.stack([self._degree[asked.rows], self._degree[asked.targets]])
        if kind == "degree":
            return list(np.log1p(np.sort(degree - asked.own, axis=0)[::-1]))
        if kind == "ppr":
            return [np.log1p(self.graph.num_nodes * self._ranks(asked, degree))]
        if kind in ("katz", "shell"):
            two, three = self._paths(asked, degree)
            if kind == "katz":
                return [np.log(LEAST + two + BETA * three)]
            return [(two > 0).astype(np.float64), ((two == 0) & (three > 0.5)).astype(np.float64)]
        if kind == "smooth":
            assert self._smooth is not None
            return [self._smooth.cosines(asked.rows, asked.targets, asked.own > 0)]
        # What joins two nodes by a third is the same with and without their own edge.
        found = asked.once(kind, lambda: self._scores(kind, asked))
        return [found if kind == "cosine" else np.log1p(found)]

    def _scores(self, kind: str, asked: _Asked, **options: Any) -> FloatArray:
        rows, targets = asked.rows, asked.targets[:, None]
        return heuristics.scores(self.graph, kind, rows, targets, x=self.x, **options)[:, 0]  # type: ignore[arg-type]

    def _paths(self, asked: _Asked, degree: IntArray) -> tuple[FloatArray, FloatArray]:
        """Walks of two and of three steps, without the edge itself."""
        two = asked.once("cn", lambda: self._scores("cn", asked))
        walks = asked.once("walks", lambda: self._scores("katz", asked, beta=1.0, length=3))
        # Of the walks of three steps along an edge u-v: u v x v, u x u v, and u v u v in both.
        return two, walks - asked.own - two - asked.own * (degree.sum(axis=0) - 1)

    def _ranks(self, asked: _Asked, degree: IntArray) -> FloatArray:
        """PageRank between the ends, the mean of both ways."""
        assert self._pagerank is not None
        ends = np.stack([asked.rows, asked.targets], axis=1)
        out, back = (self._pagerank.scores(one, ends) for one in (asked.rows, asked.targets))
        first, second = degree.astype(np.float64)
        own, alpha = asked.own > 0, self._pagerank.alpha
        there = without_own_edge(
            own, out[:, 1], back[:, 0], (out[:, 0], back[:, 1]), (first, second), alpha
        )
        again = without_own_edge(
            own, back[:, 0], out[:, 1], (back[:, 1], out[:, 0]), (second, first), alpha
        )
        return (there + again) / 2


class _Asked:
    """Pairs, whether they are edges (0 or 1), and what more than one kind needs of them."""

    def __init__(self, rows: IntArray, targets: IntArray, own: npt.NDArray[np.bool_]) -> None:
        self.rows, self.targets, self.own = rows, targets, own.astype(np.int64)
        self._kept: dict[str, FloatArray] = {}

    def once(self, name: str, make: Callable[[], FloatArray]) -> FloatArray:
        """What ``make`` gives, made the first time that it is asked for."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]


class Smoothed:
    """Features summed over each node and its neighbours, w by 1 / sqrt(deg(w) + 1) as in a GCN.

    Args:
        graph: Undirected.
        x: ``[N, F]`` features, dense or sparse CSR.
    """

    def __init__(self, graph: Graph, x: Tensor) -> None:
        self.x = heuristics.unit_rows(x)
        size = graph.num_nodes
        src, dst = graph.edge_index.numpy()
        self.weight = 1.0 / np.sqrt(graph.degree().numpy() + 1.0)
        ones = sparse.csr_array((np.ones(len(src)), (src, dst)), shape=(size, size))
        near = (ones + sparse.eye_array(size, format="csr")) @ sparse.diags_array(self.weight)
        self.sums = near @ self.x
        every = np.arange(size)
        self.norm = _dots(self.sums, self.sums, every, every)
        self.to_own = _dots(self.sums, self.x, every, every)
        self.own_norm = _dots(self.x, self.x, every, every)

    def cosines(self, rows: IntArray, targets: IntArray, own: npt.NDArray[np.bool_]) -> FloatArray:
        """Cosines ``[B]`` of sums, where ``own`` as if the pair were no edge."""
        inner = _dots(self.sums, self.sums, rows, targets)
        norms = np.stack([self.norm[rows], self.norm[targets]])
        u, v = rows[own], targets[own]
        of_u, of_v = self.weight[u], self.weight[v]
        both = _dots(self.x, self.x, u, v)
        inner[own] += of_u * (of_v * both - self.to_own[u]) - of_v * self.to_own[v]
        norms[0, own] += of_v * (of_v * self.own_norm[v] - 2 * _dots(self.sums, self.x, u, v))
        norms[1, own] += of_u * (of_u * self.own_norm[u] - 2 * _dots(self.sums, self.x, v, u))
        length = np.sqrt(np.maximum(norms[0], 0.0) * np.maximum(norms[1], 0.0))
        found: FloatArray = np.zeros(len(rows))
        np.divide(inner, length, out=found, where=length > 1e-12)
        return found


def _dots(left: Any, right: Any, rows: IntArray, targets: IntArray) -> FloatArray:
    """Inner products ``[B]`` of rows of one matrix and rows of another."""
    out = np.empty(len(rows))
    for start in range(0, len(rows), heuristics.CHUNK):
        some = slice(start, start + heuristics.CHUNK)
        out[some] = (left[rows[some]] * right[targets[some]]).sum(axis=1)
    return out
