"""Models, filtered ranking, classification and training, against slow references and PyKEEN."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score
from torch_geometric.nn import kge as pyg

from gneg import datasets, evaluate
from gneg.datasets import TripleData
from gneg.evaluation.classify import classify as kg_classify
from gneg.evaluation.classify import threshold
from gneg.evaluation.triple import CATEGORIES, categories, evaluate_triples
from gneg.evaluation.triple import ranks as kg_ranks
from gneg.graph import Triples
from gneg.nn.kge import MODELS, CompGCN, ComplEx, DistMult, RotatE, TransE
from gneg.samplers.triples import TripleSampler
from gneg.training.config import TripleConfig
from gneg.training.driver import TrainingInterrupted
from gneg.training.driver import train as kg_train
from gneg.training.models import make_triple_model
from tests.triple_worlds import WORLDS


def world(seed: int = 0) -> TripleData:
    whole = WORLDS["sparse"]()
    return datasets.from_triples(whole, shares=(0.15, 0.2), seed=seed)


@pytest.mark.parametrize("encoder", ["none", "rgcn", "compgcn"])
@pytest.mark.parametrize("name", MODELS)
def test_a_query_is_scored_alike_in_every_way(name, encoder):
    data = world()
    config = TripleConfig(model=name, encoder=encoder, dim=8)
    if (name, encoder) == ("rotate", "compgcn"):
        with pytest.raises(ValueError, match="'encoder' must be rgcn where relations are narrower"):
            make_triple_model(config, data)
        return
    model = make_triple_model(config, data)
    neg = TripleSampler(data.triples).sample(
        data.train, 5, generator=torch.Generator().manual_seed(0)
    )
    pos_score, neg_score = model.score_both(data.train, neg)
    torch.testing.assert_close(pos_score, model(*data.train), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(neg_score, model(*neg.triples()), rtol=1e-4, atol=1e-5)
    head, relation, tail = data.train
    every = torch.arange(30)[None].expand(len(head), 30)
    ends = {
        "tail": (
            head,
            model(head[:, None].expand_as(every), relation[:, None].expand_as(every), every),
        ),
        "head": (
            tail,
            model(every, relation[:, None].expand_as(every), tail[:, None].expand_as(every)),
        ),
    }
    for end, (kept, expected) in ends.items():
        torch.testing.assert_close(model.rows(kept, relation, end), expected, rtol=1e-4, atol=1e-5)
        scorer = model.scorer()
        found = scorer.rows(kept, relation, end)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
        some = torch.randint(30, (len(kept), 7), generator=torch.Generator().manual_seed(1))
        block = scorer.block(kept, relation, some, end)
        torch.testing.assert_close(block, expected.gather(1, some), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.scorer()(*data.train), pos_score.detach())


def test_euclidean_distances_too():
    model, data = TransE(30, 3, 8, p=2), world()
    every = torch.arange(30)[None].expand(data.train.size(1), 30)
    block = model.scorer().block(data.train[0], data.train[1], every, "tail")
    expected = model.scorer().rows(data.train[0], data.train[1], "tail")
    torch.testing.assert_close(block, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_heads_are_asked_for_by_inverse_relations(name):
    model, data = MODELS[name](30, 3, 8, inverse=True), world()
    assert model.relation.num_embeddings == 6
    neg = TripleSampler(data.triples, corrupt="head").sample(data.train, 5)
    head, relation, tail = data.train
    turned, tables = MODELS[name](30, 6, 8), model.tables()
    turned.load_state_dict(model.state_dict())
    pos_score, neg_score = model.score_both(data.train, neg)
    torch.testing.assert_close(pos_score, turned(tail, relation + 3, head))
    kept, between = (one[:, None].expand(-1, 5) for one in (tail, relation + 3))
    torch.testing.assert_close(neg_score, turned(kept, between, neg.index))
    rows = model.rows(tail, relation, "head", tables)
    torch.testing.assert_close(rows, turned.rows(tail, relation + 3, "tail"))
    both = (turned(head, relation, tail) + turned(tail, relation + 3, head)) / 2
    torch.testing.assert_close(model(*data.train), both)
    torch.testing.assert_close(model.scorer()(*data.train), both)


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_compgcn_equals_messages_one_by_one(layers, inverse):
    data, dim = world(), 4
    torch.manual_seed(0)
    encoder = CompGCN(data.train, 30, 3, dim, layers=layers)
    entity, relation = torch.randn(30, dim, requires_grad=True), torch.randn(3 + 3 * inverse, dim)
    dropped = torch.tensor([0, 5, 6])
    found, between = encoder(entity, relation, dropped)
    kept = [i for i in range(data.train.size(1)) if i not in dropped.tolist()]
    x = entity
    for i, layer in enumerate(encoder.layers):
        x = x.tanh() if i else x
        out = []
        for v in range(30):
            along, against = [], []
            for h, r, t in data.train[:, kept].t().tolist():
                if t == v:
                    along.append(x[h] - relation[r])
                if h == v:
                    against.append(x[t] - (relation[3 + r] if inverse else -relation[r]))
            means = [
                torch.stack(some).mean(0) if some else torch.zeros(dim) for some in (along, against)
            ]
            own = layer.along(means[0]) + layer.against(means[1]) + layer.loop(x[v])
            out.append(own / 3)
        x, relation = torch.stack(out), layer.relation(relation)
    torch.testing.assert_close(found, x, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(between, relation, rtol=1e-4, atol=1e-5)
    weight = torch.randn_like(found)
    ours, theirs = (torch.autograd.grad((one * weight).sum(), entity)[0] for one in (found, x))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("encoder", ["rgcn", "compgcn"])
def test_no_message_passes_along_what_is_scored(encoder):
    data = world()
    model = make_triple_model(TripleConfig(model="distmult", encoder=encoder, dim=8), data)
    every = torch.arange(data.train.size(1))
    alone = model.tables(every)[0]
    model.entity.weight.data[1:] += 1.0
    torch.testing.assert_close(model.tables(every)[0][0], alone[0])
    assert not torch.equal(model.tables()[0][data.train[0, 0]], alone[data.train[0, 0]])


def test_scores_equal_pyg():
    """PyG's modules hold real and imaginary parts in tables of their own."""
    data = world()
    for ours, theirs in (
        (TransE(30, 3, 6, p=2), pyg.TransE(30, 3, 6, p_norm=2.0)),
        (DistMult(30, 3, 6), pyg.DistMult(30, 3, 6)),
        (ComplEx(30, 3, 6), pyg.ComplEx(30, 3, 6)),
    ):
        entity, relation = theirs.node_emb.weight, theirs.rel_emb.weight
        if isinstance(ours, ComplEx):
            entity = torch.cat([entity, theirs.node_emb_im.weight], dim=1)
            relation = torch.cat([relation, theirs.rel_emb_im.weight], dim=1)
        ours.entity.weight.data, ours.relation.weight.data = entity.data, relation.data
        expected = theirs(*data.train)
        if isinstance(ours, TransE):  # PyG normalises entities while it scores
            ours.entity.weight.data = torch.nn.functional.normalize(entity.data, dim=1)
        torch.testing.assert_close(ours(*data.train), expected, rtol=1e-4, atol=1e-5)
    ours, theirs = RotatE(30, 3, 6), pyg.RotatE(30, 3, 6, margin=0.0)
    both = torch.cat([theirs.node_emb.weight, theirs.node_emb_im.weight], dim=1)
    ours.entity.weight.data, ours.relation.weight.data = both.data, theirs.rel_emb.weight.data
    # PyG takes the norm over all moduli; the paper, and we, their sum.
    query = ours.query(ours.entity(data.train[0]), ours.relation(data.train[1]), "tail")
    real, imaginary = (query - ours.entity(data.train[2])).chunk(2, dim=1)
    norm = (real**2 + imaginary**2).sum(1).sqrt()
    torch.testing.assert_close(-norm, theirs(*data.train), rtol=1e-4, atol=1e-5)


