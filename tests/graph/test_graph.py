"""Graphs and known edges against sets and networkx."""

from __future__ import annotations

import pickle

import networkx
import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data, HeteroData

from gneg import Graph, KnownEdges
from gneg.datasets import EvalEdges

edge_lists = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=60)


def tensor(pairs) -> torch.Tensor:
    return torch.tensor(list(pairs), dtype=torch.long).view(-1, 2).t()


@settings(max_examples=60, deadline=None)
@given(edge_lists, st.booleans())
def test_edges_are_the_given_set(pairs, undirected):
    graph = Graph.from_edge_index(tensor(pairs), 12, undirected=undirected)
    expected = {(u, v) for u, v in pairs if u != v}
    if undirected:
        expected |= {(v, u) for u, v in expected}
    assert set(map(tuple, graph.edge_index.t().tolist())) == expected
    assert graph.num_edges == len(expected)
    assert graph.edge_index.t().tolist() == sorted(map(list, expected))
    assert graph.reversed().edge_index.t().tolist() == sorted([v, u] for u, v in expected)
    checked = Graph.from_edge_index(tensor(pairs), 12)
    arcs = {(u, v) for u, v in pairs if u != v}
    assert checked.undirected == (arcs == {(v, u) for u, v in arcs})


@settings(max_examples=60, deadline=None)
@given(edge_lists, edge_lists, st.booleans())
def test_membership_and_complement_ranks(first, second, undirected):
    known = KnownEdges(tensor(first), tensor(second), num_nodes=12, undirected=undirected)
    edges = set(first) | set(second)
    if undirected:
        edges |= {(v, u) for u, v in edges}
    src, dst = torch.meshgrid(torch.arange(12), torch.arange(12), indexing="ij")
    expected = torch.tensor([[(u, v) in edges for v in range(12)] for u in range(12)])
    assert torch.equal(known.contains(src, dst), expected)
    assert torch.equal(known.reversed().contains(dst, src), expected)
    for u in range(12):
        free = [v for v in range(12) if (u, v) not in edges and v != u]
        assert int(known.complement_size(torch.tensor(u))) == len(free)
        ranks = torch.arange(14)
        non_neighbors = known.non_neighbor(torch.full((14,), u), ranks).tolist()
        assert non_neighbors == free + [-1] * (14 - len(free))


def test_from_pyg_networkx_and_scipy_agree():
    nx = networkx.gnp_random_graph(20, 0.2, seed=1)
    index = tensor(nx.edges())
    symmetric = torch.cat([index, index.flip(0)], dim=1)
    expected = Graph.from_edge_index(index, 20, undirected=True)
    for graph in (
        Graph.from_networkx(nx),
        Graph.from_networkx(nx.to_directed()),
        Graph.from_data(Data(edge_index=symmetric, num_nodes=20)),
        Graph.from_scipy(networkx.to_scipy_sparse_array(nx)),
        Graph.from_edge_index(symmetric.int(), 20),
    ):
        assert torch.equal(graph.edge_index, expected.edge_index)
        assert graph.undirected
    arrows = networkx.DiGraph([("a", "b"), ("b", "c"), ("a", "b")])
    assert Graph.from_networkx(arrows).edge_index.tolist() == [[0, 1], [1, 2]]
    assert not Graph.from_networkx(arrows).undirected
    multi = networkx.MultiGraph([(0, 1), (0, 1), (1, 1)])
    assert Graph.from_networkx(multi).num_edges == 2


def test_hetero_data_needs_an_edge_type_and_keeps_sides_apart():
    data = HeteroData()
    data["user"].num_nodes, data["item"].num_nodes = 3, 5
    data["user", "buys", "item"].edge_index = torch.tensor([[0, 0, 2], [4, 4, 1]])
    data["user", "knows", "user"].edge_index = torch.tensor([[0, 1], [1, 2]])
    graph = Graph.from_data(data, ("user", "buys", "item"))
    assert (graph.num_src, graph.num_dst, graph.num_edges, graph.bipartite) == (3, 5, 2, True)
    assert graph.reversed().num_src == 5
    assert not Graph.from_data(data, ("user", "knows", "user")).bipartite
    with pytest.raises(ValueError, match="'edge_type' must be one of"):
        Graph.from_data(data)


