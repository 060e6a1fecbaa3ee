"""Heuristics of node pairs, standardised as the inputs of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from gneg import checks
from gneg.graph import Graph, KnownEdges, heuristics
from gneg.graph.pagerank import TABLE, unweighted_pagerank, without_own_edge
from gneg.kernels._jit import working_seconds
from gneg.nn.choices import PAIR_KINDS
from gneg.nn.smoothed import SmoothedFeatures
from gneg.rng import generator_from

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

WIDTHS = {"shell": 2, "degree": 2}  # columns of a kind, where there is more than one
HOPS = {"cosine": 0, "smooth": 1, "smooth2": 2}  # steps that features are summed over
#: Entries of features up to which ``"smooth2"`` is among the default kinds: its sums are dense.
MAX_SMOOTH2 = 20_000_000
SAMPLE = 10_000  # training edges, and as many random pairs, that inputs are standardised on
KATZ_BETA = 0.005  # weight of a step in Katz's index
KATZ_OFFSET = 1e-3  # added to Katz's index, in common neighbours, before the logarithm
#: Of graphs, by kinds and seed: the features, mean and scale of their pair features.
_moments: WeakKeyDictionary[Graph, dict[Any, tuple[Tensor | None, Tensor, Tensor]]] = (
    WeakKeyDictionary()
)


class PairInputs(nn.Module):
    """Heuristics of pairs, each without the pair's own edge, standardised.

    Each pair's heuristics are those of the graph without that pair, because in training they
    would otherwise reveal the label. Counts enter as ``log(1 + count)``, PageRank as
    ``log(1 + N * score)``. Mean and standard deviation are those of a sample of training edges and
    random pairs.

    Args:
        graph: The training graph, homogeneous; a directed one is taken as undirected.
        kinds: Heuristics, from :data:`~gneg.nn.choices.PAIR_KINDS`; None: all that apply, except
            ``"ppr"`` on graphs that are too large for
            :attr:`gneg.graph.pagerank.PageRank.table` and ``"smooth2"`` with more than
            :data:`MAX_SMOOTH2` entries of ``x``.
        x: ``[N, F]`` features, for ``"cosine"``, ``"smooth"`` and ``"smooth2"``.
        seed: Seed for the sample of pairs that the features are standardised on.

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
            omitted = {"ppr"} if graph.num_nodes > TABLE else set()
            omitted |= set(HOPS) if x is None else set()
            omitted |= {"smooth2"} if x is not None and x.numel() > MAX_SMOOTH2 else set()
            kinds = [kind for kind in PAIR_KINDS if kind not in omitted]
        self.kinds = [checks.choice("kinds", kind, PAIR_KINDS) for kind in kinds]
        if x is None and not HOPS.keys().isdisjoint(self.kinds):
            checks.fail("x", "features [N, F] for 'cosine', 'smooth' and 'smooth2'", None)
        self.graph = graph.to_undirected()
        self._known = KnownEdges(self.graph)
        self._degree = self.graph.degree().numpy()
        self._pagerank = unweighted_pagerank(self.graph) if "ppr" in self.kinds else None
        hops = max((HOPS.get(kind, -1) for kind in self.kinds), default=-1)
        self._smooth = (
            SmoothedFeatures(self.graph, x, hops) if x is not None and hops >= 0 else None
        )
        #: Seconds spent on computing features so far, kernels compiled before.
        self.seconds = 0.0
        self.width = sum(WIDTHS.get(kind, 1) for kind in self.kinds)
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(self.width))
        self.register_buffer("scale", torch.ones(self.width))
        # Models of one graph are made by the dozen: in races, comparisons, over seeds.
        moments, key = _moments.setdefault(self.graph, {}), (*self.kinds, seed)
        if key not in moments or moments[key][0] is not x:
            moments[key] = x, *self._standardise(seed)
        self.mean.copy_(moments[key][1])
        self.scale.copy_(moments[key][2])

    def _standardise(self, seed: int) -> tuple[Tensor, Tensor]:
        """Return mean and scale of a sample of training edges and as many random pairs."""
        edges, generator = self.graph.edge_index, generator_from(seed)
        if not edges.size(1):
            return torch.zeros(self.width), torch.ones(self.width)
        sample = torch.randint(edges.size(1), (min(SAMPLE, edges.size(1)),), generator=generator)
        random = torch.randint(self.graph.num_nodes, (2, len(sample)), generator=generator)
        rows = self.features(torch.cat([edges[:, sample], random], dim=1))
        deviation = rows.std(dim=0)
        return rows.mean(dim=0), torch.where(deviation > 1e-6, deviation, 1.0)

    def forward(self, pairs: Tensor) -> Tensor:
        """Return the standardised features ``[B, width]`` of ``pairs [2, B]``."""
        return (self.features(pairs) - self.mean) / self.scale

    def features(self, pairs: Tensor) -> Tensor:
        """Return the features ``[B, width]`` of ``pairs [2, B]`` as they are, not standardised.

        Columns are in the order of ``kinds``; ``"shell"`` has two columns (distance 2, distance 3)
        and so has ``"degree"`` (the larger degree first).
        """
        start = working_seconds()
        src, dst = pairs.detach().cpu().long().contiguous()
        batch = _PairBatch(src.numpy(), dst.numpy(), self._known.contains(src, dst).numpy())
        columns: list[FloatArray] = []
        for kind in self.kinds:
            columns += self._columns(kind, batch)
        table = np.stack(columns, axis=1) if columns else np.empty((len(src), 0))
        features = torch.from_numpy(table.astype(np.float32)).to(pairs.device)
        self.seconds += max(0.0, working_seconds() - start)
        return features

    def _columns(self, kind: str, batch: _PairBatch) -> list[FloatArray]:
        """Return the columns ``[B]`` of one kind."""
        degree = np.stack([self._degree[batch.rows], self._degree[batch.targets]])
        if kind == "degree":
            return list(np.log1p(np.sort(degree - batch.is_edge, axis=0)[::-1]))
        if kind == "ppr":
            return [np.log1p(self.graph.num_nodes * self._pagerank_scores(batch, degree))]
        if kind in ("katz", "shell"):
            two, three = self._walks(batch, degree)
            if kind == "katz":
                return [np.log(KATZ_OFFSET + two + KATZ_BETA * three)]
            return [(two > 0).astype(np.float64), ((two == 0) & (three > 0.5)).astype(np.float64)]
        if kind in HOPS:
            assert self._smooth is not None
            ends = batch.rows, batch.targets, batch.is_edge > 0
            return [self._smooth.cosines(*ends, hops=HOPS[kind])]
        # Common neighbours are the same with and without the pair's own edge.
        return [np.log1p(self._scores(kind, batch))]

    def _scores(self, kind: str, batch: _PairBatch, **options: Any) -> FloatArray:
        """Return a heuristic of each pair, ``[B]``, on the whole graph; computed once a batch."""
        if kind not in batch.scores:
            rows, targets = batch.rows, batch.targets[:, None]
            scores = heuristics.scores(self.graph, kind, rows, targets, **options)  # type: ignore[arg-type]
            batch.scores[kind] = scores[:, 0]
        return batch.scores[kind]

    def _walks(self, batch: _PairBatch, degree: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the numbers of walks of two and of three steps without the pair's own edge."""
        two = self._scores("cn", batch)
        walks = self._scores("katz", batch, beta=1.0, length=3)
        # Walks of three steps along an edge u-v are u v x v and u x u v; u v u v is both.
        return two, walks - batch.is_edge - two - batch.is_edge * (degree.sum(axis=0) - 1)

    def _pagerank_scores(self, batch: _PairBatch, degree: IntArray) -> FloatArray:
        """Return the mean of the PageRank of each end personalised to the other, ``[B]``."""
        assert self._pagerank is not None
        ends = np.stack([batch.rows, batch.targets], axis=1)
        from_u, from_v = (self._pagerank.scores(end, ends) for end in (batch.rows, batch.targets))
        degree_u, degree_v = degree.astype(np.float64)
        is_edge, alpha = batch.is_edge > 0, self._pagerank.alpha
        u_u, u_v, v_u, v_v = from_u[:, 0], from_u[:, 1], from_v[:, 0], from_v[:, 1]
        forward = without_own_edge(is_edge, u_v, v_u, (u_u, v_v), (degree_u, degree_v), alpha)
        back = without_own_edge(is_edge, v_u, u_v, (v_v, u_u), (degree_v, degree_u), alpha)
        return (forward + back) / 2


class _PairBatch:
    """Pairs, whether they are edges (0 or 1), and heuristics that more than one kind needs."""

    def __init__(self, rows: IntArray, targets: IntArray, is_edge: npt.NDArray[np.bool_]) -> None:
        self.rows, self.targets, self.is_edge = rows, targets, is_edge.astype(np.int64)
        #: Heuristics that were computed already, ``[B]`` each, by kind.
        self.scores: dict[str, FloatArray] = {}
