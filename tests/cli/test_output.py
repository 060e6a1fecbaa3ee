"""``--quiet`` and ``--json``, in every command and before it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import typer.main

from gneg.cli import app
from gneg.cli.output import plain
from tests.cli.invoke import run

QUICK = ["--epochs", "1", "--eval-every", "1", "-k", "1"]
LINK = [*QUICK, "--hidden", "4", "--recipe", "none"]
#: Words of every command, a key of its document, and the files that it names.
COMMANDS = {
    "train": (["e.csv", *LINK, "--out", "run"], "summary", {"results": "run/results.json"}),
    "describe": (["e.csv"], "examples", {}),
    "predict": (["run", "--node", "1", "-k", "2"], "answers", {}),
    "evaluate": (["run", "--resamples", "0", "--out", "e.json"], "runs", {"results": "e.json"}),
    "hardset": (["e.csv", "-k", "2", "--out", "h.npz"], "family", {"hard set": "h.npz"}),
    "audit": (["e.csv", "--negatives", "50"], "hardness", {}),
    "sample": (["e.csv", "-k", "1", "--out", "n.csv"], "sampler", {"negatives": "n.csv"}),
    "ingest": (["e.csv", "--out", "stored"], "num_edges", {"graph": "stored"}),
    "generate": (["rmat", "--scale", "4", "--out", "random"], "num_edges", {"graph": "random"}),
    "compare": (
        ["e.csv", *LINK[:-2], "--samplers", "uniform", "--seeds", "1", "--no-hard", "--out", "c"],
        "rows",
        {"results": "c/compare.json"},
    ),
    "report": (["c", "--out", "page.html"], "files", {"report": "page.html"}),
    "samplers": ([], "samplers", {}),
    "losses": ([], "losses", {}),
    "datasets": ([], "links", {}),
    "kg train": (
        ["g", *QUICK, "--dim", "4", "--out", "kg"],
        "summary",
        {"results": "kg/results.json"},
    ),
    "kg describe": (["g"], "examples", {}),
    "kg predict": (["kg", "--head", "e1", "--relation", "r1", "-k", "2"], "answers", {}),
    "kg compare": (
        ["g", *QUICK, "--dim", "4", "--samplers", "uniform", "--seeds", "1", "--out", "kc"],
        "rows",
        {"results": "kc/compare.json"},
    ),
    "kg presets": ([], "presets", {}),
}
#: Commands that read what another wrote.
READ = {"predict": "train", "evaluate": "train", "report": "compare", "kg predict": "kg train"}
ASKED_FOR = {
    "predict",
    "kg predict",
    "samplers",
    "losses",
    "datasets",
    "kg presets",
}  # printed if quiet too


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with an edge list, a graph of triples, and what each command wrote."""
    folder = tmp_path_factory.mktemp("output")
    edges = [f"{u},{(7 * u + j) % 40}" for u in range(40) for j in (1, 5)]
    (folder / "e.csv").write_text("source,target\n" + "\n".join(edges))
    (folder / "g").mkdir()
    rows = [f"e{i % 15}\tr{i // 15}\te{(7 * i + 1) % 15}" for i in range(45)]
    for part, lines in (("train", rows[:35]), ("valid", rows[35:40]), ("test", rows[40:])):
        (folder / "g" / f"{part}.txt").write_text("\n".join(lines))
    return folder


def test_every_command_is_here_and_has_the_options():
    root = typer.main.get_command(app)
    kg = root.load("kg")
    names = [name for name in root.table if name != "kg"] + [f"kg {name}" for name in kg.table]
    assert names == list(COMMANDS)
    commands = [root, kg]
    for name in names:
        *group, word = name.split()
        commands.append((kg if group else root).load(word))
    for command in commands:
        flags = {flag for parameter in command.params for flag in parameter.opts}
        assert {"--quiet", "--json"} <= flags


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_prints_one_document_or_next_to_nothing(folder, monkeypatch, name):
    monkeypatch.chdir(folder)
    words, key, files = COMMANDS[name]
    needed = READ.get(name)
    if needed is not None and not Path(words[0]).exists():  # another process wrote it
        assert run(*needed.split(), *COMMANDS[needed][0]).exit_code == 0
    result = run("--json", *name.split(), *words)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout, parse_constant=pytest.fail)
    assert key in document
    assert document["files"] == files
    again = ["--fresh"] if name in ("hardset", "sample", "ingest", "generate") else []
    result = run(*name.split(), *words, *again, "--quiet")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    lines = [f"{label}: {path}" for label, path in files.items()]
    assert name in ASKED_FOR or result.stdout.splitlines() == lines


def test_errors_stay_on_standard_error(folder, monkeypatch):
    monkeypatch.chdir(folder)
    for words in (["--json", "train", "none.csv"], ["kg", "--json", "-q", "train", "none"]):
        result = run(*words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("error: 'dataset'")
        assert result.stderr.count("\n") == 1


def test_what_json_has_no_word_for_is_null():
    value = {"a": [math.nan, -math.inf, 1.5], "b": np.float64("nan"), 3: (np.int64(2), Path("x"))}
    assert plain(value) == {"a": [None, None, 1.5], "b": None, "3": [2, "x"]}