def test_rectangular_scipy_is_bipartite():
    matrix = scipy.sparse.csr_array(np.array([[1, 0, 2], [0, 0, 0]]))
    graph = Graph.from_scipy(matrix)
    assert (graph.num_src, graph.num_dst, graph.bipartite) == (2, 3, True)
    assert graph.edge_index.tolist() == [[0, 0], [0, 2]]


def test_immutable_and_pickled():
    graph = Graph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), 4)
    with pytest.raises(ValueError, match="read-only"):
        graph.indices[0] = 3
    copy = pickle.loads(pickle.dumps(graph))
    assert torch.equal(copy.edge_index, graph.edge_index)
    assert not copy.indices.flags.writeable
    known = pickle.loads(pickle.dumps(KnownEdges(graph)))
    assert known.contains(torch.tensor([0]), torch.tensor([1])).item()


def test_memory_of_known_edges():
    graph = Graph.from_edge_index(torch.randint(10_000, (2, 100_000)), 10_000, undirected=True)
    assert KnownEdges(graph).nbytes <= 8 * graph.num_edges + 8 * (graph.num_nodes + 1)
    one_way = Graph.from_edge_index(torch.randint(10_000, (2, 100_000)), 10_000, undirected=False)
    known = KnownEdges(one_way)
    known.reversed()
    assert known.nbytes <= 8 * one_way.num_edges + 16 * (one_way.num_nodes + 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Graph.from_edge_index(torch.tensor([[0], [5]]), 5), r"in \[0, 5\) \(got 5\)"),
        (lambda: Graph.from_edge_index(torch.zeros(3, 2, dtype=torch.long)), "did you mean its"),
        (lambda: Graph.from_edge_index(torch.zeros(2, 3)), "dtype torch.float32"),
        (
            lambda: Graph.from_edge_index(
                torch.zeros(2, 1, dtype=torch.long), (1, 1), undirected=True
            ),
            "'undirected' must be None or False for a bipartite graph",
        ),
        (lambda: Graph.from_data(Data(x=torch.zeros(3, 2))), "'data' must be PyG data"),
        (lambda: KnownEdges(torch.zeros(2, 1, dtype=torch.long)), "'num_nodes' must be given"),
        (
            lambda: KnownEdges(num_nodes=3).contains(torch.tensor([3]), torch.tensor([0])),
            r"'src' must be node ids in \[0, 3\)",
        ),
        (
            lambda: KnownEdges(num_nodes=3).contains(torch.tensor([0, 1]), torch.tensor([0])),
            "'dst' must be of the shape of 'src'",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@settings(max_examples=60, deadline=None)
@given(edge_lists.filter(len), st.booleans(), st.booleans())
def test_weights_of_parallel_edges_add_up(pairs, undirected, bipartite):
    weight = torch.arange(1, len(pairs) + 1).double() / 4
    size = (12, 12) if bipartite else 12
    symmetric = undirected and not bipartite
    graph = Graph.from_edge_index(tensor(pairs), size, undirected=symmetric, weight=weight)
    expected = np.zeros((12, 12))
    for (u, v), w in zip(pairs, weight.tolist(), strict=True):
        if bipartite or u != v:
            expected[u, v] += w
            expected[v, u] += w if symmetric else 0
    for view, dense in ((graph, expected), (graph.reversed(), expected.T)):
        adjacency = np.zeros((12, 12))
        adjacency[tuple(view.edge_index.numpy())] = view.weights
        np.testing.assert_allclose(adjacency, dense)
    copy = pickle.loads(pickle.dumps(graph))
    np.testing.assert_array_equal(copy.weights, graph.weights)
    plain = Graph.from_edge_index(tensor(pairs), size, undirected=symmetric)
    assert plain.weights is None
    assert copy.fingerprint() == graph.fingerprint()
    assert not graph.num_edges or plain.fingerprint() != graph.fingerprint()


def test_weights_from_everywhere():
    edges, weight = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), torch.tensor([2.0, 2.0, 3.0, 3.0])
    nx = networkx.Graph()
    nx.add_weighted_edges_from([(0, 1, 2.0), (1, 2, 3.0)])
    data = Data(edge_index=edges, edge_weight=weight, num_nodes=3)
    for graph in (
        Graph.from_edge_index(edges, weight=weight),
        Graph.from_data(data, weight="edge_weight"),
        Graph.from_networkx(nx, weight="weight"),
        Graph.from_scipy(networkx.to_scipy_sparse_array(nx), weighted=True),
    ):
        assert graph.undirected
        assert graph.weights.tolist() == [2.0, 2.0, 3.0, 3.0]
        assert "weighted" in repr(graph)
    one_way = Graph.from_edge_index(edges, weight=torch.tensor([2.0, 1.0, 3.0, 3.0]))
    assert not one_way.undirected  # (0, 1) and (1, 0) weigh differently
    with pytest.raises(ValueError, match=r"'weight' must be finite and > 0 \(got -1.0 to 3.0\)"):
        Graph.from_edge_index(edges, weight=torch.tensor([2.0, -1.0, 3.0, 3.0]))
    with pytest.raises(ValueError, match=r"'weight' must be a tensor of shape \[4\]"):
        Graph.from_edge_index(edges, weight=torch.ones(3))
    with pytest.raises(ValueError, match="'weight' must be an edge attribute of the data"):
        Graph.from_data(data, weight="edge_attr")


