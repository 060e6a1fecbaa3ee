"""Sampled neighbourhoods as one CSR matrix, whose first rows are what each layer needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gneg import kernels
from gneg.graph import Graph
from gneg.graph.sizes import with_sizes
from gneg.rng import split_seed

Array = npt.NDArray[Any]


class Transposed(NamedTuple):
    """The transpose of the first rows of a CSR matrix, and where each entry of it comes from."""

    indptr: Array
    indices: Array
    origin: Array


class MessageGraph:
    """The edges that messages pass along, both ways: neighbours of each node.

    In a bipartite graph nodes are sources, then targets.

    Args:
        graph: The graph, of any kind.
    """

    def __init__(self, graph: Graph) -> None:
        steps = (graph if graph.bipartite else graph.to_undirected()).steps()
        self.indptr, self.indices, self.weights = steps.indptr, steps.indices, steps.weights
        self.target_shift = steps.target_shift
        self.num_nodes = graph.num_nodes
        self.strength: Array | None = None
        if steps.weights is not None:
            sums = np.concatenate([[0.0], np.cumsum(steps.weights)])
            self.strength = np.diff(sums[self.indptr]).astype(np.float32)

    def strengths(self, nodes: Array | slice) -> Array:
        """Return the number, or the weight, of the neighbours of nodes, as floats."""
        if self.strength is not None:
            return self.strength[nodes]
        if isinstance(nodes, slice):
            return np.diff(self.indptr[nodes.start : nodes.stop + 1]).astype(np.float32)
        degree: Array = (self.indptr[nodes + 1] - self.indptr[nodes]).astype(np.float32)
        return degree


@dataclass(frozen=True)
class Blocks:
    """The sampled neighbourhoods of seed nodes.

    ``indptr`` and ``indices`` are a CSR matrix of positions in ``nodes``: the sampled neighbours of
    every node but those of the last hop. Layer i of L reads nodes of the first L - i hops, and
    writes those of the first L - i - 1.

    Attributes:
        nodes: ``[n]``, ids: the seeds, then the nodes that each hop added.
        sizes: Number of nodes of the seeds, and up to each hop.
        indptr: ``[sizes[-2] + 1]``, offsets.
        indices: Neighbours, as positions in ``nodes``.
        weights: Their weights; None: 1.
        degree: ``[sizes[-2]]``, number of neighbours in the graph, hidden ones left out.
        strength: ``[n]``, their weight in the graph.
        transposed: For each layer the transpose of its matrix; None where no gradient needs it.
    """

    nodes: Array
    sizes: tuple[int, ...]
    indptr: Array
    indices: Array
    weights: Array | None
    degree: Array
    strength: Array
    transposed: tuple[Transposed | None, ...]

    __repr__ = with_sizes

    @property
    def num_layers(self) -> int:
        """Number of hops, which is that of layers."""
        return len(self.sizes) - 1

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        arrays = [self.nodes, self.indptr, self.indices, self.degree, self.strength]
        arrays += [array for part in self.transposed if part is not None for array in part]
        return sum(array.nbytes for array in arrays)


def sample(
    graph: MessageGraph,
    ids: Array,
    fanouts: Sequence[int],
    seed: int,
    *,
    hidden: Array | None = None,
    all_hops: bool = False,
    input_gradient: bool = True,
) -> tuple[Blocks, Array]:
    """Sample the neighbourhoods of nodes hop by hop (Hamilton et al., NeurIPS 2017).

    A node's neighbours are drawn once, each at most once, and without the edges that are hidden, so
    that a fanout above all degrees is exactly message passing on the graph without these edges.

    Args:
        graph: The edges that messages pass along.
        ids: ``[n]``, seed nodes, repeats allowed.
        fanouts: Neighbours of a node in each hop, -1 for all.
        seed: Seed of all draws.
        hidden: ``[2, H]``, edges that are left out, in both directions; None: none.
        all_hops: Whether ends of hidden edges may be others than seed nodes.
        input_gradient: Whether the first layer's input needs a gradient.

    Returns:
        The blocks, and the position of each id among their nodes.
    """
    place = kernels.threads.places(graph.num_nodes)
    local = np.empty(len(ids), np.int32)
    nodes = np.empty(len(ids), np.int64)
    count = kernels.blocks.assign(place, nodes, 0, ids, local)
    nothing = np.zeros(1, np.int64), np.empty(0, np.int64)
    ends = np.empty((2, 0), np.int64) if hidden is None else _both_ways(hidden)
    skipped: list[tuple[Array, Array]] = []
    sizes, first, edges = [count], 0, 0
    offsets: list[Array] = [np.zeros(1, np.int64)]
    parts: dict[str, list[Array]] = {"indices": [], "weights": [], "degree": []}
    for hop, k in enumerate(fanouts):
        frontier = nodes[first:count]
        skips = _skips(graph, ends, frontier) if hop == 0 or all_hops else nothing
        skipped.append(skips)
        position, sums, degree = _draw(graph, frontier, k, skips, split_seed(seed, hop))
        near = np.empty(len(position), np.int64)
        run = kernels.threads.run_rows
        run(kernels.blocks.look_up, len(near), len(near), near, graph.indices, position)
        positions = np.empty(len(near), np.int32)
        nodes = np.concatenate([nodes[:count], np.empty(len(near), np.int64)])
        first, count = count, kernels.blocks.assign(place, nodes, count, near, positions)
        offsets.append(sums[1:] + edges)
        edges += len(near)
        parts["indices"].append(positions)
        parts["degree"].append(degree)
        if graph.weights is not None:
            parts["weights"].append(graph.weights[position].astype(np.float32))
        sizes.append(count)
    nodes = nodes[:count].copy()
    if all_hops:
        skipped.append(_skips(graph, ends, nodes[first:]))
    indptr, indices = np.concatenate(offsets), np.concatenate(parts["indices"])
    strength = graph.strengths(nodes)
    start = 0
    for skips, stop in zip(skipped, sizes, strict=False):
        _subtract(graph, strength[start:stop], nodes[start:stop], *skips)
        start = stop
    weights = np.concatenate(parts["weights"]) if parts["weights"] else None
    transposes = [
        _transpose(indptr, indices, sizes[-2 - layer], sizes[-1 - layer])
        if layer or input_gradient
        else None
        for layer in range(len(fanouts))
    ]
    degree = np.concatenate(parts["degree"])
    arrays = (nodes, tuple(sizes), indptr, indices, weights, degree, strength)
    return Blocks(*arrays, tuple(transposes)), local


def _both_ways(edges: Array) -> Array:
    """Return edges ``[2, H]`` in both directions, ``[2, 2 H]``, sorted."""
    both = np.concatenate([edges, edges[::-1]], axis=1)
    return both[:, np.lexsort(both[::-1])]


def _skips(graph: MessageGraph, ends: Array, nodes: Array) -> tuple[Array, Array]:
    """Return the positions of hidden edges in the rows of nodes, and the offsets of each row.

    Args:
        graph: The edges that messages pass along.
        ends: ``[2, H]``, hidden edges, sorted.
        nodes: ``[n]``, the nodes.
    """
    low, high = (np.searchsorted(ends[0], nodes, side) for side in ("left", "right"))
    indptr = np.zeros(len(nodes) + 1, np.int64)
    skip = np.empty(int((high - low).sum()), np.int64)
    kernels.blocks.hide(low, high, ends[1], nodes, graph.indptr, graph.indices, indptr, skip)
    return indptr, skip


def _draw(
    graph: MessageGraph, nodes: Array, k: int, hidden: tuple[Array, Array], seed: int
) -> tuple[Array, Array, Array]:
    """Return the positions of drawn edges, the offsets of each node's, and degrees."""
    run = kernels.threads.run_rows
    count, degree = np.empty(len(nodes), np.int64), np.empty(len(nodes), np.int64)
    arguments = (count, nodes, graph.indptr, k, hidden[0], degree)
    run(kernels.blocks.counts, len(nodes), len(nodes), *arguments)
    offsets = np.zeros(len(nodes) + 1, np.int64)
    np.cumsum(count, out=offsets[1:])
    position = np.empty(offsets[-1], np.int64)
    drawn = (position, offsets, nodes, graph.indptr, degree, *hidden, seed)
    run(kernels.blocks.draw, len(nodes), len(position), *drawn)
    return position, offsets, degree


def _subtract(
    graph: MessageGraph, strength: Array, nodes: Array, skip_indptr: Array, skip: Array
) -> None:
    """Subtract the weights of hidden edges from the strengths of the first nodes."""
    hidden = np.diff(skip_indptr)
    if graph.weights is not None and len(hidden):
        rows = np.repeat(np.arange(len(hidden)), hidden)
        weights = graph.weights[graph.indptr[nodes[rows]] + skip[: len(rows)]]
        hidden = np.bincount(rows, weights, len(hidden))
    strength[: len(hidden)] -= hidden.astype(np.float32)


def _transpose(indptr: Array, indices: Array, rows: int, columns: int) -> Transposed:
    """Return the transpose of the first rows of a matrix."""
    size = indptr[rows]
    out_indptr = np.zeros(columns + 1, np.int64)
    out, origin = np.empty(size, np.int32), np.empty(size, np.int32)
    kernels.blocks.transpose(indptr[: rows + 1], indices, out_indptr, out, origin)
    return Transposed(out_indptr, out, origin)
