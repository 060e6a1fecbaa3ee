"""``gneg kg`` as a user meets it."""

from __future__ import annotations

import json
import os
import re
import shutil

import pytest
import torch

from gneg import datasets
from gneg.evaluation.audit import held_out_hits
from gneg.samplers.triples import TripleSampler
from gneg.samplers.triples.build import NAMES
from gneg.training import contest
from gneg.training.config import TripleConfig
from gneg.training.load import load_data
from gneg.training.presets import PRESETS, preset
from tests.cli.invoke import run
from tests.triple_worlds import WORLDS

QUICK = ["--dim", "8", "--epochs", "4", "--eval-every", "2", "--batch-size", "64", "-k", "2"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A small graph in text files."""
    data = datasets.from_triples(WORLDS["sparse"](), shares=(0.15, 0.15))
    place = tmp_path / "toy"
    place.mkdir()
    for part in ("train", "valid", "test"):
        rows = [f"e{h}\tr{r}\te{t}" for h, r, t in data.positives(part).t().tolist()]
        (place / f"{part}.txt").write_text("\n".join(rows) + "\n")
    monkeypatch.chdir(tmp_path)
    return place


def test_a_run_of_a_name_is_asked_from_any_folder(shared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root, sizes = os.path.relpath(shared), ["--dim", "4", "--epochs", "1"]
    trained = run("kg", "train", "nations", "--root", root, *sizes, "--out", "run")
    assert trained.exit_code == 0, trained.output
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    asked = run("kg", "predict", "../run", "--head", "usa", "--relation", "embassy", "-k", "2")
    assert asked.exit_code == 0, asked.output


def test_train_prints_tables_and_goes_on(folder, tmp_path):
    result = run("kg", "train", str(folder), "--sampler", "cached(typed, size=4, m=4)", *QUICK)
    assert result.exit_code == 0, result.output
    for word in ("TripleData(toy: 30 entities", "mrr", "hits@10", "N-N", "results:"):
        assert word in result.output
    (path,) = tmp_path.glob("runs/toy-transe-*/results.json")
    record = json.loads(path.read_text())
    assert record["config"]["sampler"] == "cached(typed, size=4, m=4)"
    assert record["dataset"]["entities"] == 30
    assert set(record["runs"][0]["test"]["end"]) == {"head", "tail"}
    again = run("kg", "train", str(folder), "--sampler", "cached(typed, size=4, m=4)", *QUICK)
    assert again.exit_code == 0
    assert json.loads(path.read_text())["runs"] == record["runs"]


def interrupt(*_, **__):
    raise KeyboardInterrupt


def test_a_run_with_the_defaults_points_at_the_presets(folder, monkeypatch):
    pointer = "settings: the defaults; gneg kg presets lists tuned ones (--preset)"
    assert pointer not in run("kg", "train", str(folder), *QUICK).output
    monkeypatch.setattr("gneg.cli.train_triples.train", interrupt)
    result = run("kg", "train", str(folder))
    assert result.exit_code == 130
    assert pointer in result.output


def test_a_race_that_is_stopped_says_that_it_begins_again(folder, monkeypatch):
    monkeypatch.setattr("gneg.training.race.race", interrupt)
    monkeypatch.setattr("sys.argv", ["gneg", "kg", "train"])
    result = run("kg", "train", str(folder), "--recipe", "auto", "--loss", "nssa", *QUICK)
    assert result.exit_code == 130
    assert "interrupted; a race of negatives begins again" in result.output


def test_presets_are_listed_and_options_override_them(folder, tmp_path):
    assert "complex-n3" in run("kg", "presets").output
    result = run(
        "kg", "train", str(folder), "--preset", "complex-n3", "--dim", "4", "--epochs", "3"
    )
    assert result.exit_code == 0, result.output
    (path,) = tmp_path.glob("runs/toy-complex-*/results.json")
    config = json.loads(path.read_text())["config"]
    assert config == {**config, **preset("complex-n3"), "dim": 4, "epochs": 3}
    again = run("kg", "train", "--config", str(path), "--preset", "complex-n3")
    assert again.exit_code == 2
    assert "'preset' must be none with --config" in " ".join(again.output.split())
    unknown = run("kg", "train", str(folder), "--preset", "complex")
    assert "did you mean 'complex-n3'?" in " ".join(unknown.output.split())


def test_a_comparison_begins_with_a_preset(folder, tmp_path):
    samplers = "uniform,tempered(uniform, m=8)"
    options = ["--preset", "rotate-nssa", "--samplers", samplers, "--seeds", "1"]
    small = ["--dim", "4", "--epochs", "2", "-k", "4", "--eval-every", "2"]
    result = run("kg", "compare", str(folder), *options, *small)
    assert result.exit_code == 0, result.output
    (path,) = tmp_path.glob("runs/kg-compare-toy-*/compare.json")
    configs = [row["config"] for row in json.loads(path.read_text())["rows"]]
    assert [config["sampler"] for config in configs] == ["uniform", "tempered(uniform, m=8)"]
    own = {"dim": 4, "epochs": 2, "k": 4, "eval_every": 2}
    for config in configs:
        assert config == {**config, **preset("rotate-nssa"), **own, "sampler": config["sampler"]}
    over_all = run("kg", "compare", str(folder), "--preset", "complex-n3", "--samplers", samplers)
    assert over_all.exit_code == 2
    assert "with the loss 1vsall, which takes no negatives" in " ".join(over_all.output.split())


def test_which_settings_of_a_preset_are_used_is_said(folder, tmp_path):
    words = ["kg", "train", "--preset", "complex-n3", "--dim", "4", "--epochs", "1"]
    mine = run(*words, str(folder), "--out", str(tmp_path / "a"))
    said = "preset complex-n3: its settings for any graph; it has others for codex-s, wn18rr"
    assert said in " ".join(mine.output.split())
    known = shutil.copytree(folder, tmp_path / "WN18RR" / "raw")
    known = run(*words, str(known), "--out", str(tmp_path / "b"))
    assert "preset complex-n3, with its settings for wn18rr: n3=0.1" in known.output
    (record,) = json.loads((tmp_path / "b" / "results.json").read_text())["runs"]
    assert record["complete"]
    assert json.loads((tmp_path / "b" / "results.json").read_text())["config"]["n3"] == 0.1


def test_presets_know_some_datasets():
    plain, known = preset("complex-n3"), preset("complex-n3", "CoDEx-S")
    assert known == {**plain, "n3": 0.01} != plain
    for name in ("CoDExSmall", "data/codex-s", "kg/codex-s/raw", "codex-s/"):
        assert preset("complex-n3", name) == known
    for name in ("mine", "codex-s/mine.csv", "codex-m", None, "raw", ""):
        assert preset("complex-n3", name) == plain
    assert preset("transe-nssa", "FB15k-237")["margin"] == 9.0
    assert preset("transe-nssa")["margin"] == 5.0
    assert "margin" not in preset("transe-nssa", None, {"loss": "softmax"})


def test_a_preset_with_another_loss_lacks_what_has_no_effect_there():
    over_all = TripleConfig(**preset("transe-nssa", "fb15k237", {"loss": "1vsall"}))
    assert over_all == TripleConfig(
        loss="1vsall",
        inverse=True,
        dim=128,
        lr=0.0005,
        lr_decay=0.5,
        epochs=60,
        eval_every=5,
        patience=3,
    )
    with pytest.raises(ValueError, match="'k' must be left at 16"):
        TripleConfig(**preset("transe-nssa", None, {"loss": "1vsall", "k": 8}))
    for name in PRESETS:
        for loss in ("nssa", "bce", "1vsall", "kvsall"):
            assert TripleConfig(**preset(name, None, {"loss": loss})).loss == loss


def test_negatives_are_chosen_by_a_race(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(contest, "FEWEST", 5)
    options = [*QUICK, "--epochs", "40", "--recipe", "auto"]
    result = run("kg", "train", str(folder), *options)
    assert result.exit_code == 0, result.output
    words = " ".join(result.output.split())
    assert "recipe: Trained for 6 epochs, on " in words
    assert "the MRR among all entities relative to that of uniform" in words
    (path,) = tmp_path.glob("runs/toy-transe-*/results.json")
    record = json.loads(path.read_text())
    assert record["recipe"].startswith("Trained for 6 epochs")
    config = record["config"]
    assert config["sampler"] in {"uniform", *contest.negatives_of_triples(config["k"])}


def test_the_norm_and_sparse_gradients_are_options(folder, tmp_path):
    out = str(tmp_path / "run")
    result = run("kg", "train", str(folder), "--p", "2", "--sparse", "--out", out, *QUICK)
    assert result.exit_code == 0, result.output
    config = json.loads((tmp_path / "run/results.json").read_text())["config"]
    assert (config["p"], config["sparse"]) == (2, True)


def test_a_local_graph_of_the_name_of_a_known_one_of_edges_is_kept_with_the_run(folder, tmp_path):
    folder.rename(tmp_path / "Cora")
    result = run("kg", "train", "Cora", "--out", str(tmp_path / "run"), *QUICK)
    assert result.exit_code == 0, result.output
    assert load_data(tmp_path / "run").num_entities == 30


@pytest.mark.slow
def test_compare_tells_risk_and_differences(folder, tmp_path):
    options = ["--samplers", "uniform,typed", "--models", "transe,distmult", "--seeds", "2"]
    result = run("kg", "compare", str(folder), *options, *QUICK)
    assert result.exit_code == 0, result.output
    (path,) = tmp_path.glob("runs/kg-compare-toy-*/compare.json")
    found = json.loads(path.read_text())
    rows = [(row["encoder"], row["sampler"]) for row in found["rows"]]
    assert rows == [(m, s) for m in ("transe", "distmult") for s in ("uniform", "typed")]
    assert found["baseline"] == "uniform"
    assert len(found["rows"][1]["metrics"]["all entities"]["mrr"]) == 2
    tests = found["rows"][1]["against"]["negatives"]["tests"]
    assert "difference" in tests["all entities"]["mrr"]
    assert all(row["audit"]["risk"]["per_1000"] >= 0 for row in found["rows"])


@pytest.mark.slow
def test_codex_is_classified_too(shared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("kg", "train", "codex-s", "--root", str(shared), *QUICK, "--batch-size", "4096")
    assert result.exit_code == 0, result.output
    assert "against verified negatives: accuracy" in result.output


def test_held_out_triples_are_counted():
    data = datasets.from_triples(WORLDS["dense"](), shares=(0.2, 0.2))
    sampler = TripleSampler(data.triples, corrupt="tail")
    hidden = set(map(tuple, torch.cat([data.valid, data.test], 1).t().tolist()))
    known = set(map(tuple, data.train.t().tolist()))
    expected = []
    for h, r, _ in data.train.t().tolist():
        left = [t for t in range(14) if (h, r, t) not in known]
        if left:
            expected.append(sum((h, r, t) in hidden for t in left) / len(left))
    found = held_out_hits(sampler, data, negatives=60_000)
    assert found == pytest.approx(1000 * sum(expected) / len(expected), rel=0.05)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["kg", "train", "freebase"], "'dataset' must be a folder with train.txt"),
        (["kg", "train", "TOY", "--sampler", "degree"], "no sampler 'degree'"),
        (["kg", "train", "TOY", "--model", "convee"], "'model' must be one of"),
        (["kg", "train", "TOY", "--loss", "softmax", "--margin", "2"], "'margin' must be given"),
        (
            ["kg", "compare", "TOY", "--samplers", "uniform,uniform"],
            "'samplers' must be one or more values, each once",
        ),
    ],
)
def test_mistakes_are_named(folder, arguments, message):
    result = run(*[str(folder) if word == "TOY" else word for word in arguments])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_triples_are_described(tmp_path):
    rows = [f"drug {i % 15}\ttreats\tdisease {i // 15 + i % 4}" for i in range(60)]
    (tmp_path / "facts.tsv").write_text("head\trelation\ttail\n" + "\n".join(rows))
    output = run("kg", "describe", str(tmp_path / "facts.tsv")).output
    assert "separated by tabs, with a header; head = head" in " ".join(output.split())
    assert "drug 0 - treats - disease" in " ".join(output.split())


def test_test_triples_that_training_has_backwards_are_counted(tmp_path):
    parts = {
        "train": ["a\tknows\tb", "b\tlikes\tc", "c\tlikes\tc", "d\tknows\tc"],
        "valid": ["a\tlikes\tc"],
        "test": ["b\tlikes\ta", "c\tknows\tb", "a\tknows\td", "c\tknows\tc"],
    }
    for part, rows in parts.items():
        (tmp_path / f"{part}.txt").write_text("\n".join(rows))
    text = "2 of 4 test triples join entities that a training triple joins the other way round"
    assert text in " ".join(run("kg", "describe", str(tmp_path)).output.split())


def test_samplers_of_triples_are_listed_with_their_options():
    output = run("samplers").output
    listed = output[output.index("samplers of triples") :]
    assert all(re.search(rf"^ {name}\s", listed, re.MULTILINE) for name in NAMES)
    assert "by=relation" in listed
    assert "and around them mixture" in listed
