"""Hard evaluation sets of triples: exact, ordered by density, resumable, read back with names."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

from gneg import HardSet, datasets, evaluate, hardset
from gneg.evaluation.hardset import families, parquet
from gneg.evaluation.sampled import default_negatives
from gneg.evaluation.triple_scorers import EachTriple
from gneg.nn.kge.base_measure import log_density_scorer
from tests.triple_worlds import WORLDS, sparse_data

FAMILIES = [
    None,
    *("uniform", "typed", "khop(hops=2)", "walk", "frequency", "relwalk"),
    *("densest(typed)", "densest(walk)", "densest(frequency)"),
]


@pytest.mark.parametrize("known", ["train", "train+valid", "all"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_returns_distinct_unknown_triples(family, known):
    data = datasets.from_triples(WORLDS["dense"](), shares=(0.15, 0.2))
    hard_set = hardset(data, family=family, k=5, known=known)
    assert torch.equal(hard_set.pos, data.test)
    assert torch.equal(hardset(data, family=family, k=5, known=known).index, hard_set.index)
    known_triples = data.known(known)
    taken = set(map(tuple, known_triples.triples.t().tolist()))
    for end, lists in hard_set.lists().items():
        assert lists.size(1) == 5
        for (h, r, t), row in zip(data.test.t().tolist(), lists.tolist(), strict=True):
            others = [entity for entity in row if entity >= 0]
            assert len(set(others)) == len(others)
            triples = {(h, r, e) if end == "tail" else (e, r, t) for e in others}
            assert taken.isdisjoint(triples)
            assert (h, r, t) not in triples
            everyone = {(h, r, e) if end == "tail" else (e, r, t) for e in range(14)}
            assert len(others) == min(5, len(everyone - taken - {(h, r, t)}))


@pytest.mark.parametrize("inner", ["typed", "mixture(relwalk:0.9, typed:0.1)"])
def test_the_densest_are_those_of_highest_density(inner):
    data = sparse_data()
    scorer = log_density_scorer(data.sampler(inner, known="all"))
    hard_set = hardset(data, family=f"densest({inner})", k=4)
    known = set(map(tuple, data.known("all").triples.t().tolist()))
    head, relation, tail = data.test
    for end, lists in hard_set.lists().items():
        density = scorer.rows(head if end == "tail" else tail, relation, end)
        for (h, r, t), row, values in zip(data.test.t().tolist(), lists, density, strict=True):
            triples = [(h, r, e) if end == "tail" else (e, r, t) for e in range(30)]
            free = torch.tensor([triple not in known for triple in triples])
            expected = values[free].sort(descending=True).values[:4]
            assert torch.allclose(values[row], expected)


def test_the_default_is_harder_than_typed_and_near_a_ranking_among_all(shared):
    data = datasets.load_triples("umls", root=shared)
    sets = {"hard": hardset(data), "typed": hardset(data, family="typed")}
    assert sets["hard"].lists()["head"].size(1) == default_negatives(data) == 33
    scorer = log_density_scorer(data.sampler("frequency", known="all"))
    results = evaluate(data, scorer, sets=sets, samplers=["uniform"], resamples=0)["sets"]
    mrr = {name: record["metrics"]["mrr"]["value"] for name, record in results.items()}
    assert mrr["all"] < mrr["hard"] < mrr["typed"] < mrr["uniform"]


def test_an_interrupted_set_is_resumed(tmp_path, monkeypatch):
    monkeypatch.setattr(families, "BATCH", 8)
    data, path = sparse_data(), tmp_path / "hard.npz"
    whole = hardset(data, k=6)
    calls = []

    def stop(finished, total):
        calls.append((finished, total))
        if len(calls) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hardset(data, k=6, out=path, report=stop)
    assert not path.exists()
    calls.clear()
    with pytest.raises(KeyboardInterrupt):
        hardset(data, k=6, out=path, report=stop)
    assert calls[0][0] > 16
    assert torch.equal(hardset(data, k=6, out=path).index, whole.index)
    assert [entry.name for entry in tmp_path.iterdir()] == ["hard.npz"]


@pytest.mark.parametrize("ends", ["both", "tail", "head"])
@pytest.mark.parametrize("suffix", ["npz", "parquet"])
def test_what_is_written_is_read_and_ranked_with_names(suffix, ends, shared, tmp_path):
    data = datasets.load_triples("nations", root=shared)
    path = tmp_path / f"hard.{suffix}"
    hard_set = hardset(data, family="typed", k=3, ends=ends, part="valid", out=path)
    again = HardSet.load(path, data.valid)
    assert torch.equal(again.index, hard_set.index)
    assert torch.equal(again.pos, data.valid)
    assert (again.keep, again.info) == (hard_set.keep, hard_set.info)
    assert set(again.lists()) == ({"head", "tail"} if ends == "both" else {ends})
    if suffix == "parquet":
        table = pd.read_parquet(path)
        for name, ids, names in zip(
            ("head", "relation", "tail"), data.valid, data.end_names, strict=True
        ):
            assert list(table[name]) == ids.tolist()
            assert list(table[f"{name}_name"]) == names.of(ids).to_pylist()
        row = [data.entities[e] if e >= 0 else None for e in hard_set.index[0].tolist()]
        assert list(table["negative_names"][0]) == row
    score = EachTriple(lambda h, r, t: (h * 7 + t + r) % 5, data.num_entities)
    results = evaluate(data, score, part="valid", sets={"hard": again}, resamples=0)
    assert 0 < results["sets"]["hard"]["metrics"]["mrr"]["value"] < 1


def test_an_earlier_table_is_read(tmp_path, monkeypatch):
    data = sparse_data()
    with monkeypatch.context() as earlier:
        earlier.setattr(parquet, "ROWS", {3: parquet.EARLIER})
        made = hardset(data, family="typed", k=3, out=tmp_path / "hard.parquet")
    assert "source" in pd.read_parquet(tmp_path / "hard.parquet")
    again = HardSet.load(tmp_path / "hard.parquet", data.test)
    assert torch.equal(again.pos, made.pos)
    assert torch.equal(again.index, made.index)


def test_a_table_of_someone_else_is_refused(tmp_path):
    """Also one of ours that pandas has written again, without what stands beside the rows."""
    data = sparse_data()
    hardset(data, family="typed", k=2, out=tmp_path / "hard.parquet")
    pd.read_parquet(tmp_path / "hard.parquet").to_parquet(tmp_path / "again.parquet")
    pd.DataFrame({"head": ["a"], "tail": ["b"]}).to_parquet(tmp_path / "own.parquet")
    for name, columns in (("again", "head, relation, tail, negatives"), ("own", "head, tail")):
        message = rf"'columns' must be those of gneg hardset.*\(got {columns}.* without a header"
        with pytest.raises(ValueError, match=message):
            HardSet.load(tmp_path / f"{name}.parquet", data.test)


def test_what_triples_do_not_have_is_refused(tmp_path):
    data = sparse_data()
    for options, message in (
        ({"family": "heart"}, r"'family' must be densest\(SAMPLER\) or a sampler expression"),
        ({"family": "historical"}, "'family' must be densest"),
        ({"family": "densest(itself)"}, "closed-form log_q"),
        ({"family": "hardest(uniform)"}, "a sampler that needs no model"),
        ({"family": "degree"}, "no sampler 'degree'"),
        ({"ends": "dst"}, "'ends' must be one of 'both', 'tail', 'head'"),
        ({"out": tmp_path / "hard.npy"}, "ends in one of .npz, .parquet \\(got"),
        ({"k": 0}, "'k' must be an integer >= 1"),
    ):
        with pytest.raises(ValueError, match=message):
            hardset(data, **options)
    with pytest.raises(ValueError, match="'pos' must be"):
        hardset(data, k=2).edges()
    assert not list(tmp_path.iterdir())
