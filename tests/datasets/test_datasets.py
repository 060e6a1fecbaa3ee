"""Splits that cannot leak, own files, local copies that stay untouched, errors that help."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gneg import Graph, KnownEdges, datasets, hardset
from tests.worlds import random_graph


def pairs(edges: torch.Tensor) -> set[frozenset[int]]:
    return {frozenset(edge) for edge in edges.t().tolist()}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_no_pair_stands_in_two_parts(seed, undirected):
    graph = random_graph(30, 200, seed=seed, undirected=undirected)
    parts = datasets.split_edges(graph, (0.1, 0.2), seed)
    pair_sets = [pairs(part) for part in parts]
    assert not (pair_sets[0] & pair_sets[1])
    assert not (pair_sets[0] & pair_sets[2])
    assert not (pair_sets[1] & pair_sets[2])
    assert set().union(*pair_sets) == pairs(graph.edge_index)
    if not undirected:
        assert sum(part.size(1) for part in parts) == graph.num_edges
    repeated = datasets.split_edges(graph, (0.1, 0.2), seed)
    assert all(torch.equal(a, b) for a, b in zip(parts, repeated, strict=True))


def test_evaluation_negatives_are_non_edges_of_every_split():
    data = datasets.load("digits")
    everything = KnownEdges(data.graph, data.valid.pos, data.test.pos)
    for part in (data.valid, data.test):
        assert part.neg[0].shape == (part.pos.size(1), 500)
        assert not everything.contains(*part.neg).any()
        assert (part.neg[0][:, :250] == part.pos[0][:, None]).all()
        assert (part.neg[1][:, 250:] == part.pos[1][:, None]).all()


def test_digits_is_the_mutual_neighbour_graph():
    from sklearn.datasets import load_digits

    data = datasets.load("digits")
    x = load_digits().data / 16
    assert (data.num_nodes, data.x.shape[1]) == (1797, 64)
    rank = np.argsort(np.argsort(((x[:200, None] - x[None]) ** 2).sum(-1), axis=1), axis=1)
    whole = KnownEdges(data.graph, data.valid.pos, data.test.pos)
    for u, v in data.train.t().tolist():
        if u < 200 and v < 200:
            assert rank[u, v] <= 11
            assert rank[v, u] <= 11
    near = (rank[:, :200] <= 8) & (rank[:, :200].T <= 8) & ~np.eye(200, dtype=bool)
    src, dst = (torch.from_numpy(ends) for ends in np.nonzero(near))
    assert whole.contains(src, dst).all()


@pytest.mark.parametrize("name", ["Cora", "CiteSeer", "Photo"])
def test_local_copies_are_read_and_left_alone(name, shared):
    before = sorted(str(path) for path in shared.rglob("*"))
    data = datasets.load(name, root=shared)
    assert sorted(str(path) for path in shared.rglob("*")) == before
    nodes, edges = {"Cora": (2708, 5278), "CiteSeer": (3327, 4552), "Photo": (7650, 119081)}[name]
    assert data.num_nodes == nodes
    assert data.train.size(1) + data.valid.pos.size(1) + data.test.pos.size(1) == edges


def test_ogb_loads_on_this_torch(shared):
    data = datasets.load("ogbl-ddi", root=shared)
    assert (data.num_nodes, data.train.size(1)) == (4267, 1_067_911)
    assert data.valid.neg[0].shape == (101_882,)
    assert data.test.neg[0].shape == (95_599,)
    assert (data.metric, data.split) == ("hits@20", "official")


@pytest.mark.parametrize("name", ["PubMed", "ogbl-collab"])
def test_a_missing_download_says_what_to_do(name, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("no network in tests")

    monkeypatch.setattr("torch_geometric.io.fs.cp", refuse)
    monkeypatch.setattr("torch_geometric.datasets.planetoid.fs.cp", refuse)
    monkeypatch.setattr("ogb.linkproppred.dataset_pyg.decide_download", refuse)
    for _ in range(2):  # nothing is left behind that changes the second answer
        with pytest.raises(datasets.MissingDataError, match=r"(?s)could not download.*--root"):
            datasets.load(name, root=tmp_path)


def test_an_incomplete_ogb_folder_is_not_deleted(tmp_path):
    (tmp_path / "ogbl_collab").mkdir()
    (tmp_path / "ogbl_collab" / "mine.txt").write_text("precious")
    with pytest.raises(ValueError, match="'root' must be a folder with a complete copy"):
        datasets.load("ogbl-collab", root=tmp_path)
    assert (tmp_path / "ogbl_collab" / "mine.txt").read_text() == "precious"


EDGES = [(int(u), int(v)) for u, v in random_graph(40, 120).edge_index.t().tolist() if u < v]


def write(path, kind):
    frame = pd.DataFrame(EDGES, columns=["source", "target"])
    if kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "bare":
        path.write_text("# a comment\n" + "\n".join(f"{u},{v}" for u, v in EDGES))
    elif kind == "tsv":
        frame.to_csv(path, index=False, header=False, sep="\t")
    elif kind == "parquet":
        frame.assign(weight=1.0)[["weight", "target", "source"]].to_parquet(path)
    else:
        np.savez(path, edge_index=np.array(EDGES).T, x=np.eye(40))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("e.csv", "csv"),
        ("e.csv", "bare"),
        ("e.tsv", "tsv"),
        ("e.parquet", "parquet"),
        ("e.npz", "npz"),
    ],
)
def test_own_edge_lists(tmp_path, name, kind):
    write(tmp_path / name, kind)
    data = datasets.load(tmp_path / name)
    everything = torch.cat([data.train, data.valid.pos, data.test.pos], dim=1)
    assert pairs(everything) == {frozenset(edge) for edge in EDGES}
    assert (data.x is not None) == (kind == "npz")


def test_names_are_numbered_and_splits_are_kept(tmp_path):
    path = tmp_path / "named.csv"
    rows = [
        f"n{u},n{v},{('train', 'train', 'valid', 'test')[i % 4]}" for i, (u, v) in enumerate(EDGES)
    ]
    path.write_text("from,to,split\n" + "\n".join(rows))
    data = datasets.load(path)
    assert data.split == "given"
    assert data.valid.pos.size(1) == len(EDGES[2::4])
    np.save(tmp_path / "x.npy", np.ones((40, 3)))
    with pytest.raises(ValueError, match="'features' must be a table whose first column holds"):
        datasets.load(path, features=tmp_path / "x.npy")


def test_features_for_an_own_edge_list(tmp_path):
    write(tmp_path / "e.csv", "csv")
    np.save(tmp_path / "x.npy", np.ones((50, 3)))
    data = datasets.load(tmp_path / "e.csv", features=tmp_path / "x.npy")
    assert (data.num_nodes, data.x.shape[1]) == (50, 3)
    np.save(tmp_path / "x.npy", np.ones((9, 3)))
    with pytest.raises(ValueError, match="'features' must be at least 40 rows"):
        datasets.load(tmp_path / "e.csv", features=tmp_path / "x.npy")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "0,1,train\n1,2,valid\n2,1,train\n3,4,test",
            "'split' must be free of edges that stand in two",
        ),
        ("0,1,train\n1,2,trian", "'split' must be train, valid .val, dev. or test .got trian"),
        ("0,1,train\n1,2,", "'split' must be train, valid .val, dev. or test"),
        ("0,1,train\n1,2,valid", "'split' must be train, valid and test .got no test"),
        ("0,1,train\n1,,valid", "'dataset' must be a table without missing ends"),
    ],
)
def test_bad_files_are_named(tmp_path, content, message):
    path = tmp_path / "bad.csv"
    path.write_text("source,target,split\n" + content)
    with pytest.raises(ValueError, match=message):
        datasets.load(path)


def test_unknown_names_are_answered_with_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="one of hyperbolic, digits, Cora"):
        datasets.load("Coraa")
    with pytest.raises(ValueError, match="'dataset' must be an existing file"):
        datasets.load(tmp_path / "nothing.csv")
    with pytest.raises(ValueError, match="'features' must be None for a dataset that is known"):
        datasets.load("digits", features="x.npy")


def test_too_small_or_complete():
    triangle = Graph.from_edge_index(torch.tensor([[0, 1, 2], [1, 2, 0]]), undirected=True)
    with pytest.raises(ValueError, match="'graph' must be large enough to leave a valid edge"):
        datasets.make_split("triangle", triangle, None)
    full = random_graph(20, 5000)
    with pytest.raises(ValueError, match="'graph' must be a graph with non-edges"):
        datasets.make_split("full", full, None)


def test_a_hub_that_knows_everyone_can_be_evaluated():
    pairs = [(0, v) for v in range(1, 200)] + [(v, v + 1) for v in range(1, 199)]
    star = Graph.from_edge_index(torch.tensor(pairs).t(), undirected=True)
    data = datasets.make_split("star", star, None)
    assert data.test.shared
    assert not KnownEdges(star).contains(*data.test.neg).any()
    assert (data.test.neg[0] != data.test.neg[1]).all()


def test_a_large_graph_gets_fewer_evaluation_negatives(monkeypatch):
    monkeypatch.setattr("gneg.datasets.splits.make.MAX_EVAL_PAIRS", 500)
    data = datasets.make_split("r", random_graph(100, 400), None)
    assert data.valid.num_negatives == data.test.num_negatives
    assert data.test.neg[0].numel() <= 500


def test_a_split_by_time_keeps_the_future_out(tmp_path):
    generator = torch.Generator().manual_seed(0)
    size = 3000
    ends = torch.randint(60, (2, size), generator=generator)
    time = torch.randint(500, (size,), generator=generator)
    rows = torch.stack([*ends, time], dim=1).tolist()
    path = tmp_path / "events.csv"
    path.write_text("source,target,time\n" + "\n".join(",".join(map(str, row)) for row in rows))
    data = datasets.load(path)
    assert data.split == "by time 85/5/10"
    pair = {}
    for u, v, t in rows:
        if u != v:
            pair.setdefault((min(u, v), max(u, v)), []).append(t)
    first = {key: min(times) for key, times in pair.items()}
    last = {key: max(times) for key, times in pair.items()}
    parts = [data.train, data.valid.pos, data.test.pos]
    keys = [{tuple(edge) for edge in part.t().tolist()} for part in parts]
    assert keys[0] | keys[1] | keys[2] == set(pair)
    assert max(first[key] for key in keys[0]) < min(first[key] for key in keys[1])
    assert max(first[key] for key in keys[1]) < min(first[key] for key in keys[2])
    cut = max(first[key] for key in keys[0])
    ordered = sorted(t for times in pair.values() for t in times)
    assert abs(ordered.index(min(first[key] for key in keys[1])) / len(ordered) - 0.85) < 0.03
    history = {tuple(edge) for edge in data.history.t().tolist()}
    assert history == {key for key in keys[0] if last[key] <= cut}


def test_dates_are_times_and_history_is_a_family(tmp_path):
    generator = torch.Generator().manual_seed(0)
    ends = torch.randint(40, (2, 800), generator=generator).t().tolist()
    lines = [f"{u},{v},2020-01-{1 + i // 30:02d}" for i, (u, v) in enumerate(ends)]
    path = tmp_path / "dates.csv"
    path.write_text("source,target,time\n" + "\n".join(lines))
    data = datasets.load(path)
    hard = hardset(data, family="historical", k=10)
    src, dst = hard.edges().neg
    past = KnownEdges(data.history, num_nodes=data.num_nodes, undirected=True)
    now = KnownEdges(data.valid.pos, data.test.pos, num_nodes=data.num_nodes, undirected=True)
    share = past.contains(src, dst).double().mean()
    assert share > 0.5
    assert not now.contains(src, dst).any()
    known = data.known("all").contains(src, dst)
    assert (known == past.contains(src, dst)).all()
    assert hard.info["filled"] == int((~known).sum())
    path.write_text("source,target,time\n1,2,2020-01-01\n2,3,\n")
    with pytest.raises(ValueError, match="'time' must be present in every row"):
        datasets.load(path)


def test_one_time_for_all_cannot_be_split(tmp_path):
    path = tmp_path / "same.csv"
    path.write_text("source,target,time\n" + "\n".join(f"{i},{i + 1},7" for i in range(50)))
    with pytest.raises(ValueError, match="'time' must be such that there are train edges"):
        datasets.load(path)


def test_a_split_without_edges_in_a_part_is_refused(tmp_path):
    edges = np.array([[0, 1, 2], [1, 2, 3]])
    np.savez(tmp_path / "e.npz", train=edges, valid=edges[:, :0], test=edges[:, :0])
    with pytest.raises(ValueError, match=r"'split' must be train, valid and test \(got no valid"):
        datasets.load(tmp_path / "e.npz")
