"""Models against PyG's own on an edge list; masking; heuristics against networkx."""

from __future__ import annotations

import networkx
import pytest
import torch
from torch_geometric.nn.models import GCN, GraphSAGE

from gneg import Graph, nn
from gneg.graph import sparse
from gneg.graph.heuristics import Heuristic
from gneg.samplers import Uniform
from tests.worlds import bipartite, directed, positives, random_graph


@pytest.mark.parametrize("kind", ["sage", "gcn"])
@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("layers", [1, 3])
def test_encoder_equals_pyg(kind, is_sparse, layers):
    graph = random_graph(50, 120)
    x = torch.randn(50, 20) * (torch.rand(50, 20) < 0.2)
    encoder = nn.Encoder(kind, 50, 20, hidden=16, layers=layers, norm="layer", jk="cat")
    theirs = {"sage": GraphSAGE, "gcn": GCN}[kind](20, 16, layers, 16, norm="layer_norm", jk="cat")
    theirs.load_state_dict(encoder.gnn.state_dict())
    features = nn.SparseFeatures(sparse.to_csr(x)) if is_sparse else x
    ours = encoder(features, nn.Adjacency(graph))
    expected = theirs(x, graph.edge_index)
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)
    weight = torch.randn_like(ours)
    (ours * weight).sum().backward()
    (expected * weight).sum().backward()
    for p, p_theirs in zip(encoder.gnn.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p.grad, p_theirs.grad, rtol=1e-3, atol=1e-4)


def test_masked_edges_pass_no_messages():
    graph = random_graph(50, 120)
    edges = graph.edge_index[:, graph.edge_index[0] < graph.edge_index[1]]
    adjacency = nn.Adjacency(graph)
    masked = adjacency.without(adjacency.positions(edges[:, :30]))
    remaining = nn.Adjacency(Graph.from_edge_index(edges[:, 30:], 50, undirected=True))
    h = torch.randn(50, 4)
    for aggregate in ("sum", "mean", "normalized"):
        torch.testing.assert_close(getattr(masked, aggregate)(h), getattr(remaining, aggregate)(h))
    untouched = nn.Adjacency(graph)
    torch.testing.assert_close(adjacency.sum(h), untouched.sum(h))
    path = nn.Adjacency(Graph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), undirected=True))
    with pytest.raises(ValueError, match=r"'edges' must be edges of the graph \(got 1 others\)"):
        path.positions(torch.tensor([[0, 0], [1, 2]]))


@pytest.mark.parametrize("graph", [random_graph(20, 60), directed(), bipartite()])
def test_the_edge_list_of_an_adjacency_is_its_matrix(graph):
    adjacency = nn.Adjacency(graph)
    masked = adjacency.without(adjacency.positions(graph.edge_index[:, :5]))
    for part in (adjacency, masked):
        dense = torch.zeros(part.num_nodes, part.num_nodes)
        source, target = part.edge_index
        dense[target, source] = part.edge_weight
        assert torch.equal(dense, part.matrix.to_dense())
        assert part.edge_index.size(1) == int((dense != 0).sum())


def test_directed_edges_pass_messages_both_ways():
    graph = directed()
    h = torch.randn(25, 3)
    matrix = torch.zeros(25, 25)
    matrix[graph.edge_index[0], graph.edge_index[1]] = 1
    matrix = torch.maximum(matrix, matrix.t())
    torch.testing.assert_close(nn.Adjacency(graph).sum(h), matrix @ h)


@pytest.mark.parametrize("inputs", ["features", "embedding", "both"])
def test_features_and_embeddings_are_inputs(inputs):
    graph = random_graph(50, 120)
    for x in (torch.randn(50, 20), nn.SparseFeatures(sparse.to_csr(torch.eye(50, 20)))):
        encoder = nn.Encoder("sage", 50, 20, hidden=8, inputs=inputs)
        assert encoder(x, nn.Adjacency(graph)).shape == (50, 8)


