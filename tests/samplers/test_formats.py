"""Negatives as files: the same to the bit, refused for another graph, read by others' code."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace

import networkx as nx
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from typer.testing import CliRunner

from gneg import Graph, HardSet, KnownEdges, Negatives, datasets, sample, samplers
from gneg.cli import app
from gneg.datasets import positives as pieces
from gneg.samplers import formats
from gneg.samplers.formats import export
from tests.triple_worlds import random, sparse_data
from tests.worlds import WORLDS, positives, random_graph, toy

SUFFIXES = ["parquet", "npz", "csv"]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def check_same(first: Negatives, second: Negatives) -> None:
    for name in ("src", "index", "mask", "replaced"):
        assert torch.equal(getattr(first, name), getattr(second, name)), name
    if first.log_q is None:
        assert second.log_q is None
    else:
        mask = first.mask
        assert torch.equal(first.log_q[mask], second.log_q[mask])
    assert torch.equal(first.edge_index(), second.edge_index())


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", ["uniform", "walk", "walk(kind=ppr)"])
@pytest.mark.parametrize(
    ("world", "corrupt"), [("sparse", "both"), ("hub", "src"), ("directed", "dst")]
)
def test_what_is_saved_is_loaded(world, name, corrupt, suffix, tmp_path):
    graph = WORLDS[world]()
    negatives = samplers.build(name, graph, corrupt=corrupt).sample(
        positives(graph), 5, generator=seeded()
    )
    path = tmp_path / f"negatives.{suffix}"
    formats.save(negatives, path, graph)
    check_same(negatives, formats.load(path, graph))
    with pytest.raises(ValueError, match="'graph' must be the graph they were drawn in"):
        formats.load(path, random_graph(60, 151))


def test_a_fingerprint_depends_on_the_graph_alone():
    graph = random_graph(30, 90)
    mixed = graph.edge_index[:, torch.randperm(graph.num_edges)]
    reordered = Graph.from_edge_index(torch.cat([mixed, mixed[:, :9]], dim=1), 30)
    assert reordered.fingerprint() == graph.fingerprint()
    assert Graph.from_edge_index(mixed, 31).fingerprint() != graph.fingerprint()
    assert Graph.from_edge_index(mixed[:, 1:], 30).fingerprint() != graph.fingerprint()
    assert Graph.from_edge_index(mixed, (30, 30)).fingerprint() != graph.fingerprint()


@pytest.mark.parametrize(
    ("data", "corrupt"),
    [(toy(n=120, edges=500), "both"), (sparse_data(), None), (sparse_data(), "bernoulli")],
    ids=["edges", "triples", "bernoulli"],
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_is_the_same_to_the_bit_however_it_was_interrupted(
    suffix, data, corrupt, tmp_path, monkeypatch
):
    monkeypatch.setattr(pieces, "ROWS", 32)
    options = {"sampler": "mixture(uniform:0.5, walk:0.5)", "k": 4, "corrupt": corrupt}
    sample(data, out=tmp_path / f"a.{suffix}", **options)
    calls = []

    def stop(position, total):
        calls.append((position, total))
        if len(calls) == 3:
            raise KeyboardInterrupt

    interrupted = tmp_path / f"b.{suffix}"
    with pytest.raises(KeyboardInterrupt):
        sample(data, out=interrupted, report=stop, **options)
    assert not interrupted.exists()
    info = sample(data, out=interrupted, **options)
    graph = getattr(data, "triples", None) or data.graph
    first, second = (formats.load(tmp_path / f"{name}.{suffix}", graph) for name in "ab")
    check_same(first, second)
    assert first.index.shape == (data.train.size(1), 4)
    drawn = first.pairs() if first.relation is None else [torch.stack(first.triples())]
    assert not data.known().contains(*drawn)[first.mask].any()
    assert torch.equal(first.positives(), data.train[[0, -1]])
    assert first.side.float().mean() == pytest.approx(0.5, abs=0.15)
    assert first.relation is None or torch.equal(first.relation, data.train[1])
    assert info["graph"] == graph.fingerprint()
    assert {"sampler", "seed", "known", "versions", "split", "command"} <= set(info)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a.{suffix}", f"b.{suffix}"]
    if suffix != "npz":  # a zip file holds the time
        assert interrupted.read_bytes() == (tmp_path / f"a.{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_of_triples_have_their_columns_and_earlier_ones_are_read(
    suffix, tmp_path, monkeypatch
):
    data, path = sparse_data(), tmp_path / f"n.{suffix}"
    monkeypatch.chdir(tmp_path)
    sample(data, "uniform", k=3, out=path, corrupt="both")
    if suffix == "csv":
        names = path.read_text().splitlines()[1].split(",")
    else:
        names = pq.read_schema(path).names if suffix == "parquet" else list(np.load(path))
    assert {"head", "relation", "tail", "side"} <= set(names)
    assert not {"src", "replaced"} & set(names)
    negatives = formats.load(path, data.triples)
    assert torch.equal(negatives.positives(), data.train[[0, 2]])
    module = importlib.import_module("gneg.samplers.formats.columns")  # not the function
    monkeypatch.setattr(module, "_with_ends", lambda parts: parts)
    formats.save(negatives, f"earlier.{suffix}", data.triples)
    check_same(negatives, formats.load(f"earlier.{suffix}", data.triples))


def test_negatives_of_triples_are_of_their_graph_end_part_and_heads(tmp_path):
    data, path = sparse_data(), tmp_path / "n.npz"
    heads = data.valid[0].unique()[:2].tolist()
    sample(data, "typed", k=2, out=path, part="valid", nodes=heads, known="all", corrupt="head")
    negatives = formats.load(path, data.triples)
    expected = data.valid[:, torch.isin(data.valid[0], torch.tensor(heads))]
    assert torch.equal(torch.stack([negatives.replaced, negatives.src]), expected[[0, 2]])
    assert negatives.side == "src"
    triples = torch.stack(negatives.triples())[:, negatives.mask]
    assert triples.numel()
    assert not data.known("all").contains(triples).any()
    with pytest.raises(ValueError, match="'graph' must be the graph they were drawn in"):
        formats.load(path, random(seed=1))
    with pytest.raises(ValueError, match="'corrupt' must be one of 'both', 'head', 'tail'"):
        sample(data, out=tmp_path / "m.npz", corrupt="dst")
    with pytest.raises(ValueError, match="'score' must be"):
        sample(data, "hardest(uniform)", out=tmp_path / "m.npz")
    before = path.read_bytes()
    with pytest.raises(ValueError, match="'out' must be a file that is not there yet"):
        sample(data, "typed", k=3, out=path)
    assert path.read_bytes() == before
    sample(data, "typed", k=3, out=path, fresh=True)
    assert formats.load(path, data.triples).index.size(1) == 3


def test_parquet_and_csv_are_readable_without_gneg(tmp_path):
    data = toy()
    for suffix in ("parquet", "csv"):
        sample(data, "walk", k=3, out=tmp_path / f"n.{suffix}")
    table = pq.read_table(tmp_path / "n.parquet")
    assert table.column_names == ["src", "replaced", "side", "index", "log_q"]
    header = json.loads(table.schema.metadata[b"gneg"])
    assert header["sampler"] == "walk"
    assert len(table["index"][0]) == 3
    lines = (tmp_path / "n.csv").read_text().splitlines()
    assert json.loads(lines[0][2:]) == header | {"command": "gneg.sample()"}
    assert lines[1].startswith("src,replaced,side,index_0,index_1,index_2,log_q_0")
    assert len(lines) == data.train.size(1) + 3  # header, names, checksum


def test_the_command_writes_negatives(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    result = runner.invoke(app, ["sample", "digits", "-k", "2", "--out", "n.parquet"])
    assert result.exit_code == 0, result.output
    assert "replaced: dst" in result.output
    assert "negatives: n.parquet" in result.output
    negatives = formats.load(tmp_path / "n.parquet", datasets.load("digits").graph)
    assert negatives.index.size(1) == 2
    for arguments, message in (
        (["sample", "digits", "--out", "n.txt"], "'out' must be a name that ends in"),
        (["sample", "digits", "--sampler", "hardest(walk)"], "'score' must be"),
        (["sample", "digits", "--part", "all"], "'part' must be one of"),
    ):
        refused = runner.invoke(app, arguments)
        assert refused.exit_code == 2
        assert message in refused.output


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_other_files_are_refused(suffix, tmp_path):
    path = tmp_path / f"other.{suffix}"
    with pytest.raises(ValueError, match="'path' must be an existing file"):
        formats.load(path, random_graph(5, 5))
    if suffix == "npz":
        np.savez(path, a=np.ones(3))
    elif suffix == "csv":
        path.write_text("a,b\n1,2\n")
    else:
        import pyarrow as pa

        pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(ValueError, match="'path' must be a file of gneg sample"):
        formats.load(path, random_graph(5, 5))


@pytest.fixture
def drawn():
    """A graph, its positives, and negatives of both ends."""
    graph = random_graph(40, 120)
    pos = graph.edge_index[:, ::5]
    tails, heads = (
        samplers.Uniform(graph, corrupt=side).sample(pos, 4, generator=seeded())
        for side in ("dst", "src")
    )
    return graph, pos, tails, heads


def test_pyg(drawn):
    from torch_geometric.data import Data

    graph, pos, tails, _ = drawn
    exported = export.to_pyg(tails, Data(edge_index=graph.edge_index, num_nodes=40))
    assert torch.equal(exported.edge_label_index[:, exported.edge_label == 1], pos)
    assert torch.equal(exported.edge_label_index[:, exported.edge_label == 0], tails.edge_index())
    exported.validate()


def test_ogb_and_heart(drawn):
    from ogb.linkproppred import Evaluator

    _, pos, tails, heads = drawn
    exported = export.to_ogb(tails)
    assert torch.equal(torch.stack([exported["source_node"], exported["target_node"]]), pos)
    score = lambda src, dst: (src * 7 + dst).float()  # noqa: E731
    scores = {
        "y_pred_pos": score(*pos),
        "y_pred_neg": score(exported["source_node"][:, None], exported["target_node_neg"]),
    }
    assert len(Evaluator("ogbl-citation2").eval(scores)["mrr_list"]) == pos.size(1)
    array = export.to_heart(tails, heads)
    assert array.shape == (pos.size(1), 8, 2)
    read = HardSet.from_heart(pos, array)
    assert torch.equal(read.index, torch.cat([tails.index, heads.index], dim=1))
    with pytest.raises(ValueError, match="'dst' end is replaced in OGB's form"):
        export.to_ogb(heads)
    with pytest.raises(ValueError, match="'heads' must be of the same positives"):
        export.to_heart(tails, replace(heads, replaced=heads.replaced.flip(0)))


def test_pykeen(drawn):
    _, pos, tails, heads = drawn
    exported = export.to_pykeen(tails, heads)
    assert set(exported) == {"head_negatives", "tail_negatives"}
    for side, end in (("head_negatives", 1), ("tail_negatives", 0)):
        assert exported[side].shape == (pos.size(1), 4)
        assert not torch.equal(exported[side][:, 0], pos[end])


def test_graphstorm(drawn, tmp_path):
    _, pos, tails, heads = drawn
    short = replace(tails, mask=tails.mask & (torch.arange(4) < 3))
    export.to_graphstorm(short, tmp_path / "edges.parquet")
    table = pq.read_table(tmp_path / "edges.parquet").to_pandas()
    assert torch.equal(torch.tensor(table[["source_id", "dest_id"]].to_numpy().T), pos)
    lists = np.stack(table["edge_dst_hard_negative"])
    assert (lists[:, 3] == -1).all()
    assert (lists[:, :3] == tails.index[:, :3].numpy()).all()
    with pytest.raises(ValueError, match="of replaced targets for GraphStorm"):
        export.to_graphstorm(heads, tmp_path / "no.parquet")


def test_graphbolt(drawn):
    _, pos, tails, _ = drawn
    exported = export.to_graphbolt(tails)
    assert exported["seeds"].shape == (5 * pos.size(1), 2)
    assert exported["labels"].sum() == pos.size(1)
    assert torch.equal(exported["seeds"][:, 0], pos[0][exported["indexes"]])


def test_networkx_and_scipy(drawn):
    graph, pos, tails, _ = drawn
    exported = export.to_networkx(tails, undirected=False)
    labels = nx.get_edge_attributes(exported, "label")
    assert {edge for edge, label in labels.items() if label} == {tuple(p) for p in pos.t().tolist()}
    none = {edge for edge, label in labels.items() if not label}
    assert none == {tuple(pair) for pair in tails.edge_index().t().tolist()}
    assert sum(len(exported.edges[edge]["positives"]) for edge in none) == tails.mask.sum()
    matrix = export.to_scipy(tails, 40)
    assert matrix.sum() == tails.mask.sum()
    assert not matrix[tuple(graph.edge_index.numpy())].sum()
    known = KnownEdges(graph)
    src, dst = (torch.from_numpy(ids.astype(np.int64)) for ids in matrix.nonzero())
    assert not known.contains(src, dst).any()
