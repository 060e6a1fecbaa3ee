"""Negatives of links with times: nodes that were there when the link came to be, as in PyG."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data, HeteroData
from torch_geometric.sampler import NegativeSampling
from torch_geometric.sampler.neighbor_sampler import neg_sample

from gneg import samplers
from gneg.loader import LinkLoader
from tests.loader.pyg_data import seeded
from tests.worlds import random_graph

LINK = torch.tensor([[0], [1]])


def negatives_at(time: int, mode: str) -> set:
    """Return many negatives of link (0, 1) at a time, among 40 nodes born at 0, ..., 39."""
    data = Data(edge_index=LINK, time=torch.arange(40), num_nodes=40)
    batches = LinkLoader(
        data,
        [2],
        LINK,
        edge_label_time=torch.tensor([time]),
        time_attr="time",
        neg_sampling=NegativeSampling(mode, 300),
        generator=seeded(),
    )
    batch = next(iter(batches))
    index = batch.dst_neg_index if mode == "triplet" else batch.edge_label_index[1, 1:]
    return set(batch.n_id[index].flatten().tolist())


@pytest.mark.parametrize("mode", ["binary", "triplet"])
@pytest.mark.parametrize("time", [100, 39, 12, 2])
def test_candidates_are_the_nodes_of_the_links_time(time, mode):
    """Those of PyG, which may also be the link itself."""
    of_pyg = set(
        neg_sample(
            LINK[1].expand(2000),
            NegativeSampling(mode, 1),
            40,
            torch.full((2000,), time),
            torch.arange(40),
            "dst",
        ).tolist()
    )
    expected = set(range(2, min(time, 39) + 1))
    assert negatives_at(time, mode) == expected
    assert of_pyg - {0, 1} <= expected


def test_a_link_before_all_other_nodes_is_named():
    with pytest.raises(ValueError, match=r"got \(0, 1\)\); leave out links before whose time"):
        negatives_at(1, "binary")


def test_copies_of_a_link_have_their_own_times():
    """By position: ids do not tell links between the same nodes apart."""
    data = Data(edge_index=LINK, time=torch.arange(40), num_nodes=40)
    time = torch.tensor([5, 35, 10])
    batches = LinkLoader(
        data,
        [2],
        LINK.expand(2, 3),
        edge_label_time=time,
        time_attr="time",
        neg_sampling=NegativeSampling("triplet", 50),
        batch_size=3,
        generator=seeded(),
    )
    batch = next(iter(batches))
    latest = batch.n_id[batch.dst_neg_index].max(dim=1).values
    assert latest.tolist() == time.tolist()


def test_times_of_targets_alone_count():
    data = HeteroData()
    data["u"].num_nodes, data["i"].num_nodes, data["i"].time = 5, 30, torch.arange(30)
    data["u", "buys", "i"].edge_index = torch.tensor([[0, 1, 2], [3, 4, 5]])
    batches = LinkLoader(
        data,
        [2],
        ("u", "buys", "i"),
        edge_label_time=torch.tensor([9, 10, 11]),
        time_attr="time",
        neg_sampling=NegativeSampling("triplet", 100),
        batch_size=3,
        generator=seeded(),
    )
    batch = next(iter(batches))
    negatives = batch["i"].n_id[batch["i"].dst_neg_index]
    assert negatives.max(dim=1).values.tolist() == [9, 10, 11]


def test_a_guard_takes_the_times_of_positives():
    graph = random_graph(40, 60)
    pos, time = graph.edge_index[:, :20], torch.arange(20) + 15
    guard = samplers.NodeTime(torch.arange(40), time)
    sampler = samplers.Guarded(samplers.Uniform(graph, corrupt="both"), [guard])
    drawn = sampler.sample(pos, 5, generator=seeded())
    assert drawn.mask.all()
    assert (drawn.index <= time[:, None]).all()
    with pytest.raises(ValueError, match=r"'edge_time' must be of shape \[19\]"):
        sampler.sample(pos[:, :19], 5)
