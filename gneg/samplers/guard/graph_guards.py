"""Guards that read the graph: heuristics, degree, community, time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks
from gneg.graph import Graph, heuristics
from gneg.graph.cosines import Cosines
from gneg.samplers.base import FloatArray, IntArray
from gneg.samplers.guard.guards import BoolArray, Guard
from gneg.samplers.pool import Pool

EDGES = 20_000  # most edges that a percentile is taken over


class HeuristicPercentile(Guard):
    """Drops pairs that a heuristic rates like an edge: probably a missing link.

    The threshold is a percentile of the heuristic over the graph's edges (up to 20,000 of them,
    chosen evenly): with ``percentile=90`` a non-edge is dropped that is rated higher than nine of
    ten edges. CN, AA and RA of an edge do not count the edge itself; its PPR does.

    Args:
        kind: ``"cn"``, ``"aa"``, ``"ra"``, ``"ppr"`` (restart .15) or ``"cosine"`` of features.
        percentile: Percentile of the edges' heuristic that is the threshold, in [0, 100].
        x: ``[N, F]`` features for ``"cosine"``.

    Raises:
        ValueError: If an argument is out of range, or ``"cosine"`` is without features.
    """

    name = "percentile"

    def __init__(
        self,
        kind: Literal["cn", "aa", "ra", "ppr", "cosine"] = "ra",
        percentile: float = 95.0,
        *,
        x: Tensor | None = None,
    ) -> None:
        self.kind = checks.choice("kind", kind, ("cn", "aa", "ra", "ppr", "cosine"))
        self.percentile = checks.number("percentile", percentile, 0, 100)
        self._cosines: Cosines | None = None
        if kind == "cosine":
            if x is None:
                checks.fail("x", "features of shape [N, F] for kind='cosine'", None)
            self._cosines = Cosines(x)
        self._threshold: dict[str, tuple[Graph, float]] = {}

    def drops(self, pool: Pool) -> BoolArray:
        """Return the pairs that are rated above the threshold."""
        graph, side = pool.query.graph, pool.query.side
        if side not in self._threshold or self._threshold[side][0] is not graph:
            step = max(1, graph.num_edges // EDGES)
            src, dst = (end[::step].numpy() for end in graph.edge_index)
            of_edges = self._rated(graph, src, dst[:, None])[:, 0]
            limit = float(np.percentile(of_edges, self.percentile)) if len(of_edges) else np.inf
            self._threshold[side] = graph, limit
        return self._rated(graph, pool.query.rows, pool.index) > self._threshold[side][1]

    def _rated(self, graph: Graph, rows: IntArray, index: IntArray) -> FloatArray:
        if self._cosines is not None:
            if graph.bipartite or self._cosines.shape[0] != graph.num_nodes:
                checks.fail("x", f"features of the nodes of {graph}", list(self._cosines.shape))
            queries, targets = np.repeat(rows, index.shape[1]), np.maximum(index, 0).ravel()
            return heuristics.rounded(self._cosines.pairs(queries, targets)).reshape(index.shape)
        return heuristics.scores(graph, self.kind, rows, index, epsilon=1e-4)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_threshold": {}}


class DegreeCap(Guard):
    """Drops targets with more than ``most`` edges: hubs are linked to almost anything.

    Args:
        most: Highest degree to keep, >= 0.
    """

    name = "degree_cap"

    def __init__(self, most: int) -> None:
        self.most = checks.integer("most", most, 0)

    def drops(self, pool: Pool) -> BoolArray:
        """Return the hubs."""
        degree = pool.query.graph.reversed().degree().numpy()
        hubs: BoolArray = degree[np.maximum(pool.index, 0)] > self.most
        return hubs


class Community(Guard):
    """Keeps targets of the query's own community only, or never.

    Args:
        keep: ``"own"`` (hard: the same topic, not linked) or ``"other"`` (safe).
        labels: ``[N]`` integer community of each node (a pair, sources and targets, in a
            bipartite graph). None: Louvain communities of the graph (Blondel et al. 2008, by
            networkx, seed 0), which takes minutes on graphs of millions of edges.

    Raises:
        ValueError: If ``keep`` is unknown or labels do not fit the graph.
    """

    name = "community"

    def __init__(
        self,
        keep: Literal["own", "other"] = "own",
        labels: Tensor | tuple[Tensor, Tensor] | None = None,
    ) -> None:
        self.keep = checks.choice("keep", keep, ("own", "other"))
        self._labels = labels if labels is None or isinstance(labels, tuple) else (labels, labels)

    def drops(self, pool: Pool) -> BoolArray:
        """Return the targets outside (or inside) the query's community."""
        query = pool.query
        if self._labels is None:
            communities = louvain(query.graph)
            self._labels = communities, communities
        of_queries, of_targets = _by_end("labels", self._labels, pool)
        outside: BoolArray = (
            of_queries[query.rows][:, None] != of_targets[np.maximum(pool.index, 0)]
        )
        return outside if self.keep == "own" else ~outside


