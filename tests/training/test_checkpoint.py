"""Checkpoints say what run they are of, and are refused with what differs or is damaged."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import asdict, replace

import pytest
import torch

import gneg
from gneg import LinkConfig, TripleConfig, train
from gneg.training import checkpoint
from gneg.training.link import LinkRun
from tests.training.runs import same_name_and_size, stable
from tests.triple_worlds import sparse_data
from tests.worlds import toy

TINY = LinkConfig(hidden=8, epochs=1, eval_every=1, k=1)


@pytest.fixture
def checkpointed(tmp_path):
    """As a killed process leaves it: data, config, and a checkpoint without a record."""
    data, config = toy(), replace(TINY, epochs=5, sampler="cached(uniform, size=4, m=4)")
    run = LinkRun(data, config, 0)
    run.epoch()
    path = tmp_path / "checkpoint-0.pt"
    checkpoint.save(run, path)
    return data, config, path


@pytest.mark.parametrize("change", [{"lr": 0.02}, {"hidden": 16}])
def test_a_checkpoint_of_another_config_is_refused(checkpointed, change):
    data, config, path = checkpointed
    (name, value) = next(iter(change.items()))
    differs = rf"checkpoint-0.pt, of another run: config.{name} .* \(here {value}\)\); --fresh"
    with pytest.raises(ValueError, match=f"'out' must be .* of this run .*{differs}"):
        train(data, replace(config, **change), out=path.parent)
    with pytest.raises(ValueError, match=r"of another run: data.hash \w+ \(here \w+\)"):
        train(same_name_and_size(data), config, out=path.parent)
    fresh = train(data, replace(config, **change), out=path.parent, fresh=True)
    assert stable(fresh) == stable(train(data, replace(config, **change)))


def test_a_checkpoint_says_what_it_is_of(checkpointed):
    data, config, path = checkpointed
    state = torch.load(path, weights_only=True)
    described = {"config": asdict(config), "data": data.describe(), "seed": 0}
    assert state["identity"] == {"gneg": gneg.__version__, **described}
    torch.save({**state, "identity": {**state["identity"], "gneg": "9.9"}}, path)
    with pytest.raises(ValueError, match=rf"of another run: gneg 9.9 \(here {gneg.__version__}\)"):
        train(data, config, out=path.parent)


DAMAGE = [
    (key, value)
    for key in ("model", "best", "optimizer", "sampler", "generator", "rng", "progress", "watch")
    for value in (None, 3, [], {}, torch.zeros(1))
]


@pytest.mark.parametrize(("key", "value"), DAMAGE, ids=lambda value: str(value)[:9])
def test_a_part_that_does_not_fit_names_the_checkpoint(checkpointed, key, value):
    data, config, path = checkpointed
    torch.save({**torch.load(path, weights_only=True), key: value}, path)
    with pytest.raises(ValueError, match=r"a folder with whole checkpoints .*-0.pt: "):
        checkpoint.load(LinkRun(data, config, 0), path)


def test_moments_of_other_shapes_are_refused(checkpointed):
    data, config, path = checkpointed
    state = torch.load(path, weights_only=True)
    state["optimizer"]["state"][0]["exp_avg"] = torch.zeros(3, 5)
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"checkpoint-0.pt: 'exp_avg' must be of shape"):
        train(data, config, out=path.parent)


def test_flipped_bits_are_found(checkpointed):
    data, config, path = checkpointed
    content = path.read_bytes()
    position = content.index(LinkRun(data, config, 0).generator.get_state().numpy()[-40:].tobytes())
    path.write_bytes(content[:position] + b"\xff" + content[position + 1 :])
    with pytest.raises(ValueError, match=r"checkpoint-0.pt: .*(CRC|checksum)"):
        train(data, config, out=path.parent)


def test_leftovers_of_a_killed_run_are_removed(checkpointed):
    data, config, path = checkpointed
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for name in ("checkpoint-0.pt", "model-3.pt", "results.json"):
        (path.parent / f".{name}.{dead.pid}.tmp").write_text("half")
    train(data, config, out=path.parent)
    assert sorted(path.name for path in path.parent.iterdir()) == [
        "data",
        "model-0.pt",
        "results.json",
    ]


ADAPTIVE = TripleConfig(dim=4, epochs=8, eval_every=2, sampler="cached(uniform, size=4, m=4)")
KILLED = """
import os, signal, sys
from tests.training.test_checkpoint import ADAPTIVE, sparse_data, train

kill = lambda seed, state: state["epoch"] == 5 and os.kill(os.getpid(), signal.SIGKILL)
train(sparse_data(), ADAPTIVE, out=sys.argv[1], report=kill)
"""


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_bytes(tmp_path):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "killed")])
    assert killed.returncode == -signal.SIGKILL
    for folder in ("whole", "killed"):
        train(sparse_data(), ADAPTIVE, out=tmp_path / folder)
    models = [(tmp_path / name / "model-0.pt").read_bytes() for name in ("whole", "killed")]
    assert models[0] == models[1]
    records = [
        json.loads((tmp_path / name / "results.json").read_text()) for name in ("whole", "killed")
    ]
    assert stable(records[0]) == stable(records[1])


def test_a_damaged_checkpoint_is_named(tmp_path):
    for content in (b"", b"garbage", b"PK\x03\x04"):
        (tmp_path / "checkpoint-0.pt").write_bytes(content)
        with pytest.raises(
            ValueError, match=r"'out' must be .* \(got .*checkpoint-0.pt: .+\); --fresh"
        ):
            train(toy(), TINY, out=tmp_path)
