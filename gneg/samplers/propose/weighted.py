"""Targets in proportion to their weights."""

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
from gneg.samplers.device import alias as device_alias
from gneg.samplers.device.alias import AliasTable
from gneg.samplers.device.query import DeviceQuery
from gneg.samplers.negatives import Side

TRIES = 64  # tries of a draw, before the row's non-edges are listed


class ByWeight(Sampler):
    """Draws non-edges in proportion to a weight of the target, O(1) a draw by an alias table.

    ``log_q`` is exact; a row without any weighted non-edge is drawn uniformly.
    """

    proposes = "non-edges"

    @abstractmethod
    def _weight(self, side: Side) -> npt.NDArray[np.float64]:
        """Return the weights of the targets, ``[num_dst]``, >= 0, by :meth:`cached`."""

    def _table(self, side: Side) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        def build() -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
            weight = self._weight(side)
            size = len(weight)
            accept, alias = np.empty(size, np.float32), np.empty(size, np.int32)
            row = np.array([0, size]), np.arange(size)  # a row of all targets
            kernels.alias.build_rows(0, 1, accept, alias, *row, weight)
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

    def _table_there(self, query: DeviceQuery) -> AliasTable:
        def build() -> AliasTable:
            return AliasTable.of(self._table(query.side), self._weight(query.side), query.device)

        return self.cached(("table", query.side, query.device), build)  # type: ignore[no-any-return]

    def propose_on_device(self, query: DeviceQuery, k: int, seed: int) -> Tensor:
        """Draw targets in proportion to their weights."""
        table = self._table_there(query)
        return device_alias.draws(table, query.non_edges, query.ids, k, seed, TRIES)

    def log_density_on_device(self, query: DeviceQuery, index: Tensor) -> Tensor:
        """Return the log share of each target's weight among the non-edges."""
        table = self._table_there(query)
        log_q = device_alias.log_density(table, query.non_edges, query.ids, index)
        return torch.where(log_q.isnan(), query.log_uniform, log_q)

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
        log_weight = kernels.logs.logs(weight[np.maximum(index, 0)])
        dead = np.isneginf(norm)[:, None]
        return np.where(dead, query.log_uniform, log_weight - np.where(dead, 0.0, norm[:, None]))


class Weighted(ByWeight):
    """Draws non-edges in proportion to a weight that the user gives each target.

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
        if len(pair) != 2:
            checks.fail(
                "weight", "a tensor, or a pair of sources and targets", checks.shown(weight)
            )
        self._weights = {"src": pair[0], "dst": pair[1]}
        sizes = {"src": graph.num_src, "dst": graph.num_dst}
        for side in ("src", "dst") if corrupt == "both" else (corrupt,):
            allowed = f"of shape [{sizes[side]}] for corrupt={corrupt!r}"
            weights = checks.real_tensor("weight", self._weights[side], allowed)
            if weights.shape != (sizes[side],):
                checks.fail("weight", allowed, list(weights.shape))
            if not torch.isfinite(weights).all() or (weights < 0).any():
                checks.fail("weight", "finite and >= 0", f"{weights.min()} to {weights.max()}")

    def _weight(self, side: Side) -> npt.NDArray[np.float64]:
        weight = self._weights[side]
        assert weight is not None
        return self.cached(("weight", side), lambda: weight.detach().cpu().double().numpy())  # type: ignore[no-any-return]