class NodeTime(Guard):
    """Drops targets that did not exist yet at the time of the positive.

    Strict: a row is left short rather than given such a target, after a search of all non-edges.

    Args:
        node_time: ``[N]``, when each node came to be (a pair, sources and targets, in a bipartite
            graph).
        edge_time: When each positive came to be: ``[B]``, in the order of the positives that
            ``sample`` is called with, or a function of positives ``(src [B], dst [B])`` that
            returns it. None: the later of the two ends, the earliest that the edge can be.
        direction: ``"backward"``: edges point to what is older or as old, like citations, so pairs
            whose source is older than their target are dropped too. ``"any"``: they need not.

    Raises:
        ValueError: If times do not fit the graph or ``direction`` is unknown.
    """

    name = "node_time"
    of_positives = True
    strict = True

    def __init__(
        self,
        node_time: Tensor | tuple[Tensor, Tensor],
        edge_time: Tensor | Callable[[Tensor, Tensor], Tensor] | None = None,
        direction: Literal["any", "backward"] = "any",
    ) -> None:
        self.direction = checks.choice("direction", direction, ("any", "backward"))
        self._times = node_time if isinstance(node_time, tuple) else (node_time, node_time)
        self._edge_time = edge_time

    def drops(self, pool: Pool) -> BoolArray:
        """Return the targets that are younger than the positive, or cannot have this edge."""
        query = pool.query
        of_queries, of_targets = _by_end("node_time", self._times, pool)
        query_time = of_queries[query.rows]
        if self._edge_time is None:
            now = np.maximum(query_time, of_targets[query.targets])
        elif isinstance(self._edge_time, Tensor):
            if self._edge_time.shape != query.batch.shape:
                allowed = f"of shape {list(query.batch.shape)}, as many as positives"
                checks.fail("edge_time", allowed, list(self._edge_time.shape))
            now = self._edge_time.cpu().numpy()[query.position]
        else:
            pair = [torch.from_numpy(ids) for ids in (query.rows, query.targets)]
            src, dst = pair if query.side == "dst" else pair[::-1]
            now = self._edge_time(src, dst).cpu().numpy()
        time = of_targets[np.maximum(pool.index, 0)]
        dropped: BoolArray = time > now[:, None]
        if self.direction == "backward":
            limit = query_time[:, None]
            dropped |= (time > limit) if query.side == "dst" else (time < limit)
        return dropped


def _by_end(
    name: str, values: tuple[Tensor, Tensor], pool: Pool
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return values of sources and targets as those of queries and of candidates."""
    query = pool.query
    ends = values if query.side == "dst" else values[::-1]
    for end, size in zip(ends, (query.graph.num_src, query.graph.num_dst), strict=True):
        values_of_end = checks.real_tensor(name, end, f"a tensor of shape [{size}]")
        if values_of_end.shape != (size,):
            checks.fail(name, f"of shape [{size}]", list(values_of_end.shape))
    of_queries, of_targets = (end.detach().cpu().numpy() for end in ends)
    return of_queries, of_targets


def louvain(graph: Graph) -> Tensor:
    """Return the community ``[N]`` of each node, by networkx with seed 0.

    Raises:
        ValueError: If the graph is bipartite.
    """
    if graph.bipartite:
        checks.fail("labels", "given for a bipartite graph", None)
    import networkx as nx

    whole = nx.Graph()
    whole.add_nodes_from(range(graph.num_nodes))
    whole.add_edges_from(graph.edge_index.t().tolist())
    labels = torch.empty(graph.num_nodes, dtype=torch.long)
    for i, members in enumerate(nx.community.louvain_communities(whole, seed=0)):
        labels[list(members)] = i
    return labels
