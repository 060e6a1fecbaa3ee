"""Options are made from configs; a file or an earlier run can stand for them."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
import typer.main
import yaml

from gneg import LinkConfig, TripleConfig
from gneg.cli import app, compare
from gneg.cli.axes import AXES
from gneg.training import recipe
from gneg.training.options import settings
from tests.cli.invoke import run

#: Commands with an option for each field of a config, and fields of which they take several values.
GENERATED = [
    (("train",), LinkConfig, {}),
    (("compare",), LinkConfig, AXES[LinkConfig]),
    (("kg", "train"), TripleConfig, {}),
    (("kg", "compare"), TripleConfig, AXES[TripleConfig]),
]
QUICK = {"hidden": 8, "epochs": 2, "eval_every": 1, "k": 1}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def options(*names: str):
    command = typer.main.get_command(app)
    for name in names:
        command = command.load(name)
    return {parameter.name: parameter for parameter in command.params}


@pytest.mark.parametrize(("command", "config", "axes"), GENERATED, ids=str)
def test_every_field_of_a_config_is_an_option(command, config, axes):
    found = options(*command)
    defaults = asdict(config())
    lists = {axis.field: name for name, axis in axes.items()}
    for name, setting in settings(config).items():
        if name in lists:
            assert found[lists[name]].default is None
            assert (name in found) == (name == lists[name])
            continue
        assert found[name].help == setting.help
        assert found[name].default == defaults[name]
        assert f"--{name.replace('_', '-')}" in found[name].opts


def test_a_bad_value_is_named_like_its_option():
    result = run("train", "digits", "--hidden", "0")
    assert result.exit_code == 2
    assert "'hidden' must be an integer >= 1 (got 0)" in " ".join(result.output.split())


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_a_file_holds_settings_and_options_override_it(tmp_path, suffix):
    path = tmp_path / f"run.{suffix}"
    values = {**QUICK, "encoder": "gcn"}
    path.write_text(yaml.safe_dump(values) if suffix == "yaml" else json.dumps(values))
    result = run("train", "digits", "--config", str(path), "--epochs", "1", "--out", "run")
    assert result.exit_code == 0, result.output
    record = json.loads((tmp_path / "run/results.json").read_text())
    assert record["config"] == asdict(LinkConfig(**{**values, "epochs": 1}))
    assert record["recipe"] is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("run.yaml", "depth: 3", "'config' must be settings of encoder"),
        ("run.yaml", "depth: 3", "depth in "),
        ("run.yaml", "- 3", "'config' must be a mapping of settings to values"),
        ("run.yaml", "a: [", "'config' must be a file of settings"),
        ("run.json", "{", "'config' must be a file of settings"),
        ("run.yaml", "hidden: 0", "'hidden' must be an integer >= 1"),
        ("run.yaml", "hidden: many", "'hidden' must be an integer >= 1"),
        ("run.toml", "hidden = 8", "'config' must be a .yaml or .json file"),
        (None, "", "'config' must be an existing file"),
    ],
)
def test_a_bad_file_is_named(tmp_path, name, content, message):
    path = tmp_path / (name or "missing.yaml")
    if name is not None:
        path.write_text(content)
    result = run("train", "digits", "--config", str(path))
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output


def without_times(record: dict) -> list:
    runs = []
    for run_record in record["runs"]:
        kept = {
            name: run_record[name] for name in ("seed", "valid", "test", "best_epoch", "epochs")
        }
        runs.append(kept)
    return runs


def test_results_of_an_earlier_run_repeat_it(tmp_path, monkeypatch):
    edges = ["src,dst"] + [f"{i},{(i * i + 7 * i + j) % 60}" for i in range(60) for j in (1, 2, 5)]
    (tmp_path / "edges.csv").write_text("\n".join(edges) + "\n")
    typed = ["--split-seed", "3", "--seeds", "2", "--recipe", "none"]
    typed += [
        word
        for name, value in QUICK.items()
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    typed = ["-k" if word == "--k" else word for word in typed]
    first = run("train", "edges.csv", *typed, "--sampler", "degree", "--out", "first")
    assert first.exit_code == 0, first.output
    second = run("train", "--config", "first/results.json", "--out", "second")
    assert second.exit_code == 0, second.output
    records = [
        json.loads((tmp_path / name / "results.json").read_text()) for name in ("first", "second")
    ]
    assert records[0]["config"] == records[1]["config"]
    assert records[0]["dataset"] == records[1]["dataset"]
    assert records[0]["source"] == records[1]["source"]
    assert without_times(records[0]) == without_times(records[1])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")  # paths of a record hold there, too
    again = run("train", "--config", "../first/results.json", "--out", "fourth")
    assert again.exit_code == 0, again.output
    same_file = run("train", "../edges.csv", "--config", "../first/results.json", "--out", "fifth")
    assert same_file.exit_code == 0, same_file.output
    monkeypatch.chdir(tmp_path)
    override = ["--split-seed", "4", "--seeds", "1", "--lr", "0.1", "--out", "third"]
    third = run("train", "--config", "first/results.json", *override)
    assert third.exit_code == 0, third.output
    changed = json.loads((tmp_path / "third/results.json").read_text())
    assert changed["config"] == {**records[0]["config"], "lr": 0.1}
    assert changed["source"] == {**records[0]["source"], "split_seed": 4}
    assert changed["dataset"]["hash"] != records[0]["dataset"]["hash"]
    assert [result["seed"] for result in changed["runs"]] == [0]


def test_a_file_of_settings_needs_a_dataset(tmp_path):
    (tmp_path / "run.yaml").write_text("hidden: 8")
    result = run("train", "--config", "run.yaml")
    assert result.exit_code == 2
    assert "'dataset' must be given" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("none,all", ["none", "all"]),
        ("none|cn,ra|all", ["none", "cn,ra", "all"]),
        ("cn, RA", ["cn,ra"]),
    ],
)
def test_a_grid_has_every_value_of_its_axes(monkeypatch, typed, expected):
    configs = []
    monkeypatch.setattr(compare, "_compare", lambda data, grid, *_: configs.extend(grid))
    axes = ["--decoder", "auto,MLP", "--pair-features", typed, "--stack", "all"]
    result = run("compare", "digits", "--no-hard", "--samplers", "uniform", *axes, "--seeds", "1")
    assert result.exit_code == 0, result.output
    base = LinkConfig(sampler="uniform", stack="all")
    expected = [(decoder, kinds) for decoder in (None, "mlp") for kinds in expected]
    assert configs == [replace(base, decoder=d, pair_features=kinds) for d, kinds in expected]


def test_the_recipe_is_the_base_of_a_grid(monkeypatch):
    grids = []
    monkeypatch.setattr(compare, "_compare", lambda data, grid, *_: grids.append((data, grid)))
    options = ["--recipe", "fast", "--stack", "none,all", "--hidden", "16"]
    result = run("compare", "digits", "--no-hard", *options)
    assert "Compared here: negatives uniform, " in " ".join(result.output.split())
    data, configs = grids[0]
    suited = recipe.fast(data, hidden=16).config
    samplers = dict.fromkeys(["uniform", suited.sampler])
    assert configs == [
        replace(suited, sampler=sampler, stack=stack)
        for sampler in samplers
        for stack in ("none", "all")
    ]


def test_each_encoder_of_a_grid_has_its_own_recipe(monkeypatch):
    grids = []
    monkeypatch.setattr(compare, "_compare", lambda data, grid, *_: grids.append((data, grid)))
    options = ["--recipe", "fast", "--encoders", "heuristics,gcn", "--samplers", "uniform"]
    result = run("compare", "digits", "--no-hard", *options)
    assert result.exit_code == 0, result.output
    ((data, configs),) = grids
    encoders = ("heuristics", "gcn")
    own = [recipe.fast(data, encoder=encoder, sampler="uniform").config for encoder in encoders]
    assert configs == own
    assert own[0].decoder != own[1].decoder