def slow_rank(score, known: set, row: tuple[int, int, int], end: str, n: int) -> float:
    h, r, t = row
    own = score[h, r, t]
    others = []
    for e in range(n):
        other = (h, r, e) if end == "tail" else (e, r, t)
        if other not in known and other != row:
            others.append(score[other])
    others = np.array(others)
    return 1 + (others > own).sum() + (others == own).sum() / 2


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 40))
def test_filtered_ranks_equal_the_slow_reference(seed, levels):
    data = world(seed)
    generator = torch.Generator().manual_seed(seed)
    table = torch.randint(levels, (30, 3, 30), generator=generator).float()

    def rows(kept, relation, end):
        return table[kept, relation] if end == "tail" else table[:, relation, kept].permute(1, 0)

    known = set(map(tuple, torch.cat([data.train, data.valid, data.test], 1).t().tolist()))
    found = kg_ranks(rows, data.test, data.known("all"))
    for end in ("head", "tail"):
        expected = [
            slow_rank(table.numpy(), known, tuple(row), end, 30) for row in data.test.t().tolist()
        ]
        assert found[end][0].tolist() == expected
    told = evaluate_triples(rows, data)
    assert evaluate(data, rows) == told
    with pytest.raises(ValueError, match="'sets' must be None for a knowledge graph"):
        evaluate(data, rows, sets={})
    every = torch.cat([found["head"][0], found["tail"][0]])
    assert told["mrr"] == pytest.approx(float(every.reciprocal().mean()))
    assert told["hits@10"] == pytest.approx(float((every <= 10).double().mean()))
    parts = [one for by_end in told["category"].values() for one in by_end.values()]
    assert sum(one["triples"] for one in parts) == 2 * data.test.size(1)
    assert sum(one["triples"] for one in told["relation"].values()) == 2 * data.test.size(1)


