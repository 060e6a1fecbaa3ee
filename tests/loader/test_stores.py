"""Links and negatives from a feature store and a graph store, as from the data they hold."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.testing import MyFeatureStore, MyGraphStore

from gneg import KnownEdges
from gneg.loader import LinkLoader
from tests.loader.pyg_data import graph_data, hetero_data, seeded

BUYS = ("u", "buys", "i")


def stores_of(data) -> tuple:
    features, edges = MyFeatureStore(), MyGraphStore()
    for name in data.node_types:
        for key, value in data[name].items():
            features.put_tensor(value, group_name=name, attr_name=key, index=None)
    for edge_type in data.edge_types:
        options = {"edge_type": edge_type, "layout": "coo", "size": data[edge_type].size()}
        edges.put_edge_index(data[edge_type].edge_index, **options)
    return features, edges


@pytest.mark.parametrize(
    ("links", "options"),
    [
        (BUYS, {"neg_sampling": "binary"}),
        (BUYS, {"neg_sampling": "triplet", "sampler": "walk", "exclude_targets": True}),
        (("u", "knows", "u"), {"neg_sampling": "binary", "sampler": "similar(band=0|20)"}),
        (BUYS, {"neg_sampling": "triplet", "time_attr": "time"}),
    ],
)
def test_batches_are_those_of_the_data(links, options):
    data = hetero_data()
    for name in data.node_types:
        size = data[name].num_nodes
        data[name].x = torch.rand(size, 3, generator=seeded())
        data[name].time = torch.arange(size)
    if "time_attr" in options:
        options["edge_label_time"] = data[links].edge_index.max(dim=0).values + 5
    both = []
    for source in (data, stores_of(data)):
        loader = LinkLoader(source, [3, 2], links, batch_size=50, generator=seeded(), **options)
        both.append(list(loader))
    known = KnownEdges(data[links].edge_index, num_nodes=data[links].size())
    for first, second in zip(*both, strict=True):
        for name in data.node_types:
            assert torch.equal(first[name].n_id, second[name].n_id)
            assert torch.equal(first[name].x, second[name].x)
        for edge_type in data.edge_types:
            assert torch.equal(first[edge_type].edge_index, second[edge_type].edge_index)
        if options["neg_sampling"] == "triplet":
            assert torch.equal(first["i"].dst_neg_index, second["i"].dst_neg_index)
        else:
            batch = second[links]
            src, dst = batch.edge_label_index[:, batch.edge_label == 0]
            pair = second[links[0]].n_id[src], second[links[-1]].n_id[dst]
            assert not known.contains(*pair).any()


def test_stores_of_one_kind_of_node():
    data = graph_data()
    features, edges = MyFeatureStore(), MyGraphStore()
    features.put_tensor(data.x, group_name=None, attr_name="x", index=None)
    edges.put_edge_index(data.edge_index, edge_type=None, layout="coo", size=(80, 80))
    links = (None, data.edge_index)
    options = {"neg_sampling": "binary", "batch_size": 16}
    for batch in LinkLoader((features, edges), [4], links, **options):
        assert torch.equal(batch.x, batch.n_id)
        assert batch.edge_label.sum() * 2 == len(batch.edge_label)


def test_other_data_is_named():
    message = r"'data' must be Data, HeteroData or \(feature store, graph store\) \(got tuple\)"
    with pytest.raises(ValueError, match=message):
        LinkLoader((hetero_data(), 3), [2], BUYS, neg_sampling="binary")
