"""Two-step walks u -> w -> v: drawing their ends, and how probable each end is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from gneg import kernels
from gneg.graph import KnownEdges
from gneg.graph.csr import Steps
from gneg.graph.device_rows import DeviceRows
from gneg.graph.heuristics import neighbor_weight
from gneg.samplers.base import FloatArray, IntArray, Query
from gneg.samplers.device import walks, weighted_walks

Local = Literal["ra", "cn", "aa"]
WalksThere = walks.Walks | weighted_walks.WeightedWalks
Table = tuple[npt.NDArray[Any], npt.NDArray[Any]]


class TwoSteps(Protocol):
    """The walks of one side of a graph."""

    def draw(
        self, query: Query, index: IntArray, seed: int, known: KnownEdges, rows: IntArray
    ) -> None:
        """Fill ``index [B, K]`` with ends that ``rows [B]`` of ``known`` do not hold.

        -1 stays in a row of which all do.
        """

    def weigh(self, query: Query, index: IntArray) -> FloatArray:
        """Return the unnormalised probability ``[B, K]`` of each end."""

    def allowed(self, rows: IntArray, known: KnownEdges) -> FloatArray:
        """Return the sum of :meth:`weigh` over the non-edges of each row, ``[B]``."""

    def on_device(self, out: DeviceRows, back: DeviceRows) -> WalksThere:
        """Return the same walks on the device of the graph's edges and reversed edges."""


def two_steps(steps: Steps, kind: Local) -> TwoSteps:
    """Return the walks whose ends follow ``kind``, along weights where there are any."""
    return Plain(steps, kind) if steps.weights is None else Weighted(steps, kind)


class Plain:
    """Walks without weights: the first step by an alias table or uniform, the second uniform.

    ``through[w]`` is g(w) / deg(w), where g(w) is the weight of w in the first step.
    """

    def __init__(self, steps: Steps, kind: Local) -> None:
        degree = np.diff(steps.indptr)
        through = neighbor_weight(kind, degree)
        through[degree == 0] = 0.0
        self.steps, self.through = steps, through
        self.table: Table = np.empty(0, np.float32), np.empty(0, np.int32)
        if kind != "ra":
            self.table = _table(steps.indptr, steps.indices, through * degree)

    def draw(
        self, query: Query, index: IntArray, seed: int, known: KnownEdges, rows: IntArray
    ) -> None:
        """Fill ``index [B, K]`` with ends that ``rows [B]`` of ``known`` do not hold.

        -1 stays in a row of which all do.
        """
        arguments = rows, *known.arrays, query.known.no_self, seed
        ends = self.steps.indptr, self.steps.indices
        single = index.shape[1] == 1
        kernel = kernels.single_walks.two_steps if single else kernels.walks.two_steps
        kernel = kernels.threads.with_bits(kernel, known.num_dst)
        query.run(kernel, index, *ends, *self.table, self.through, *arguments)

    def weigh(self, query: Query, index: IntArray) -> FloatArray:
        """Return the unnormalised probability ``[B, K]`` of each end."""
        return _weighed(kernels.heuristics.weighted, query, index, *self.steps[:4], self.through)

    def allowed(self, rows: IntArray, known: KnownEdges) -> FloatArray:
        """Return the sum of :meth:`weigh` over the non-edges of each row, ``[B]``."""
        ends = self.steps.indptr, self.steps.indices
        return _added(kernels.walks.allowed_mass, rows, known, *ends, self.through)

    def on_device(self, out: DeviceRows, back: DeviceRows) -> WalksThere:
        """Return the same walks on the device of the graph's edges and reversed edges."""
        table = out.tensors(*self.table)
        return walks.Walks(out, back, *table, *out.tensors(self.through))


