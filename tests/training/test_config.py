"""A config describes itself and refuses what no run could use, where it is made."""

from __future__ import annotations

import json
import typing
from dataclasses import asdict, fields

import numpy as np
import pytest

from gneg import LinkConfig, TripleConfig, compare, train
from gneg.training.load import load_run
from gneg.training.options import from_mapping, settings
from tests.worlds import toy

BAD_LINK = [
    ({"decoder": "foo"}, "'decoder' must be one of 'mlp'"),
    ({"hidden": 0}, "'hidden' must be an integer >= 1"),
    ({"hidden": 1.5}, "'hidden' must be an integer >= 1"),
    ({"dropout": 2.0}, "'dropout' must be a number in \\[0, 1"),
    ({"decoder_dropout": -0.1}, "'decoder_dropout' must be a number in"),
    ({"known": "x"}, "'known' must be one of 'train', 'train\\+valid', 'all'"),
    ({"encoder": "gat"}, "'encoder' must be one of 'sage', 'gcn', 'lightgcn', 'heuristics'"),
    ({"loss": "l2"}, "'loss' must be one of 'bce'"),
    ({"sampler": "wlak"}, "no sampler 'wlak'"),
    ({"sampler": "hardest(walk, n=3)"}, "'hardest' has no option 'n'"),
    ({"k": 0}, "'k' must be an integer >= 1"),
    ({"k": True}, "'k' must be an integer >= 1"),
    ({"layers": 0}, "'layers' must be an integer >= 1 for the encoder sage"),
    ({"epochs": 0}, "'epochs' must be an integer >= 1"),
    ({"seconds": 0}, "'seconds' must be a number in \\(0, inf"),
    ({"lr": 0}, "'lr' must be a number in \\(0, 1e"),
    ({"lr": "fast"}, "'lr' must be a number in"),
    ({"norm": "instance"}, "'norm' must be one of"),
    ({"jk": "sum"}, "'jk' must be one of"),
    ({"inputs": "none"}, "'inputs' must be one of 'features', 'embedding', 'both'"),
    ({"corrupt": "head"}, "'corrupt' must be one of 'dst', 'src', 'both'"),
    ({"mask_targets": "yes"}, "'mask_targets' must be True or False"),
    ({"pair_features": "cn,jaccard"}, "'pair_features' must be"),
    ({"stack": "ra,nothing"}, "'stack' must be"),
    ({"base_measure": "wlak"}, "no sampler 'wlak'"),
    ({"base_weight": -1}, "'base_weight' must be a number in"),
    ({"base_form": "logit"}, "'base_form' must be one of 'plain', 'nce'"),
    ({"device": "gpu"}, "'device' must be"),
    ({"lr": float("inf")}, "'lr' must be a finite number"),
    ({"lr": 10**400}, "'lr' must be a finite number"),
    ({"weight_decay": float("nan")}, "'weight_decay' must be a number in"),
    ({"encoder": ["sage"]}, "'encoder' must be one of sage, gcn"),
    ({"stack": "all,cn"}, "'stack' must be none, all, or some of"),
    ({"encoder": "heuristics", "decoder": "ncn"}, "'decoder' must be none with the encoder"),
    ({"pair_features": "cn,cn"}, "'pair_features' must be none, all, or some of .*, each once"),
    ({"sampler": "mixture(uniform:-1, walk:1)"}, "a weight must be > 0"),
    ({"patience": 0}, "'patience' must be an integer >= 1"),
    ({"batch_size": 0}, "'batch_size' must be an integer >= 1"),
    ({"device": "GPU:0"}, "'device' must be a device of torch.*'GPU:0'.; did you mean cuda"),
    ({"hidden": 10**20}, "'hidden' must be an integer <= 65,536"),
    ({"batch_size": 10**24}, "'batch_size' must be an integer <= 2,147,483,647"),
    ({"k": 10**20}, "'k' must be an integer <= 1,048,576"),
    ({"layers": 10**30}, "'layers' must be an integer <= 128"),
    ({"dropout": 1}, "'dropout' must be a number in \\[0, 1\\) \\(got 1"),
    ({"decoder_dropout": 1.0}, "'decoder_dropout' must be a number in \\[0, 1\\)"),
    ({"base_weight": 0.5}, "'base_weight' must be given with a base measure only"),
    ({"decoder": "dot", "decoder_dropout": 0.5}, "'decoder_dropout' must be left at 0.0 with the"),
    ({"decoder": "cosine", "decoder_layers": 3}, "'decoder_layers' must be left at 2 with the dec"),
    ({"decoder": "bilinear", "decoder_layers": 1}, "bilinear, which has no hidden layers.*got 1"),
]
BAD_TRIPLE = [
    ({"model": "convee"}, "'model' must be one of 'transe', 'distmult'"),
    ({"loss": "l2"}, "'loss' must be one of"),
    ({"dim": 0}, "'dim' must be an integer >= 1"),
    ({"p": 3}, "'p' must be 1 or 2"),
    ({"p": 2, "model": "rotate"}, "'p' must be 1 with other models than transe"),
    ({"margin": 1.0, "loss": "bce"}, "'margin' must be given with the losses margin and nssa"),
    ({"encoder": "gat"}, "'encoder' must be one of 'none', 'rgcn', 'compgcn'"),
    ({"encoder": "rgcn", "sparse": True}, "'sparse' must be False with an encoder"),
    ({"sparse": True, "optimizer": "adagrad"}, "'sparse' must be False for another optimiser"),
    ({"label_smoothing": 0.1}, "'label_smoothing' must be 0 but for the losses 1vsall"),
    ({"label_smoothing": 0.1, "loss": "1vsrest"}, "'label_smoothing' must be 0 but"),
    ({"optimizer": "sgd"}, "'optimizer' must be one of 'adam', 'adagrad'"),
    ({"lr_decay": 0}, "'lr_decay' must be"),
    ({"sparse": True, "loss": "1vsall"}, "'sparse' must be False for 1vsall"),
    ({"sampler": "degree"}, "no sampler 'degree'"),
    ({"corrupt": "dst"}, "'corrupt' must be one of"),
    ({"known": "x"}, "'known' must be one of"),
    ({"n3": -1.0}, "'n3' must be a number in"),
    ({"loss": "1vsall", "k": 3}, "'k' must be left at 16 with the loss 1vsall.*got 3"),
    ({"loss": "1vsrest", "sampler": "typed"}, "'sampler' must be left at uniform with the loss"),
    ({"loss": "kvsall", "corrupt": "both"}, "'corrupt' must be left at bernoulli"),
    ({"loss": "kvsall", "known": "all"}, "'known' must be left at train"),
    ({"loss": "1vsall", "base_measure": "typed", "sampler": "typed"}, "'sampler' must be left"),
    ({"loss": "1vsall", "base_measure": "sampler", "k": 3}, "'k' must be left"),
    ({"dropout": 0.1}, "'dropout' must be 0 for transe without an encoder.*got 0.1"),
    ({"dropout": 1, "model": "tucker"}, "'dropout' must be a number in \\[0, 1\\)"),
    ({"label_smoothing": 1, "loss": "1vsall"}, "'label_smoothing' must be a number in \\[0, 1\\)"),
    ({"layers": 2}, "'layers' must be left at 1 without an encoder.*got 2"),
    ({"base_weight": 0.5}, "'base_weight' must be given with a base measure only"),
]


