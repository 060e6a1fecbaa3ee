"""Commands for edges, given a knowledge graph or a model of one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gneg import HardSet, datasets
from gneg.samplers import formats
from tests.cli.invoke import run
from tests.triple_worlds import sparse_data

QUICK = ["--dim", "8", "--epochs", "4", "--eval-every", "2", "--batch-size", "64", "-k", "2"]

OWN = """
def pairs(src, dst):
    return src + dst

def flat(head, relation, tail):
    return tail.flatten()

def nan(head, relation, tail):
    return head * float("nan")
"""


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
    (place / "own.py").write_text(OWN)
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


def evaluated(*words, out):
    result = run("evaluate", *words, "--resamples", "0", "--out", str(out))
    assert result.exit_code == 0, result.output
    return json.loads(out.read_text())["runs"], " ".join(result.output.split())


def test_a_hard_set_of_triples_is_made_and_ranked_against(toy, tmp_path):
    options = {"typed": ["--family", "typed", "-k", "4", "--ends", "src"], "hard": ["-k", "3"]}
    for name, words in options.items():
        result = run("hardset", "toy", *words, "--out", str(tmp_path / f"{name}.npz"))
        assert result.exit_code == 0, result.output
        made = HardSet.load(tmp_path / f"{name}.npz")
        assert torch.equal(made.pos, toy.test)
        assert made.info["ends"] == ("head" if name == "typed" else "both")
    sets = [word for name in options for word in ("--hardset", str(tmp_path / f"{name}.npz"))]
    (result, _), output = evaluated("model", *sets, out=tmp_path / "out.json")
    assert list(result["sets"]) == ["all", "uniform", "khop(hops=2)", "typed", "hard"]
    assert result["sets"]["typed"]["negatives"] == 4
    assert "hard: 3 negatives at each end, densest(mixture(relwalk:0.9, typed:0.1))" in output
    refused = run("evaluate", "model", "--part", "valid", *sets)
    assert "'sets['typed']' must be made for the valid triples" in " ".join(refused.output.split())


@pytest.fixture
def hard(toy, tmp_path):
    """A set of random entities for the test triples, and its file."""
    shape = toy.test.size(1), 5
    lists = {end: torch.randint(toy.num_entities, shape) for end in ("head", "tail")}
    hard_set = HardSet.from_lists(toy.test, lists, {"family": "random"})
    hard_set.save(tmp_path / "hard.npz")
    return hard_set


def test_a_model_of_triples_is_evaluated(toy, hard, tmp_path):
    record = json.loads(Path("model/results.json").read_text())
    words = ["model", "--hardset", str(tmp_path / "hard.npz")]
    runs, output = evaluated(*words, out=tmp_path / "out.json")
    for word in ("mean rank", "N-N, head", "mean ± standard deviation of 2 models", "against hard"):
        assert word in output
    assert "against uniform" not in output  # in the file alone
    for trained, result in zip(record["runs"], runs, strict=True):
        assert result["sets"]["all"]["metrics"]["mrr"]["value"] == pytest.approx(
            trained["test"]["mrr"]
        )
        assert set(result["sets"]) == {"all", "uniform", "typed", "khop(hops=2)", "hard"}
        sampled = trained["sampled"]["typed"]["hits@10"]
        assert result["sets"]["typed"]["metrics"]["hits@10"]["value"] == pytest.approx(sampled)
    valid, _ = evaluated("model/model-1.pt", "toy", "--part", "valid", out=tmp_path / "valid.json")
    assert len(valid) == 1
    assert valid[0]["mrr"] == pytest.approx(record["runs"][1]["valid"]["mrr"])


def test_scores_of_triples_by_density_function_and_file(toy, hard, shared, tmp_path):
    (uniform,), _ = evaluated("log_q(uniform)", "toy", out=tmp_path / "out.json")
    assert uniform["amr"] == pytest.approx(1)
    words = ["log_q(relwalk)", "umls", "--root", str(shared)]
    (relwalk,), _ = evaluated(*words, out=tmp_path / "out.json")
    assert relwalk["mrr"] == pytest.approx(0.795, abs=0.005)
    (tmp_path / "own.py").write_text(
        "def score(head, relation, tail):\n    return (head * 31 + relation + tail * 17) % 23\n"
    )
    words = [f"{tmp_path / 'own.py'}:score", "toy", "--hardset", str(tmp_path / "hard.npz")]
    (by_function,), _ = evaluated(*words, out=tmp_path / "out.json")
    head, relation, tail = (ids[:, None] for ids in toy.test)
    lists = hard.lists()
    triples = [(head, tail), (head, lists["tail"]), (lists["head"], tail)]
    scores = torch.cat([(h * 31 + relation + t * 17) % 23 for h, t in triples], dim=1)
    np.save(tmp_path / "scores.npy", scores.numpy())
    words[0] = str(tmp_path / "scores.npy")
    (by_file,), _ = evaluated(*words, out=tmp_path / "out.json")
    assert list(by_file["sets"]) == ["hard"]
    assert by_file["sets"]["hard"] == by_function["sets"]["hard"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["hardset", "toy", "--family", "heart"], "'family' must be densest(SAMPLER)"),
        (["hardset", "digits", "--ends", "tail"], "'ends' must be one of 'both', 'dst', 'src'"),
        (["evaluate", "ra", "toy"], "log_q(SAMPLER) of a sampler of triples"),
        (["evaluate", "model", "--against", "estimate"], "sets or all for a knowledge graph"),
        (["evaluate", "model", "--budget", "9"], "'budget' must be None for a knowledge graph"),
        (["evaluate", "log_q(degree)", "toy"], "no sampler 'degree'"),
        (["evaluate", "log_q(tpyed)", "toy"], "no sampler 'tpyed' (did you mean 'typed'?)"),
        (["evaluate", "own.py", "toy"], "'model' must be FILE.py:FUNCTION (got own.py)"),
        (["evaluate", "own.py:pairs", "toy"], "of (head, relation, tail) here (got own.py:pairs"),
        (["evaluate", "own.py:flat", "toy"], "of the shape of the ids, ["),
        (["evaluate", "own.py:nan", "toy"], "free of NaN (got own.py:nan with "),
        (["evaluate", "log_q(itself)", "toy"], "closed-form density"),
        (["evaluate", "toy/train.txt:x"], "'model' must be a run of gneg train"),
        (["sample", "toy", "--sampler", "degree"], "no sampler 'degree'"),
        (["sample", "toy", "--corrupt", "ends"], "'corrupt' must be one of"),
        (["sample", "toy", "--node", "e99"], "'nodes' must be a known name"),
        (["sample", "toy", "--directed"], "another than a knowledge graph with the options"),
        (["sample", "digits", "--corrupt", "head"], "'corrupt' must be one of 'dst', 'src'"),
    ],
)
def test_mistakes_are_named(toy, tmp_path, words, message):
    out = tmp_path / ("out.json" if words[0] == "evaluate" else "out.npz")
    result = run(*words, "--out", str(out))
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
