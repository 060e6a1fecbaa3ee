"""``gneg predict`` and ``gneg kg predict`` as they are typed."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import gneg
from gneg import TripleConfig, datasets
from gneg.datasets import Names, TripleData
from tests.cli.invoke import run
from tests.prediction.models import link_model, named_data, triple_model


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    link_model(folder / "friends", named_data("undirected"))
    link_model(folder / "ratings", named_data("bipartite"))
    triple_model(folder / "facts")
    return folder


@pytest.fixture
def here(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return runs


def test_a_node_is_answered_on_the_screen(here):
    result = run("predict", f"{here}/friends", "--node", "node 3", "--node", "node 5", "-k", "2",
                 "--why")  # fmt: skip
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines() if "node 3" in line[:9]]
    assert len(lines) == 2
    assert "probability: the share of unknown answers with such a score" in result.output
    assert "a rough estimate, from" in " ".join(result.output.split())


def test_all_nodes_go_to_a_file(here, tmp_path):
    words = ["predict", f"{here}/ratings", "--users", "-k", "3"]
    result = run(*words, "--out", "links.csv")
    assert result.exit_code == 0, result.output
    assert "links: links.csv" in result.output
    table = pd.read_csv("links.csv")
    assert table["source"].nunique() == 15
    assert run(*words, "--out", "links.csv").exit_code == 2
    assert run(*words, "--out", "links.csv", "--fresh").exit_code == 0
    assert (
        run("predict", f"{here}/ratings", "--items", "-k", "2", "--out", "i.jsonl").exit_code == 0
    )
    assert pd.read_json("i.jsonl", lines=True)["target"].nunique() == 40


def test_answers_are_pages_too(here, tmp_path):
    result = run("predict", f"{here}/friends", "--all", "-k", "2", "--out", "a.csv", "--report",
                 "a.html", "--why")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "page: a.html" in result.output
    assert "Links of toy" in (tmp_path / "a.html").read_text()
    words = ["--head", "entity 3", "--relation", "relation 1", "--report", "b.html"]
    assert run("kg", "predict", f"{here}/facts", *words).exit_code == 0
    assert (tmp_path / "b.html").exists()


def test_nodes_come_from_a_file(here, tmp_path):
    (tmp_path / "nodes.txt").write_text("node 7\n\nnode 9\nnode 7\n")
    result = run("predict", f"{here}/friends", "--nodes", "nodes.txt", "-k", "1", "--candidates",
                 "all", "--out", "a.parquet", "--memory", "5MB")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert list(pd.read_parquet("a.parquet")["source"]) == ["node 7", "node 9"]


def test_triples_are_completed(here, tmp_path):
    words = ["--head", "entity 3", "--relation", "relation 1", "-k", "2"]
    result = run("kg", "predict", f"{here}/facts", *words)
    assert result.exit_code == 0, result.output
    assert result.output.count("entity 3") >= 2
    (tmp_path / "q.csv").write_text("relation,tail\nrelation 0,entity 2\nrelation 2,entity 9\n")
    result = run("kg", "predict", f"{here}/facts", "--queries", "q.csv", "--out", "a.parquet")
    assert result.exit_code == 0, result.output
    table = pd.read_parquet("a.parquet")
    assert list(table.columns[:3]) == ["head", "relation", "tail"]
    assert set(table["tail"]) == {"entity 2", "entity 9"}


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A run on a graph in which entity 0 has relation 0 with all others."""
    folder = tmp_path_factory.mktemp("full") / "run"
    ring = [(i, 1, (i + 1) % 6) for i in range(6)]
    parts = [[(0, 0, i) for i in range(1, 4)] + ring, [(0, 0, 4)], [(0, 0, 5)]]
    tensors = [torch.tensor(rows).t() for rows in parts]
    names = Names([f"e{i}" for i in range(6)]), Names(["r0", "r1"])
    data = TripleData("full", *tensors, 6, 2, *names)
    gneg.train(data, TripleConfig(dim=4, epochs=1, k=1), out=folder)
    return str(folder)