@pytest.mark.parametrize(
    ("config", "values", "message"),
    [(LinkConfig, *case) for case in BAD_LINK] + [(TripleConfig, *case) for case in BAD_TRIPLE],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_bad_value_is_refused_where_the_config_is_made(config, values, message):
    with pytest.raises(ValueError, match=message):
        config(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"loss": "1vsall", "base_measure": "sampler", "sampler": "typed", "corrupt": "both"},
        {"loss": "1vsall", "base_measure": "typed", "corrupt": "tail", "known": "train+valid"},
        {"model": "tucker", "dropout": 0.5},
        {"model": "distmult", "dropout": 0.5},
        {"encoder": "rgcn", "layers": 2, "dropout": 0.5},
    ],
)
def test_settings_of_a_density_and_of_an_encoder_are_allowed_where_they_have_an_effect(values):
    assert values.items() <= asdict(TripleConfig(**values)).items()


@pytest.mark.parametrize("config", [LinkConfig, TripleConfig])
def test_every_field_is_described_and_its_default_is_allowed(config):
    described = settings(config)
    assert list(described) == [field.name for field in fields(config)]
    hints = typing.get_type_hints(config)
    for name, setting in described.items():
        assert setting.option.help.strip()
        assert setting.option.group in ("Model", "Data", "Run")
        literals = [hints[name], *typing.get_args(hints[name])]
        choices = [
            typing.get_args(hint) for hint in literals if typing.get_origin(hint) is typing.Literal
        ]
        if choices:
            assert setting.option.choices == choices[0]
        assert f"{name}: " in config.__doc__
    assert config(**asdict(config())) == config()


def test_a_file_may_name_settings_only():
    assert from_mapping(LinkConfig, {"k": 3}, "run.yaml") == LinkConfig(k=3)
    with pytest.raises(
        ValueError, match=r"'config' must be settings of encoder.*got depth in run\.yaml"
    ):
        from_mapping(LinkConfig, {"depth": 3}, "run.yaml")


@pytest.mark.parametrize(
    "seeds",
    [(1.5,), ("a",), None, (True,), True, (), (0, 0), "3", (-1,), (2**64,), range(10**12), 10**20],
    ids=str,
)
def test_seeds_are_different_integers(seeds):
    with pytest.raises(ValueError, match="'seeds' must be a number of runs >= 1, or 1 to 10,000"):
        train(toy(), LinkConfig(hidden=4, epochs=1, k=1), seeds=seeds)


@pytest.mark.parametrize(("seeds", "expected"), [((np.int64(3),), [3]), (np.int32(2), [0, 1])])
def test_seeds_may_be_numpy_integers(seeds, expected):
    results = train(toy(), LinkConfig(hidden=4, epochs=1, k=1), seeds=seeds)
    assert [run["seed"] for run in results["runs"]] == expected


@pytest.mark.parametrize("device", ["meta", "hpu", "cuda:77"])
def test_a_device_that_is_not_here_is_refused_when_a_run_starts(device, tmp_path):
    config = LinkConfig(hidden=4, epochs=1, k=1, device=device)
    with pytest.raises(ValueError, match=f"'device' must be .* torch has here.*{device}"):
        train(toy(), config, out=tmp_path)
    with pytest.raises(ValueError, match="'device' must be a device that torch has here"):
        compare(toy(), [config], out=tmp_path)


def test_a_model_of_a_device_that_is_not_here_is_loaded_on_the_cpu(tmp_path):
    config = LinkConfig(hidden=4, epochs=1, k=1)
    train(toy(), config, out=tmp_path)
    record = json.loads((tmp_path / "results.json").read_text())
    record["config"]["device"] = "hpu"
    (tmp_path / "results.json").write_text(json.dumps(record))
    assert load_run(toy(), tmp_path).device.type == "cpu"


@pytest.mark.parametrize("values", [{1: 2}, {"a": 1, 2: 3}])
def test_names_of_settings_may_be_anything_in_a_file(values):
    with pytest.raises(ValueError, match=r"in run.yaml\)"):
        from_mapping(LinkConfig, values, "run.yaml")
