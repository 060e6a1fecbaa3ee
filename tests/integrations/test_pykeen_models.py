"""PyKEEN's models evaluated, audited and asked by gneg."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("pykeen")

from pykeen.evaluation import RankBasedEvaluator
from pykeen.models import CompGCN, ComplEx, ConvE, DistMult, RotatE, TransE, TuckER
from pykeen.pipeline import pipeline_from_config
from pykeen.regularizers import NoRegularizer
from pykeen.triples import CoreTriplesFactory, TriplesFactory

import gneg
from gneg import TripleConfig, datasets
from gneg.datasets import Names
from gneg.evaluation.triple import evaluate_triples
from gneg.integrations.pykeen import (
    PykeenScorer,
    factories,
    pipeline_config,
    trained_model,
)
from gneg.training.presets import preset
from tests.triple_worlds import random as random_triples

pytestmark = pytest.mark.filterwarnings("ignore")
SMALL = {"dim": 16, "epochs": 20, "batch_size": 128}
MODELS = [TransE, DistMult, ComplEx, RotatE, TuckER, ConvE]


@pytest.fixture(scope="module")
def data(shared):
    return datasets.load_triples("nations", root=shared)


def shuffled(factory: TriplesFactory, inverse: bool, more: tuple[str, ...]) -> TriplesFactory:
    """The same triples with other ids, and entities that no triple has."""
    labels = [*reversed(factory.entity_to_id), *more]
    entities = {name: i for i, name in enumerate(labels[1:] + labels[:1])}
    relations = {name: i for i, name in enumerate(sorted(factory.relation_to_id, key=hash))}
    rows = [(entities[h], relations[r], entities[t]) for h, r, t in factory.triples]
    return TriplesFactory(torch.tensor(rows), entities, relations, create_inverse_triples=inverse)


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("model_class", MODELS)
def test_blocks_and_rows_are_what_pykeen_predicts(data, model_class, inverse):
    training = factories(data, create_inverse_triples=inverse).training
    model = model_class(triples_factory=training, embedding_dim=12, random_seed=0)
    scorer = PykeenScorer(model, data, training)
    head, relation, tail = data.test[:, :7]
    index = torch.arange(14).repeat(7, 1)[:, torch.tensor([3, 0, 3, 13])]
    for end, entity in (("tail", head), ("head", tail)):
        rows = scorer.rows(entity, relation, end)
        assert rows.shape == (7, 14)
        block = scorer.block(entity, relation, index, end)
        assert torch.allclose(block, rows.gather(1, index), atol=1e-5)
    forward = scorer.rows(head, relation, "tail").gather(1, tail[:, None])[:, 0]
    assert torch.allclose(scorer(head, relation, tail), forward, atol=1e-5)
    shape = head.view(7, 1), relation.view(7, 1), tail.view(7, 1)
    assert scorer(*shape).shape == (7, 1)
    assert scorer.rows(head[:0], relation[:0], "tail").shape == (0, 14)


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("relabelled", [False, True])
def test_ranks_are_those_of_pykeens_evaluator(data, inverse, relabelled):
    parts = list(factories(data, create_inverse_triples=inverse))
    if relabelled:
        parts[0] = shuffled(parts[0], inverse, ())
        ids = {name: getattr(parts[0], name) for name in ("entity_to_id", "relation_to_id")}
        parts[1:] = [TriplesFactory.from_labeled_triples(p.triples, **ids) for p in parts[1:]]
    model = DistMult(triples_factory=parts[0], embedding_dim=8, random_seed=1)
    results = RankBasedEvaluator(filtered=True).evaluate(
        model,
        parts[2].mapped_triples,
        additional_filter_triples=[part.mapped_triples for part in parts[:2]],
        batch_size=64,
        use_tqdm=False,
    )
    scorer = PykeenScorer(model, data, parts[0])
    ours = evaluate_triples(scorer.rows, data)
    for end, metrics in (("both", ours), *ours["end"].items()):
        for name, theirs in (
            ("mrr", "inverse_harmonic_mean_rank"),
            ("mr", "arithmetic_mean_rank"),
            ("hits@10", "hits_at_10"),
        ):
            expected = results.get_metric(f"{end}.realistic.{theirs}")
            assert metrics[name] == pytest.approx(expected, rel=1e-6)


def test_ids_are_translated_by_labels(data):
    """The same vectors under other ids give the same scores."""
    training = factories(data).training
    model = DistMult(triples_factory=training, embedding_dim=8, random_seed=1)
    other = shuffled(training, False, ("atlantis",))
    moved = DistMult(triples_factory=other, embedding_dim=8, random_seed=2)
    weights = {}
    for name, ids, old_ids in (
        ("entity", other.entity_to_id, training.entity_to_id),
        ("relation", other.relation_to_id, training.relation_to_id),
    ):
        key = f"{name}_representations.0._embeddings.weight"
        weights[key] = moved.state_dict()[key].clone()
        for label, i in old_ids.items():
            weights[key][ids[label]] = model.state_dict()[key][i]
    moved.load_state_dict(weights, strict=False)
    scorers = PykeenScorer(model, data, training), PykeenScorer(moved, data, other)
    head, relation, tail = data.test
    for of in (
        lambda scorer: scorer(head, relation, tail),
        lambda scorer: scorer.rows(tail, relation, "head"),
        lambda scorer: scorer.block(head, relation, tail[:, None], "tail"),
    ):
        assert torch.allclose(*map(of, scorers), atol=1e-6)
    pairs = ((model, training), (moved, other))
    answers = [trained_model(instance, data, factory) for instance, factory in pairs]
    assert torch.allclose(*(each.embeddings() for each in answers))
    assert torch.allclose(*(each.relation_embeddings() for each in answers))


def test_triples_that_the_model_was_trained_on_are_counted(data):
    """The factory of another split, with other ids."""
    training = factories(data).training
    leaky = replace(data, train=torch.cat([data.train, data.test[:, :2]], dim=1))
    other = shuffled(factories(leaky).training, False, ())
    model = DistMult(triples_factory=other, embedding_dim=4)
    total = data.test.size(1)
    with pytest.warns(UserWarning, match=f"2 of {total} test triples of .* are training triples"):
        PykeenScorer(model, data, other)
    PykeenScorer(DistMult(triples_factory=training, embedding_dim=4), data, training)


def test_models_of_other_entities_are_refused(data):
    bare = CoreTriplesFactory(data.train.t(), num_entities=15, num_relations=55)
    model = DistMult(triples_factory=bare, embedding_dim=4)
    for factory in (None, bare, factories(replace(data, entities=None, relations=None)).training):
        with pytest.raises(ValueError, match="'model' must be a model of 14 entities, as many as"):
            PykeenScorer(model, data, factory)
    training = factories(data).training
    model = DistMult(triples_factory=training, embedding_dim=4)
    names = Names(["gondor", *data.entities[1:]])
    with pytest.raises(ValueError, match=r"labels of all entities of data .got none of 'gondor'"):
        PykeenScorer(model, replace(data, entities=names), training)


def test_factories_have_the_ids_and_names_of_the_data(data):
    made = factories(data, create_inverse_triples=True)
    for part, factory in zip(("train", "valid", "test"), made, strict=True):
        assert torch.equal(factory.mapped_triples, data.positives(part).t())
        assert [factory.entity_id_to_label[i] for i in range(14)] == list(data.entities)
        assert [factory.relation_id_to_label[i] for i in range(55)] == list(data.relations)
    assert made.training.create_inverse_triples
    assert not made.testing.create_inverse_triples
    bare = replace(data, entities=None, relations=None, valid=data.valid[:, :0])
    assert type(factories(bare).training) is CoreTriplesFactory
    assert factories(bare).validation is None
    half = factories(replace(data, entities=None)).testing
    assert half.entity_to_id["3"] == 3
    assert half.relation_to_id[data.relations[3]] == 3


@pytest.mark.slow
def test_models_are_audited_and_asked(data):
    config = pipeline_config(TripleConfig(**{**preset("distmult-n3"), **SMALL}))
    del config["pipeline"]["stopper"], config["pipeline"]["stopper_kwargs"]
    parts = factories(data, create_inverse_triples=True)
    result = pipeline_from_config(config, **parts._asdict(), use_tqdm=False)
    scorer = PykeenScorer(result.model, data, parts.training)
    assert evaluate_triples(scorer.rows, data)["mrr"] > 0.5  # 0.33 by chance
    audit = [
        gneg.audit(data, sampler, score=scorer, k=1, negatives=1_000)["violating"]
        for sampler in ("uniform", "hardest(uniform, m=8)")
    ]
    assert audit[1] > audit[0] + 0.1
    model = trained_model(result.model, data, parts.training)
    assert repr(model).startswith("TripleModel(DistMult, ")
    table = model.predict_target(head="brazil", relation="embassy", k=5, why=True)
    assert not table["known"].any()
    assert table["probability"].between(0, 1).all()
    row = table.iloc[0]
    np.testing.assert_allclose(model.score(row["head"], row["relation"], row["tail"]), row["score"])
    assert len(model.predict_target(head="brazil", tail="uk", k=3)) == 3
    assert model.embeddings().shape == (14, 16)
    assert model.relation_embeddings().shape == (110, 16)


def test_message_passing_models_are_scored(data):
    training = factories(data, create_inverse_triples=True).training
    model = CompGCN(triples_factory=training, embedding_dim=8)
    scorer = PykeenScorer(model, data, training)
    assert 0 < evaluate_triples(scorer.rows, data)["mrr"] < 1


@pytest.mark.parametrize(
    ("model", "p"), [("transe", 1), ("transe", 2), ("distmult", 1), ("complex", 1), ("rotate", 1)]
)
def test_pykeens_model_has_the_same_score(data, model, p):
    """With the vectors of one of ours; distances of RotatE have another norm in PyKEEN."""
    config = TripleConfig(model=model, dim=6, epochs=1, p=p)
    options = pipeline_config(config)["pipeline"]["model_kwargs"]
    theirs = {"transe": TransE, "distmult": DistMult, "complex": ComplEx, "rotate": RotatE}[model]
    instance = theirs(
        triples_factory=factories(data).training, **options, regularizer=NoRegularizer()
    )
    ours = gneg.training.triple_models.make_triple_model(config, data)
    entity, relation = (table.weight.detach() for table in (ours.entity, ours.relation))
    if ours.complex:
        entity = torch.complex(*entity.chunk(2, dim=1))
        angles = torch.polar(torch.ones_like(relation), relation)
        relation = angles if model == "rotate" else torch.complex(*relation.chunk(2, dim=1))
    for table, values in (
        (instance.entity_representations, entity),
        (instance.relation_representations, relation),
    ):
        values = torch.view_as_real(values).flatten(1) if values.is_complex() else values
        weight = table[0]._embeddings.weight
        weight.data.copy_(values.view(weight.shape))
    scorer = PykeenScorer(instance, data)
    for end, row in (("tail", 0), ("head", 2)):
        ids = data.test[row], data.test[1], end
        expected = ours.scorer().rows(*ids)
        if model == "rotate":
            queries = ours.embed_queries(ours.tables(), *ids).detach().unsqueeze(1)
            difference = queries - ours.entity.weight.detach()
            expected = -torch.linalg.vector_norm(difference, dim=-1)
        assert torch.allclose(scorer.rows(*ids), expected, atol=1e-5)


def test_random_graphs_need_no_names():
    data = datasets.from_triples(random_triples(), shares=(0.15, 0.2))
    parts = factories(data)
    model = TransE(triples_factory=parts.training, embedding_dim=4)
    assert 0 < evaluate_triples(PykeenScorer(model, data).rows, data)["mrr"] < 1
