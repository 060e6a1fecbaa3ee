"""Stored graphs on the command line: built, generated, drawn in and taken as a dataset."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gneg import Graph
from gneg.samplers.formats.columns import read
from tests.cli.invoke import run

pytest.importorskip("duckdb")


def test_a_graph_is_built_from_a_file_and_drawn_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    edges = np.random.default_rng(0).integers(0, 40, (150, 2))
    rows = "".join(f"n{u},{v},n{v}\n" for u, v in edges)
    (tmp_path / "edges.csv").write_text("first,note,second\n" + rows)
    columns = ["--source", "first", "--target", "second", "--undirected"]
    built = run("ingest", "edges.csv", *columns, "--out", "graph", "--json")
    assert built.exit_code == 0, built.output
    header = json.loads(built.stdout)
    assert header["files"] == {"graph": "graph"}
    graph = Graph.open("graph")
    assert header["hash"] == graph.fingerprint()

    words = ["sample", "graph", "--sampler", "walk", "-k", "4", "--out"]
    result = run(*words, "all.parquet")
    assert result.exit_code == 0, result.output
    drawn, info = read(tmp_path / "all.parquet")
    assert info["split"] == "none, all edges"
    pairs = set(zip(drawn["src"].tolist(), drawn["replaced"].tolist(), strict=True))
    expected = {(u, v) for u, v in graph.edge_index.t().tolist() if u < v}
    assert pairs == expected
    assert len(drawn["src"]) == len(expected)

    result = run(*words, "plain", "--no-log-q")
    assert result.exit_code == 0, result.output
    plain, _ = read(tmp_path / "plain" / "part-000000.parquet")
    assert np.array_equal(plain.pop("index"), drawn["index"])
    assert set(plain) == {"src", "replaced", "side"}
    assert np.isfinite(drawn["log_q"]).all()

    result = run(*words, "some.csv", "--node", "n3", "--node", "n21")
    assert result.exit_code == 0, result.output
    lines = (tmp_path / "some.csv").read_text().splitlines()
    place = lines[1].split(",").index("src_name")
    assert {line.split(",")[place] for line in lines[2:-1]} == {"n3", "n21"}
    for words_of_error, message in (
        (["--node", "n99"], "'nodes' must be a known name"),
        (["--features", "edges.csv"], "features"),
        (["--model", "graph"], "'model' must be left out for all edges of a stored graph"),
    ):
        refused = run(*words, "x.csv", *words_of_error)
        assert refused.exit_code == 2
        assert message in refused.output
    assert run("describe", "graph").exit_code == 0  # split in memory, as other commands do


def test_edges_are_generated_to_a_file_and_to_a_graph(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ["--scale", "8", "--edge-factor", "4", "--seed", "3", "--out"]
    for kind in ("rmat", "uniform"):
        result = run("generate", kind, *options, f"{kind}.npy")
        assert result.exit_code == 0, result.output
    edges = np.load("rmat.npy")
    assert edges.shape == (2, 1024)
    result = run("generate", "rmat", *options, "graph")
    assert result.exit_code == 0, result.output
    from_file = run("ingest", "rmat.npy", "--keep-ids", "--num-nodes", "256", "--undirected",
                    "--out", "again")  # fmt: skip
    assert from_file.exit_code == 0, from_file.output
    assert Graph.open("again").fingerprint() == Graph.open("graph").fingerprint()
    refused = run("generate", "rmat", *options, "x.csv")
    assert "'out' must be an .npy to write, or the folder of a graph (got x.csv)" in refused.output
    assert run("generate", "grid", *options, "x.npy").exit_code == 2
    assert run("generate", "rmat", "--scale", "50", "--out", "x.npy").exit_code == 2
    for words, message in (
        (
            ["--scale", "40", "--edges", "9", "--out", "deep"],
            "'scale' must be for ids whose",
        ),
        (["--edges", str(10**15), "--out", "x.npy"], "'edges' must be few enough for the"),
    ):
        refused = run("generate", "rmat", *words)
        assert refused.exit_code == 2
        assert message in refused.output
    assert not list(tmp_path.glob(".deep*"))
