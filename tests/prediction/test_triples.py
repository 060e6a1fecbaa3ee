"""Completions against brute force, by name, for each part of a triple."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gneg.prediction.triple_sample import score_sample
from tests.prediction.models import triple_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return triple_model(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def known(model):
    parts = [model.data.positives(part) for part in ("train", "valid", "test")]
    return {tuple(triple) for triple in torch.cat(parts, dim=1).t().tolist()}


@pytest.mark.parametrize("keep_known", [False, True])
@pytest.mark.parametrize("part", ["head", "relation", "tail"])
def test_answers_are_those_of_brute_force(model, known, part, keep_known):
    place = ("head", "relation", "tail").index(part)
    size = model.data.num_relations if part == "relation" else model.data.num_entities
    for triple in model.data.train.t().tolist()[::25]:
        given = {
            name: model.data.end_names[i][triple[i]]
            for i, name in enumerate(("head", "relation", "tail"))
            if i != place
        }
        table = model.predict_target(**given, k=5, keep_known=keep_known, why=True)
        candidates = [(*triple[:place], i, *triple[place + 1 :]) for i in range(size)]
        loops = part != "relation" and not any(h == t and r == triple[1] for h, r, t in known)
        if loops:  # of a relation without any, no entity is its own answer
            candidates = [row for row in candidates if row[0] != row[2]]
        left = [row for row in candidates if keep_known or row not in known]
        # Of models with inverse relations the query of each end scores its own way.
        scores = model.score(*torch.tensor(left).t()).numpy() if left else np.array([])
        expected = np.sort(scores)[::-1][:5]
        listed = table[table["score"].notna()]
        np.testing.assert_allclose(listed["score"], expected, atol=1e-5)
        for answer, is_known in zip(listed[part], listed["known"], strict=True):
            found = list(triple)
            found[place] = model.ids(answer, part)[0]
            assert is_known == (tuple(found) in known)
        assert table["probability"].dropna().between(0, 1).all()
        assert table["why"].str.len().min() > 5


@pytest.mark.parametrize("part", ["relation", "tail"])
def test_inverse_relations_have_one_score_of_tails(tmp_path, part):
    model = triple_model(tmp_path, inverse=True, model="complex")
    given = {"head": "entity 3", "relation": "relation 1", "tail": "entity 4"}
    del given[part]
    table = model.predict_target(**given, k=20)
    rows = [table[name] for name in ("head", "relation", "tail")]
    np.testing.assert_allclose(table["score"], model.score(*rows), atol=1e-5)
    np.testing.assert_allclose(table["probability"], model.predict_proba(*rows), rtol=1e-4)


def test_names_and_ids_are_the_same(model):
    ids = model.data.test
    names = [own.of(row).to_pylist() for own, row in zip(model.data.end_names, ids, strict=True)]
    np.testing.assert_array_equal(model.score(*names), model.score(*ids).numpy())
    np.testing.assert_array_equal(model.predict_proba(*names), model.predict_proba(*ids))


def test_a_sample_stands_for_all_answers_to_known_queries(model, known):
    drawn = score_sample(model.data, model.scorer(), "valid")
    queries = sum(len(model.data.known("all").side(end)[0].keys) for end in ("head", "tail"))
    unknown = queries * model.data.num_entities - 2 * len(known)
    assert drawn.weights.sum() == pytest.approx(unknown)
    held_out = model.data.valid.size(1) + model.data.test.size(1)
    assert drawn.worth * len(drawn.links) == pytest.approx(2 * held_out)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"head": "entity 1"}, "'head, relation, tail' must be given, all but the one"),
        ({"head": "entity 1", "relation": "relation 9"}, r"'relation' must be known names"),
        ({"head": "entty 1", "tail": "entity 2"}, r"'head' must be known names .*mean 'entity 1"),
        ({"head": "entity 1", "tail": "entity 2", "k": 0}, "'k' must be an integer >= 1"),
    ],
)
def test_bad_queries_are_named(model, given, message):
    with pytest.raises(ValueError, match=message):
        model.predict_target(**given)


def test_reasons_are_known_triples(model, known):
    table = model.predict_target(relation="relation 0", tail="entity 3", k=30, why=True)
    by_likeness = table[table["why"].str.contains("is known")]
    for why in by_likeness["why"]:
        head, relation, tail = why.partition(" is known;")[0].split(" - ")
        ids = model.ids(head, "head"), model.ids(relation, "relation"), model.ids(tail, "tail")
        assert tuple(int(part[0]) for part in ids) in known
    assert len(by_likeness)


def test_graphs_of_pyg_have_names(model, tmp_path):
    graph = model.to_pyg()
    assert torch.equal(graph.edge_type, model.data.train[1])
    assert graph.names[7] == "entity 7"
    assert torch.equal(model.embeddings(tmp_path / "z.parquet"), graph.z)
