"""Ranks among all nodes in every command that evaluates, and on the page."""

from __future__ import annotations

import json

import pytest

import gneg
from gneg.evaluation.full_ranks import full_ranks
from gneg.training.load import load_data, load_run
from tests.cli.invoke import run
from tests.worlds import random_graph

SMALL = ["--epochs", "2", "--eval-every", "1", "--hidden", "8", "-k", "2", "--layers", "1"]


@pytest.fixture(autouse=True)
def _in_a_folder_with_edges(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = random_graph(100, 400).edge_index.t().tolist()
    lines = [f"{u},{v}\n" for u, v in rows if u < v]
    (tmp_path / "edges.csv").write_text("source,target\n" + "".join(lines))


def words(result) -> str:
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_training_and_evaluation_agree(tmp_path):
    options = ["--recipe", "none", *SMALL, "--rank", "all", "--out", "ranked"]
    output = words(run("train", "edges.csv", *options))
    assert "test, among all nodes" in output
    assert "recall@20" in output
    record = json.loads((tmp_path / "ranked/results.json").read_text())
    ranked, data = record["runs"][0]["all"], load_data("ranked")
    assert isinstance(data, gneg.datasets.LinkData)
    full = full_ranks(data, load_run(data, "ranked").scorer())
    for name, figure in full.metrics().items():
        assert ranked[name] == pytest.approx(figure["value"])
        low, high = ranked["intervals"][name]
        assert low <= ranked[name] <= high
        assert record["summary"]["all"][name]["mean"] == ranked[name]
    edges = data.test.pos.size(1)
    sentence = f"all {edges} edges, ranked from both ends among all {data.num_nodes} nodes"
    assert sentence in output

    output = words(run("evaluate", "ranked", "--against", "all", "--resamples", "20"))
    assert sentence in output
    assert f"{100 * ranked['mrr']:.2f} (" in output
    output = words(run("evaluate", "ranked", "--against", "estimate", "--out", "out.json"))
    assert f"all, estimated: {sentence}" in output
    sets = json.loads((tmp_path / "out.json").read_text())["runs"][0]["sets"]
    # There are fewer nodes than draws, each of which is then listed once.
    estimate = sets["all, estimated"]["metrics"]["mrr"]
    assert estimate["value"] == pytest.approx(ranked["mrr"])
    for entry in ("pairs", "mrr", "intervals"):
        ranked_wrongly = {**record["runs"][0], "all": {**ranked, entry: "x"}}
        text = json.dumps({**record, "runs": [ranked_wrongly]})
        (tmp_path / "ranked/results.json").write_text(text)
        refused = run("train", "edges.csv", *options)
        assert refused.exit_code == 2
        assert f"runs[0].all.{entry} is of type str" in " ".join(refused.output.split())
    sampled = words(run("evaluate", "ra", "edges.csv", "--against", "all", "--budget", "2000"))
    assert f"a random sample of 10 of {edges} edges, ranked from both ends" in sampled


def test_a_function_and_a_heuristic_are_ranked(tmp_path):
    (tmp_path / "mine.py").write_text(
        "def score(src, dst):\n    return -(src - dst).abs().float()\n"
    )
    for model in ("mine.py:score", "pa"):
        output = words(run("evaluate", model, "edges.csv", "--against", "all", "--out", "out.json"))
        assert "ndcg@20" in output
        sets = json.loads((tmp_path / "out.json").read_text())["runs"][0]["sets"]
        assert sets["all"]["metrics"]["mrr"]["value"] < sets["uniform"]["metrics"]["mrr"]["value"]
    free = ["train", "edges.csv", "--encoder", "ra", "--rank", "all", "--out", "free"]
    assert "test, among all nodes" in words(run(*free))


@pytest.mark.slow
def test_comparison_and_page_show_all_nodes(tmp_path):
    arguments = ["--samplers", "uniform,walk", "--seeds", "2", "--no-hard", "--rank", "all"]
    out = ["--out", "grid", "--report", "page.html"]
    output = words(run("compare", "edges.csv", *arguments, *SMALL, *out))
    assert "ranked from both ends among all 100 nodes but known ones" in output
    results = json.loads((tmp_path / "grid/compare.json").read_text())
    assert list(results["rows"][0]["summary"]) == ["all", "uniform"]
    assert results["effects"][0]["tests"]["all"]["mrr"]["difference"] != 0
    assert set(results["heuristics"]["ra"]["all"]) == set(results["rows"][0]["summary"]["all"])
    page = (tmp_path / "page.html").read_text()
    for text in ("mrr (all)", "hits@50 (all)", "recall@20 (all)", "MRR among all nodes is"):
        assert text in page
    assert "ranked from both ends among all 100 nodes but known ones" in page
    words(run("report", "grid", "--out", "again.html"))
    assert (tmp_path / "again.html").read_text() == page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "ra", "edges.csv", "--against", "nodes"], "'against' must be one of"),
        (["evaluate", "ra", "edges.csv", "--against", "estimate"], "'against' must be sets or all"),
        (["evaluate", "ra", "edges.csv", "--against", "all", "--budget", "9"], "'budget' must be"),
        (["train", "edges.csv", "--rank", "some"], "'rank' must be one of"),
    ],
)
def test_mistakes_are_named(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
