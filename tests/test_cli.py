"""The command line as a user meets it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import gneg
from gneg.cli import app

runner = CliRunner()
QUICK = ["train", "digits", "--epochs", "2", "--eval-every", "1", "--hidden", "16", "-k", "2"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*arguments: str):
    return runner.invoke(app, list(arguments), env={"COLUMNS": "140"})


def test_train_prints_a_table_and_where_the_result_is(tmp_path):
    result = run(*QUICK)
    assert result.exit_code == 0, result.output
    for word in ("mrr *", "hits@20", "sampling", "results:"):
        assert word in result.output
    files = list(tmp_path.glob("runs/*/results.json"))
    assert len(files) == 1
    assert json.loads(files[0].read_text())["config"]["hidden"] == 16
    again = run(*QUICK)
    assert again.exit_code == 0
    assert len(list(tmp_path.glob("runs/*/results.json"))) == 1


def test_guards_and_curves_are_shown(tmp_path):
    sampler = "guarded(selfpaced(hardest(uniform, m=16)), relative_margin=0.1, degree_cap=9)"
    result = run(*QUICK, "--sampler", sampler, "--out", "guarded")
    assert result.exit_code == 0, result.output
    for word in ("dropped relative_margin", "dropped degree_cap", "violating", "scoring", "▁"):
        assert word in result.output
    record = json.loads((tmp_path / "guarded/results.json").read_text())["runs"][0]
    assert record["sampler_counts"]["dropped relative_margin"] > 0
    assert len(record["sampler_report"]["self_paced"]) == 2


def test_training_free_and_several_seeds(tmp_path):
    assert run("train", "digits", "--encoder", "aa", "--out", "aa").exit_code == 0
    result = run(*QUICK, "--seeds", "2", "--out", "two")
    assert "±" in result.output
    assert [r["seed"] for r in json.loads((tmp_path / "two/results.json").read_text())["runs"]] == [
        0,
        1,
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "digitz"], "'dataset' must be the path of an edge list or one of digits"),
        (["train", "digits", "--sampler", "wlak"], "no sampler 'wlak'"),
        (["train", "digits", "--sampler", "hardest(walk, n=3)"], "'hardest' has no option 'n'"),
        (["train", "digits", "--encoder", "gat"], "'encoder' must be one of"),
        (["train", "digits", "--loss", "nce", "--sampler", "walk(kind=ppr)"], "closed-form log_q"),
        (["train", "digits", "--loss", "softmax", "--sampler", "dns(walk)"], "closed-form log_q"),
        (["train", "missing.csv"], "'dataset' must be an existing file"),
    ],
)
def test_mistakes_get_one_clear_line(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", [[], ["train"], ["samplers"], ["losses"], ["datasets"]])
def test_help(command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_lists():
    assert "khop" in run("samplers").output
    assert "auc-hinge" in run("losses").output
    assert "ogbl-vessel" in run("datasets").output
    assert gneg.__version__ in run("--version").output
