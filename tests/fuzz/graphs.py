"""Calls of graphs, known edges and PyG's functions."""

from __future__ import annotations

import random
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

import gneg
from gneg import Graph, KnownEdges
from tests.fuzz.calls import Call
from tests.fuzz.values import positives, world


def of_graph(rng: random.Random) -> Call:
    graph = world(rng)
    size: Any = (graph.num_src, graph.num_dst) if graph.bipartite else graph.num_nodes
    weight = torch.ones(graph.num_edges)
    edges = graph.edge_index
    if rng.random() < 0.2:
        import networkx

        source = networkx.path_graph(4)
        return Call(Graph.from_networkx, {"graph": source, "undirected": None, "weight": None})
    if rng.random() < 0.2:
        import scipy.sparse

        matrix = scipy.sparse.eye_array(4).tocsr()
        more = {"bipartite": False, "undirected": None, "weighted": True}
        return Call(Graph.from_scipy, {"matrix": matrix, **more})
    if rng.random() < 0.2:
        data = Data(edge_index=edges, num_nodes=max(graph.num_src, graph.num_dst), w=weight)
        arguments = {"data": data, "edge_type": None, "undirected": None, "weight": "w"}
        return Call(Graph.from_data, arguments)
    arguments = {"edge_index": edges, "num_nodes": size, "undirected": None, "weight": weight}
    return Call(Graph.from_edge_index, arguments)


def of_known(rng: random.Random) -> Call:
    graph = world(rng)
    known = KnownEdges(graph)
    src, dst = positives(graph, rng)
    size: Any = (graph.num_src, graph.num_dst) if graph.bipartite else graph.num_nodes

    rank = torch.zeros_like(src)

    def make(edges: Any, more: Any, num_nodes: Any, undirected: Any) -> KnownEdges:
        return KnownEdges(edges, more, num_nodes=num_nodes, undirected=undirected)

    def check(target: Tensor) -> None:
        present = target >= 0
        assert not known.contains(src[present], target[present]).any()

    return rng.choice(
        [
            Call(known.contains, {"src": src, "dst": dst}),
            Call(known.complement_size, {"src": src}),
            Call(
                known.non_neighbor,
                {"src": src, "rank": rank},
                check,
                frozenset({"src"}),
            ),
            Call(
                make,
                {"edges": graph, "more": graph.edge_index, "num_nodes": size, "undirected": False},
            ),
        ]
    )


def of_functional(rng: random.Random) -> Call:
    graph = world(rng)
    edges, size = graph.edge_index, graph.num_nodes
    if graph.bipartite:
        size = (graph.num_src, graph.num_dst)  # type: ignore[assignment]
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    arguments: dict[str, Any] = {"edge_index": edges, "num_nodes": size, "generator": generator}
    sampler = rng.choice([None, None, "walk", "uniform"])
    known = KnownEdges(graph)

    def check(negatives: Tensor) -> None:
        assert not known.contains(*negatives).any()

    if rng.random() < 0.5:
        more = {
            "num_neg_samples": rng.choice([None, 5, 0.5]),
            "method": "sparse",
            "force_undirected": False,
            "sampler": sampler,
        }
        facts = frozenset({"edge_index", "num_nodes"})
        return Call(gneg.negative_sampling, {**arguments, **more}, check, facts)
    if rng.random() < 0.3:
        batch = torch.zeros(graph.num_nodes, dtype=torch.long)
        if graph.bipartite:
            batch = batch[: graph.num_src], batch[: graph.num_dst]  # type: ignore[assignment]
        more = {"batch": batch, "num_neg_samples": 3}
        arguments = {"edge_index": edges, **more, "generator": generator}
        return Call(gneg.batched_negative_sampling, arguments)
    if rng.random() < 0.3:
        del arguments["generator"]
        return Call(gneg.structured_negative_sampling_feasible, arguments)
    more = {"k": rng.choice([None, 3]), "sampler": sampler, "contains_neg_self_loops": False}
    return Call(gneg.structured_negative_sampling, {**arguments, **more})
