"""The command line as a user meets it."""

from __future__ import annotations

import json

import pytest

import gneg
from tests.cli.invoke import run

QUICK = ["train", "digits", "--epochs", "2", "--eval-every", "1", "--hidden", "16", "-k", "2"]
PLAIN = ["--recipe", "none"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with two models, and what their training printed."""
    folder = tmp_path_factory.mktemp("trained")
    result = run(*QUICK, *PLAIN, "--seeds", "2", "--out", str(folder))
    assert result.exit_code == 0, result.output
    return folder, result.output


@pytest.fixture
def edges(tmp_path):
    """An edge list of 120 nodes in two groups."""
    rows = [(u, 2 * ((u * u + 7 * u + 11 * j) % 60) + u % 2) for u in range(120) for j in range(5)]
    path = tmp_path / "edges.csv"
    path.write_text("source,target\n" + "".join(f"{u},{v}\n" for u, v in rows))
    return str(path)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_train_prints_a_table_and_where_the_result_is(tmp_path, edges):
    words = ["train", edges, *QUICK[2:]]
    result = run(*words)
    assert result.exit_code == 0, result.output
    for word in (
        "recipe:",
        "training-free scores",
        "mrr *",
        "hits@20",
        "sampling",
        "combined with heuristics",
        "results:",
    ):
        assert word in " ".join(result.output.split())
    files = list(tmp_path.glob("runs/*/results.json"))
    assert len(files) == 1
    assert json.loads(files[0].read_text())["config"]["hidden"] == 16
    told = json.loads(files[0].read_text())
    assert told["recipe"] in " ".join(result.output.split())
    assert told["config"]["stack"] == "all"
    assert "finished earlier" not in result.output
    again = run(*words)
    assert again.exit_code == 0
    assert "finished earlier" in again.output
    assert len(list(tmp_path.glob("runs/*/results.json"))) == 1


def test_guards_and_curves_are_shown(tmp_path):
    sampler = "guarded(selfpaced(hardest(uniform, m=16)), relative_margin=0.1, degree_cap=9)"
    result = run(*QUICK, *PLAIN, "--sampler", sampler, "--out", "guarded")
    assert result.exit_code == 0, result.output
    for word in ("dropped relative_margin", "dropped degree_cap", "violating", "scoring", "▁"):
        assert word in result.output
    record = json.loads((tmp_path / "guarded/results.json").read_text())["runs"][0]
    assert record["sampler_counts"]["dropped relative_margin"] > 0
    assert len(record["sampler_report"]["self_paced"]) == 2


def test_training_free_and_several_seeds(tmp_path, trained):
    scored = run("train", "digits", "--encoder", "aa", "--out", "aa")
    assert scored.exit_code == 0
    assert "gneg predict" not in scored.output  # there is no model to ask
    folder, output = trained
    assert "±" in output
    assert "answers: gneg predict" in output
    runs = json.loads((folder / "results.json").read_text())["runs"]
    assert [record["seed"] for record in runs] == [0, 1]


@pytest.mark.slow
def test_hard_sets_and_evaluation(tmp_path, trained):
    made = run("hardset", "digits", "-k", "20", "--out", "hard.npz")
    assert made.exit_code == 0, made.output
    assert "hard set: hard.npz" in made.output
    for family in ("stratified", "degree"):
        out = f"{family}.npz"
        assert run("hardset", "digits", "-k", "20", "--family", family, "--out", out).exit_code == 0
    sets = ["--hardset", "hard.npz", "--hardset", "stratified.npz", "--resamples", "50"]
    result = run("evaluate", "ra", "digits", *sets, "--out", "ra.json")
    assert result.exit_code == 0, result.output
    for word in ("uniform", "hard", "stratified", "hits@10", "ap", "distance 2", "degree"):
        assert word in result.output
    told = json.loads((tmp_path / "ra.json").read_text())["runs"][0]["sets"]
    assert told["hard"]["metrics"]["mrr"]["value"] < told["uniform"]["metrics"]["mrr"]["value"]
    folder, _ = trained
    models = run("evaluate", str(folder), "--hardset", "hard.npz", "--resamples", "0")
    assert models.exit_code == 0, models.output
    assert "mean ± standard deviation of 2 models" in models.output
    single = run("evaluate", str(folder / "model-1.pt"), "--resamples", "20")
    assert "95 % bootstrap intervals" in single.output


@pytest.mark.slow
def test_audit_prints_hardness_risk_and_cost(tmp_path, trained):
    arguments = ["audit", "digits", "--negatives", "4000", "--out", "audit.json"]
    result = run(*arguments, "--sampler", "guarded(walk, percentile=ra|90)")
    assert result.exit_code == 0, result.output
    for word in ("resource allocation", "held-out edges per 1,000", "HeuristicPercentile", "M/s"):
        assert word in result.output
    assert json.loads((tmp_path / "audit.json").read_text())["negatives"] == 4000
    by_sampler = ["audit", "digits", "--negatives", "800", "--sampler", "hardest(uniform)"]
    by_model = run(*by_sampler, "--model", str(trained[0]))
    assert "scored above their positive" in by_model.output
    alone = run(*by_sampler)
    assert alone.exit_code == 2
    assert "--model" in alone.output


@pytest.mark.slow
def test_compare_and_report(tmp_path, edges):
    arguments = ["compare", edges, "--samplers", "uniform,walk", "--seeds", "2", "--epochs", "1"]
    arguments += ["--hidden", "8", "-k", "2", "--out", "grid"]
    result = run(*arguments, "--report", "report.html")
    assert result.exit_code == 0, result.output
    for word in ("hard mrr", "ppr", "differences are not tested", "report: report.html"):
        assert word in result.output
    assert (tmp_path / "grid/hard.npz").exists()
    assert "Negative samplers compared on edges" in (tmp_path / "report.html").read_text()
    (tmp_path / "report.html").unlink()
    assert run("report", "grid").exit_code == 0
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hardset", "digits", "--family", "hist"], "no sampler 'hist'"),
        (["hardset", "digits", "--out", "a.csv"], "'out' must be a name that ends in"),
        (["evaluate", "ra"], "'dataset' must be given unless MODEL is a run"),
        (["evaluate", "nothing", "digits"], "'model' must be a run of gneg train, a file"),
        (["evaluate", "log_q(dns(walk))", "digits"], "closed-form density"),
        (["evaluate", "ra", "digits", "--hardset", "no.npz"], "'hardset' must be an existing file"),
        (["audit", "digits", "--sampler", "walk(", "-k", "2"], "expected"),
        (["compare", "digits", "--samplers", "uniform,wlak"], "no sampler 'wlak'"),
        (["compare", "digits", "--losses", "bce,bec"], "'losses' must be one of"),
        (["report", "nowhere"], "'results' must be a compare.json"),
        (["train", "digitz"], "'dataset' must be the path of an edge list or one of hyperbolic"),
        (["train", "digits", "--sampler", "wlak"], "no sampler 'wlak'"),
        (["train", "digits", "--sampler", "hardest(walk, n=3)"], "'hardest' has no option 'n'"),
        (["train", "digits", "--encoder", "gat"], "'encoder' must be one of"),
        (["train", "digits", "--loss", "softmax", "--sampler", "dns(walk)"], "closed-form log_q"),
        (["train", "missing.csv"], "'dataset' must be an existing file"),
    ],
)
def test_mistakes_get_one_clear_line(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


COMMANDS = ["train", "describe", "evaluate", "hardset", "audit", "sample", "compare", "report"]
COMMANDS += ["samplers", "losses", "datasets"]


def test_commands_are_listed_in_the_order_of_their_use():
    text = run("--help").output
    places = [text.index(f"│ {command} ") for command in COMMANDS]
    assert places == sorted(places)


@pytest.mark.parametrize("command", [[], *([one] for one in COMMANDS)])
def test_help(command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_lists():
    assert "khop" in run("samplers").output
    assert "auc-hinge" in run("losses").output
    assert "ogbl-vessel" in run("datasets").output
    assert gneg.__version__ in run("--version").output
