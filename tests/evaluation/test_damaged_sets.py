"""Hard sets that are damaged, tampered with or of other positives; sets that are none."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from gneg import HardSet, LinkConfig, compare, evaluate, hardset
from gneg.evaluation import scorers
from tests.worlds import toy


def zeros(src, dst):
    return torch.zeros(src.shape)


@pytest.fixture
def saved(tmp_path):
    data = toy()
    hardset(data, k=6, out=tmp_path / "hard.npz")
    return data, tmp_path / "hard.npz"


CHANGES = {
    "keep": lambda arrays: {"keep": 999},
    "other keep": lambda arrays: {"keep": 2},
    "id 10**9": lambda arrays: {"index": np.full_like(arrays["index"], 10**9, np.int64)},
    "negative": lambda arrays: {"index": arrays["index"] - 100},
    "NaN": lambda arrays: {"index": arrays["index"] * np.nan},
    "fewer positives": lambda arrays: {"pos": arrays["pos"][:, :3]},
    "fewer rows": lambda arrays: {"pos": arrays["pos"][:, :3], "index": arrays["index"][:3]},
    "header": lambda arrays: {"info": json.dumps({"family": "walk"})},
    "no JSON": lambda arrays: {"info": "["},
    "objects": lambda arrays: {"index": np.array([object], dtype=object)},
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_tampered_sets_are_refused(saved, change):
    _, path = saved
    arrays = dict(np.load(path))
    np.savez(path, **{**arrays, **CHANGES[change](arrays)})
    with pytest.raises(ValueError, match=r"'hardset' must be a whole file .*hard.npz"):
        HardSet.load(path)


def test_every_cut_is_refused(saved):
    _, path = saved
    content = path.read_bytes()
    for size in range(0, len(content), len(content) // 30):
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match=r"hard.npz.*; make it again with gneg hardset"):
            HardSet.load(path)


@pytest.mark.parametrize("value", [1.5, np.nan, -1, 10**9])
def test_arrays_of_other_forms_have_ids_of_the_graph(tmp_path, value):
    data = toy()
    np.save(tmp_path / "a.npy", np.full((data.test.pos.size(1), 4), value))
    message = "sets\\['a'\\]' must be node ids in" if value == 10**9 else "a.npy: .*node ids >= 0"
    with pytest.raises(ValueError, match=message):
        evaluate(data, zeros, sets={"a": HardSet.load(tmp_path / "a.npy", data.test.pos)})


@pytest.mark.parametrize("sets", ["hard.npz", ["hard.npz"], {"hard": "hard.npz"}, 3])
def test_sets_are_hard_sets_by_name(sets, tmp_path):
    with pytest.raises(ValueError, match="'sets"):
        evaluate(toy(), zeros, sets=sets)
    with pytest.raises(ValueError, match="'sets"):
        compare(toy(), [LinkConfig()], sets=sets, out=tmp_path)


def test_a_set_is_made_of_what_it_says():
    pos, index = torch.zeros(2, 3, dtype=torch.long), torch.zeros(3, 4, dtype=torch.long)
    for arguments, name in (
        ((pos, index, 5), "keep"),
        ((pos, index[:2], 0), "index"),
        ((pos[:1], index, 0), "pos"),
        ((pos, index - 2, 0), "index"),
        ((pos, index.float(), 0), "index"),
    ):
        with pytest.raises(ValueError, match=f"'{name}' must be"):
            HardSet(*arguments)


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.py"])
@pytest.mark.parametrize("content", [b"", b"\x80garbage", "objects"])
def test_damaged_scores_are_named(tmp_path, name, content):
    path = tmp_path / name
    if content != "objects":
        path.write_bytes(content or b"def")
    elif name == "a.npy":
        np.save(path, np.array([[object, 1]], dtype=object))
    else:
        np.savez(path.with_suffix(".npz"), pos=np.array(["x"]), neg=np.array([["y"]]))
        path = path.with_suffix(".npz")
    read = scorers.from_function if path.suffix == ".py" else scorers.from_file
    with pytest.raises(ValueError, match=rf"'model' must be .*{path.name}"):
        read(f"{path}:f" if path.suffix == ".py" else path)
