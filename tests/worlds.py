"""Small graphs that have broken samplers before."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import networkx
import torch
from torch_geometric.data import HeteroData

from gneg import Graph, datasets


@contextmanager
def naming(settings: str) -> Iterator[None]:
    """Say in which of a loop's settings an assertion failed."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"{settings}: {error}") from error


def _edges(pairs: list[tuple[int, int]]) -> torch.Tensor:
    return torch.tensor(pairs, dtype=torch.long).view(-1, 2).t()


def random_graph(n: int, edges: int, seed: int = 0, *, undirected: bool = True) -> Graph:
    generator = torch.Generator().manual_seed(seed)
    index = torch.randint(n, (2, edges), generator=generator)
    return Graph.from_edge_index(index, n, undirected=undirected)


def dense() -> Graph:
    """30 nodes, about three quarters of all pairs."""
    return random_graph(30, 600)


def hub() -> Graph:
    """Node 0 knows everyone but nodes 38 and 39; a ring among the others."""
    star = [(0, v) for v in range(1, 38)]
    ring = [(v, v % 37 + 1) for v in range(1, 38)]
    return Graph.from_edge_index(_edges(star + ring), 40, undirected=True)


def complete() -> Graph:
    return Graph.from_edge_index(
        _edges([(u, v) for u in range(7) for v in range(7) if u != v]), 7, undirected=True
    )


def empty() -> Graph:
    return Graph.from_edge_index(torch.empty(2, 0, dtype=torch.long), 9, undirected=True)


def isolated() -> Graph:
    """Two triangles, a path and ten nodes without edges."""
    pairs = [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (6, 7), (7, 8), (8, 9)]
    return Graph.from_edge_index(_edges(pairs), 20, undirected=True)


def directed() -> Graph:
    return random_graph(25, 120, seed=3, undirected=False)


def bipartite() -> Graph:
    generator = torch.Generator().manual_seed(5)
    index = torch.stack(
        [
            torch.randint(12, (60,), generator=generator),
            torch.randint(20, (60,), generator=generator),
        ]
    )
    return Graph.from_edge_index(index, (12, 20))


def weighted() -> Graph:
    """Undirected, weights over three orders of magnitude."""
    generator = torch.Generator().manual_seed(6)
    index = torch.randint(50, (2, 130), generator=generator)
    weight = 10 ** (3 * torch.rand(130, generator=generator))
    return Graph.from_edge_index(index, 50, undirected=True, weight=weight)


def multigraph() -> Graph:
    """Arcs up to six times over and loops; how often is their weight."""
    generator = torch.Generator().manual_seed(8)
    pairs = torch.randint(25, (2, 90), generator=generator)
    picked = (90 * torch.rand(260, generator=generator) ** 2).long()
    whole = networkx.MultiDiGraph()
    whole.add_nodes_from(range(25))
    whole.add_edges_from(pairs[:, picked].t().tolist())
    return Graph.from_networkx(whole, weight="weight", undirected=False)


def hetero() -> Graph:
    """Weighted edges of one type between two node types."""
    generator = torch.Generator().manual_seed(9)
    data = HeteroData()
    data["user"].num_nodes, data["item"].num_nodes, data["tag"].num_nodes = 12, 22, 3
    ends = [torch.randint(size, (70,), generator=generator) for size in (12, 22)]
    data["user", "buys", "item"].edge_index = torch.stack(ends)
    data["user", "buys", "item"].edge_weight = torch.rand(70, generator=generator) + 0.05
    data["item", "has", "tag"].edge_index = torch.tensor([[0, 1], [2, 2]])
    return Graph.from_data(data, ("user", "buys", "item"), weight="edge_weight")


#: Each is made once: graphs do not change, and what is derived from them is kept in them.
WORLDS = {
    name: functools.cache(make)
    for name, make in {
        "sparse": lambda: random_graph(60, 150),
        "dense": dense,
        "hub": hub,
        "complete": complete,
        "empty": empty,
        "isolated": isolated,
        "directed": directed,
        "bipartite": bipartite,
        "weighted": weighted,
        "multigraph": multigraph,
        "hetero": hetero,
    }.items()
}


def positives(graph: Graph, batch: int = 12) -> torch.Tensor:
    """Edges of the graph, or random pairs where it has none."""
    if graph.num_edges:
        which = torch.arange(batch) * 7919 % graph.num_edges
        return graph.edge_index[:, which]
    generator = torch.Generator().manual_seed(1)
    return torch.stack(
        [
            torch.randint(graph.num_src, (batch,), generator=generator),
            torch.randint(graph.num_dst, (batch,), generator=generator),
        ]
    )


def first_validation_edges(data: datasets.LinkData, count: int) -> datasets.LinkData:
    """The data with only ``count`` positives in validation, on which a stack is fitted faster."""
    valid = data.valid
    fewer = replace(
        valid,
        pos=valid.pos[:, :count],
        neg=tuple(end[:count] for end in valid.neg),
        mask=None if valid.mask is None else valid.mask[:count],
    )
    return replace(data, valid=fewer)


def toy(seed: int = 0, n: int = 60, edges: int = 180, *, undirected: bool = True):
    graph = random_graph(n, edges, seed, undirected=undirected)
    x = torch.randint(3, (n, 4), generator=torch.Generator().manual_seed(seed)).float()
    return datasets.make_split("toy", graph, x, seed=seed)