@pytest.mark.filterwarnings("ignore")
def test_ranks_equal_pykeen(shared):
    evaluation = pytest.importorskip("pykeen.evaluation")
    from pykeen.models import DistMult as Theirs
    from pykeen.triples import CoreTriplesFactory

    data = datasets.load_triples("umls", root=shared)
    torch.manual_seed(0)
    parts = [
        CoreTriplesFactory(
            part.t(), num_entities=data.num_entities, num_relations=data.num_relations
        )
        for part in (data.train, data.valid, data.test)
    ]
    model = Theirs(triples_factory=parts[0], embedding_dim=16, random_seed=0)
    # Few distinct scores, so that ties count.
    for table in (model.entity_representations[0], model.relation_representations[0]):
        weight = next(table.parameters())
        weight.data = weight.data.sign()
    theirs = evaluation.RankBasedEvaluator().evaluate(
        model,
        parts[2].mapped_triples,
        additional_filter_triples=[parts[0].mapped_triples, parts[1].mapped_triples],
        batch_size=64,
        use_tqdm=False,
    )

    def rows(kept, relation, end):
        with torch.no_grad():
            if end == "tail":
                return model.score_t(torch.stack([kept, relation], dim=1))
            return model.score_h(torch.stack([relation, kept], dim=1))

    ours = evaluate_triples(rows, data)
    names = {
        "mrr": "inverse_harmonic_mean_rank",
        "mr": "arithmetic_mean_rank",
        "amr": "adjusted_arithmetic_mean_rank",
        "hits@1": "hits_at_1",
        "hits@3": "hits_at_3",
        "hits@10": "hits_at_10",
    }
    for name, theirs_name in names.items():
        assert ours[name] == pytest.approx(
            theirs.get_metric(f"both.realistic.{theirs_name}"), rel=1e-5
        )
        for end in ("head", "tail"):
            value = theirs.get_metric(f"{end}.realistic.{theirs_name}")
            assert ours["end"][end][name] == pytest.approx(value, rel=1e-5)


def test_categories_are_those_of_bordes():
    rows = [(0, 0, 1), (2, 0, 3)]  # 1-1
    rows += [(0, 1, t) for t in range(1, 5)]  # 1-N
    rows += [(h, 2, 9) for h in range(4)]  # N-1
    rows += [(h, 3, t) for h in range(3) for t in range(5, 8)]  # N-N
    found = categories(Triples(torch.tensor(rows).t(), 10, 5))
    assert [CATEGORIES[i] for i in found] == ["1-1", "1-N", "N-1", "N-N", "1-1"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=20))
