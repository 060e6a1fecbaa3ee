"""Grids of runs in processes: complete, resumed, reproducible, searched."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from gneg import compare
from gneg.experiments.best import best_of
from gneg.experiments.grid import grid
from gneg.experiments.plan import with_one_loss
from gneg.experiments.search import Search
from gneg.samplers.text.parse import parse, parse_list
from gneg.training.config import LinkConfig, TripleConfig
from gneg.training.driver import train
from tests.experiments.conftest import CONFIGS, SAMPLERS, SMALL
from tests.worlds import toy


def test_every_combination_has_a_complete_row(compared):
    _, _, folder, results, events = compared
    assert [(row["sampler"], row["loss"]) for row in results["rows"]] == [
        ("uniform", "softmax"),
        (SAMPLERS[1], "softmax"),
        ("uniform", "bce"),
        (SAMPLERS[1], "bce"),
    ]
    for row in results["rows"]:
        assert set(row["summary"]) == {"uniform", "hard"}
        for name in row["summary"]:
            for metric, cell in row["summary"][name].items():
                values = row["metrics"][name][metric]
                assert cell["mean"] == pytest.approx(np.mean(values))
                assert cell["std"] == pytest.approx(np.std(values, ddof=1))
        assert [len(curve) for curve in row["curves"]] == [2, 2]
        assert row["audit"]["risk"]["per_1000"] >= 0
    # Loss and sampler are the second or the first value of each axis.
    rows = [{part: test["row"] for part, test in row["against"].items()} for row in results["rows"]]
    assert rows == [{}, {"negatives": 0}, {"loss": 0}, {"negatives": 2, "loss": 1}]
    assert [(e["part"], e["value"], e["baseline"], e["pairs"]) for e in results["effects"]] == [
        ("negatives", SAMPLERS[1], "uniform", 2),
        ("loss", "bce", "softmax", 2),
    ]
    assert results["best"]["heuristic"] in (None, *results["heuristics"])
    assert set(results["heuristics"]) == {"cn", "aa", "ra", "ppr", "katz", "pa", "cosine"}
    assert events[-1].completed == events[-1].total == 8
    assert json.loads((folder / "compare.json").read_text()) == json.loads(json.dumps(results))


@pytest.mark.slow
def test_configs_that_differ_in_the_stack_share_their_training(tmp_path):
    data, events = toy(n=120, edges=600), []
    drops = replace(SMALL, layers=2, decoder="mlp", dropout=0.3)
    configs = grid(drops, stack=("none", "cn,ra", "all"))
    options = {"seeds": 1, "baselines": ("pa",)}
    results = compare(data, configs, out=tmp_path / "a", report=events.append, **options)
    alone, *stacked = results["rows"]
    assert alone["curves"] == stacked[0]["curves"] == stacked[1]["curves"]
    assert events[-1].completed == events[-1].total == 3
    single = compare(data, configs[:1], out=tmp_path / "b", **options)["rows"][0]
    assert single["metrics"] == alone["metrics"]
    assert stacked[0]["metrics"] != alone["metrics"]
    for row, config in zip(stacked, configs[1:], strict=True):
        assert row["against"]["stack"]["row"] == 0
        for part in ("hardness", "risk", "violating"):  # of negatives of the same training
            assert row["audit"][part] == alone["audit"][part]
        trained = train(data, config)["runs"][0]  # as the command of a row does
        assert trained["curve"][-1]["loss"] == row["curves"][0][-1]["loss"]
        assert trained["test"]["mrr"] == pytest.approx(row["metrics"]["uniform"]["mrr"][0])
    before = alone["metrics"]["uniform"]["mrr"][0]
    for path in (tmp_path / "a").glob("cells/*/cell-0.json"):
        stack = json.loads(path.read_text())["run"]["stack"]
        assert stack is None or stack["alone"]["mrr"] == pytest.approx(before)


@pytest.mark.parametrize(
    ("scores", "heuristic", "start"),
    [({"ra": 0.3}, None, "best by validation mrr: walk, "), ({"ra": 0.6}, "ra", "no model")],
)
def test_the_best_by_validation_may_need_no_training(scores, heuristic, start):
    parts = {"encoder": "sage", "loss": "bce", "epochs": [9, 9], "best_epochs": [9, 9]}
    parts |= {"summary": {"hard": {"mrr": {"mean": 0.2}}}}
    rows = [
        {**parts, "sampler": name, "valid": valid}
        for name, valid in (("uniform", [0.1, 0.2]), ("walk", [0.5, 0.3]))
    ]
    best = best_of(rows, {"ra": {"hard": {"mrr": 0.1}}}, scores, "mrr")
    assert (best["row"], best["heuristic"]) == (1, heuristic)
    assert best["sentence"].startswith(start)
    assert "test: hard 20.00" in best["sentence"]
    assert "--epochs" in best["advice"]
    rows[0]["best_epochs"] = [9, 8]
    assert best_of(rows, {}, {}, "mrr")["advice"] == ""


@pytest.mark.slow
def test_only_missing_cells_run_again_with_the_same_metrics(compared):
    """And in processes of a pool with those of one process."""
    data, sets, folder, results, _ = compared
    cells = sorted(folder.glob("cells/*/cell-*.json"))
    assert len(cells) == 8
    cells[3].unlink()
    before = {cell: cell.stat().st_mtime_ns for cell in cells if cell.exists()}
    events = []
    second = compare(data, CONFIGS, seeds=2, sets=sets, out=folder, jobs=2, report=events.append)
    assert {cell: cell.stat().st_mtime_ns for cell in before} == before
    assert {event.cell for event in events if event.epoch is None} == {events[-1].cell}
    for old, new in zip(results["rows"], second["rows"], strict=True):
        assert old["metrics"] == new["metrics"]


def test_seconds_limit_the_training(tmp_path):
    base = LinkConfig(epochs=10_000, seconds=0.3, eval_every=50, hidden=8, k=2, patience=10_000)
    results = compare(toy(), [base], seeds=1, out=tmp_path, baselines=())
    row = results["rows"][0]
    trained = row["curves"][0][-1]["seconds"]
    assert row["epochs"][0] < 10_000
    assert 0.3 <= trained < 3
    assert "valid" in row["curves"][0][-1]


def test_the_error_of_a_cell_is_raised(tmp_path):
    with pytest.raises(ValueError, match="closed-form log_q"):
        compare(toy(), [replace(SMALL, sampler="dns(walk)", loss="softmax")], out=tmp_path, seeds=1)


def test_negatives_are_compared_with_one_loss_for_all():
    data, walk = toy(), "mixture(uniform:0.75, walk:0.25)"
    same = [replace(SMALL, loss=None, sampler=name) for name in ("uniform", walk)]
    assert with_one_loss(data, same) == same  # both have the softmax
    different = [*same, replace(SMALL, loss=None, sampler="hardest(uniform, m=4)")]
    assert {config.loss for config in with_one_loss(data, different)} == {"infonce"}
    typed = [replace(different[0], loss="auc"), *different[1:]]
    assert [config.loss for config in with_one_loss(data, typed)] == ["auc", "infonce", "infonce"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"configs": []}, "'configs' must be one or more"),
        ({"configs": [replace(SMALL, encoder="cn")]}, "'configs' must be of models that are"),
        ({"configs": SMALL}, "'configs' must be a list or tuple"),
        ({"configs": [TripleConfig()]}, "'configs' must be a LinkConfig"),
        ({"configs": [SMALL, SMALL]}, "'configs' must be one or more, each once"),
        ({"seeds": 0}, "'seeds' must be an integer >= 1"),
        ({"jobs": 0}, "'jobs' must be an integer >= 1"),
        ({"search": -1}, "'search' must be an integer >= 0"),
        ({"baselines": ["deepwalk"]}, "'baselines' must be one of"),
        ({"baselines": "ra"}, "'baselines' must be a list of heuristics"),
        ({"out": None}, "'out' must be a str or Path"),
        ({"callbacks": 5}, "'callbacks' must be a list of Callback"),
        ({"report": 5}, "'report' must be a function or None"),
        ({"reasons": 5}, "'reasons' must be a str or None"),
    ],
)
def test_bad_input_is_named(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        compare(toy(), **{"configs": [SMALL], "out": tmp_path, **options})
    assert not list(tmp_path.iterdir())  # refused before anything is trained


def test_the_search_finds_a_maximum_and_changes_only_its_settings():
    config = LinkConfig(sampler="mixture(uniform:0.75, tempered(walk, m=8):0.25)")
    search = Search(config, 40)
    assert search.names == ["lr", "temperature", "share"]
    while not search.finished:
        values = []
        for trial in search.ask(2):
            (_, first), (inner, second) = parse(trial.sampler).parts
            assert first + second == pytest.approx(1, abs=0.01)
            assert inner.options["m"] == 8
            values.append(-abs(np.log(trial.lr / 0.002)) - abs(second - 0.6))
        search.tell(values)
    assert len(search.record()["trials"]) == 40
    assert search.best.lr == pytest.approx(0.002, rel=0.6)
    assert search.value == max(trial["value"] for trial in search.results) > -0.8
    assert Search(config, 0).record() is None


@pytest.mark.slow  # test_triples.py searches, too
def test_the_search_runs_in_a_grid(tmp_path):
    results = compare(
        toy(),
        [replace(SMALL, sampler="tempered(uniform)")],
        seeds=1,
        out=tmp_path,
        search=2,
        baselines=(),
    )
    row = results["rows"][0]
    assert len(row["searched"]["trials"]) == 2
    assert row["sampler"] == "tempered(uniform)"
    assert "temperature=" in row["config"]["sampler"]
    assert max(trial["value"] for trial in row["searched"]["trials"]) == row["searched"]["best"]


def test_lists_of_expressions_are_split_where_they_end():
    text = "uniform, mixture(uniform:0.5, hardest(walk, m=64):0.5),khop(hops=2|far)"
    expressions = [str(expression) for expression in parse_list(text)]
    assert expressions == [
        "uniform",
        "mixture(uniform:0.5, hardest(walk, m=64):0.5)",
        "khop(hops=2|far)",
    ]
    assert [str(parse(expression)) for expression in expressions] == expressions
    with pytest.raises(ValueError, match="expected the name of a sampler"):
        parse_list("uniform,,walk")
