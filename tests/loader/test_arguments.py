"""Wrong edges and options are named by transforms and loaders alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.data import Data, HeteroData

from gneg.loader import LinkLoader, NeighborSampler
from gneg.transforms import AddHeuristics, AddNegatives, HardLinkSplit

EDGES = torch.arange(12).view(2, 6) % 10
WRONG = {
    "None": None,
    "a text": "x",
    "NumPy": EDGES.numpy(),
    "floats": EDGES.float(),
    "bools": EDGES.bool(),
    "a line": EDGES[0],
    "transposed": EDGES.t(),
    "too high": EDGES + 20,
    "negative": EDGES - 3,
    "meta": EDGES.to("meta"),
    "sparse": torch.eye(2, dtype=torch.long).to_sparse(),
}
READERS = {
    "HardLinkSplit": lambda data: HardLinkSplit()(data),
    "HardLinkSplit, undirected": lambda data: HardLinkSplit(is_undirected=True)(data),
    "AddNegatives": lambda data: AddNegatives()(data),
    "AddHeuristics": lambda data: AddHeuristics()(data),
    "LinkLoader": lambda data: LinkLoader(data, [2], neg_sampling="binary"),
    "LinkLoader without negatives": lambda data: LinkLoader(data, [2]),
}


def data(edge_index=EDGES) -> Data:
    graph = Data(num_nodes=10, x=torch.zeros(10, 2))
    graph.edge_index = edge_index
    return graph


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("reader", READERS)
def test_wrong_edges_are_named(reader, wrong):
    with pytest.raises(ValueError, match=r"'(edge_index|data|edge_label_index)' must be"):
        READERS[reader](data(WRONG[wrong]))


@pytest.mark.parametrize("wrong", [name for name in WRONG if name != "None"])
@pytest.mark.parametrize("name", ["edge_label_index", "known"])
def test_wrong_links_are_named(name, wrong):
    with pytest.raises(ValueError, match=f"'{name}' must be"):
        LinkLoader(data(), [2], neg_sampling="binary", **{name: WRONG[wrong]})


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("wrong", [None, "x", 3, torch.zeros(2)])
def test_what_is_no_data_is_named(reader, wrong):
    with pytest.raises(ValueError, match="'data' must be"):
        READERS[reader](wrong)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"sampler": 3}, "sampler"),
        ({"sampler": "wlak"}, "sampler"),
        ({"neg_sampling": "both"}, "neg_sampling"),
        ({"neg_sampling_ratio": -1}, "neg_sampling_ratio"),
        ({"num_neighbors": 3}, "num_neighbors"),
        ({"num_neighbors": [-2]}, "num_neighbors"),
        ({"replace": torch.zeros(2)}, "replace"),
        ({"disjoint": "yes"}, "disjoint"),
        ({"exclude_targets": None}, "exclude_targets"),
        ({"edge_label": torch.zeros(3)}, "edge_label"),
        ({"weight_attr": "x"}, "weight_attr"),
        ({"generator": 3}, "generator"),
    ],
)
def test_wrong_options_of_the_loader_are_named(options, name):
    with pytest.raises(ValueError, match=f"'{name}'(:| must be)"):
        LinkLoader(data(), **{"num_neighbors": [2], "neg_sampling": "binary", **options})


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"num_val": -1}, "num_val"),
        ({"num_test": "x"}, "num_test"),
        ({"sampler": 3}, "sampler"),
        ({"sampler": lambda graph, known: None}, "sampler"),
        ({"time_attr": []}, "time_attr"),
        ({"time_attr": "x"}, "time_attr"),
        ({"rev_edge_types": ("a", "b")}, "rev_edge_types"),
        ({"is_undirected": 1}, "is_undirected"),
        ({"generator": 3}, "generator"),
        ({"neg_sampling_ratio": np.inf}, "neg_sampling_ratio"),
    ],
)
def test_wrong_options_of_the_split_are_named(options, name):
    with pytest.raises(ValueError, match=f"'{name}' must be"):
        HardLinkSplit(**options)(data())


@pytest.mark.parametrize("edge_types", [3, "x", ("a", "b"), [("p", "q", "r")], [[1, 2]]])
def test_unknown_edge_types_are_named_and_not_added(edge_types):
    graph = HeteroData()
    graph["p"].num_nodes = graph["a"].num_nodes = 10
    graph["p", "to", "a"].edge_index = EDGES
    for transform in (HardLinkSplit, AddNegatives, AddHeuristics):
        with pytest.raises(ValueError, match="'edge_types' must be"):
            transform(edge_types=edge_types)(graph)
    with pytest.raises(ValueError, match="'edge_label_index' must be one of the edge types"):
        LinkLoader(graph, [2], edge_types)
    assert graph.edge_types == [("p", "to", "a")]


def test_an_attribute_of_another_length_is_refused():
    """Kernels would read past its end."""
    graph = data()
    graph.weight, graph.time = torch.ones(4), torch.zeros(3)
    for name in ("weight", "time"):
        with pytest.raises(ValueError, match=rf"'{name}_attr' must be an attribute"):
            NeighborSampler(graph, [2], **{f"{name}_attr": name})


def test_a_sampler_without_negatives_is_refused():
    data = Data(edge_index=EDGES, num_nodes=10)
    with pytest.raises(ValueError, match="'sampler' must be None without 'neg_sampling'"):
        LinkLoader(data, [2], EDGES, sampler="walk")
