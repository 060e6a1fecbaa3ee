"""A finished run stands alone: its folder is all that is needed."""

from __future__ import annotations

import shutil

import pytest
import torch

import gneg
from gneg import LinkConfig, TripleConfig
from gneg.training import record
from tests.cli.invoke import run
from tests.triple_worlds import sparse_data
from tests.worlds import random_graph, toy

TINY = LinkConfig(hidden=8, epochs=1, eval_every=1, k=1)


def test_a_run_is_loaded_from_its_folder_alone(tmp_path):
    data = toy()
    gneg.train(data, TINY, out=tmp_path / "run")
    shutil.move(tmp_path / "run", tmp_path / "elsewhere")
    loaded = gneg.load(tmp_path / "elsewhere")
    assert loaded.data.describe() == data.describe()
    scores = [gneg.load(str(tmp_path / "elsewhere")).scorer()(*data.test.pos) for _ in range(2)]
    assert torch.equal(*scores)


def test_a_run_on_triples_is_loaded_with_its_names(tmp_path):
    data = sparse_data()
    gneg.train(data, TripleConfig(dim=4, epochs=1, k=1), out=tmp_path)
    loaded = gneg.load(tmp_path / "results.json")
    assert loaded.data.describe() == data.describe()


def test_what_is_known_by_name_is_loaded_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--epochs", "1", "--hidden", "4", "-k", "1", "--recipe", "none", "--out", "run"]
    assert run("train", "digits", *words).exit_code == 0
    assert not (tmp_path / "run" / "data").exists()
    assert gneg.load("run").data.name == "digits"


def test_evaluating_needs_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    edges = random_graph(40, 160).edge_index.t().tolist()
    (tmp_path / "e.csv").write_text("".join(f"n{u},n{v}\n" for u, v in edges))
    words = ["--epochs", "1", "--hidden", "4", "-k", "1", "--recipe", "none", "--out", "run"]
    assert run("train", "e.csv", *words).exit_code == 0
    (tmp_path / "e.csv").unlink()
    result = run("evaluate", "run")
    assert result.exit_code == 0, result.output
    assert gneg.load("run").data.names[0].startswith("n")


def test_what_lacks_data_says_so(tmp_path):
    gneg.train(toy(), TINY, out=tmp_path, keep_data=False)
    with pytest.raises(ValueError, match=r"'path' must be a run with its data; load_run\(data, pa"):
        gneg.load(tmp_path)


def test_a_refused_run_leaves_the_data_of_the_earlier_one(tmp_path):
    data, other = toy(), toy(seed=1)
    gneg.train(data, TINY, out=tmp_path)
    with pytest.raises(ValueError, match="one with a run of the same dataset"):
        gneg.train(other, TINY, out=tmp_path)
    assert gneg.load(tmp_path).data.describe() == data.describe()


def test_a_part_with_few_negatives_has_fewer_hits():
    def fault(valid, test):
        return record.fault_of_runs(
            [{"complete": True, "valid": valid, "test": test, "seconds": {}}]
        )

    assert fault({"mrr": 0.5}, {"mrr": 0.4, "hits@100": 0.9}) is None
    assert "auc" in fault({"mrr": 0.5}, {"mrr": 0.4, "auc": 0.9})
