"""Transforms as a PyG user meets them: shapes, labels, composition, and no leaks."""

from __future__ import annotations

import pytest
import torch
import torch_geometric.transforms as T
from torch_geometric.data import Batch, Data

from gneg import KnownEdges, samplers
from gneg.transforms import AddHeuristics, AddNegatives, HardLinkSplit
from tests.transforms.pyg_data import graph_data, hetero_data, seeded


@pytest.mark.parametrize("k", [1, 3])
def test_binary_negatives(k):
    data = graph_data()
    result = AddNegatives("walk", k, corrupt="both", generator=seeded())(data)
    size = data.num_edges
    assert result is not data
    assert torch.equal(result.edge_label_index[:, :size], data.edge_index)
    assert result.edge_label.tolist() == [1.0] * size + [0.0] * (k * size)
    known = KnownEdges(data.edge_index, num_nodes=60)
    assert not known.contains(*result.edge_label_index[:, size:]).any()
    redrawn = AddNegatives(k=k, generator=seeded(1))(result)  # replaces negatives, keeps positives
    assert torch.equal(redrawn.edge_label, result.edge_label)
    assert torch.equal(redrawn.edge_label_index[:, :size], data.edge_index)


def test_ids_keep_their_type():
    data = graph_data()
    data.edge_index = data.edge_index.int()
    binary, triplets = AddNegatives()(data), AddNegatives(mode="triplet")(data)
    assert binary.edge_label_index.dtype == triplets.dst_neg_index.dtype == torch.int32


def test_class_labels_are_shifted():
    data = graph_data()
    data.edge_label = torch.arange(data.num_edges) % 3
    result = AddNegatives(k=2)(data)
    assert result.edge_label.dtype == torch.long
    assert torch.equal(result.edge_label[: data.num_edges], data.edge_label + 1)
    assert (result.edge_label[data.num_edges :] == 0).all()


def test_triplets():
    data = graph_data()
    for k in (1, 4):
        result = AddNegatives("khop(hops=2|far)", k, mode="triplet", generator=seeded())(data)
        assert torch.equal(torch.stack([result.src_index, result.dst_pos_index]), data.edge_index)
        size = (data.num_edges,) if k == 1 else (data.num_edges, 4)
        assert result.dst_neg_index.shape == size
        src = result.src_index if k == 1 else result.src_index[:, None].expand(-1, k)
        known = KnownEdges(data.edge_index, num_nodes=60)
        assert not known.contains(src.contiguous(), result.dst_neg_index).any()
    data = AddNegatives(mode="triplet", edge_types=[("p", "a")])(hetero_data())
    assert data["p"].src_index.shape == data["a"].dst_neg_index.shape


def test_transforms_compose_batch_and_are_functional():
    transform = T.Compose(
        [
            T.ToUndirected(),
            AddNegatives("walk", generator=seeded()),
            AddHeuristics(["cn", "ppr", "cosine"]),
        ]
    )
    graphs = [transform(graph_data(n=n, undirected=False)) for n in (30, 50)]
    batch = Batch.from_data_list(graphs)
    assert (
        batch.edge_label_index.size(1)
        == batch.edge_label.numel()
        == len(batch.edge_label_heuristics)
    )
    assert batch.edge_label_index[:, graphs[0].edge_label.numel() :].min() >= 30
    assert batch.edge_heuristics.shape == (batch.num_edges, 3)
    assert str(transform.transforms[1]) == "AddNegatives('walk', k=1, mode='binary')"
    assert str(transform.transforms[2]) == "AddHeuristics(cn, ppr, cosine)"
    from torch_geometric.data.datapipes import functional_transform

    with pytest.raises(Exception, match="add_negatives as it is already taken"):
        functional_transform("add_negatives")(AddNegatives)


def test_as_a_pre_transform(tmp_path):
    from torch_geometric.data import InMemoryDataset

    class Toy(InMemoryDataset):
        def __init__(self, root, **options):
            super().__init__(root, **options)
            self.load(self.processed_paths[0])

        @property
        def processed_file_names(self):
            return "data.pt"

        def process(self):
            self.save([self.pre_transform(graph_data())], self.processed_paths[0])

    data = Toy(tmp_path, pre_transform=AddNegatives(generator=seeded()))[0]
    assert (data.edge_label == 0).sum() == data.num_edges
    split = Toy(
        tmp_path, pre_transform=AddNegatives(generator=seeded()), transform=HardLinkSplit()
    )[0]
    assert len(split) == 3


def test_heuristics_are_those_of_the_graph():
    data = graph_data()
    scored = AddHeuristics(["cn"])(data)
    adjacency = torch.zeros(60, 60)
    adjacency[tuple(data.edge_index)] = 1
    common = adjacency @ adjacency
    assert torch.equal(scored.edge_heuristics[:, 0], common[tuple(data.edge_index)])
    hetero = AddHeuristics()(hetero_data())
    assert "edge_heuristics" in hetero["p", "p"]
    assert "edge_heuristics" not in hetero["p", "a"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: AddNegatives(k=0), "'k' must be"),
        (lambda d: AddNegatives(mode="pairs"), "'mode' must be one of"),
        (
            lambda d: AddNegatives(mode="triplet", corrupt="both"),
            "'corrupt' must be 'dst' in triplets",
        ),
        (lambda d: AddNegatives("wlak")(d), "no sampler 'wlak'"),
        (lambda d: AddNegatives(edge_types=[("a", "b")])(d), "'edge_types' must be None"),
        (lambda d: AddNegatives()(Data(x=torch.ones(3, 1))), "'data' must be PyG data with"),
        (lambda d: AddHeuristics(["deepwalk"]), "'kinds' must be one of"),
        (
            lambda d: AddHeuristics(["cosine"])(Data(edge_index=d.edge_index, num_nodes=60)),
            "'x' must be",
        ),
        (lambda d: HardLinkSplit(0.7, 0.4)(d), "left for training"),
        (lambda d: HardLinkSplit(-1)(d), "'num_val' must be"),
        (lambda d: HardLinkSplit(1.5)(d), "'num_val' must be a number in"),
        (lambda d: HardLinkSplit(neg_sampling_ratio=-1), "'neg_sampling_ratio' must be"),
        (lambda d: HardLinkSplit(time_attr="when")(d), "'time_attr' must be an edge attribute"),
        (lambda d: HardLinkSplit(known="test"), "'known' must be one of"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(graph_data())


def test_a_sampler_of_ones_own():
    def make(graph, known):
        return samplers.Degree(graph, alpha=2, known=known)

    train, _, _ = HardLinkSplit(sampler=make)(graph_data())
    assert (train.edge_label == 0).sum() == (train.edge_label == 1).sum()
    result = AddNegatives(lambda graph: samplers.Uniform(graph, unique=True), k=5)(graph_data())
    assert (result.edge_label == 0).any()
