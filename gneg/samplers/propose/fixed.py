"""Negatives that the user has chosen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, kernels
from gneg.graph import Graph, KnownEdges
from gneg.samplers.base import Corrupt, IntArray, Query, Sampler
from gneg.samplers.negatives import Side

#: Negatives row by row: where each row starts, ``[rows + 1]``, and the replacement nodes.
Pool = tuple[IntArray, IntArray]


class Fixed(Sampler):
    """Serves negatives that were chosen beforehand, padded with -1.

    A row of the pool belongs to a query or, with ``pos``, to a positive. Each call takes K of its
    entries at random without replacement. Known edges among them are dropped, and what a row lacks
    is drawn uniformly (``Negatives.counts["filled"]``). ``log_q`` is None. In an expression,
    ``fixed`` serves the pairs that a dataset has labelled as no edges.

    Args:
        graph: The graph whose structure guides the proposals.
        pool: ``[num_src, P]`` (``[num_dst, P]`` when sources are corrupted) or, with ``pos``,
            ``[E, P]`` integer tensor of replacement nodes, -1 where a row has fewer; for
            ``corrupt="both"`` a pair of them: (targets, sources). Or a graph of the size of
            ``graph`` whose edges are the negatives, for any end.
        pos: ``[2, E]``, the positives the rows belong to; other positives are drawn uniformly.
        known: The edges that are never returned; those of ``graph`` if None.
        corrupt: The end to replace: ``"dst"``, ``"src"`` or ``"both"`` (a fair coin per row).
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If a pool has the wrong number of rows or ids out of range.
    """

    name = "fixed"
    of_positives = True
    proposes = "non-edges"

    def __init__(
        self,
        graph: Graph,
        pool: Tensor | tuple[Tensor, Tensor] | Graph,
        *,
        pos: Tensor | None = None,
        known: KnownEdges | None = None,
        corrupt: Corrupt = "dst",
        unique: bool = False,
    ) -> None:
        super().__init__(graph, known=known, corrupt=corrupt, unique=unique)
        self.pos = None if pos is None else checks.pairs("pos", pos).detach().cpu().long()
        self.pools = self._of_graph(pool) if isinstance(pool, Graph) else self._of_tensors(pool)

    def _of_graph(self, pool: Graph) -> dict[Side, Pool]:
        size = self.graph.num_src, self.graph.num_dst
        if (pool.num_src, pool.num_dst) != size:
            allowed = f"a graph of {size[0]:,} sources and {size[1]:,} targets"
            checks.fail("pool", allowed, f"{pool.num_src:,} and {pool.num_dst:,}")
        if self.pos is not None:
            checks.fail("pos", "None with a pool that is a graph", list(self.pos.shape))
        rows = {"dst": pool, "src": pool.reversed()}
        return {side: (g.indptr, g.indices.astype(np.int64)) for side, g in rows.items()}  # type: ignore[misc]

    def _of_tensors(self, pool: Tensor | tuple[Tensor, Tensor]) -> dict[Side, Pool]:
        if (self.corrupt == "both") != isinstance(pool, tuple):
            checks.fail("pool", "a pair of tensors for corrupt='both', else one tensor", type(pool))
        pools = pool if isinstance(pool, tuple) else (pool,)
        sides: tuple[Side, ...] = ("dst", "src") if self.corrupt == "both" else (self.corrupt,)
        return {side: self._checked(side, rows) for side, rows in zip(sides, pools, strict=True)}

    def _checked(self, side: Side, pool: Tensor) -> Pool:
        checks.index_tensor("pool", pool, "[num_rows, P]")
        view = self.view(side)
        rows = view.num_src if self.pos is None else self.pos.size(1)
        if pool.dim() != 2 or pool.size(0) != rows:
            owner = "node" if self.pos is None else "positive"
            checks.fail("pool", f"of shape [{rows}, P], one row a {owner}", list(pool.shape))
        checks.node_range("pool", pool.clamp(min=0), view.num_dst)
        table = pool.detach().cpu().long().numpy()
        present = table >= 0
        return np.concatenate([[0], np.cumsum(present.sum(axis=1))]), table[present]

    def _row_of(self, query: Query) -> npt.NDArray[np.int64]:
        """Return the row of the pool for each row of the query; -1 where there is none."""
        if self.pos is None:
            return query.rows
        width = self.graph.num_dst

        def keys(src: npt.NDArray[np.int64], dst: npt.NDArray[np.int64]) -> IntArray:
            return src * width + dst

        stored = self.cached("keys", lambda: keys(*self.pos.numpy()))  # type: ignore[union-attr]
        order = self.cached("order", lambda: np.argsort(stored, kind="stable"))
        ends = (query.rows, query.targets) if query.side == "dst" else (query.targets, query.rows)
        wanted = keys(*ends)
        if not len(order):
            return np.full(len(wanted), -1)
        place = np.searchsorted(stored[order], wanted)
        row = order[np.minimum(place, len(order) - 1)]
        return np.where(stored[row] == wanted, row, -1)

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Return K random entries of each row's pool that are non-edges."""
        starts, pool = self.pools[query.side]
        index = query.blank(k)
        query.run(
            kernels.pools.subsets,
            index,
            starts,
            pool,
            self._row_of(query),
            *query.known.arrays,
            query.known.no_self,
            query.unique,
            seed,
        )
        return index

    def __repr__(self) -> str:
        sizes = {side: len(pool) for side, (_, pool) in self.pools.items()}
        return f"Fixed(pool={sizes}, corrupt={self.corrupt!r}, unique={self.unique})"


def from_eval_negatives(negatives: Tensor) -> tuple[Tensor, Tensor]:
    """Split HeaRT's ``[E, K, 2]`` into target and source pools for ``Fixed(corrupt="both")``.

    The first K/2 pairs keep the source, the last K/2 keep the target.

    Raises:
        ValueError: If the shape is not ``[E, K, 2]`` with an even K.
    """
    if negatives.dim() != 3 or negatives.size(2) != 2 or negatives.size(1) % 2:
        checks.fail("negatives", "of shape [E, K, 2], K even", list(negatives.shape))
    half = negatives.size(1) // 2
    return negatives[:, :half, 1].to(torch.int64), negatives[:, half:, 0].to(torch.int64)
