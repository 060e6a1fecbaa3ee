"""HeaRT: the hardest non-edges of a node by several heuristics at once.

Li, Shomer, Mao, Zeng, Ma, Shah, Tang and Yin, "Evaluating graph neural networks for link
prediction", NeurIPS 2023 (datasets and benchmarks). For a node u:

1. Candidates are all nodes but u and those that u has a known edge with.
2. Each heuristic ranks them by its score, in single precision (so that rounding does not separate
   equal scores): resource allocation (or common neighbours), PageRank personalised to u (restart
   ``alpha``, by forward push to a tolerance) and, where nodes have features, their cosine to u.
   Equal scores share the mean of their ranks, but scores of 0 all take the last rank.
3. The best of a candidate's ranks counts (or their mean). Equals come in a pseudo-random order
   that depends on ``seed``, u and the candidate only, so that no range of ids is favoured.

All heuristics are those of the training graph, taken as undirected. Their floats are added in a
fixed order (common neighbours and features ascending, pushes first in, first out), so that lists
are the same on any processor and number of threads. The loops, ranks and ties included, are in
:mod:`gneg.kernels.heart`.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from torch import Tensor

from gneg import checks, kernels
from gneg.graph import Graph, KnownEdges, heuristics
from gneg.graph.cosines import Cosines

Merge = Literal["best", "mean"]
Local = Literal["ra", "cn"]

# Entries of the cosine matrix of one batch of nodes.
CHUNK = 2**24
ALPHA = 0.15
PARTS = 5  # strata of a stratified set


class Order:
    """The order of a node's candidates by hardness.

    Args:
        graph: The training graph, homogeneous.
        known: Edges (anchor, candidate) that are no candidates.
        x: ``[N, F]`` features, or None.
        local: ``ra`` (resource allocation) or ``cn`` (common neighbours).
        merge: Whether the ``best`` or the ``mean`` of a candidate's ranks counts.
        alpha: Restart probability of PageRank, in [0.0001, 1].
        tolerance: Tolerance of PageRank, > 0; that of
            :func:`gneg.graph.heuristics.default_tolerance` if None.
        seed: Seed for the order among equals.

    Raises:
        ValueError: If the graph is bipartite or an argument is out of range.
    """

    def __init__(
        self,
        graph: Graph,
        known: KnownEdges,
        *,
        x: Tensor | None = None,
        local: Local = "ra",
        merge: Merge = "best",
        alpha: float = ALPHA,
        tolerance: float | None = None,
        seed: int = 0,
    ) -> None:
        if graph.bipartite:
            checks.fail("graph", "homogeneous", graph)
        checks.choice("local", local, ("ra", "cn"))
        checks.choice("merge", merge, ("best", "mean"))
        self.graph, self.known, self.merge, self.seed = graph.to_undirected(), known, merge, seed
        self.alpha = checks.number("alpha", alpha, heuristics.LEAST_ALPHA, 1)
        if tolerance is None:
            size = self.graph.num_nodes, self.graph.num_edges
            tolerance = heuristics.default_tolerance(*size)
        self.tolerance = checks.number("tolerance", tolerance, 0, open_low=True)
        self.weight = heuristics.neighbor_weight(local, self.graph.degree().numpy())
        self.cosines = None if x is None else Cosines(x)

    def hardest(
        self, nodes: npt.NDArray[np.int64], count: int
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Return the ``count`` hardest candidates of each node, hardest first, ``[B, count]``.

        -1 where a node has fewer. The second array tells which of them have a score of 0 by every
        heuristic, so that their order is random.
        """
        return self._run(nodes, count, np.empty(0, np.int64))

    def stratified(
        self, nodes: npt.NDArray[np.int64], count: int
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Return ``count`` random candidates of each fifth of the order, ``[B, 5 * count]``.

        Hardest fifth first; where a fifth has fewer, the next follows, and the row ends with -1.
        """
        return self._run(nodes, PARTS * count, np.full(PARTS, count, np.int64))

    def _run(
        self, nodes: npt.NDArray[np.int64], width: int, shares: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        out = np.full((len(nodes), width), -1, np.int32)
        unseen = np.zeros(out.shape, bool)
        size = self.graph.num_nodes
        steps, known = self.graph.steps(), self.known

        def order(*args: Any) -> None:
            kernels.heart.order(
                *args,
                kernels.threads.zeros(4 * size),
                kernels.threads.integers(size),
                *kernels.threads.scratch(size),
            )

        batch = len(nodes) if self.cosines is None else max(1, CHUNK // max(size, 1))
        for start in range(0, len(nodes), max(batch, 1)):
            rows = slice(start, start + batch)
            kernels.threads.run_rows(
                order,
                len(nodes[rows]),
                len(nodes[rows]) * kernels.threads.MIN_WORK,  # a row is worth a thread
                out[rows],
                unseen[rows],
                nodes[rows],
                *steps[:2],
                known.indptr,
                known.indices,
                self.weight,
                self._cosine(nodes[rows]),
                self.alpha,
                self.tolerance,
                self.merge == "best",
                shares,
                self.seed,
            )
        return out, unseen

    def _cosine(self, nodes: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the cosines ``[B, N]`` of nodes to all nodes; ``[B, 0]`` without features."""
        if self.cosines is None:
            return np.empty((len(nodes), 0), np.float32)
        return self.cosines.to_all(nodes)
