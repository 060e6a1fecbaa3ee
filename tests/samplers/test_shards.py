"""Folders of negatives: made anew where they are damaged, and never mixed or taken from others."""

from __future__ import annotations

import os
import shutil

import pytest
import torch

from gneg import sample
from gneg.datasets import positives
from tests.worlds import toy

MODEL = torch.arange(400.0).view(100, 4)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A finished folder of pieces of 32 positives."""
    monkeypatch.setattr(positives, "ROWS", 32)
    sample(toy(), "walk", k=3, out=tmp_path / "negatives")
    return tmp_path / "negatives"


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("finished", [True, False])
def test_damaged_pieces_are_drawn_again(folder, finished):
    before = content(folder)
    first, second, third = sorted(folder.glob("part-*"))[:3]
    os.truncate(first, 20)
    second.unlink()
    if finished:  # then the manifest tells whole files of other content
        shutil.copy(folder / "part-000003.parquet", third)
    else:
        (folder / "manifest.json").rename(folder / ".unfinished.json")
    sample(toy(), "walk", k=3, out=folder)
    assert content(folder) == before


def test_a_folder_is_not_continued_by_other_settings_or_another_model(folder):
    before = content(folder)
    for changes, message in (
        ({"seed": 1}, r"seed 1 \(got .*: 0\)"),
        ({"nodes": [0, 1]}, r"nodes '.*' \(got .*: None\)"),
        ({"z": MODEL}, r"model '.*' \(got .*: None\)"),
    ):
        with pytest.raises(ValueError, match=f"'out' must be a folder of negatives with {message}"):
            sample(toy(), "walk", k=3, out=folder, **changes)
    assert content(folder) == before
    options = {"k": 3, "out": folder.parent / "by-model"}
    sample(toy(), "hardest(walk)", score=lambda src, dst: (src * dst).float(), **options)
    with pytest.raises(ValueError, match="a folder of negatives with model"):
        sample(toy(), "hardest(walk)", score=lambda src, dst: (src - dst).float(), **options)


def test_fresh_removes_no_files_of_others(tmp_path):
    (tmp_path / "manifest.json").write_text('{"format": "another"}')
    (tmp_path / "part-000000.parquet").write_text("mine")
    before = content(tmp_path)
    with pytest.raises(ValueError, match=r"'out' must be a whole manifest\.json of gneg"):
        sample(toy(), "walk", k=3, out=tmp_path, fresh=True)
    assert content(tmp_path) == before