def test_the_threshold_is_the_best_there_is(rows):
    values = np.array([float(value) for value, _ in rows])
    label = np.array([true for _, true in rows])
    best = max(accuracy_score(label, values >= cut) for cut in [*(values - 0.5), 99.0])
    assert accuracy_score(label, values >= threshold(values, label)) == pytest.approx(best)


def test_triples_are_classified_against_verified_negatives(shared):
    data = datasets.load_triples("codex-s", root=shared)
    true = data.known("all")
    told = kg_classify(lambda h, r, t: true.contains(torch.stack([h, r, t])).float(), data)
    assert told["accuracy"] == told["f1"] == told["valid"]["accuracy"] == 1.0
    chance = kg_classify(lambda h, r, t: torch.zeros(len(h)), data)
    assert chance["one_threshold"]["accuracy"] == pytest.approx(0.5, abs=0.01)
    labels = [(data.positives(part)[1], data.verified[part][1]) for part in ("valid", "test")]
    right = 0
    for r in range(data.num_relations):
        counts = [[int((end == r).sum()) for end in part] for part in labels]
        right += counts[1][0 if counts[0][0] >= counts[0][1] else 1]
    assert chance["accuracy"] == pytest.approx(right / chance["triples"], abs=0.01)
    with pytest.raises(ValueError, match="'data' must be a TripleData with verified negatives"):
        kg_classify(lambda h, r, t: torch.zeros(len(h)), world())


@pytest.mark.parametrize(
    ("name", "options", "least"),
    [
        ("umls", {"model": "transe"}, 0.55),
        ("umls", {"model": "complex", "loss": "softmax", "k": 32, "n3": 0.1}, 0.65),
        ("kinship", {"model": "rotate"}, 0.5),
        ("kinship", {"model": "distmult", "loss": "1vsall"}, 0.45),
        ("nations", {"model": "complex", "loss": "bce", "n3": 1e-3}, 0.4),
        ("umls", {"model": "complex", "inverse": True, "loss": "softmax", "k": 32}, 0.65),
        ("umls", {"model": "distmult", "encoder": "compgcn", "batch_size": 2048}, 0.4),
        (
            "nations",
            {"model": "distmult", "encoder": "rgcn", "inverse": True, "batch_size": 1024},
            0.4,
        ),
    ],
)
def test_models_learn_real_graphs(name, options, least, shared):
    data = datasets.load_triples(name, root=shared)
    settings = {"dim": 50, "lr": 0.02, "epochs": 60, "eval_every": 20, "batch_size": 512}
    result = kg_train(data, TripleConfig(**{**settings, **options}))
    assert result["summary"]["test"]["mrr"]["mean"] > least


@pytest.mark.parametrize("sampler", ["hardest(uniform, m=8)", "cached(uniform, size=8, m=8)"])
def test_runs_go_on_where_they_stopped(tmp_path, sampler):
    data = world()
    config = TripleConfig(
        dim=8, sampler=sampler, k=2, epochs=6, eval_every=2, batch_size=32, patience=9
    )
    whole = kg_train(data, config)

    def stop(seed, state):
        if state["epoch"] == 4:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted) as stopped:
        kg_train(data, config, out=tmp_path, report=stop)
    first = stopped.value.results
    assert not first["runs"][0]["complete"]
    second = kg_train(data, config, out=tmp_path)
    assert second["runs"][0]["complete"]
    assert second["summary"]["test"]["mrr"] == whole["summary"]["test"]["mrr"]
    assert json.loads((tmp_path / "results.json").read_text())["config"]["sampler"] == sampler
    assert (tmp_path / "model-0.pt").exists()
    with pytest.raises(ValueError, match="'out' must be a new folder"):
        kg_train(data, TripleConfig(dim=9), out=tmp_path)


def test_sparse_gradients_learn_what_dense_ones_do():
    data = world()
    runs = [
        kg_train(data, TripleConfig(dim=8, epochs=20, sparse=sparse, batch_size=32))
        for sparse in (False, True)
    ]
    losses = [run["runs"][0]["curve"][-1]["loss"] for run in runs]
    assert losses[1] == pytest.approx(losses[0], rel=0.3)
