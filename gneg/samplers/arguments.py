"""Checks of the arguments that all samplers share."""

from __future__ import annotations

import torch
from torch import Tensor

from gneg import checks
from gneg.graph import Graph, KnownEdges


def known_edges(graph: Graph, known: KnownEdges | None) -> KnownEdges:
    """Return the known edges of a sampler on ``graph``; those of the graph if ``known`` is None.

    Raises:
        ValueError: If either has the wrong type, or they are over different nodes.
    """
    if not isinstance(graph, Graph):
        checks.fail(
            "graph",
            "a gneg.Graph",
            type(graph).__name__,
            hint="build one with gneg.Graph.from_edge_index or from_data",
        )
    if known is None:
        return KnownEdges(graph)
    if not isinstance(known, KnownEdges):
        checks.fail("known", "a gneg.KnownEdges or None", type(known).__name__)
    shape = known.num_src, known.num_dst, known.bipartite
    if (known.device, known.engine) != (graph.device, graph.engine):
        allowed = f"on the device of the graph, {graph.device}, and drawn from by {graph.engine}"
        move = f"known.to({str(graph.device)!r}, engine={graph.engine!r})"
        got = f"on {known.device}, by {known.engine}"
        checks.fail("known", allowed, got, hint=f"move them with {move}")
    if shape != (graph.num_src, graph.num_dst, graph.bipartite):
        checks.fail("known", f"KnownEdges over the nodes of {graph}", known)
    return known


def pairs_of(graph: Graph, pos: object) -> Tensor:
    """Return ``pos [2, B]`` if it holds pairs of the graph's nodes.

    Raises:
        ValueError: If the shape, the type or an id is wrong.
    """
    pairs = checks.pairs("pos", pos)
    graph.check_place("pos", pairs)
    if graph.bipartite:
        checks.node_range("pos[0]", pairs[0], graph.num_src)
        checks.node_range("pos[1]", pairs[1], graph.num_dst)
    else:
        checks.node_range("pos", pairs, graph.num_nodes)
    return pairs


def check_vectors(z: object, pos: Tensor) -> None:
    """Refuse embeddings that are no tensor, or pair of tensors, on the device of ``pos``.

    Raises:
        ValueError: If they are not.
    """
    if isinstance(z, tuple) and len(z) != 2:
        checks.fail("z", "a tensor, or a pair of sources and targets", checks.shown(z))
    for vectors in z if isinstance(z, tuple) else (z,):
        if vectors is not None:
            checks.same_device("z", vectors, "pos", pos)
            checks.real_tensor("z", vectors, "embeddings of shape [N, D]")


def stacked(graph: Graph, src: object, dst: object) -> Tensor:
    """Return sources ``[B]`` and targets ``[B]`` as pairs ``[2, B]`` of the graph's nodes.

    Raises:
        ValueError: If they are no such ids.
    """
    ends = []
    for name, value, size in (("src", src, graph.num_src), ("dst", dst, graph.num_dst)):
        ids = checks.index_tensor(name, value, "[B]")
        if ids.dim() != 1:
            checks.fail(name, "an integer tensor of shape [B]", list(ids.shape))
        checks.node_range(name, ids, size)
        ends.append(ids)
    checks.same_shape("dst", ends[1], "src", ends[0])
    checks.same_device("dst", ends[1], "src", ends[0])
    graph.check_place("src", ends[0])
    return torch.stack(ends)


def row_length(k: object, batch: int) -> int:
    """Return K, the number of negatives of each of B positives.

    Raises:
        ValueError: If it is no integer >= 1, or the negatives would not fit in memory.
    """
    length = checks.integer("k", k, 1)
    # Ids while they are drawn, ids and mask of the result.
    checks.memory("k", (2 * 8 + 1) * length * max(batch, 1), f"{length} for {batch} positives")
    return length
