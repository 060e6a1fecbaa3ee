"""Files of negatives that were cut, flipped, tampered with or are of another kind: one error."""

from __future__ import annotations

import os
import pickle
import random

import numpy as np
import pytest
import torch

from gneg import samplers
from gneg.samplers import formats
from tests.worlds import toy

SUFFIXES = ["parquet", "npz", "csv"]
NEGATIVES = 40


@pytest.fixture(scope="module")
def world():
    """A graph and negatives of both ends with densities."""
    data = toy()
    sampler = samplers.build("walk", data.graph, corrupt="both")
    generator = torch.Generator().manual_seed(0)
    return data.graph, sampler.sample(data.train[:, :NEGATIVES], 4, generator=generator)


class Hostile:
    """An object whose unpickling would leave a file behind."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def mutilated(content: bytes, generator: random.Random) -> bytes:
    """Return the content cut, with flipped bits, with a gap, or with bytes between."""
    changed, place = bytearray(content), generator.randrange(len(content))
    kind = generator.randrange(4)
    if kind == 0:
        del changed[place:]
    elif kind == 1:
        for _ in range(generator.choice((1, 20))):
            changed[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    elif kind == 2:
        del changed[place : place + generator.randrange(1, 50)]
    else:
        changed[place:place] = generator.randbytes(generator.randrange(1, 30))
    return bytes(changed)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_damaged_file_is_refused_or_means_the_same(world, suffix, tmp_path):
    graph, negatives = world
    path = tmp_path / f"n.{suffix}"
    formats.save(negatives, path, graph)
    content, generator = path.read_bytes(), random.Random(suffix)
    refused = 0
    for _ in range(60):
        path.write_bytes(mutilated(content, generator))
        loaded, message = None, ""
        try:
            loaded = formats.load(path, graph)
        except ValueError as error:
            message = str(error)
        if loaded is None:
            refused += 1
            assert path.name in message or "'graph'" in message
        else:
            for name in ("src", "index", "mask", "replaced", "log_q"):
                assert torch.equal(getattr(loaded, name), getattr(negatives, name))
    assert refused > 50


CHANGES = {
    "id 10**9": lambda arrays: {"index": np.full_like(arrays["index"], 10**9)},
    "negative id": lambda arrays: {"src": arrays["src"] - 100},
    "id of no target": lambda arrays: {"replaced": arrays["replaced"] + 60},
    "NaN": lambda arrays: {"index": arrays["index"] * np.nan},
    "fewer rows": lambda arrays: {name: array[:3] for name, array in arrays.items() if array.ndim},
    "fewer rows of one": lambda arrays: {"src": arrays["src"][:3]},
    "flat": lambda arrays: {"index": arrays["index"][:, 0]},
    "side": lambda arrays: {"side": arrays["side"].astype(int)},
    "missing density": lambda arrays: {"log_q": arrays["log_q"] * np.nan},
    "narrow density": lambda arrays: {"log_q": arrays["log_q"][:, :1]},
    "objects": lambda arrays: {"index": np.array([Hostile("evil")] * NEGATIVES, dtype=object)},
    "no header": lambda arrays: {"info": np.array("[]")},
}


@pytest.mark.parametrize("change", CHANGES)
def test_tampered_arrays_are_named(world, change, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    graph, negatives = world
    formats.save(negatives, "n.npz", graph)
    arrays = dict(np.load("n.npz"))
    np.savez("n.npz", **{**arrays, **CHANGES[change](arrays)})
    with pytest.raises(ValueError, match=r"'path' must be a file of gneg sample .*n.npz: .*again"):
        formats.load("n.npz", graph)
    assert not os.path.exists("evil")


def test_a_csv_of_fewer_rows_is_refused(world, tmp_path):
    graph, negatives = world
    path = tmp_path / "n.csv"
    formats.save(negatives, path, graph)
    lines = path.read_text().splitlines(keepends=True)
    for kept in (lines[:4], lines[:4] + lines[-1:], lines[:-1]):
        path.write_text("".join(kept))
        with pytest.raises(ValueError, match=r"n.csv: (it was cut off|its last line is not)"):
            formats.load(path, graph)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pickles_are_never_opened(world, suffix, tmp_path):
    path = tmp_path / f"n.{suffix}"
    path.write_bytes(pickle.dumps(Hostile(tmp_path / "evil")))
    with pytest.raises(ValueError, match=r"'path' must be a file of gneg sample"):
        formats.load(path, world[0])
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_negatives_are_saved_and_loaded(world, suffix, tmp_path):
    graph, _ = world
    none = samplers.build("walk", graph).sample(torch.empty(2, 0, dtype=torch.long), 3)
    formats.save(none, tmp_path / f"n.{suffix}", graph)
    assert formats.load(tmp_path / f"n.{suffix}", graph).index.shape == (0, 3)
