"""Splits of PyG as datasets: their sizes, empty parts, and types of ids."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data, HeteroData
from torch_geometric.transforms import RandomLinkSplit

import gneg
from gneg import Graph, audit, datasets, hardset
from gneg.evaluation import scorers
from gneg.transforms import HardLinkSplit
from tests.worlds import random_graph


@pytest.mark.parametrize("split_labels", [False, True])
@pytest.mark.parametrize("undirected", [False, True])
def test_a_split_of_pygs_is_audited_and_evaluated(undirected, split_labels):
    graph = random_graph(80, 400, undirected=undirected)
    data = Data(x=torch.randn(80, 3), edge_index=graph.edge_index)
    split = HardLinkSplit(0.1, 0.2, is_undirected=undirected, split_labels=split_labels)
    parts = split(data)
    data_split = datasets.from_pyg(*parts, num_negatives=20)
    assert data_split.undirected == undirected
    assert torch.equal(data_split.graph.edge_index, Graph.from_data(parts[0]).edge_index)
    key = "pos_edge_label_index" if split_labels else "edge_label_index"
    wanted = parts[2][key][:, : data_split.test.pos.size(1)]
    assert torch.equal(data_split.test.pos, wanted)
    assert not data_split.known("all").contains(*data_split.test.neg).any()
    assert audit(data_split, "walk", negatives=500)["risk"]["per_1000"] >= 0
    assert hardset(data_split, k=10).index.shape == (data_split.test.pos.size(1), 10)


def test_what_is_no_split_is_refused():
    data = Data(edge_index=random_graph(20, 60).edge_index, num_nodes=20)
    with pytest.raises(ValueError, match="'valid' must be data with 'edge_label_index'"):
        datasets.from_pyg(data, data, data)
    train, valid, _ = HardLinkSplit(is_undirected=True)(data)
    with pytest.raises(ValueError, match="stand in two parts"):
        datasets.from_pyg(train, valid, valid)
    with pytest.raises(ValueError, match="'test' must be PyG data, as of RandomLinkSplit"):
        datasets.from_pyg(train, valid, None)


@pytest.mark.filterwarnings("ignore:Unable to accurately infer 'num_nodes'")
def test_nodes_are_those_of_all_parts():
    """The last node of a path may have no training edge."""
    path = torch.stack([torch.arange(59), torch.arange(1, 60)])
    path = torch.cat([path, path.flip(0)], dim=1)
    smaller = 0
    for seed in range(20):
        torch.manual_seed(seed)
        parts = RandomLinkSplit(is_undirected=True)(Data(edge_index=path))
        smaller += int(parts[0].edge_index.max()) < 59
        assert datasets.from_pyg(*parts, num_negatives=4).num_nodes == 60
    assert smaller
    parts = RandomLinkSplit(is_undirected=True)(Data(edge_index=path, num_nodes=70))
    assert datasets.from_pyg(*parts, num_negatives=4).num_nodes == 70
    parts[0].num_nodes = 50
    with pytest.raises(ValueError, match="is 'num_nodes' right"):
        datasets.from_pyg(*parts)


@pytest.mark.parametrize("split", [RandomLinkSplit, HardLinkSplit])
def test_a_part_may_be_empty(split):
    data = Data(edge_index=random_graph(40, 200, undirected=True).edge_index, num_nodes=40)
    without_valid = datasets.from_pyg(*split(0, 0.2, is_undirected=True)(data))
    assert without_valid.valid.pos.size(1) == 0
    result = gneg.evaluate(without_valid, scorers.heuristic(without_valid, "cn"), resamples=0)
    assert result["sets"]["uniform"]["metrics"]["mrr"]["value"] > 0
    assert audit(without_valid, "walk", negatives=500)["risk"]["per_1000"] > 0
    with pytest.raises(ValueError, match="'data' must be a dataset with valid edges"):
        gneg.train(without_valid, gneg.LinkConfig(epochs=1))
    without_test = datasets.from_pyg(*split(0.2, 0, is_undirected=True)(data))
    assert without_test.test.pos.size(1) == 0
    with pytest.raises(ValueError, match="'data' must be a dataset with test edges"):
        gneg.train(without_test, gneg.LinkConfig(epochs=1))
    with pytest.raises(ValueError, match="'valid, test' must be a split with edges"):
        datasets.from_pyg(*split(0, 0, is_undirected=True)(data))


def test_small_ids_of_a_large_graph_do_not_overflow():
    """A pair's number, source * N + target, needs more than 32 bits."""
    ids = torch.randint(100_000, (2, 3000), generator=torch.Generator().manual_seed(0))
    data = Data(edge_index=ids.unique(dim=1).int(), num_nodes=100_000)
    parts = HardLinkSplit(0.1, 0.1, generator=torch.Generator().manual_seed(0))(data)
    assert {part.edge_label_index.dtype for part in parts} == {torch.int32}
    split = datasets.from_pyg(*parts, num_negatives=4)
    assert {split.train.dtype, split.valid.pos.dtype, split.test.neg[0].dtype} == {torch.int64}
    assert split.graph.num_edges == parts[0].edge_index.size(1)


