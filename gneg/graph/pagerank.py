"""Ends of walks: with restart (personalised PageRank), or after a number of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from gneg import checks, kernels
from gneg.graph.csr import Steps
from gneg.graph.heuristics import LEAST_ALPHA, FloatArray, default_tolerance
from gneg.graph.known import KnownEdges
from gneg.graph.lazy import cached_property

if TYPE_CHECKING:
    from gneg.graph.graph import Graph

IntArray = npt.NDArray[np.int64]

#: Up to so many nodes all pairs are solved for at once (float32: 270 MB at the most; about a
#: second for 2,700 nodes, half a minute for 8,000); beyond, rows are pushed when they are needed.
TABLE = 8_192
#: Share of the walks from a node up to which none ends on a non-edge: what is left of subtracting
#: all known ends is rounding, and of so few walks none is ever drawn.
LEAST_FREE = 1e-12


class Ends:
    """The distribution of the ends of walks from a node, pushed along the edges.

    Args:
        steps: The graph that is walked; with weights, steps follow them.
    """

    #: Steps (0: with restart), probability of stopping, and tolerance.
    _law: tuple[int, float, float]

    def __init__(self, steps: Steps) -> None:
        self.steps, self.size = steps, len(steps.indptr) - 1

    def among(
        self, rows: IntArray, targets: IntArray, known: KnownEdges
    ) -> tuple[FloatArray, FloatArray]:
        """Return the shares of walks that end at targets ``[B, M]``, and at any non-edge ``[B]``.

        Args:
            rows: ``[B]`` nodes that walks start from.
            targets: ``[B, M]`` targets in the ids of ``known``.
            known: Known edges, the complement of which are the non-edges.
        """
        return self._pushed(rows, targets + self.steps.target_shift, known)

    def _pushed(
        self, rows: IntArray, targets: IntArray, known: KnownEdges | None
    ) -> tuple[FloatArray, FloatArray]:
        order = np.argsort(rows, kind="stable")  # equal rows share their push
        out = np.empty((len(rows), targets.shape[1] + 1))
        none = np.zeros(self.size + 1, np.int64), np.empty(0, np.int64)
        exclusion = (
            (*none, 0, False) if known is None else (*known.arrays, known.num_dst, known.no_self)
        )
        shift, threads = self.steps.target_shift, kernels.threads

        def push(*args: Any) -> None:
            buffers = threads.zeros(3 * self.size), *threads.scratch(self.size)
            kernels.ppr.among(*args, *buffers)

        work = max(out.size, 64 * len(rows))
        pairs = rows[order], np.ascontiguousarray(targets[order])
        weights = np.empty(0) if self.steps.weights is None else self.steps.weights
        ends = self.steps.indptr, self.steps.indices, weights, *self._law
        threads.run_rows(push, len(rows), work, out, *pairs, *ends, shift, *exclusion)
        back = np.empty_like(out)
        back[order] = out
        return back[:, :-1], _walks(back[:, -1])


class Hops(Ends):
    """Ends of walks of ``hops`` steps, exact; a dead end ends none.

    Args:
        steps: The graph that is walked; with weights, steps follow them.
        hops: Steps, >= 1.

    Raises:
        ValueError: If ``hops`` is out of range.
    """

    def __init__(self, steps: Steps, hops: int) -> None:
        super().__init__(steps)
        self._law = checks.integer("hops", hops, 1), 0.0, 0.0


class PageRank(Ends):
    """Ends of walks that stop with probability ``alpha`` before each step; a dead end ends none.

    Exact (to float32) on graphs of up to :data:`TABLE` nodes; on larger ones by forward push
    (Andersen, Chung and Lang, FOCS 2006), at most ``epsilon * deg(v)`` below it, in a directed
    graph ``epsilon`` times the number of nodes and edges.

    Args:
        steps: The graph that is walked; with weights, steps follow them.
        alpha: Probability of stopping, in [0.0001, 1].
        epsilon: Tolerance of the push, > 0; if None that of
            :func:`gneg.graph.heuristics.default_tolerance`.

    Raises:
        ValueError: If an argument is out of range, or the graph has weights and is too large.
    """

    def __init__(self, steps: Steps, *, alpha: float = 0.15, epsilon: float | None = None) -> None:
        super().__init__(steps)
        self.alpha = checks.number("alpha", alpha, LEAST_ALPHA, 1)
        chosen = default_tolerance(self.size, len(steps.indices)) if epsilon is None else epsilon
        self.epsilon = checks.number("epsilon", chosen, 0, open_low=True)
        self._law = 0, self.alpha, self.epsilon
        if steps.weights is not None and self.size > TABLE:
            checks.fail("steps", f"unweighted beyond {TABLE} nodes", f"{self.size} with weights")

    @cached_property
    def table(self) -> npt.NDArray[np.float32] | None:
        """PageRank ``[N, N]`` personalised to each row; None if the graph is too large for it."""
        if self.size > TABLE:
            return None
        from scipy import linalg, sparse

        indptr, indices, weights = self.steps.indptr, self.steps.indices, self.steps.weights
        values = np.ones(len(indices)) if weights is None else weights
        shape = self.size, self.size
        matrix = sparse.csr_array((values, indices, indptr), shape=shape)
        strength = matrix.sum(axis=1)
        scale = np.divide(1 - self.alpha, strength, out=np.zeros(self.size), where=strength > 0)
        system = np.eye(self.size) - (sparse.diags_array(scale) @ matrix).toarray()
        inverse = self.alpha * linalg.inv(system, overwrite_a=True, check_finite=False)
        table: npt.NDArray[np.float32] = np.maximum(inverse, 0.0).astype(np.float32)
        return table

    def scores(self, rows: IntArray, targets: IntArray) -> FloatArray:
        """Return the PageRank ``[B, M]`` of ``targets [B, M]`` personalised to ``rows [B]``."""
        if self.table is not None:
            return self.table[rows[:, None], targets].astype(np.float64)
        return self._pushed(rows, targets, None)[0]

    def among(
        self, rows: IntArray, targets: IntArray, known: KnownEdges
    ) -> tuple[FloatArray, FloatArray]:
        """Return the shares of walks that end at targets ``[B, M]``, and at any non-edge ``[B]``.

        They are looked up in :attr:`table` if there is one.

        Args:
            rows: ``[B]`` nodes that walks start from.
            targets: ``[B, M]`` targets in the ids of ``known``.
            known: Known edges, the complement of which are the non-edges.
        """
        shifted = targets + self.steps.target_shift
        if self.table is None:
            return self._pushed(rows, shifted, known)
        sources, back = np.unique(rows, return_inverse=True)
        indptr, flat = known.arrays
        count = indptr[sources + 1] - indptr[sources]
        of = np.repeat(np.arange(len(sources)), count)
        start = np.repeat(indptr[sources] - np.cumsum(count) + count, count)
        ends = flat[start + np.arange(len(of))].astype(np.int64) + self.steps.target_shift
        ours = slice(self.steps.target_shift, self.steps.target_shift + known.num_dst)
        free = self.table[sources, ours].sum(axis=1, dtype=np.float64)
        free -= np.bincount(of, self.table[sources[of], ends], len(sources))
        if known.no_self:
            loops = np.bincount(of, ends == sources[of], len(sources)) > 0
            free -= np.where(loops, 0.0, self.table[sources, sources])
        return self.scores(rows, shifted), _walks(free)[back]


def _walks(free: FloatArray) -> FloatArray:
    """Return shares of walks, 0 where they are no walks."""
    return np.where(free > LEAST_FREE, free, 0.0)


def without_own_edge(
    is_edge: npt.NDArray[np.bool_],
    forward: FloatArray,
    back: FloatArray,
    at: tuple[FloatArray, FloatArray],
    degree: tuple[FloatArray, FloatArray],
    alpha: float,
) -> FloatArray:
    """Return the PageRank ``[B]`` of v personalised to u, without the edge u-v.

    Exact: taking out an undirected edge changes two rows of the transition matrix, so that Sherman,
    Morrison and Woodbury's formula needs only what the four pairs of u and v had before.

    Args:
        is_edge: ``[B]``, whether u-v is an edge; where it is not nothing changes.
        forward: ``[B]``, PageRank of v personalised to u.
        back: ``[B]``, PageRank of u personalised to v.
        at: PageRank of u personalised to u, and of v personalised to v, each ``[B]``.
        degree: Degrees of u and of v, the edge included, each ``[B]``.
        alpha: Probability of stopping, in [0.0001, 1].
    """
    inside = np.array([[at[0], forward], [back, at[1]]]) / alpha  # the resolvent [2, 2, B]
    onwards = 1 - alpha
    less = np.array(degree) - 1
    # A step from u to any neighbour, then the resolvent: without v the mean of one neighbour fewer.
    stepped = (inside - np.eye(2)[:, :, None]) / onwards
    change = np.divide(
        stepped - inside[::-1], less[:, None], out=-stepped.copy(), where=less[:, None] > 0
    )
    system = np.eye(2)[:, :, None] - onwards * change
    determinant = system[0, 0] * system[1, 1] - system[0, 1] * system[1, 0]
    safe = np.where(np.abs(determinant) > 1e-12, determinant, 1.0)
    solved = (
        np.array(
            [
                system[1, 1] * change[0, 1] - system[0, 1] * change[1, 1],
                system[0, 0] * change[1, 1] - system[1, 0] * change[0, 1],
            ]
        )
        / safe
    )
    changed = inside[0, 1] + onwards * (inside[0, 0] * solved[0] + inside[0, 1] * solved[1])
    return np.where(is_edge, np.maximum(alpha * changed, 0.0), forward)


_of_graphs: WeakKeyDictionary[Graph, PageRank] = WeakKeyDictionary()


def unweighted_pagerank(graph: Graph) -> PageRank:
    """Return PageRank without weights on a graph; the same object, and table, each time."""
    if graph not in _of_graphs:
        steps = graph.steps()._replace(weights=None, in_weights=None)
        _of_graphs[graph] = PageRank(steps)
    return _of_graphs[graph]
