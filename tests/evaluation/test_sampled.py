"""Ranks among lists of negatives, against a slow loop and OGB's evaluator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from gneg import datasets
from gneg.datasets import TripleData
from gneg.evaluation.sampled import evaluate_official, evaluate_sampled
from gneg.nn.kge import DistMult
from gneg.rng import split_seed
from gneg.samplers.triples import TripleSampler
from gneg.training.config import TripleConfig
from gneg.training.driver import train as kg_train
from tests.triple_worlds import WORLDS

ENDS = ("head", "tail")


def world() -> TripleData:
    return datasets.from_triples(WORLDS["sparse"](), shares=(0.15, 0.2), seed=3)


@pytest.mark.parametrize("name", ["uniform", "typed", "khop(hops=2)", "walk"])
def test_each_triple_is_ranked_among_its_own_negatives(name):
    data, model = world(), DistMult(30, 3, 4)
    scorer, known = model.scorer(), data.known("all")
    metrics = evaluate_sampled(scorer, data, samplers=[name], negatives=9, seed=5)[name]
    known_triples = set(map(tuple, known.triples.t().tolist()))
    ranks, positive = [], scorer(*data.test)
    for i, end in enumerate(ENDS):
        sampler = TripleSampler(data.triples, name, known=known, corrupt=end, unique=True)
        source = torch.Generator().manual_seed(split_seed(5, i))
        drawn = sampler.sample(data.test, 9, generator=source)
        triples = torch.stack(drawn.triples())
        for row in range(data.test.size(1)):
            negatives = triples[:, row][:, drawn.mask[row]]
            assert known_triples.isdisjoint(map(tuple, negatives.t().tolist()))
            ranks.append(1 + int((scorer(*negatives) > positive[row] + 1e-6).sum()))
    assert metrics["mrr"] == pytest.approx(np.mean(1 / np.array(ranks)), abs=1e-6)
    assert metrics["triples"] == 2 * data.test.size(1)
    repeated = evaluate_sampled(scorer, data, samplers=[name], negatives=9, seed=5)[name]
    assert repeated == metrics


@pytest.mark.slow
def test_hard_negatives_are_harder_on_real_triples(shared):
    data = datasets.load_triples("codex-s", root=shared)
    summary = kg_train(data, TripleConfig(dim=32, epochs=10, lr=0.02))["summary"]
    sampled = {name: values["mrr"]["mean"] for name, values in summary["sampled"].items()}
    assert sampled["typed"] < sampled["uniform"] - 0.05
    assert summary["test"]["mrr"]["mean"] < sampled["uniform"]


def test_official_lists_are_ranked_as_ogb_does():
    evaluator = pytest.importorskip("ogb.linkproppred").Evaluator("ogbl-biokg")
    data, model = world(), DistMult(30, 3, 4)
    model.entity.weight.data = model.entity.weight.data.sign()  # ties
    model.relation.weight.data = model.relation.weight.data.sign()
    generator = torch.Generator().manual_seed(0)
    lists = {}
    for part in ("valid", "test"):
        size = data.positives(part).size(1), 20
        lists[part] = {end: torch.randint(30, size, generator=generator) for end in ENDS}
    data = replace(data, negatives=lists)
    scorer = model.scorer()
    metrics = evaluate_official(scorer, data)
    expected: dict[str, list[float]] = {}
    head, relation, tail = (ids[:, None].expand(-1, 20) for ids in data.test)
    for end in ENDS:
        index = lists["test"][end]
        scores = scorer(*((index, relation, tail) if end == "head" else (head, relation, index)))
        ogb_metrics = evaluator.eval({"y_pred_pos": scorer(*data.test), "y_pred_neg": scores})
        for name, values in ogb_metrics.items():
            expected.setdefault(name, []).extend(values.tolist())
    assert metrics["mrr"] == pytest.approx(np.mean(expected["mrr_list"]), rel=1e-5)
    for k in (1, 3, 10):
        assert metrics[f"hits@{k}"] == pytest.approx(np.mean(expected[f"hits@{k}_list"]), rel=1e-5)
    result = kg_train(data, TripleConfig(dim=8, epochs=2, eval_every=1))
    assert "negatives that came with the data" in result["protocol"]["ranked"]
    assert result["summary"]["test"]["mr"]["mean"] <= 21
    with pytest.raises(ValueError, match="'data' must be a TripleData with official negatives"):
        evaluate_official(scorer, world())
