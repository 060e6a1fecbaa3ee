"""Knowledge graphs have the grid, the search and the report page of link prediction."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from gneg import TripleConfig, compare
from gneg.experiments.grid import grid
from gneg.experiments.report import page
from gneg.experiments.report.page import verdict
from gneg.experiments.report.tables import main_table
from tests.triple_worlds import sparse_data

BASE = TripleConfig(dim=4, epochs=2, eval_every=1, batch_size=64, k=2)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A grid of 2 models x 2 samplers x 2 seeds, and its folder."""
    data = sparse_data()
    rows = torch.cartesian_prod(torch.arange(30), torch.arange(3), torch.arange(30)).t()
    false = rows[:, ~data.known("all").contains(rows)][:, ::25]
    data = replace(data, verified={"valid": false[:, ::2], "test": false[:, 1::2]})
    configs = grid(BASE, model=("transe", "distmult"), sampler=("uniform", "typed"))
    folder = tmp_path_factory.mktemp("triples")
    return data, folder, compare(data, configs, seeds=2, search=2, out=folder)


@pytest.mark.slow
def test_every_cell_is_there_and_searched(compared):
    _, folder, results = compared
    assert [(row["encoder"], row["sampler"]) for row in results["rows"]] == [
        (model, sampler) for model in ("transe", "distmult") for sampler in ("uniform", "typed")
    ]
    assert len(list(folder.glob("cells/*/cell-*.json"))) == 8
    for row in results["rows"]:
        trials = row["searched"]["trials"]
        assert len(trials) == 2
        assert row["config"]["lr"] in [pytest.approx(trial["lr"]) for trial in trials]
        assert {"all entities", "uniform", "typed", "verified"} <= set(row["metrics"])
        assert set(row["metrics"]["verified"]) >= {"accuracy", "f1"}
        assert row["audit"]["risk"]["per_1000"] >= 0
        assert bool(row["against"]) == (row["sampler"] == "typed")
    assert json.loads((folder / "compare.json").read_text()) == json.loads(json.dumps(results))


@pytest.mark.slow
def test_two_processes_give_the_figures_of_one(compared, tmp_path):
    data, _, results = compared
    configs = grid(BASE, model=("transe",), sampler=("uniform", "typed"))
    parallel = compare(data, configs, seeds=2, jobs=2, search=2, out=tmp_path)
    for row, other in zip(results["rows"][:2], parallel["rows"], strict=True):
        assert row["metrics"] == other["metrics"]
        assert row["config"] == other["config"]


@pytest.mark.slow
def test_the_page_has_sizes_ranks_and_verified_triples(compared):
    data, _, results = compared
    text = page(results)
    train, valid, test = (data.positives(part).size(1) for part in ("train", "valid", "test"))
    assert f"30 entities, 3 relations; {train} training, {valid} validation, {test} test" in text
    assert "against all entities" in text
    assert "held-out triples" in text
    assert "held-out edges" not in text
    table = main_table(results)
    names = [column["name"] for column in table["columns"]]
    assert {"mr (all entities)", "accuracy (verified)", "mrr (typed)"} <= set(names)
    assert "accuracy (typed)" not in names
    row, cells = results["rows"][0], table["rows"][0]["cells"]
    assert len(cells) == len(names)
    mean_rank = cells[names.index("mr (all entities)")]
    assert mean_rank["value"] == pytest.approx(row["summary"]["all entities"]["mr"]["mean"])
    assert all("verified" not in sentence for sentence in verdict(results))


@pytest.mark.slow
def test_a_lower_mean_rank_is_better(compared):
    results = json.loads(json.dumps(compared[2]))
    tests = results["rows"][1]["against"]["negatives"]["tests"]["all entities"]
    for metric in ("mr", "mrr"):
        tests[metric] |= {"difference": -0.1, "p": 0.01, "corrected_p": 0.01, "mark": "*"}
    table = main_table(results)
    cells = dict(zip((c["name"] for c in table["columns"]), table["rows"][1]["cells"], strict=True))
    assert cells["mr (all entities)"]["kind"] == "better"
    assert cells["mrr (all entities)"]["kind"] == "worse"
    assert cells["mr (all entities)"]["tip"].startswith("negatives: -0.10, p = 0.01")
