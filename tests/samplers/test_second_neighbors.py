"""Bitmaps of second neighbours: right, and shells are the same kind of draws without them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from gneg import Graph, KnownEdges, samplers
from gneg.graph import second_neighbors as module
from gneg.graph.second_neighbors import keeps_second_neighbors, second_neighbors
from tests import reference
from tests.contract.test_devices import assert_same, by_torch
from tests.samplers.test_distributions import EXACT, chi_square
from tests.worlds import WORLDS, positives, random_graph

SQUARE = [name for name, make in WORLDS.items() if not make().bipartite]


def bits_of(graph: Graph) -> np.ndarray:
    """Return the bitmaps as a matrix ``[N, N]`` of booleans."""
    each = second_neighbors(graph).bits.view(np.uint8)
    return np.unpackbits(each, axis=1, bitorder="little")[:, : graph.num_dst].astype(bool)


def fresh(world: str) -> Graph:
    """Return a graph by itself, on which nothing has been computed."""
    return pickle.loads(pickle.dumps(WORLDS[world]()))


@pytest.fixture
def without_bitmaps(monkeypatch):
    monkeypatch.setattr(module, "MOST_PAIRS", 0)


@pytest.mark.parametrize("world", SQUARE)
def test_bitmaps_are_the_nodes_two_steps_away(world):
    for graph in (WORLDS[world](), WORLDS[world]().reversed(), random_graph(130, 400)):
        near = reference.adjacency(graph)
        expected = (near.astype(int) @ near > 0) & ~near & ~np.eye(len(near), dtype=bool)
        found = second_neighbors(graph)
        assert np.array_equal(bits_of(graph), expected)
        assert np.array_equal(found.sizes, expected.sum(1))


@pytest.mark.parametrize("known", ["graph", "more"])
@pytest.mark.parametrize("world", SQUARE)
def test_densities_are_those_of_listed_shells(world, known, monkeypatch):
    graph = fresh(world)
    size = graph.num_nodes
    more = torch.randint(size, (2, 2 * size), generator=torch.Generator().manual_seed(1))
    edges = KnownEdges(graph) if known == "graph" else KnownEdges(graph, more)
    src, dst = torch.arange(size).repeat_interleave(size), torch.arange(size).repeat(size)
    expected = samplers.KHop(graph, 2, known=edges).log_prob(src, dst)
    monkeypatch.setattr(module, "MOST_PAIRS", 0)
    listed = samplers.KHop(fresh(world), 2, known=edges).log_prob(src, dst)
    assert torch.equal(expected, listed)


@pytest.mark.usefixtures("without_bitmaps")
@pytest.mark.parametrize("case", ["khop-2", "khop-3", "khop-shells"])
@pytest.mark.parametrize("world", ["sparse", "dense", "directed", "hub"])
def test_shells_of_graphs_too_large_for_bitmaps(case, world):
    graph = fresh(world)
    make, exact = EXACT[case]
    assert not len(second_neighbors(graph).bits)
    chi_square(make(graph), graph, exact(graph))


@pytest.mark.usefixtures("without_bitmaps")
@pytest.mark.parametrize("k", [1, 9, 200])
@pytest.mark.parametrize("world", ["sparse", "dense", "directed", "hub"])
def test_torch_draws_what_kernels_draw_without_bitmaps(world, k):
    graph = fresh(world)
    pair = (samplers.KHop(end, (2, "far"), corrupt="both") for end in (graph, by_torch(graph)))
    assert_same(*pair, positives(graph, 60), k, seed=k)


@pytest.mark.parametrize("num_edges", [300, 1500, 20_000])
@pytest.mark.parametrize("k", [1, 30, 500])
def test_torch_draws_what_kernels_draw_with_bitmaps(num_edges, k):
    """Rows with few and many walks of two steps, and shells of few and many targets."""
    graph = random_graph(300, num_edges)
    more = torch.randint(300, (2, 900), generator=torch.Generator().manual_seed(1))
    known = KnownEdges(graph, more)
    pair = (
        samplers.KHop(end, (2, 3), corrupt="both", known=edges)
        for end, edges in ((graph, known), (by_torch(graph), known.to("cpu", engine="torch")))
    )
    assert_same(*pair, positives(graph, 100), k, seed=k)


@pytest.mark.parametrize("num_edges", [60, 380])
def test_torch_goes_on_beyond_listed_second_neighbors(num_edges):
    """Listing them by bits is no search, after which far targets would take other draws."""
    graph = random_graph(127, num_edges)
    for hops in (2, (2, "far"), (2, 3, "far")):
        pair = (samplers.KHop(end, hops, corrupt="both") for end in (graph, by_torch(graph)))
        assert_same(*pair, positives(graph, 50), 100, seed=2)


def test_only_small_graphs_of_one_kind_of_node_keep_bitmaps(monkeypatch):
    graph = random_graph(100, 400)
    assert keeps_second_neighbors(graph)
    assert not keeps_second_neighbors(WORLDS["bipartite"]())
    assert not keeps_second_neighbors(random_graph(24_000, 100))
    monkeypatch.setattr(module, "MOST_WORK", 2 * graph.num_edges - 1)
    assert not keeps_second_neighbors(graph)
