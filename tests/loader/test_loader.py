"""Link loaders: neighbourhoods that are right, negatives that belong to their positive."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.sampler import NegativeSampling

from gneg import Graph, KnownEdges, kernels, samplers
from gneg.loader import LinkLoader, NeighborSampler
from tests.loader.pyg_data import graph_data, hetero_data, pairs, seeded
from tests.worlds import random_graph


def loader(data=None, num_neighbors=(4, 3), **options) -> LinkLoader:
    data = graph_data() if data is None else data
    options = {"batch_size": 16, "neg_sampling": "binary", "generator": seeded(3), **options}
    return LinkLoader(data, list(num_neighbors), **options)


@pytest.mark.slow
def test_threads_and_workers_change_nothing():
    data = graph_data(n=3000, edges=30_000)
    samples = []
    for threads in (1, 3):
        kernels.threads.set_num_threads(threads)
        out = NeighborSampler(data, [10, 10], seed=4).sample(torch.arange(400))
        samples.append((out.node, out.row, out.col, out.edge))
    assert all(torch.equal(*pair) for pair in zip(*samples, strict=True))
    runs = []
    for workers in (0, 2):
        epochs = []
        batches = loader(num_workers=workers, sampler="walk", shuffle=True)
        for _ in range(2):
            epochs.append([(b.n_id, b.edge_label_index, b.edge_index) for b in batches])
        assert not all(torch.equal(a[1], b[1]) for a, b in zip(*epochs, strict=True))
        runs.append(epochs)
    for a, b in zip(*runs, strict=True):
        for first, second in zip(a, b, strict=True):
            assert all(torch.equal(*pair) for pair in zip(first, second, strict=True))


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
        queries = src[:, None].expand_as(rows)
        assert torch.isfinite(near(queries.reshape(-1), rows.reshape(-1))).float().mean() > 0.95
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
        seed_time = batch.edge_label_time if mode == "binary" else batch.seed_time
        assert torch.equal(seed_time[: len(now)], now)
        if level == "edge" and strategy == "last":
            node = batch.n_id[batch.edge_index[1]][0]
            into = data.edge_index[1] == node
            group = batch.batch[batch.edge_index[1]][0]
            past = data.time[into & (data.time <= now[group])].sort().values
            edge_times = batch.time[batch.edge_index[1] == batch.edge_index[1][0]].sort().values
            assert torch.equal(edge_times, past[-len(edge_times) :])


def test_targets_are_left_out_both_ways():
    data = graph_data()
    for batch in loader(data, [-1, -1], exclude_targets=True, neg_sampling=None):
        hidden = pairs(batch.n_id[batch.edge_label_index])
        hidden |= {pair[::-1] for pair in hidden}
        message_pairs = pairs(batch.n_id[batch.edge_index])
        assert message_pairs
        assert not message_pairs & hidden
        assert sum(batch.num_sampled_edges) == batch.edge_index.size(1)
        assert torch.equal(data.edge_index[:, batch.e_id], batch.n_id[batch.edge_index])
    hetero = hetero_data()
    options = {"rev_edge_type": ("i", "rev_buys", "u"), "exclude_targets": True}
    for batch in loader(hetero, [-1], edge_label_index=("u", "buys", "i"), **options):
        forward, back = batch["u", "buys", "i"], batch["i", "rev_buys", "u"]
        ends = torch.stack(
            [batch[kind].n_id[forward.edge_label_index[i]] for i, kind in enumerate("ui")]
        )
        hidden = pairs(ends[:, forward.edge_label == 1])
        index = forward.edge_index
        message_pairs = pairs(torch.stack([batch["u"].n_id[index[0]], batch["i"].n_id[index[1]]]))
        index = back.edge_index
        message_pairs |= pairs(torch.stack([batch["u"].n_id[index[1]], batch["i"].n_id[index[0]]]))
        assert not message_pairs & hidden


@pytest.mark.parametrize("workers", [0, 2])
def test_adaptive_samplers_follow_refreshed_embeddings(workers):
    data = graph_data()
    graph = Graph.from_data(data)
    refreshed = loader(
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
        refreshed.refresh(target)
        negatives = torch.cat([b.n_id[b.edge_label_index[1, b.edge_label == 0]] for b in refreshed])
        liked[name] = ((negatives >= half.start) & (negatives < half.stop)).float().mean()
    assert liked["first"] > 0.9
    assert liked["second"] > 0.9
    with pytest.raises(ValueError, match="'z' must be of shape"):
        refreshed.refresh(torch.zeros(80, 2))


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
    batch = next(iter(loader(data, subgraph_type="bidirectional")))
    assert pairs(batch.edge_index) == pairs(batch.edge_index.flip(0))


def test_labels_keep_their_columns():
    data = graph_data()
    label = torch.randn(data.num_edges, 4, generator=seeded()).abs()
    for options, rows in (({"neg_sampling": None}, 16), ({}, 32)):
        batch = next(iter(loader(data, edge_label=label, **options)))
        assert batch.edge_label.shape == (rows, 4)
        assert torch.equal(batch.edge_label[:16], label[batch.input_id])
        assert not batch.edge_label[16:].any()


def test_weights_of_pygs_negative_sampling_count():
    weight = torch.zeros(80)
    weight[:20] = 1.0
    request = NegativeSampling("triplet", 2, dst_weight=weight)
    for batch in loader(neg_sampling=request):
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
    data = Data(edge_index=star, num_nodes=10)
    batch = next(iter(loader(data, neg_sampling=NegativeSampling("triplet", 3))))
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
