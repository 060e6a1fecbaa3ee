"""Targets in proportion to a weight of their own."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, kernels
from gneg.graph import Graph, KnownEdges
from gneg.samplers.base import Corrupt, FloatArray, IntArray, Query, Sampler
from gneg.samplers.negatives import Side

TRIES = 64


class ByWeight(Sampler):
    """Draws non-edges in proportion to a weight of the target, O(1) a draw by an alias table.

    ``log_q`` is exact; a row without any weighted non-edge is drawn uniformly.
    """

    proposes = "non-edges"

    @abstractmethod
    def _weight(self, side: Side) -> npt.NDArray[np.float64]:
        """Weights of the targets, >= 0; :meth:`cached`."""

    def _table(self, side: Side) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        def build() -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
            weight = self._weight(side)
            size = len(weight)
            accept, alias = np.empty(size, np.float32), np.empty(size, np.int32)
            everyone = np.array([0, size]), np.arange(size)
            kernels.alias.build_rows(0, 1, accept, alias, *everyone, weight)
            return accept, alias

        return self.cached(("table", side), build)  # type: ignore[no-any-return]

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Draw targets in proportion to their weights."""
        index = query.blank(k)
        query.run(
            kernels.alias.draws,
            index,
            *self._table(query.side),
            *query.known.arrays,
            self._weight(query.side),
            query.known.no_self,
            seed,
            TRIES,
        )
        return index

    def log_density(self, query: Query, index: IntArray) -> FloatArray:
        """Return the log share of each target's weight among the non-edges."""
        weight = self._weight(query.side)
        norm = np.empty(len(query.rows))
        query.run(
            kernels.alias.log_normaliser,
            norm,
            *query.known.arrays,
            weight,
            float(weight.sum()),
            query.known.no_self,
        )
        # A row without any weighted non-edge is drawn uniformly.
        own = kernels.logs.logs(weight[np.maximum(index, 0)])
        dead = np.isneginf(norm)[:, None]
        return np.where(dead, query.log_uniform, own - np.where(dead, 0.0, norm[:, None]))


class Weighted(ByWeight):
    """Draws non-edges in proportion to a weight that you give each target.

    Args:
        graph: The graph whose structure guides the proposals.
        weight: ``[N]``, >= 0; in a bipartite graph ``[num_dst]``, or a pair, of sources and of
            targets, if sources are replaced.
        known: The edges that are never returned; those of ``graph`` if None.
        corrupt: The end to replace: ``"dst"``, ``"src"`` or ``"both"`` (a fair coin per row).
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If weights do not fit the graph, are negative or not finite.
    """

    name = "weighted"

    def __init__(
        self,
        graph: Graph,
        weight: Tensor | tuple[Tensor | None, Tensor],
        *,
        known: KnownEdges | None = None,
        corrupt: Corrupt = "dst",
        unique: bool = False,
    ) -> None:
        super().__init__(graph, known=known, corrupt=corrupt, unique=unique)
        pair = (
            weight if isinstance(weight, tuple) else (None if graph.bipartite else weight, weight)
        )
        self._weights = {"src": pair[0], "dst": pair[1]}
        sizes = {"src": graph.num_src, "dst": graph.num_dst}
        for side in ("src", "dst") if corrupt == "both" else (corrupt,):
            one = self._weights[side]
            if one is None or one.shape != (sizes[side],):
                given = None if one is None else list(one.shape)
                checks.fail("weight", f"of shape [{sizes[side]}] for corrupt={corrupt!r}", given)
            if not torch.isfinite(one).all() or (one < 0).any():
                checks.fail("weight", "finite and >= 0", f"{one.min()} to {one.max()}")

    def _weight(self, side: Side) -> npt.NDArray[np.float64]:
        weight = self._weights[side]
        assert weight is not None
        return self.cached(("weight", side), lambda: weight.detach().cpu().double().numpy())  # type: ignore[no-any-return]
