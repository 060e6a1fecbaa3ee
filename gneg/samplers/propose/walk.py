"""Structure-aware negatives: random walks whose end points follow RA, CN, AA or PPR."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from gneg import checks, kernels
from gneg.graph import Graph, KnownEdges
from gneg.graph.csr import Steps
from gneg.graph.heuristics import LEAST_ALPHA
from gneg.graph.pagerank import TABLE, Ends, Hops, PageRank
from gneg.graph.placement import steps_on_device
from gneg.samplers.base import Corrupt, FloatArray, IntArray, Query, Sampler
from gneg.samplers.device import long_walks, tries, walk_ends
from gneg.samplers.device.query import DeviceQuery
from gneg.samplers.device.shares import Shares
from gneg.samplers.negatives import Side
from gneg.samplers.propose.two_steps import TwoSteps, WalksThere, edge_table, two_steps

Kind = Literal["ra", "cn", "aa", "ppr"]

PPR_TRIES = 256  # tries of a longer walk, before what is left of a row is drawn uniformly
MOST_HOPS = 1000  # where a walk ends does not depend on its query long before


class Walk(Sampler):
    """Draws the end points of random walks from the query that are non-edges; O(1) a draw.

    A two-step walk u -> w -> v that chooses w with a weight g(w) and v uniformly ends at v with
    probability ~ sum over common neighbours w of g(w) / deg(w). So ``kind`` says what the draws
    are proportional to: ``"ra"`` resource allocation (g = 1), ``"cn"`` the number of common
    neighbours (g = deg), ``"aa"`` Adamic-Adar (g = deg / log deg); ``"ppr"`` is a walk with
    restart, which ends in proportion to personalised PageRank.

    Both steps follow the weights of a weighted graph: then ``"cn"`` stands for the sum over w of
    ``W[u, w] * W[w, v]``, ``"aa"`` for the same over log deg(w), ``"ra"`` for the walk itself.

    Drawn by rejection of edges; a two-step row that keeps rejecting is listed instead, so the
    draws follow the conditional distribution exactly. A query from which the walk reaches no
    non-edge is drawn uniformly (``Negatives.counts["filled"]``). ``log_q`` is exact for two steps,
    and for more of them but for rows of which less than about a hundredth of the walks end on a
    non-edge, which are partly drawn uniformly; the latter costs more than the draw. For ``"ppr"``
    it is that of :class:`gneg.graph.pagerank.PageRank` (exact for up to 8,192 nodes, but for such
    rows), and None if the graph is larger and has weights.

    Args:
        graph: The graph whose structure guides the proposals.
        kind: What the draws are proportional to.
        hops: Length of the walk for ``"ra"``, at most 1000; 2, in a bipartite graph 3, if None. An
            odd number in a bipartite graph. Two only for ``"cn"`` and ``"aa"``, unused for
            ``"ppr"``.
        alpha: Restart probability of ``"ppr"``, in (0, 1), at least 0.0001.
        known: The edges that are never returned; those of ``graph`` if None.
        corrupt: The end to replace: ``"dst"``, ``"src"`` or ``"both"`` (a fair coin per row).
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If an argument is out of range or does not fit the graph.
    """

    name = "walk"
    proposes = "non-edges"

    def __init__(
        self,
        graph: Graph,
        kind: Kind = "ra",
        *,
        hops: int | None = None,
        alpha: float = 0.15,
        known: KnownEdges | None = None,
        corrupt: Corrupt = "dst",
        unique: bool = False,
    ) -> None:
        super().__init__(graph, known=known, corrupt=corrupt, unique=unique)
        self.kind: Kind = checks.choice("kind", kind, get_args(Kind))
        default = 3 if graph.bipartite else 2
        self.hops = default if hops is None else checks.integer("hops", hops, 2)
        if self.hops > MOST_HOPS:
            checks.fail("hops", f"at most {MOST_HOPS}", self.hops)
        self.alpha = checks.number("alpha", alpha, 0, 1, open_low=True)
        if not LEAST_ALPHA <= self.alpha < 1:
            checks.fail("alpha", f"a number in (0, 1), at least {LEAST_ALPHA:g}", alpha)
        if graph.bipartite and kind in ("cn", "aa"):
            checks.fail(
                "kind",
                "'ra' or 'ppr' for a bipartite graph, which has no common "
                "neighbours of a source and a target",
                repr(kind),
            )
        if graph.bipartite and self.hops % 2 == 0:
            checks.fail("hops", "odd in a bipartite graph: an even walk ends on its own side", hops)
        if kind in ("cn", "aa") and self.hops != 2:
            checks.fail("hops", f"2 for kind='{kind}'", hops)
        self.density = "cheap" if self._two else "costly"

    @property
    def _two(self) -> bool:
        return self.kind != "ppr" and self.hops == 2

    def _steps(self, side: Side) -> Steps:
        return self.view(side).steps()

    def _two_steps(self, side: Side) -> TwoSteps:
        assert self.kind != "ppr"
        kind = self.kind
        return self.cached(("walks", side), lambda: two_steps(self._steps(side), kind))  # type: ignore[no-any-return]

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Walk from each query until the end is a non-edge."""
        return self.avoiding(query, query.known, query.rows, k, seed)

    def avoiding(
        self, query: Query, known: KnownEdges, rows: IntArray, k: int, seed: int
    ) -> IntArray:
        """Walk from each query until the end is neither the query nor a known edge of a row.

        Args:
            query: The query of each row.
            known: Known edges, perhaps of other sources than the graph's.
            rows: ``[B]``, which of them each row avoids.
            k: Number of ends of each row, K.
            seed: Seed of the walks.

        Returns:
            ``[B, k]``, with -1 at the end of a row of too few.
        """
        index, steps = query.blank(k), self._steps(query.side)
        if self._two:
            self._two_steps(query.side).draw(query, index, seed, known, rows)
            return index
        query.run(
            kernels.threads.with_bits(kernels.long_walks.steps, known.num_dst),
            index,
            steps.indptr,
            steps.indices,
            *self.cached(("edges", query.side), lambda: edge_table(steps)),
            steps.target_shift,
            known.num_dst,
            rows,
            *known.arrays,
            self._lengths(query.known),
            query.known.no_self,
            seed,
            PPR_TRIES,
        )
        return index

    def _lengths(self, known: KnownEdges) -> FloatArray:
        """Return the share of walks of at most 0, 1, 2, ... steps, 1 at its end.

        Walks with restart are cut off where one goes on with a probability below 1e-9.
        """
        if self.kind != "ppr":
            return np.array([0.0] * self.hops + [1.0])
        limit = int(np.ceil(-21.0 / np.log1p(-self.alpha)))
        longer = (1.0 - self.alpha) ** np.arange(1, limit + 2)
        if known.no_self or known.bipartite:  # a walk of no step would end on no target
            longer = np.concatenate([[1.0], longer[:-1]])
        return np.append(1.0 - longer[:-1], 1.0)

    def log_density(self, query: Query, index: IntArray) -> FloatArray | None:
        """Return the log density of the ends of walks, conditioned on non-edges."""
        if self._two:
            weight = self._two_steps(query.side).weigh(query, index)
            of = self._two_steps(query.side).allowed
            allowed = self._allowed(query, lambda rows: of(rows, query.known))[:, None]
        else:
            ends = self.cached(("ends", query.side), lambda: self._ends(query.side))
            if ends is None:
                return None
            weight, free = ends.among(query.rows, np.maximum(index, 0), query.known)
            allowed = free[:, None]
        share = np.divide(weight, allowed, out=np.zeros_like(weight), where=allowed > 0)
        return np.where(allowed > 0, kernels.logs.logs(share), query.log_uniform)

    def _ends(self, side: Side) -> Ends | None:
        steps = self._steps(side)
        if self.kind != "ppr":
            return Hops(steps, self.hops)
        if steps.weights is not None and len(steps.indptr) - 1 > TABLE:
            return None
        return PageRank(steps, alpha=self.alpha)

    def _allowed(self, query: Query, of: Callable[[Any], Any]) -> Any:
        """Return the unnormalised probability that a walk from each row ends on a non-edge.

        Args:
            query: The rows.
            of: Returns the same of rows, none twice; it is asked once for each row.
        """
        known, side = query.known, query.side
        blank = lambda: (known, query.array(np.full(known.num_src, np.nan)))  # noqa: E731
        owner, mass = self.cached(("mass", side), blank)
        if owner is not known:
            self._cache.pop(("mass", side), None)  # another thread may have been here
            return self._allowed(query, of)
        rows: Any = query.rows
        new = rows[query.xp.isnan(mass[rows])]
        if len(new):
            new = query.xp.unique(new)
            mass[new] = of(new)
        return mass[rows]

    def _there(self, side: Side) -> WalksThere:
        """Return the two-step walks on the device."""

        def build() -> WalksThere:
            return self._two_steps(side).on_device(*steps_on_device(self.view(side)))

        return self.cached(("there", side), build)  # type: ignore[no-any-return]

    def propose_on_device(self, query: DeviceQuery, k: int, seed: int) -> Tensor:
        """Walk from each query until the end is a non-edge."""
        if self._two:
            return tries.drawn(self._there(query.side), query.non_edges, query.ids, k, seed)
        walked = self.cached(("long", query.side, query.known.no_self), lambda: self._long(query))
        return long_walks.draws(walked, query.non_edges, query.ids, k, seed, PPR_TRIES)

    def _long(self, query: DeviceQuery) -> long_walks.LongWalks:
        """Return the longer walks on the device."""
        steps, (edges, _) = self._steps(query.side), steps_on_device(self.view(query.side))
        accept, alias, upto = edges.tensors(*edge_table(steps), self._lengths(query.known))
        sizes = edges.indptr.diff(append=edges.indptr[-1:])
        # A walk from a node without edges is one of no step, or ends nowhere.
        dead_ends = bool(upto[0] > 0) or bool((edges.sizes(edges.indices.long()) == 0).any())
        lengths, shift = Shares(upto), steps.target_shift
        return long_walks.LongWalks(edges, sizes, accept, alias, dead_ends, lengths, shift)

    def log_density_on_device(self, query: DeviceQuery, index: Tensor) -> Tensor | None:
        """Return the log density of the ends of walks, conditioned on non-edges."""
        if self._two:
            walks = self._there(query.side)
            weight = walks.weigh(query.ids, index)
            free = self._allowed(query, lambda rows: walks.allowed(query.non_edges, rows))
        else:
            ends = self.cached(("ends there", query.side), lambda: self._ends_there(query.side))
            if ends is None:
                return None
            if isinstance(ends, Ends):  # pushed by kernels, whatever the device
                arrays = query.ids.cpu().numpy(), index.clamp(min=0).cpu().numpy()
                weight, free = map(query.array, ends.among(*arrays, query.known))
            else:
                weight, free = ends.among(query.non_edges, query.ids, index.clamp(min=0))
        share = weight / free[:, None]
        return torch.where(free[:, None] > 0, share.log(), query.log_uniform)

    def _ends_there(self, side: Side) -> walk_ends.StepEnds | walk_ends.TableEnds | Ends | None:
        """Return the ends of longer walks on the device; on the CPU where no table holds them."""
        steps, (edges, _) = self._steps(side), steps_on_device(self.view(side))
        if self.kind != "ppr":
            (weights,) = edges.tensors(np.empty(0) if steps.weights is None else steps.weights)
            return walk_ends.StepEnds(edges, weights, self.hops, steps.target_shift)
        ends = self._ends(side)
        if not isinstance(ends, PageRank) or ends.table is None:
            return ends
        return walk_ends.TableEnds(edges.tensors(ends.table)[0], steps.target_shift)