@pytest.mark.filterwarnings("ignore:Sparse")
def test_sparse_tensors_and_transposed_matrices():
    edges = torch.tensor([[0, 1, 3], [1, 2, 0]])
    matrix = torch.sparse_coo_tensor(edges, torch.tensor([2.0, 3.0, 4.0]), (4, 4))
    for sparse in (matrix, matrix.to_sparse_csr(), matrix.to_sparse_csc()):
        graph = Graph.from_scipy(sparse, weighted=True)
        assert graph.edge_index.tolist() == edges.tolist()
        assert graph.weights.tolist() == [2.0, 3.0, 4.0]
    data = Data(adj_t=matrix.t().to_sparse_csr(), num_nodes=4)
    assert Graph.from_data(data).edge_index.tolist() == edges.tolist()
    assert Graph.from_data(data, weight="adj_t").weights.tolist() == [2.0, 3.0, 4.0]
    with pytest.raises(ValueError, match="'data' must be PyG data with an 'edge_index' or 'adj_t'"):
        Graph.from_data(Data(num_nodes=4))


def test_networkx_marks_two_kinds_of_nodes():
    women = networkx.davis_southern_women_graph()
    graph = Graph.from_networkx(women)
    assert (graph.num_src, graph.num_dst) == (18, 14)
    assert graph.num_edges == women.number_of_edges()
    women.add_edge("Evelyn Jefferson", "Laura Mandeville")
    with pytest.raises(ValueError, match=r"edges join nodes with 'bipartite' 0 .* the edge"):
        Graph.from_networkx(women)


def test_known_edges_say_which_part_of_held_out_edges_is_meant():
    graph = Graph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), num_nodes=4)
    held_out = EvalEdges(torch.tensor([[0], [2]]), (torch.tensor([0]), torch.tensor([3])))
    with pytest.raises(ValueError, match=r"'edge_sets' must be .*\(got EvalEdges\).*\.pos\?"):
        KnownEdges(graph, held_out)
    assert KnownEdges(graph, held_out.pos).num_edges == 3