def test_nothing_left_to_answer_is_said_in_words(full, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["kg", "predict", full, "--head", "e0", "--relation", "r0"]
    result = run(*words, "--why")
    assert result.exit_code == 0, result.output
    assert "no tail is left for e0, r0: all are known" in result.output
    assert "those of valid and test are known too: --keep-known lists them" in result.output
    assert "head" not in result.output  # no table
    printed = json.loads(run("--json", *words).stdout)
    assert (printed["answers"], printed["unanswered"]) == ([], 1)
    kept = json.loads(run("--json", *words, "--keep-known").stdout)
    assert {row["tail"] for row in kept["answers"]} == {f"e{i}" for i in range(1, 6)}
    assert all(row["known"] for row in kept["answers"])
    (tmp_path / "q.csv").write_text("head,relation\ne0,r0\ne2,r1\n" + "e0,r0\n" * 6)
    words = ["kg", "predict", full, "--queries", "q.csv"]
    result = run(*words)
    assert result.output.count("no tail is left for e0, r0") == 5
    assert "2 more queries have no answer left" in result.output
    assert "e2" in result.output
    for suffix in ("csv", "jsonl", "parquet"):
        result = run(*words, "--out", f"a.{suffix}")
        assert "7 queries have no answer left: all are known" in " ".join(result.output.split())
        read = {"csv": pd.read_csv, "parquet": pd.read_parquet}
        read["jsonl"] = partial(pd.read_json, lines=True)
        table = read[suffix](f"a.{suffix}")
        assert set(table["head"]) == {"e2"}
        assert table["score"].notna().all()
    (tmp_path / "q.csv").write_text("head,relation\ne0,r0\n")
    assert run(*words, "--out", "b.csv").exit_code == 0
    assert pd.read_csv("b.csv").empty


def test_a_node_without_a_link_left_has_no_row(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    star = [(0, i) for i in range(1, 30)] + [(i, i + 1) for i in range(1, 29)]
    graph = gneg.Graph.from_edge_index(torch.tensor(star).t(), 30, undirected=True)
    link_model(tmp_path / "run", datasets.make_split("star", graph, None, ratios=(0.1, 0.1)))
    result = run("predict", "run", "--node", "0")
    assert "no target is left for 0: all are known" in result.output
    result = run("predict", "run", "--all", "--out", "a.csv", "-k", "3")
    assert "1 query has no answer left" in result.output
    assert set(pd.read_csv("a.csv")["source"]) == set(range(1, 30))


def test_vectors_of_a_knowledge_graph_are_exported(here, tmp_path):
    words = ["--export", "z.parquet", "--export-relations", "r.npy"]
    result = run("kg", "predict", f"{here}/facts", *words)
    assert result.exit_code == 0, result.output
    assert "vectors of entities: z.parquet" in result.output
    assert pd.read_parquet("z.parquet")["name"][3] == "entity 3"
    assert len(np.load("r.npy")) == 3
    words = ["--export", "z.csv", "--export-relations", "r.npy", "--fresh"]
    assert run("kg", "predict", f"{here}/facts", *words).exit_code == 0
    table = pd.read_csv("z.csv", index_col="name")
    vectors = np.stack(pd.read_parquet("z.parquet")["embedding"])
    assert np.array_equal(table.to_numpy(np.float32), vectors)
    assert list(table.columns[:2]) == ["embedding_0", "embedding_1"]
    asked = ["--head", "entity 3", "--tail", "entity 4"]
    result = run("kg", "predict", f"{here}/facts", *asked, *words)
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "the share of unknown relations of two entities with such a score" in said
    result = run("kg", "predict", f"{here}/facts", "--head", "entity 3", "--relation", "relation 1")
    assert "of all unknown answers one in" in " ".join(result.output.split())


def test_two_files_of_vectors_do_not_replace_each_other(here):
    answers = ["--head", "entity 3", "--relation", "likes"]
    for words, name in (
        (["--export", "v.csv", "--export-relations", "./v.csv"], "export-relations"),
        ([*answers, "--export", "v.csv", "--out", "v.csv"], "export"),
    ):
        result = run("kg", "predict", f"{here}/facts", *words)
        assert result.exit_code == 2
        assert f"'{name}' must be another file than that of" in " ".join(result.output.split())
        assert not Path("v.csv").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["predict", "{}/friends"], "'node' must be given, or --nodes, or --all"),
        (["predict", "{}/friends", "--node", "nod 3"], "did you mean 'node 3'"),
        (["predict", "{}/friends", "--all", "-k", "0"], "'k' must be an integer >= 1"),
        (["predict", "{}/friends", "--all", "--out", "a.txt"], "ends in one of .parquet"),
        (["predict", "{}/friends", "--all", "--memory", "much"], "'memory' must be an amount"),
        (["predict", "{}/friends", "--all", "--candidates", "x"], "'candidates' must be a number"),
        (["predict", "{}/friends", "--users"], "'users, items' must be left out for nodes of one"),
        (
            ["predict", "{}/ratings", "--users", "--items"],
            "'items' must be left out beside --users",
        ),
        (["predict", "{}/friends", "--nodes", "no.txt"], "'nodes' must be an existing file"),
        (["predict", "{}/friends", "--new", "."], "'model' must be a model of gneg train"),
        (["predict", "{}/friends", "--all", "--node", "node 3"], "left out beside --node"),
        (["predict", "{}/friends", "--node", "node 3", "--new-features", "."], "without --new"),
        (["predict", "{}/facts", "--all"], "'run' must be a run on links"),
        (["predict", "{}/friends", "--all", "--report", "a.txt"], "'report' must be a name that"),
        (["predict", "{}/none", "--all"], "'run' must be a run of gneg train"),
        (["kg", "predict", "{}/friends", "--head", "a"], "gneg predict"),
        (["kg", "predict", "{}/facts", "--head", "entity 1"], "given, all but the one"),
        (["kg", "predict", "{}/facts", "--export", "z.txt"], "'export' must be a name that ends"),
        (["kg", "predict", "{}/facts", "--queries", "no.csv"], "'queries' must be an existing"),
    ],
)
def test_mistakes_are_named(here, words, message):
    result = run(*(word.format(here) for word in words))
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert "Traceback" not in result.output
