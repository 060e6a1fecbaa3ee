"""Transforms as a PyG user meets them: shapes, labels, composition, and no leaks."""

from __future__ import annotations

import copy

import pytest
import torch
import torch_geometric.transforms as T
from torch_geometric.data import Batch, Data, HeteroData
from torch_geometric.utils import coalesce, is_undirected, to_undirected

from gneg import KnownEdges, samplers
from gneg.transforms import AddHeuristics, AddNegatives, HardLinkSplit
from tests.worlds import random_graph

PATH = torch.tensor([[0, 1, 1, 2, 2, 3, 3, 4, 4, 5], [1, 0, 2, 1, 3, 2, 4, 3, 5, 4]])


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pairs(edge_index, undirected: bool = False) -> set:
    pair_set = {tuple(pair) for pair in edge_index.t().tolist()}
    return {(min(pair), max(pair)) for pair in pair_set} if undirected else pair_set


def parts(data, key="edge_label"):
    """Positives and negatives of a part."""
    index, label = data[f"{key}_index"], data[key]
    return index[:, label > 0], index[:, label == 0]


def graph_data(n=60, edges=200, undirected=True) -> Data:
    graph = random_graph(n, edges, undirected=undirected)
    x = torch.randn(n, 4, generator=seeded())
    return Data(x=x, edge_index=graph.edge_index, edge_attr=torch.arange(graph.num_edges))


def hetero_data() -> HeteroData:
    data = HeteroData()
    data["p"].x, data["a"].x = torch.randn(100, 3), torch.randn(200, 3)
    between = coalesce(torch.stack([torch.randint(100, (1000,)), torch.randint(200, (1000,))]))
    data["p", "p"].edge_index = to_undirected(torch.randint(100, (2, 400)))
    data["p", "a"].edge_index = between
    data["p", "a"].edge_attr = torch.arange(between.size(1))
    data["a", "p"].edge_index = between.flip(0)
    data["a", "p"].edge_attr = torch.arange(between.size(1)) + 5000
    return data


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


def test_same_generator_same_split_and_the_global_state_as_in_pyg():
    data = graph_data()
    first, second = (HardLinkSplit(generator=seeded(4))(data)[0] for _ in range(2))
    assert torch.equal(first.edge_label_index, second.edge_label_index)
    drawn = []
    for _ in range(2):
        torch.manual_seed(5)
        drawn.append(HardLinkSplit()(data)[2].edge_label_index)
    assert torch.equal(*drawn)


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
