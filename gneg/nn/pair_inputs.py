"""What heuristics say of a pair, as numbers for a network."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from gneg import checks
from gneg.graph import Graph, KnownEdges, heuristics
from gneg.graph.pagerank import TABLE, PageRank, without_own_edge
from gneg.nn.choices import PAIR_KINDS
from gneg.nn.smoothed import Smoothed
from gneg.rng import generator_from

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

WIDTHS = {"shell": 2, "degree": 2}
HOPS = {"cosine": 0, "smooth": 1, "smooth2": 2}
#: Entries of features up to which sums over two steps are made unasked: they are dense.
FILLED = 20_000_000
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
        kinds: Some of :data:`~gneg.nn.choices.PAIR_KINDS`; if None all that there are inputs for,
            without ``"ppr"`` on graphs that are too large for
            :attr:`gneg.graph.pagerank.PageRank.table` and ``"smooth2"`` on more than
            :data:`FILLED` features.
        x: ``[N, F]`` features, for ``"cosine"``, ``"smooth"`` and ``"smooth2"``.
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
            without |= set(HOPS) if x is None else set()
            without |= {"smooth2"} if x is not None and x.numel() > FILLED else set()
            kinds = [one for one in PAIR_KINDS if one not in without]
        self.kinds = [checks.choice("kinds", one, PAIR_KINDS) for one in kinds]
        if x is None and not HOPS.keys().isdisjoint(self.kinds):
            checks.fail("x", "features [N, F] for 'cosine', 'smooth' and 'smooth2'", None)
        self.graph = graph.to_undirected()
        self._known = KnownEdges(self.graph)
        self._degree = self.graph.degree().numpy()
        steps = self.graph.steps()._replace(weights=None, in_weights=None)
        self._pagerank = PageRank(steps) if "ppr" in self.kinds else None
        hops = max((HOPS.get(kind, -1) for kind in self.kinds), default=-1)
        self._smooth = Smoothed(self.graph, x, hops) if x is not None and hops >= 0 else None
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
        if kind in HOPS:
            assert self._smooth is not None
            ends = asked.rows, asked.targets, asked.own > 0
            return [self._smooth.cosines(*ends, hops=HOPS[kind])]
        # What joins two nodes by a third is the same with and without their own edge.
        found = asked.once(kind, lambda: self._scores(kind, asked))
        return [np.log1p(found)]

    def _scores(self, kind: str, asked: _Asked, **options: Any) -> FloatArray:
        rows, targets = asked.rows, asked.targets[:, None]
        return heuristics.scores(self.graph, kind, rows, targets, **options)[:, 0]  # type: ignore[arg-type]

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