class Weighted:
    """Walks along weights W: both steps follow them.

    The ends of ``"ra"`` are those of a random walk; of ``"cn"`` they follow the sum over w of
    ``W[u, w] * W[w, v]``, of ``"aa"`` the same over log deg(w).
    """

    def __init__(self, steps: Steps, kind: Local) -> None:
        weights = steps.weights
        assert weights is not None
        degree = np.diff(steps.indptr)
        source = np.repeat(np.arange(len(degree)), degree)
        strength = np.bincount(source, weights, len(degree))
        least = np.maximum(strength, np.finfo(np.float64).tiny)
        through = 1.0 / least if kind == "ra" else neighbor_weight(kind, degree)
        through[degree == 0] = 0.0
        self.steps, self.weights, self.through = steps, weights, through
        edges = np.arange(len(weights))
        self.second = _table(steps.indptr, edges, weights)
        self.first = self.second
        if kind != "ra" or (degree == 0).any():
            onwards = weights * (through * strength)[steps.indices]
            self.first = _table(steps.indptr, edges, onwards)

    def draw(
        self, query: Query, index: IntArray, seed: int, known: KnownEdges, rows: IntArray
    ) -> None:
        """Fill ``index [B, K]`` with ends that ``rows [B]`` of ``known`` do not hold.

        -1 stays in a row of which all do.
        """
        arguments = rows, *known.arrays, query.known.no_self, seed
        kernel = kernels.threads.with_bits(kernels.weighted_walks.two_steps, known.num_dst)
        walk = self.steps.indptr, self.steps.indices, *self.first, *self.second
        query.run(kernel, index, *walk, self.weights, self.through, *arguments)

    def weigh(self, query: Query, index: IntArray) -> FloatArray:
        """Return the unnormalised probability ``[B, K]`` of each end."""
        steps = self.steps
        out = steps.indptr, steps.indices, self.weights
        back = steps.in_indptr, steps.in_indices, steps.in_weights
        return _weighed(kernels.weighted_walks.mass, query, index, *out, *back, self.through)

    def allowed(self, rows: IntArray, known: KnownEdges) -> FloatArray:
        """Return the sum of :meth:`weigh` over the non-edges of each row, ``[B]``."""
        walk = self.steps.indptr, self.steps.indices, self.weights, self.through
        return _added(kernels.weighted_walks.allowed_mass, rows, known, *walk)

    def on_device(self, out: DeviceRows, back: DeviceRows) -> WalksThere:
        """Return the same walks on the device of the graph's edges and reversed edges."""
        arrays = self.weights, *self.first, *self.second, self.through
        return weighted_walks.WeightedWalks(out, back, *out.tensors(*arrays))


def edge_table(steps: Steps) -> Table:
    """Return alias tables of the weights of each row's edges; empty without weights."""
    if steps.weights is None:
        return np.empty(0, np.float32), np.empty(0, np.int32)
    return _table(steps.indptr, np.arange(len(steps.weights)), steps.weights)


def _table(indptr: npt.NDArray[Any], indices: npt.NDArray[Any], weight: FloatArray) -> Table:
    accept, alias = np.empty(len(indices), np.float32), np.empty(len(indices), np.int32)
    arrays = accept, alias, indptr, indices, weight
    kernels.threads.run_rows(kernels.alias.build_rows, len(indptr) - 1, len(indices), *arrays)
    return accept, alias


def _weighed(kernel: Callable[..., Any], query: Query, index: IntArray, *args: Any) -> FloatArray:
    weight = np.empty(index.shape)

    def run(*arguments: Any) -> None:
        kernel(*arguments, kernels.threads.zeros(len(args[0]) - 1))

    order = np.argsort(query.rows, kind="stable")  # equal rows share their preparation
    query.take(order).run(run, weight, index[order], *args)
    weight[order] = weight.copy()
    return weight


def _added(kernel: Callable[..., Any], rows: IntArray, known: KnownEdges, *args: Any) -> FloatArray:
    sums = np.empty(len(rows))
    arguments = *args, *known.arrays, known.no_self
    run = kernels.threads.with_bits(kernel, known.num_dst)
    kernels.threads.run_rows(run, len(rows), 64 * len(rows), sums, rows, *arguments)
    return sums
