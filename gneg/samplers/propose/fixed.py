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


class Fixed(Sampler):
    """Serves negatives that were chosen beforehand, padded with -1.

    A row of the pool belongs to a query or, with ``pos``, to a positive. Each call takes K of its
    entries at random without replacement. Known edges among them are dropped, and what a row lacks
    is drawn uniformly (``Negatives.counts["filled"]``). ``log_q`` is None.

    Args:
        graph: The graph whose structure guides the proposals.
        pool: ``[num_src, P]`` (``[num_dst, P]`` when sources are corrupted) or, with ``pos``,
            ``[E, P]`` integer tensor of replacement nodes, -1 where a row has fewer; for
            ``corrupt="both"`` a pair of them: (targets, sources).
        pos: ``[2, E]``, the positives the rows belong to; other positives are drawn uniformly.
        known: The edges that are never returned; those of ``graph`` if None.
        corrupt: The end to replace: ``"dst"``, ``"src"`` or ``"both"`` (a fair coin per row).
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If a pool has the wrong number of rows or ids out of range.
    """

    name = "fixed"
    proposes = "non-edges"

    def __init__(
        self,
        graph: Graph,
        pool: Tensor | tuple[Tensor, Tensor],
        *,
        pos: Tensor | None = None,
        known: KnownEdges | None = None,
        corrupt: Corrupt = "dst",
        unique: bool = False,
    ) -> None:
        super().__init__(graph, known=known, corrupt=corrupt, unique=unique)
        if (corrupt == "both") != isinstance(pool, tuple):
            checks.fail("pool", "a pair of tensors for corrupt='both', else one tensor", type(pool))
        self.pos = None if pos is None else checks.pairs("pos", pos).detach().cpu().long()
        pools = pool if isinstance(pool, tuple) else (pool,)
        sides: tuple[Side, ...] = ("dst", "src") if corrupt == "both" else (corrupt,)
        self.pools = {
            side: self._checked(side, rows) for side, rows in zip(sides, pools, strict=True)
        }

    def _checked(self, side: Side, pool: Tensor) -> npt.NDArray[np.int64]:
        checks.index_tensor("pool", pool, "[num_rows, P]")
        view = self.view(side)
        rows = view.num_src if self.pos is None else self.pos.size(1)
        if pool.dim() != 2 or pool.size(0) != rows:
            owner = "node" if self.pos is None else "positive"
            checks.fail("pool", f"of shape [{rows}, P], one row a {owner}", list(pool.shape))
        checks.node_range("pool", pool.clamp(min=0), view.num_dst)
        return pool.detach().cpu().long().contiguous().numpy()

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
        pool = self.pools[query.side]
        shuffled = query.blank(pool.shape[1])
        kernels.threads.run_rows(
            kernels.pools.subsets,
            len(shuffled),
            shuffled.size,
            shuffled,
            pool,
            self._row_of(query),
            seed,
        )
        index = query.blank(k)
        query.exclude(index, shuffled, unique=query.unique)
        return index

    def __repr__(self) -> str:
        shapes = {side: list(pool.shape) for side, pool in self.pools.items()}
        return f"Fixed(pool={shapes}, corrupt={self.corrupt!r}, unique={self.unique})"


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
