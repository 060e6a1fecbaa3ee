"""HardLinkSplit: as RandomLinkSplit of PyG, with negatives of a sampler and without leaks."""

from __future__ import annotations

import copy

import pytest
import torch
import torch_geometric.transforms as T
from torch_geometric.data import Data
from torch_geometric.utils import is_undirected

from gneg import KnownEdges
from gneg.transforms import AddHeuristics, HardLinkSplit
from tests.transforms.pyg_data import graph_data, hetero_data, pairs, parts, seeded

PATH = torch.tensor([[0, 1, 1, 2, 2, 3, 3, 4, 4, 5], [1, 0, 2, 1, 3, 2, 4, 3, 5, 4]])


def test_sizes_are_those_of_random_link_split():
    data = Data(edge_index=PATH, edge_attr=torch.randn(10, 3), num_nodes=100)
    options = [
        {"num_val": 2, "num_test": 0, "is_undirected": True},
        {"num_val": 0.2, "num_test": 0.2, "neg_sampling_ratio": 2.0},
        {"num_val": 0.2, "num_test": 0.2, "disjoint_train_ratio": 0.5},
        {"num_val": 0.2, "num_test": 0.2, "split_labels": True},
        {"num_val": 1, "num_test": 1, "add_negative_train_samples": False, "is_undirected": True},
        {"num_val": 0, "num_test": 0, "neg_sampling_ratio": 0.0},
    ]
    for option in options:
        ours, theirs = HardLinkSplit(**option)(data), T.RandomLinkSplit(**option)(data)
        for our_part, pyg_part in zip(ours, theirs, strict=True):
            assert set(our_part.keys()) == set(pyg_part.keys()), option
            for name, value in pyg_part.items():
                if isinstance(value, torch.Tensor):
                    assert our_part[name].shape == value.shape, (option, name)
                    assert our_part[name].dtype == value.dtype, (option, name)
    assert str(HardLinkSplit()) == "HardLinkSplit(num_val=0.1, num_test=0.2)"


def test_existing_labels_are_shifted_only_beside_negatives():
    label = torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    data = Data(edge_index=PATH, edge_label=label, num_nodes=6)
    train, _, _ = HardLinkSplit(0.2, 0.2, neg_sampling_ratio=0.0)(data)
    assert set(train.edge_label.tolist()) <= {0, 1}
    train, _, _ = HardLinkSplit(0.2, 0.2)(data)
    assert train.edge_label[:6].min() >= 1
    assert (train.edge_label[6:] == 0).all()
    without, valid, _ = HardLinkSplit(0.2, 0.2, add_negative_train_samples=False)(data)
    assert set(without.edge_label.tolist()) <= {0, 1}  # PyG shifts what no negative is beside
    assert set(valid.edge_label[:2].tolist()) <= {1, 2}
    assert label.tolist() == [0] * 5 + [1] * 5


@pytest.mark.parametrize("sampler", [None, "walk", "khop(hops=2)"])
@pytest.mark.parametrize("undirected", [True, False])
def test_nothing_leaks(undirected, sampler):
    data = graph_data(undirected=undirected)
    before = copy.deepcopy(data)
    split = HardLinkSplit(
        is_undirected=undirected, neg_sampling_ratio=2.0, sampler=sampler, generator=seeded()
    )
    train, valid, test = split(data)
    positives = [pairs(parts(part)[0], undirected) for part in (train, valid, test)]
    negatives = [pairs(parts(part)[1], undirected) for part in (train, valid, test)]
    all_pairs = pairs(data.edge_index, undirected)
    assert positives[0] | positives[1] | positives[2] == all_pairs
    assert sum(map(len, positives)) == len(all_pairs)
    assert [len(part) for part in negatives] == [2 * len(part) for part in positives]
    assert not negatives[0] & (negatives[1] | negatives[2])
    assert not negatives[1] & negatives[2]
    assert not (negatives[1] | negatives[2]) & all_pairs
    assert not negatives[0] & positives[0]
    for part, known in (
        (train, positives[0]),
        (valid, positives[0]),
        (test, positives[0] | positives[1]),
    ):
        assert pairs(part.edge_index, undirected) == known
        assert not undirected or is_undirected(part.edge_index, part.edge_attr)
    assert torch.equal(data.edge_index, before.edge_index)
    assert "edge_label" not in data


def test_training_negatives_may_be_unknown_edges_unless_asked():
    """On a dense graph an honest sampler hits held-out edges; PyG's never does, which tells."""
    data = graph_data(n=20, edges=400, undirected=False)
    hits = {}
    for known in ("train", "all"):
        train, valid, test = HardLinkSplit(
            0.2, 0.2, known=known, generator=seeded(), neg_sampling_ratio=0.3
        )(data)
        held_out = pairs(parts(valid)[0]) | pairs(parts(test)[0])
        hits[known] = len(pairs(parts(train)[1]) & held_out)
    assert hits["train"] > 0 == hits["all"]


def test_hard_negatives_are_hard():
    data = graph_data(n=100, edges=400)
    share = {}
    for sampler in (None, "walk"):
        _, _, test = HardLinkSplit(is_undirected=True, sampler=sampler, generator=seeded())(data)
        part = Data(edge_index=test.edge_index, num_nodes=100)
        part.edge_label_index, part.edge_label = test.edge_label_index, test.edge_label
        scored = AddHeuristics(["cn"])(part)
        share[sampler] = (scored.edge_label_heuristics[scored.edge_label == 0] > 0).float().mean()
    assert share["walk"] > share[None] + 0.4


