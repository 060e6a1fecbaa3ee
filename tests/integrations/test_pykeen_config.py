"""Settings of gneg, presets above all, trained by PyKEEN's pipeline."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest

pytest.importorskip("pykeen")

from pykeen.pipeline import pipeline_from_config

from gneg import TripleConfig
from gneg.integrations.pykeen import (
    GnegNegativeSampler,
    pipeline_config,
)
from gneg.training.presets import PRESETS, preset
from tests.cli.invoke import run

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.slow
@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_run_in_pykeens_pipeline(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = {**preset(name), "epochs": 2, "eval_every": 1, "dim": 8}
    config = pipeline_config(TripleConfig(**settings), dataset="nations", seed=3)
    config = json.loads(json.dumps(config))
    result = pipeline_from_config(config, use_tqdm=False)
    assert np.isfinite(result.losses).all()
    model, options = result.model, config["pipeline"]
    assert model.entity_representations[0].shape == (8,)
    assert model.use_inverse_triples == settings.get("inverse", False)
    loop = result.training_loop
    assert options["optimizer"].lower() == settings.get("optimizer", "adam")
    assert options["optimizer_kwargs"] == {"lr": settings["lr"]}
    if settings["loss"] == "nssa":
        assert loop.negative_sampler is GnegNegativeSampler
        assert loop.negative_sampler_kwargs["num_negs_per_pos"] == 256
        assert loop.loss.margin == settings["margin"]
        assert type(loop).__name__ == "SLCWATrainingLoop"
    else:
        assert type(loop).__name__ == "LCWATrainingLoop"
        assert type(loop.loss).__name__ == "CrossEntropyLoss"
        for table in (model.entity_representations, model.relation_representations):
            assert (table[0].regularizer.weight, table[0].regularizer.p) == (settings["n3"], 3)
            assert table[0].constrainer is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": "1vsrest"}, "'loss' must be one of 1vsall, kvsall, nssa, for PyKEEN"),
        ({"loss": "bce"}, "'loss' must be one of 1vsall, kvsall, nssa, for PyKEEN"),
        ({"model": "tucker"}, "'model' must be one of transe, distmult, complex, rotate"),
        ({"encoder": "rgcn"}, "'encoder' must be none, for PyKEEN"),
        ({"base_measure": "typed"}, "'base_measure' must be none, for PyKEEN"),
        ({"known": "all"}, "'known' must be train, for PyKEEN"),
        ({"n3": 0.1}, "'n3' must be 0 but for the loss 1vsall"),
        ({"loss": "1vsall", "model": "rotate", "l2": 0.1}, "'l2' must be 0 for rotate"),
        ({"loss": "1vsall", "n3": 0.1, "l2": 0.1}, "'l2' must be 0 beside n3"),
        ({"loss": "kvsall"}, "'inverse' must be True for kvsall"),
        ({"sampler": "similar"}, "'z' must be vectors of the entities"),
        ({"seconds": 3.0}, "'seconds' must be None, for PyKEEN"),
    ],
)
def test_what_pykeen_lacks_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        pipeline_config(TripleConfig(**settings))


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"model": "rotate", "loss": "1vsall"}, marks=pytest.mark.slow),
        {"model": "transe", "p": 2, "loss": "1vsall", "l2": 0.1, "label_smoothing": 0.1},
        pytest.param(
            {"model": "complex", "loss": "kvsall", "inverse": True}, marks=pytest.mark.slow
        ),
        {"model": "distmult", "sampler": "cached(typed, size=4, m=4)", "corrupt": "bernoulli"},
    ],
)
def test_other_settings_run_as_well(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = pipeline_config(TripleConfig(dim=8, epochs=1, **settings), dataset="nations")
    assert np.isfinite(pipeline_from_config(config, use_tqdm=False).losses).all()


def test_names_of_datasets_are_pykeens(tmp_path, monkeypatch):
    for name in ("nations", "FB15k-237", "wn18_rr", str(tmp_path)):
        config = pipeline_config(TripleConfig(), dataset=name)
        assert config["pipeline"]["dataset"] == name
    with pytest.raises(ValueError, match=r"'dataset' must be .*got 'nation'.*mean 'nations'"):
        pipeline_config(TripleConfig(), dataset="nation")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    message = r"was not checked, which needs PyKEEN: pip install 'gneg.pykeen.'"
    with pytest.warns(UserWarning, match=message):
        pipeline_config(TripleConfig(), dataset="nation")


@pytest.mark.slow
def test_a_preset_is_written_by_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["kg", "presets", "--export", "pykeen", "--preset", "complex-n3"]
    result = run(*words, "--dataset", "nations", "--out", "c.json")
    assert result.exit_code == 0, result.output
    assert "configuration: c.json" in result.output
    written = json.loads((tmp_path / "c.json").read_text())
    assert written == pipeline_config(TripleConfig(**preset("complex-n3")), dataset="nations")
    assert "complex-n3: its settings for any graph" in result.output
    tuned = run(*words, "--dataset", "WN18RR", "--out", "tuned.json")
    assert "preset complex-n3, with its settings for wn18rr: n3=0.1" in tuned.output
    written = json.loads((tmp_path / "tuned.json").read_text())
    config = TripleConfig(**preset("complex-n3", "wn18rr"))
    assert written == pipeline_config(config, dataset="WN18RR")
    for more, message in (
        (words, "'out' must be a name that ends in .json, with --export"),
        ([*words[:-2], "--out", "d.json"], "'preset' must be one of complex-n3"),
        ([*words[:-1], "comlex-n3", "--out", "d.json"], "did you mean 'complex-n3'?"),
        ([*words, "--out", "c.json"], "'out' must be a file that is not there yet"),
        (["kg", "presets", "--out", "d.json"], "'out' must be left out without --export"),
        (
            [*words, "--dataset", "codex-s", "--out", "d.json"],
            "one of aristov4, biokg, ckg",
        ),
        (
            [*words, "--dataset", "codex-s", "--out", "d.json"],
            "(got 'codex-s'); did you mean 'codexsmall'?",
        ),
    ):
        result = run(*more)
        assert result.exit_code == 2
        assert message in " ".join(result.output.split())
