"""Completions against brute force, by name, for each part of a triple."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

import gneg
from gneg import TripleConfig, datasets
from gneg.prediction.calibrate import load
from gneg.prediction.triple import OF_RELATIONS
from gneg.prediction.triple_reasons import TripleReasons
from gneg.prediction.triple_sample import score_relation_sample, score_sample
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
    calibration = model.calibration_of(part)
    expected = calibration.probability(table["score"].to_numpy())
    np.testing.assert_allclose(table["probability"], expected, rtol=1e-4)
    if part == "tail":
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


def test_a_sample_of_relations_stands_for_those_of_known_pairs(model, known):
    drawn = score_relation_sample(model.data, model.scorer(), "valid")
    pairs = {(head, tail) for head, _, tail in known}
    assert drawn.weights.sum() == len(pairs) * model.data.num_relations - len(known)
    held_out = model.data.valid.size(1) + model.data.test.size(1)
    assert drawn.worth * len(drawn.links) == pytest.approx(held_out)
    unknown = [(h, r, t) for h, t in pairs for r in range(3) if (h, r, t) not in known]
    scores = model.score(*torch.tensor(unknown).t()).numpy()
    np.testing.assert_allclose(np.sort(drawn.others), np.sort(scores), atol=1e-5)


@pytest.mark.slow
def test_relations_are_calibrated_by_their_own_queries(shared, tmp_path):
    """On umls the curve of heads and tails says more than twice what comes true of relations."""
    data = datasets.load_triples("umls", root=shared)
    settings = {"model": "complex", "loss": "1vsall", "inverse": True, "optimizer": "adagrad"}
    config = TripleConfig(dim=16, lr=0.1, n3=0.05, epochs=6, **settings)
    gneg.train(data, config, out=tmp_path)
    model = gneg.load(tmp_path)
    test = score_relation_sample(data, model.scorer(), "test", seed=1)
    ratios = []
    for calibration in (model.calibration_of("relation"), model.calibration):
        links = test.worth * calibration.probability(test.links).sum()
        expected = links + test.weights @ calibration.probability(test.others)
        ratios.append(expected / (test.worth * len(test.links)))
    assert 0.8 < ratios[0] < 1.25
    assert ratios[1] > 1.5
    assert load(tmp_path, model.fingerprint, OF_RELATIONS) == model.calibration_of("relation")
    reliability = model.calibration_of("relation").reliability
    assert sum(bin_["links"] for bin_ in reliability) == data.test.size(1)


@pytest.mark.parametrize("inverse", [False, True])
def test_vectors_are_written_with_names(tmp_path, inverse):
    model = triple_model(tmp_path / "run", inverse=inverse, model="rotate")
    z = model.embeddings(tmp_path / "z.parquet")
    table = pq.read_table(tmp_path / "z.parquet")
    assert table["name"].to_pylist() == list(model.data.entities)
    np.testing.assert_array_equal(np.array(table["embedding"].to_pylist(), np.float32), z)
    z = model.relation_embeddings(tmp_path / "r.parquet")
    assert z.shape == ((1 + inverse) * 3, 8)
    table = pq.read_table(tmp_path / "r.parquet")
    assert table["name"].to_pylist() == list(model.data.relations) * (1 + inverse)
    assert table["inverse"].to_pylist() == [False] * 3 + [True] * 3 * inverse
    np.testing.assert_array_equal(np.array(table["embedding"].to_pylist(), np.float32), z)
    model.relation_embeddings(tmp_path / "r.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "r.npy"), z)


def test_a_single_value_stands_for_all(model):
    heads = ["entity 1", "entity 2", "entity 5"]
    each = [model.predict_target(head=head, relation="relation 1", k=4) for head in heads]
    together = model.predict_target(head=heads, relation="relation 1", k=4)
    assert together.equals(pd.concat(each, ignore_index=True))
    scores = model.score(heads, "relation 1", "entity 3")
    assert scores.tolist() == model.score(heads, ["relation 1"] * 3, ["entity 3"] * 3).tolist()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"head": "entity 1"}, "'head, relation, tail' must be given, all but the one"),
        ({"head": "entity 1", "relation": "relation 9"}, r"'relation' must be a known name"),
        ({"head": "entty 1", "tail": "entity 2"}, r"'head' must be a known name .*mean 'entity 1"),
        ({"head": "entity 1", "tail": "entity 2", "k": 0}, "'k' must be an integer >= 1"),
        (
            {"head": ["entity 1"] * 3, "relation": ["relation 0", "relation 1"]},
            r"'relation' must be one value, or 3, as many as head \(got 2\)",
        ),
    ],
)
def test_bad_queries_are_named(model, given, message):
    with pytest.raises(ValueError, match=message):
        model.predict_target(**given)


def steps_of(path):
    """The triples on a path such as ``a -r, s-> b <-t- c``."""
    parts = re.split(r" (<?-.*?->?) ", path)
    for left, arrow, right in zip(parts[::2], parts[1::2], parts[2::2], strict=False):
        ends = (left, right) if arrow.endswith(">") else (right, left)
        for relation in arrow.strip("<->").split(", "):
            yield ends[0], relation, ends[1]


def ids_of(model, triple):
    """The ids of the names of a triple."""
    parts = zip(triple, ("head", "relation", "tail"), strict=True)
    return tuple(int(model.ids(name, part)[0]) for name, part in parts)


def test_reasons_are_known_triples(model, known):
    table = model.predict_target(relation="relation 0", tail="entity 3", k=30, why=True)
    by_likeness = table[table["why"].str.contains("is known")]
    for why in by_likeness["why"]:
        (triple,) = steps_of(why.partition(" is known;")[0])
        assert ids_of(model, triple) in known
    assert len(by_likeness)


def test_what_is_not_alike_is_no_reason(model):
    """Vectors at right angles: every entity is like itself alone."""
    data = model.data
    reasons = TripleReasons(data, torch.eye(data.num_entities))
    for part in ("head", "relation", "tail"):
        sentences = reasons.of(data.test.numpy(), part)
        assert len(sentences) == data.test.size(1)
        assert not any("cosine" in sentence for sentence in sentences)


@pytest.mark.parametrize("part", ["head", "relation", "tail"])
def test_another_triple_of_both_ends_comes_first(model, part):
    data = model.data
    training = {tuple(triple) for triple in data.train.t().tolist()}
    joined = {(h, t) for h, _, t in training}
    reasons = TripleReasons(data, model.run.final_embeddings())
    asked = torch.tensor([(t, 0, h) for h, t in sorted(joined) if (t, h) not in joined and h != t])
    for why in reasons.of(asked.T.numpy(), part):
        kind, _, step = why.partition(": ")
        assert kind == "known in training"
        assert all(ids_of(model, triple) in training for triple in steps_of(step))


def test_reasons_of_relations_are_paths_of_training_triples(model):
    training = {tuple(triple) for triple in model.data.train.t().tolist()}
    steps = 0
    for head in range(0, model.data.num_entities, 3):
        ends = {"head": f"entity {head}", "tail": "entity 3"}
        (why,) = model.predict_target(**ends, k=1, keep_known=True, why=True)["why"]
        kind, _, path = why.partition(": ")
        if kind in ("path", "known in training"):
            for triple in steps_of(path.partition(", and ")[0]):
                assert ids_of(model, triple) in training
                steps += 1
    assert steps > 10


def test_graphs_of_pyg_have_names(model, tmp_path):
    graph = model.to_pyg()
    assert torch.equal(graph.edge_type, model.data.train[1])
    assert graph.names[7] == "entity 7"
    assert torch.equal(model.embeddings(tmp_path / "z.parquet"), graph.z)


def test_ids_out_of_range_are_named_by_their_kind(model):
    one, far = torch.tensor([1]), torch.tensor([10**6])
    with pytest.raises(ValueError, match=r"'relation' must be relation ids in .*num_relations"):
        model.score(one, far, one)
    with pytest.raises(ValueError, match=r"'tail' must be entity ids in .*num_entities"):
        model.score(one, torch.tensor([0]), far)