@pytest.mark.parametrize("kind", ["dot", "cosine", "mlp", "hybrid", "bilinear", "ncn"])
def test_decoders_and_chunked_scoring(kind, monkeypatch):
    decoder = nn.make_decoder(kind, 8, graph=random_graph(50, 200))
    model = nn.LinkPredictor(nn.Encoder("sage", 50, 0, hidden=8), decoder)
    z = torch.randn(50, 8)
    src, dst = torch.randint(50, (2, 7, 11))
    whole = model.score(z, src, dst)
    assert whole.shape == (7, 11)
    monkeypatch.setattr("gneg.nn.model.CHUNK", 10)
    torch.testing.assert_close(model.scorer(z)(src, dst), whole.detach())
    coarse = model.scorer(z, coarse=True)(src, dst)
    assert coarse.dtype == torch.float32
    torch.testing.assert_close(coarse, whole.detach(), rtol=0.05, atol=0.15)
    if kind == "dot":
        torch.testing.assert_close(whole, (z[src] * z[dst]).sum(-1))
    if kind != "bilinear":
        torch.testing.assert_close(whole, model.score(z, dst, src))


@pytest.mark.parametrize("kind", ["dot", "cosine"])
@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("corrupt", ["dst", "src", "both"])
@pytest.mark.parametrize("graph", [directed(), bipartite()], ids=["directed", "bipartite"])
def test_products_of_batches_equal_scores_of_pairs(kind, stacked, corrupt, graph):
    if stacked and graph.bipartite:
        pytest.skip("a stack takes one kind of nodes")
    generator = torch.Generator().manual_seed(0)
    pos = positives(graph)
    negatives = Uniform(graph, corrupt=corrupt).sample(pos, 5, generator=generator)
    decoder = nn.make_decoder(kind, 8)
    num_src = graph.num_src if graph.bipartite else None
    model = nn.LinkPredictor(
        nn.NoEmbeddings(1), nn.Stack(decoder, graph) if stacked else decoder, num_src
    )
    z = torch.randn(graph.num_nodes, 8, generator=generator)
    gradients = []
    for score in (
        model.score_both,
        lambda z, pos, neg: (model.score(z, *pos), model.score(z, *neg.pairs())),
    ):
        leaf = z.clone().requires_grad_()
        scores = score(leaf, pos, negatives)
        (scores[0].sin().sum() + scores[1].cos().sum()).backward()
        gradients.append((*scores, leaf.grad))
    for ours, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["cn", "aa", "ra"])
def test_heuristics_equal_networkx(kind):
    graph = random_graph(40, 150)
    reference = networkx.Graph(graph.edge_index.t().tolist())
    reference.add_nodes_from(range(40))
    src, dst = (
        ends.flatten() for ends in torch.meshgrid(torch.arange(40), torch.arange(40), indexing="ij")
    )
    ours = Heuristic(graph, kind)(src, dst)
    score = {
        "cn": lambda u, v: len(list(networkx.common_neighbors(reference, u, v))),
        "aa": lambda u, v: next(networkx.adamic_adar_index(reference, [(u, v)]))[2],
        "ra": lambda u, v: next(networkx.resource_allocation_index(reference, [(u, v)]))[2],
    }[kind]
    for value, u, v in zip(ours.tolist(), src.tolist(), dst.tolist(), strict=True):
        if u != v:
            assert value == pytest.approx(score(u, v))


def test_cosines_and_their_gradients_equal_torch():
    ends = torch.randn(2, 30, 8)
    ends[0, 0] = 0
    results = []
    for score in (nn.make_decoder("cosine", 8), torch.nn.functional.cosine_similarity):
        src, dst = (end.clone().requires_grad_() for end in ends)
        value = score(src, dst)
        value[1:].sum().backward()
        results.append((value.detach(), src.grad, dst.grad))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, 10 * theirs)
    hybrid = nn.make_decoder("hybrid", 8)  # which starts as the cosine
    torch.testing.assert_close(hybrid(*ends).detach(), results[0][0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.Encoder("gat", 5, 3), "'kind' must be one of 'sage', 'gcn'"),
        (
            lambda: nn.Encoder("sage", 5, 0, inputs="both"),
            "'inputs' must be 'embedding' for a graph",
        ),
        (lambda: nn.Encoder("sage", 5, 3, dropout=2), r"'dropout' must be a number in \[0, 1\)"),
        (lambda: nn.make_decoder("sum", 5), "'decoder' must be one of"),
        (lambda: Heuristic(random_graph(5, 9), "xx"), "'kind' must be one of"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