RATES = ("user", "rates", "movie")


def movies(*, features: tuple[str, ...] = ("user", "movie")) -> HeteroData:
    """30 users with 2 features, 50 movies with 3, their ratings both ways, and friends."""
    data = HeteroData()
    for kind, size, width in (("user", 30, 2), ("movie", 50, 3)):
        data[kind].num_nodes = size
        if kind in features:
            data[kind].x = torch.rand(size, width) + 1
    generator = torch.Generator().manual_seed(0)
    users, items = (torch.randint(size, (400,), generator=generator) for size in (30, 50))
    data[RATES].edge_index = torch.stack([users, items]).unique(dim=1)
    data["movie", "rated_by", "user"].edge_index = data[RATES].edge_index.flip(0)
    data["user", "knows", "user"].edge_index = random_graph(30, 90, undirected=True).edge_index
    return data


def test_two_types_of_nodes_are_a_bipartite_graph():
    reverse = ("movie", "rated_by", "user")
    split = RandomLinkSplit(0.1, 0.2, edge_types=[RATES], rev_edge_types=[reverse])
    data = movies()
    parts = split(data)
    links = datasets.from_pyg(*parts, edge_type=RATES)
    assert links.size == (30, 50)
    assert links.metric == "recall@20"
    assert torch.equal(links.train, parts[0][RATES].edge_index)
    label = parts[2][RATES].edge_label > 0
    assert torch.equal(links.test.pos, parts[2][RATES].edge_label_index[:, label])
    assert torch.equal(links.dense_x[:30, :2], data["user"].x)
    assert torch.equal(links.dense_x[30:, 2:], data["movie"].x)
    assert not links.dense_x[:30, 2:].any()
    result = gneg.train(links, gneg.LinkConfig(encoder="lightgcn", epochs=1, hidden=8))
    assert 0 <= result["summary"]["test"]["recall@20"]["mean"] <= 1


def test_edges_within_a_type_are_a_homogeneous_graph():
    links = datasets.from_pyg(movies(), edge_type=("user", "knows", "user"))
    assert links.size == 30
    assert links.undirected
    assert links.x.size(1) == 2
    assert links.split == "random 85/5/10, seed 0"


def test_features_of_one_type_alone_are_not_used():
    with pytest.warns(UserWarning, match="'movie' has no features, so that those of 'user' are"):
        links = datasets.from_pyg(movies(features=("user",)), edge_type=RATES)
    assert links.x is None


def test_an_edge_type_must_be_chosen():
    with pytest.raises(ValueError, match=r"'edge_type' must be one of .*rates.* \(got None\)"):
        datasets.from_pyg(movies())
    one_way = random_graph(40, 200, undirected=False).edge_index
    data = Data(edge_index=one_way, num_nodes=40)
    with pytest.raises(ValueError, match="'edge_type' must be None for homogeneous data"):
        datasets.from_pyg(data, edge_type=RATES)
    whole = datasets.from_pyg(data)
    assert (whole.num_nodes, whole.undirected) == (40, False)
