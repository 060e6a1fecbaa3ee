"""What a person meets: lines in a pipe, suggestions, names where data is."""

from __future__ import annotations

import subprocess
import sys

import networkx
import pytest
import typer

import gneg
from gneg import checks
from gneg.cli import app
from gneg.cli.commands import Commands, KgCommands
from gneg.cli.progress import ProgressDisplay
from tests.cli.invoke import run
from tests.worlds import random_graph, toy


def test_a_pipe_gets_a_line_for_each_evaluation(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    edges = random_graph(40, 160).edge_index.t().tolist()
    (tmp_path / "e.csv").write_text("".join(f"n{u},n{v}\n" for u, v in edges))
    words = ["--epochs", "3", "--hidden", "4", "-k", "1", "--recipe", "none", "--out", "run"]
    assert run("train", "e.csv", *words).exit_code == 0
    with ProgressDisplay() as display:
        bars = display.training(5, "mrr")
        for epoch, mrr, best in ((1, None, -1.0), (2, 0.1, 0.1), (3, None, 0.1), (4, 0.05, 0.1)):
            valid = None if mrr is None else {"mrr": mrr}
            bars.on_epoch_end(0, {"epoch": epoch, "loss": 0.5, "best": best, "valid": valid})
        bars.on_stage(0, "stacking")
        count = display.count("nodes")
        for done in range(0, 101, 4):
            count(done, 100)
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith("seed 0")] == [
        "seed 0: epoch 2/5  loss 0.5000  valid mrr 10.00 % (best 10.00 %)",
        "seed 0: epoch 4/5  loss 0.5000  valid mrr 5.00 % (best 10.00 %)",
        "seed 0: stacking",
    ]
    assert len([line for line in lines if line.startswith("nodes")]) == 11


@pytest.mark.parametrize(
    ("value", "options", "meant"),
    [("wlak", ["walk", "uniform"], "walk"), ("CORA", ["Cora", "digits"], "Cora"), ("x", ["y"], "")],
)
def test_the_nearest_name_is_suggested_in_any_case(value, options, meant):
    assert checks.closest(value, options) == (f"did you mean {meant!r}?" if meant else "")


def test_wrong_values_are_answered_with_a_suggestion(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words, message in (
        (["train", "digit"], "did you mean 'digits'?"),
        (["train", "cora2"], "did you mean 'Cora'?"),
        (["train", "umls"], "a knowledge graph: load_triples, or gneg kg"),
        (["train", "digits", "--sampler", "wlak"], "did you mean 'walk'?"),
        (["train", "digits", "--encoder", "sgae"], "did you mean 'sage'?"),
    ):
        result = run(*words)
        assert result.exit_code == 2
        assert message in " ".join(result.output.split()), result.output


@pytest.mark.slow
def test_names_are_accepted_where_data_are(tmp_path):
    data = gneg.datasets.load("digits")
    hard = gneg.hardset("digits", family="uniform", k=2)
    assert hard.info["hash"] == data.fingerprint()
    assert gneg.audit("digits", "uniform", k=1, negatives=50)["negatives"] == 50
    header = gneg.sample("digits", "uniform", k=1, out=tmp_path / "n.npz", part="valid")
    assert header["dataset"] == "digits"
    score = gneg.graph.heuristics.Heuristic(data.graph, "cn")
    assert gneg.evaluate("digits", score, resamples=0)["positives"] == data.test.pos.size(1)


@pytest.mark.parametrize("data", [toy().graph, networkx.path_graph(4), 3])
def test_what_is_no_dataset_says_how_to_make_one(data):
    with pytest.raises(
        ValueError, match=r"the name or path of a dataset .*from_networkx, from_pyg"
    ):
        gneg.train(data)


@pytest.mark.parametrize("group", [Commands, KgCommands])
def test_the_list_of_commands_says_what_the_commands_say(group):
    commands = typer.main.get_command(app)
    if group is KgCommands:
        commands = commands.load("kg")
    for name, (_, line) in group.table.items():
        first, _, _ = commands.load(name).help.partition("\n\n")
        assert " ".join(first.split()) == line


def test_the_help_of_all_commands_imports_neither_torch_nor_numba():
    code = (
        "import sys, gneg.cli\n"
        "try: gneg.cli.main()\n"
        "except SystemExit: print({'torch', 'numba', 'pandas'} & set(sys.modules))"
    )
    for words in (["--help"], ["--version"], ["kg", "--help"], ["trian"]):
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
        assert done.stdout.splitlines()[-1] == "set()", done.stderr


@pytest.mark.parametrize(
    ("package", "name"),
    [
        (gneg, "audit"),
        (gneg.evaluation, "triple"),
        (gneg.loader, "LinkLoader"),
        (gneg.nn, "kge"),
        (gneg.training, "recipe"),
    ],
)
def test_packages_list_what_they_import_when_it_is_used(package, name):
    assert name in dir(package)
    assert not {"Any", "annotations", "lazy"} & set(dir(package))
    for each in dir(package):
        assert getattr(package, each) is not None
    with pytest.raises(AttributeError, match=f"{package.__name__}.*'nothing'"):
        _ = package.nothing