def test_copies_of_an_edge_stay_together():
    edge_index = graph_data(undirected=False).edge_index
    data = Data(edge_index=torch.cat([edge_index, edge_index[:, ::3]], dim=1), num_nodes=60)
    train, valid, test = HardLinkSplit(0.1, 0.2, generator=seeded())(data)
    pair_sets = [pairs(parts(part)[0]) for part in (train, valid, test)]
    assert not pair_sets[0] & pair_sets[1]
    assert not pair_sets[0] & pair_sets[2]
    assert not pair_sets[1] & pair_sets[2]
    assert parts(valid)[0].size(1) == int(0.1 * data.num_edges)
    assert parts(test)[0].size(1) == int(0.2 * data.num_edges)


def test_by_time():
    data = graph_data(undirected=False)
    data.time = torch.randint(50, (data.num_edges,), generator=seeded())
    split = HardLinkSplit(0.1, 0.2, time_attr="time", disjoint_train_ratio=0.2)
    train, valid, test = split(data)
    of = {
        tuple(pair): t
        for pair, t in zip(data.edge_index.t().tolist(), data.time.tolist(), strict=True)
    }
    times = [[of[pair] for pair in pairs(parts(part)[0])] for part in (train, valid, test)]
    assert max(times[0]) <= min(times[1])
    assert max(times[1]) <= min(times[2])
    assert torch.equal(
        valid.time.sort().values, torch.tensor(sorted(of.values()))[: valid.num_edges]
    )


def test_same_generator_same_split_and_no_generator_another_each_time():
    data = graph_data()
    first, second = (HardLinkSplit(generator=seeded(4))(data)[0] for _ in range(2))
    assert torch.equal(first.edge_label_index, second.edge_label_index)
    drawn = []
    for _ in range(2):
        torch.manual_seed(5)  # PyG would read it
        drawn.append(HardLinkSplit()(data)[2].edge_label_index)
    assert not torch.equal(*drawn)


@pytest.mark.parametrize("sampler", [None, "walk"])
@pytest.mark.parametrize("stored", ["once, any way", "some pairs both ways, copies and loops"])
def test_an_undirected_edge_counts_whichever_way_it_is_stored(stored, sampler):
    generator = seeded(1)
    edges = torch.randint(30, (2, 220), generator=generator)
    if stored == "once, any way":
        low, high = edges.min(dim=0).values, edges.max(dim=0).values
        edges = torch.unique(torch.stack([low, high])[:, low < high], dim=1)
        turned = torch.rand(edges.size(1), generator=generator) < 0.5
        edges = torch.where(turned, edges.flip(0), edges)
    data = Data(edge_index=edges, edge_attr=edges.t().clone(), num_nodes=30)
    split = HardLinkSplit(
        is_undirected=True, neg_sampling_ratio=0.3, sampler=sampler, generator=generator
    )
    splits = split(data)
    positives = [pairs(parts(part)[0], True) for part in splits]
    negatives = [pairs(parts(part)[1], True) for part in splits]
    all_pairs = pairs(edges, True)
    assert set().union(*positives) == all_pairs
    assert sum(map(len, positives)) == len(all_pairs)
    assert not negatives[0] & positives[0]
    assert not (negatives[1] | negatives[2]) & all_pairs
    for part in splits:  # an edge is followed by its reverse, and both have its attributes
        half = part.edge_index.size(1) // 2
        assert torch.equal(part.edge_attr[:half].t(), part.edge_index[:, :half])
        assert torch.equal(part.edge_attr[half:].t(), part.edge_index[:, half:].flip(0))
    if stored == "once, any way":
        assert sum(parts(s)[0].size(1) for s in splits) == edges.size(1)


def test_int32_stays_int32():
    data = graph_data()
    data.edge_index = data.edge_index.int()
    for part in HardLinkSplit(is_undirected=True, sampler="walk", generator=seeded())(data):
        assert part.edge_index.dtype == part.edge_label_index.dtype == torch.int32


def test_heterogeneous_and_reversed_types():
    data = hetero_data()
    split = HardLinkSplit(
        0.2,
        0.2,
        is_undirected=True,
        edge_types=[("p", "p"), ("p", "a")],
        rev_edge_types=[None, ("a", "p")],
        sampler="uniform",
    )
    train, valid, test = split(data)
    whole = data["p", "a"].num_edges
    assert is_undirected(train["p", "p"].edge_index)
    for part, share in ((train, 0.6), (valid, 0.6), (test, 0.8)):
        forward, back = part["p", "a"], part["a", "p"]
        assert abs(forward.num_edges - share * whole) < 3
        assert torch.equal(back.edge_index, forward.edge_index.flip(0))
        assert torch.equal(back.edge_attr, forward.edge_attr)
        assert "edge_label" not in back
    assert abs(test["p", "a"].edge_label.numel() - 0.4 * whole) < 3
    known = KnownEdges(data["p", "a"].edge_index, num_nodes=(100, 200))
    for part in (valid, test):
        negatives = parts(part["p", "a"])[1]
        assert not known.contains(*negatives).any()
        assert negatives[1].max() > 100
    with pytest.raises(ValueError, match="'edge_types' must be given for HeteroData"):
        HardLinkSplit()(data)


def test_too_few_negatives_are_shared_and_said():
    edge_index = torch.tensor([[0, 0, 1, 1, 2, 2], [1, 3, 0, 2, 0, 1]])
    data = Data(edge_index=edge_index, num_nodes=4)
    split = HardLinkSplit(0.34, 0.34, neg_sampling_ratio=2, split_labels=True)
    with pytest.warns(UserWarning, match="not enough negative edges"):
        result = split(data)
    for part in result:
        assert part.neg_edge_label_index.size() == (2, 2)
