"""Commands for edges, given a knowledge graph or a model of one."""

from __future__ import annotations

import pytest
import torch

from gneg import datasets
from gneg.samplers import formats
from tests.cli.invoke import run
from tests.triple_worlds import sparse_data

QUICK = ["--dim", "8", "--epochs", "4", "--eval-every", "2", "--batch-size", "64", "-k", "2"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A small graph in text files, ``toy``, and a run on it, ``model``."""
    place, data = tmp_path_factory.mktemp("triples"), sparse_data()
    (place / "toy").mkdir()
    for part in ("train", "valid", "test"):
        rows = [f"e{h}\tr{r}\te{t}" for h, r, t in data.positives(part).t().tolist()]
        (place / f"toy/{part}.txt").write_text("\n".join(rows) + "\n")
    words = [str(place / "toy"), "--seeds", "2", "--out", str(place / "model"), *QUICK]
    assert run("kg", "train", *words).exit_code == 0
    return place


@pytest.fixture
def toy(place, monkeypatch):
    """The graph, in the folder of its files."""
    monkeypatch.chdir(place)
    return datasets.load_triples("toy")


def test_negatives_are_written_for_triples(toy, tmp_path):
    out = str(tmp_path / "n.parquet")
    words = ["--sampler", "typed", "-k", "3", "--known", "all", "--corrupt", "dst", "--out", out]
    result = run("sample", "toy", *words)
    assert result.exit_code == 0, result.output
    negatives = formats.load(out, toy.triples)
    assert negatives.side == "dst"
    assert torch.equal(negatives.positives(), toy.train[[0, 2]])
    drawn = torch.stack(negatives.triples())[:, negatives.mask]
    assert not toy.known("all").contains(drawn).any()


def test_negatives_of_triples_are_selected_by_a_model(toy, tmp_path):
    out = str(tmp_path / "n.npz")
    words = ["--sampler", "hardest(uniform)", "--model", "model", "--node", "e3", "--out", out]
    result = run("sample", "toy", "--part", "train", *words)
    assert result.exit_code == 0, result.output
    negatives = formats.load(out, toy.triples)
    assert set(negatives.positives()[0].tolist()) == {toy.entities.ids(["e3"]).item()}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sample", "toy", "--sampler", "degree"], "no sampler 'degree'"),
        (["sample", "toy", "--corrupt", "ends"], "'corrupt' must be one of"),
        (["sample", "toy", "--node", "e99"], "'nodes' must be known names"),
        (["sample", "toy", "--directed"], "another than a knowledge graph with the options"),
        (["sample", "digits", "--corrupt", "head"], "'corrupt' must be one of 'dst', 'src'"),
    ],
)
def test_mistakes_are_named(toy, tmp_path, words, message):
    result = run(*words, "--out", str(tmp_path / "out.npz"))
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
