"""Link loaders: neighbourhoods that are right, negatives that belong to their positive."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.data import Data, HeteroData
from torch_geometric.sampler import NegativeSampling
from torch_geometric.utils import k_hop_subgraph, to_undirected

from gneg import Graph, KnownEdges, kernels, samplers
from gneg.loader import LinkLoader, NeighborSampler
from tests.worlds import random_graph


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pairs(edge_index) -> set:
    return {tuple(pair) for pair in edge_index.t().tolist()}


def graph_data(n=80, edges=300, undirected=True) -> Data:
    graph = random_graph(n, edges, undirected=undirected)
    size = graph.num_edges
    return Data(x=torch.arange(n), edge_index=graph.edge_index, edge_attr=torch.arange(size))


def hetero_data() -> HeteroData:
    data = HeteroData()
    data["u"].x, data["i"].x = torch.arange(40), torch.arange(60)
    data["u", "buys", "i"].edge_index = torch.stack(
        [
            torch.randint(40, (300,), generator=seeded()),
            torch.randint(60, (300,), generator=seeded(1)),
        ]
    )
    data["i", "rev_buys", "u"].edge_index = data["u", "buys", "i"].edge_index.flip(0)
    data["u", "knows", "u"].edge_index = to_undirected(
        torch.randint(40, (2, 80), generator=seeded(2))
    )
    return data


def loader(data=None, num_neighbors=(4, 3), **options) -> LinkLoader:
    data = graph_data() if data is None else data
    options = {"batch_size": 16, "neg_sampling": "binary", "generator": seeded(3), **options}
    return LinkLoader(data, list(num_neighbors), **options)


@pytest.mark.parametrize("undirected", [True, False])
def test_all_neighbours_are_the_k_hop_subgraph(undirected):
    data = graph_data(undirected=undirected)
    out = NeighborSampler(data, [-1, -1]).sample(torch.tensor([3, 17]))
    nodes, _, _, mask = k_hop_subgraph([3, 17], 2, data.edge_index, num_nodes=80)
    assert set(out.node.tolist()) == set(nodes.tolist())
    assert out.node[:2].tolist() == [3, 17]
    assert len(set(out.node.tolist())) == len(out.node)
    found = torch.stack([out.node[out.row], out.node[out.col]])
    # Of the two hops each edge into a node of the first; k_hop_subgraph adds those among the rest.
    assert pairs(found) <= pairs(data.edge_index[:, mask])
    perm = NeighborSampler(data, [-1]).edge_permutation
    assert torch.equal(data.edge_index[:, perm[out.edge]], found)
    assert sum(out.num_sampled_nodes) == len(out.node)
    assert sum(out.num_sampled_edges) == len(out.row)


def test_fanouts_replacement_and_counts():
    data = graph_data(n=50, edges=600)
    degree = torch.bincount(data.edge_index[1], minlength=50)
    seeds = torch.arange(10)
    for replace in (False, True):
        out = NeighborSampler(data, [5, 2], replace=replace).sample(seeds)
        into = torch.bincount(out.col, minlength=len(out.node))
        first, second = out.num_sampled_nodes[0], out.num_sampled_nodes[1]
        want = degree[out.node].clamp(max=5)
        assert (into[:first] == (5 if replace else want[:first])).all()
        assert (into[first : first + second] <= 2).all()
        edges = torch.stack([out.col, out.edge]).t().tolist()
        assert replace or len({tuple(one) for one in edges}) == len(edges)


@pytest.mark.parametrize("k", [3, 40])
def test_every_neighbour_is_as_likely(k):
    star = Data(
        edge_index=torch.stack([torch.arange(1, 61), torch.zeros(60, dtype=torch.long)]),
        num_nodes=61,
    )
    counts = np.zeros(61)
    for seed in range(2000):
        out = NeighborSampler(star, [k], seed=seed).sample(torch.tensor([0]))
        counts[out.node[1:].numpy()] += 1
    expected = 2000 * k / 60
    variance = expected * (1 - k / 60)
    assert counts[0] == 0
    assert ((counts[1:] - expected) ** 2 / variance).sum() < 60 + 4.5 * np.sqrt(120)


def test_weights_decide_how_likely():
    weight = torch.tensor([1.0, 2.0, 3.0, 0.0])
    edges = torch.tensor([[1, 2, 3, 4], [0, 0, 0, 0]])
    data = Data(edge_index=edges, weight=weight, num_nodes=5)
    for replace in (True, False):
        counts = np.zeros(5)
        for seed in range(3000):
            sampler = NeighborSampler(data, [1], replace=replace, weight_attr="weight", seed=seed)
            counts[sampler.sample(torch.tensor([0])).node[1]] += 1
        assert counts[1:] / 3000 == pytest.approx(weight.numpy() / 6, abs=0.035)


def test_threads_and_workers_change_nothing():
    data = graph_data(n=3000, edges=30_000)
    found = []
    for threads in (1, 3):
        kernels.threads.set_num_threads(threads)
        out = NeighborSampler(data, [10, 10], seed=4).sample(torch.arange(400))
        found.append((out.node, out.row, out.col, out.edge))
    assert all(torch.equal(*both) for both in zip(*found, strict=True))
    batches = []
    for workers in (0, 2):
        epochs = []
        some = loader(num_workers=workers, sampler="walk", shuffle=True)
        for _ in range(2):
            epochs.append([(b.n_id, b.edge_label_index, b.edge_index) for b in some])
        assert not all(torch.equal(a[1], b[1]) for a, b in zip(*epochs, strict=True))
        batches.append(epochs)
    for a, b in zip(*batches, strict=True):
        for one, other in zip(a, b, strict=True):
            assert all(torch.equal(*both) for both in zip(one, other, strict=True))


@pytest.mark.parametrize("filter_per_worker", [None, True, False])
@pytest.mark.parametrize("ratio", [1.0, 3, 0.5])
def test_binary_batches(ratio, filter_per_worker):
    data = graph_data()
    known = KnownEdges(data.edge_index, num_nodes=80)
    for batch in loader(
        data, neg_sampling=None, neg_sampling_ratio=ratio, filter_per_worker=filter_per_worker
    ):
        size = batch.input_id.numel()
        extra = int(np.ceil(size * ratio))
        assert batch.edge_label.tolist() == [1.0] * size + [0.0] * extra
        ends = batch.n_id[batch.edge_label_index]
        assert torch.equal(ends[:, :size], data.edge_index[:, batch.input_id])
        assert not known.contains(*ends[:, size:]).any()
        assert torch.equal(data.edge_index[:, batch.e_id], batch.n_id[batch.edge_index])
        assert torch.equal(batch.x, batch.n_id)
        assert torch.equal(batch.edge_attr, batch.e_id)
        # A negative keeps the source of its positive, the positives running fastest.
        assert torch.equal(ends[0, size:], ends[0, torch.arange(extra) % size])


@pytest.mark.parametrize("disjoint", [False, True])
@pytest.mark.parametrize("amount", [1, 3])
@pytest.mark.parametrize("hetero", [False, True])
def test_triplets_stay_with_their_source(hetero, amount, disjoint):
    """Negatives are two hops from their own source: a wrong layout would show at once."""
    if hetero:
        data, edge_type = hetero_data(), ("u", "buys", "i")
        graph = Graph.from_data(data, edge_type)
        links = edge_type
    else:
        data, links = graph_data(), None
        graph = Graph.from_data(data)
    hops = samplers.KHop(graph, hops=[3 if hetero else 2])
    near = hops.log_prob
    for batch in loader(
        data,
        edge_label_index=links,
        neg_sampling=NegativeSampling("triplet", amount),
        disjoint=disjoint,
        sampler=hops,
    ):
        ends = (batch["u"], batch["i"]) if hetero else (batch, batch)
        src = ends[0].n_id[ends[0].src_index]
        pos = ends[1].n_id[ends[1].dst_pos_index]
        neg = ends[1].n_id[ends[1].dst_neg_index]
        assert neg.shape == ((len(src),) if amount == 1 else (len(src), amount))
        rows = neg.view(len(src), -1)
        kept = src[:, None].expand_as(rows)
        assert torch.isfinite(near(kept.reshape(-1), rows.reshape(-1))).float().mean() > 0.95
        whole = data["u", "buys", "i"].edge_index if hetero else data.edge_index
        ids = (batch["u", "buys", "i"] if hetero else batch).input_id
        assert torch.equal(torch.stack([src, pos]), whole[:, ids])
        if disjoint:
            assert torch.equal(ends[0].batch[ends[0].src_index], torch.arange(len(src)))
            groups = ends[1].batch[ends[1].dst_neg_index].view(len(src), -1)
            assert (groups == torch.arange(len(src))[:, None]).all()


def test_neighbourhoods_of_disjoint_links_do_not_touch():
    for batch in loader(disjoint=True, neg_sampling="binary"):
        assert (batch.batch[batch.edge_index[0]] == batch.batch[batch.edge_index[1]]).all()


@pytest.mark.parametrize("level", ["node", "edge"])
@pytest.mark.parametrize("strategy", ["uniform", "last"])
@pytest.mark.parametrize("mode", ["binary", "triplet"])
def test_no_batch_sees_the_future(mode, strategy, level):
    data = graph_data(undirected=False)
    if level == "node":
        data.time = torch.randperm(80, generator=seeded())
        time = data.time[data.edge_index].max(dim=0).values
    else:
        time = data.time = torch.randperm(data.num_edges, generator=seeded())
    for batch in loader(
        data,
        edge_label_time=time,
        time_attr="time",
        temporal_strategy=strategy,
        neg_sampling=NegativeSampling(mode, 2),
    ):
        now = time[batch.input_id]
        assert (
            batch.time <= now[batch.batch if level == "node" else batch.batch[batch.edge_index[1]]]
        ).all()
        told = batch.edge_label_time if mode == "binary" else batch.seed_time
        assert torch.equal(told[: len(now)], now)
        if level == "edge" and strategy == "last":
            node = batch.n_id[batch.edge_index[1]][0]
            into = data.edge_index[1] == node
            group = batch.batch[batch.edge_index[1]][0]
            past = data.time[into & (data.time <= now[group])].sort().values
            mine = batch.time[batch.edge_index[1] == batch.edge_index[1][0]].sort().values
            assert torch.equal(mine, past[-len(mine) :])


def test_targets_are_left_out_both_ways():
    data = graph_data()
    for batch in loader(data, [-1, -1], exclude_targets=True, neg_sampling=None):
        hidden = pairs(batch.n_id[batch.edge_label_index])
        hidden |= {pair[::-1] for pair in hidden}
        seen = pairs(batch.n_id[batch.edge_index])
        assert seen
        assert not seen & hidden
        assert sum(batch.num_sampled_edges) == batch.edge_index.size(1)
        assert torch.equal(data.edge_index[:, batch.e_id], batch.n_id[batch.edge_index])
    hetero = hetero_data()
    options = {"rev_edge_type": ("i", "rev_buys", "u"), "exclude_targets": True}
    for batch in loader(hetero, [-1], edge_label_index=("u", "buys", "i"), **options):
        there, back = batch["u", "buys", "i"], batch["i", "rev_buys", "u"]
        ends = torch.stack(
            [batch[kind].n_id[there.edge_label_index[i]] for i, kind in enumerate("ui")]
        )
        hidden = pairs(ends[:, there.edge_label == 1])
        index = there.edge_index
        seen = pairs(torch.stack([batch["u"].n_id[index[0]], batch["i"].n_id[index[1]]]))
        index = back.edge_index
        seen |= pairs(torch.stack([batch["u"].n_id[index[1]], batch["i"].n_id[index[0]]]))
        assert not seen & hidden


@pytest.mark.parametrize("workers", [0, 2])
def test_adaptive_samplers_follow_refreshed_embeddings(workers):
    data = graph_data()
    graph = Graph.from_data(data)
    some = loader(
        data,
        sampler=samplers.Select(samplers.Uniform(graph), samplers.Hardest(), m=64),
        num_workers=workers,
        batch_size=64,
        persistent_workers=workers > 0,
    )
    liked = {}
    for name, half in (("first", slice(0, 40)), ("second", slice(40, 80))):
        target = torch.zeros(80, 4)
        target[:, 1] = 1.0
        target[half, 1] = 3.0
        some.refresh(target)
        negatives = torch.cat([b.n_id[b.edge_label_index[1, b.edge_label == 0]] for b in some])
        liked[name] = ((negatives >= half.start) & (negatives < half.stop)).float().mean()
    assert liked["first"] > 0.9
    assert liked["second"] > 0.9
    with pytest.raises(ValueError, match="'z' must be of shape"):
        some.refresh(torch.zeros(80, 2))


def test_labels_and_types_are_pygs():
    data = graph_data()
    label = torch.arange(data.num_edges) % 3
    batch = next(iter(loader(data, edge_label=label)))
    size = batch.input_id.numel()
    assert batch.edge_label.dtype == torch.long
    assert torch.equal(batch.edge_label[:size], label[batch.input_id] + 1)
    assert (batch.edge_label[size:] == 0).all()
    assert str(loader()) == "LinkLoader()"
    assert len(loader(data)) == -(-data.num_edges // 16)
    doubled = [
        b.edge_label
        for b in loader(data, transform=lambda b: b.update({"edge_label": b.edge_label * 2}))
    ]
    assert doubled[0].max() == 2
    both = next(iter(loader(data, subgraph_type="bidirectional")))
    assert pairs(both.edge_index) == pairs(both.edge_index.flip(0))


def test_weights_of_pygs_negative_sampling_count():
    weight = torch.zeros(80)
    weight[:20] = 1.0
    asked = NegativeSampling("triplet", 2, dst_weight=weight)
    for batch in loader(neg_sampling=asked):
        assert (batch.n_id[batch.dst_neg_index] < 20).all()


def test_links_may_be_called_for_by_position():
    data = graph_data()
    for options in ({"neg_sampling": None}, {}):
        batch = loader(data, **options)([[0, 10], [3, 5]])
        ends = batch.n_id[batch.edge_label_index][:, :4]
        assert torch.equal(ends, data.edge_index[:, [0, 10, 3, 5]])


def test_known_edges_and_negative_links_are_respected():
    data = graph_data(n=12, edges=30)
    free = {(u, v) for u in range(12) for v in range(12) if u != v} - pairs(data.edge_index)
    secret = torch.tensor(sorted(free)[::2]).t()
    for batch in loader(data, known=secret, neg_sampling=NegativeSampling("binary", 2)):
        ends = batch.n_id[batch.edge_label_index[:, batch.edge_label == 0]]
        assert not pairs(ends) & (pairs(secret) | pairs(data.edge_index))


def test_a_node_with_few_non_edges_repeats_them_and_one_without_is_left_out():
    star = torch.stack([torch.zeros(8, dtype=torch.long), torch.arange(1, 9)])
    some = Data(edge_index=star, num_nodes=10)
    batch = next(iter(loader(some, neg_sampling=NegativeSampling("triplet", 3))))
    assert (batch.n_id[batch.dst_neg_index] == 9).all()
    full = Data(edge_index=star, num_nodes=9)
    batch = next(iter(loader(full)))
    assert batch.edge_label.tolist() == [1.0] * 8
    with pytest.raises(ValueError, match="nodes that have a non-edge"):
        next(iter(loader(full, neg_sampling="triplet")))


def test_a_graph_without_edges_and_links_between_types():
    links = torch.randint(30, (2, 40), generator=seeded())
    for batch in loader(Data(num_nodes=30), [], edge_label_index=links, neg_sampling=None):
        assert batch.num_nodes == batch.edge_label_index.unique().numel()
    for batch in loader(
        hetero_data(), edge_label_index=(("u", "buys", "i"), links), neg_sampling=None
    ):
        assert (
            batch["u", "buys", "i"].edge_label_index.size(1)
            == batch["u", "buys", "i"].input_id.numel()
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_attr": "time"}, "temporal sampling needs both"),
        ({"edge_label_time": torch.zeros(10), "time_attr": "when"}, "'time_attr' must be"),
        ({"subgraph_type": "induced"}, "'subgraph_type' must be one of"),
        ({"temporal_strategy": "first"}, "'temporal_strategy' must be one of"),
        ({"weight_attr": "w"}, "'weight_attr' must be"),
        ({"sampler": "wlak"}, "no sampler 'wlak'"),
        ({"sampler": samplers.Uniform(random_graph(5, 9))}, "'sampler' must be a sampler on"),
        (
            {
                "sampler": samplers.Uniform(random_graph(80, 9), corrupt="both"),
                "neg_sampling": "triplet",
            },
            "'sampler' must be a sampler that replaces targets",
        ),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        loader(**options)


def test_a_model_is_asked_for():
    with pytest.raises(ValueError, match=r"loader.refresh\(z\)"):
        next(iter(loader(sampler="hardest(uniform)")))
