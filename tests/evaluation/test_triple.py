"""Filtered ranks of triples against a slow reference and PyKEEN."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gneg import datasets, evaluate
from gneg.evaluation.triple import CATEGORIES, categories, evaluate_triples, ranks
from gneg.graph import Triples
from tests.triple_worlds import sparse_data


def slow_rank(score, known: set, row: tuple[int, int, int], end: str, n: int) -> float:
    h, r, t = row
    negatives = []
    for e in range(n):
        triple = (h, r, e) if end == "tail" else (e, r, t)
        if triple not in known and triple != row:
            negatives.append(score[triple])
    negatives = np.array(negatives)
    return 1 + (negatives > score[row]).sum() + (negatives == score[row]).sum() / 2


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 40))
def test_filtered_ranks_equal_the_slow_reference(seed, levels):
    data = sparse_data(seed)
    generator = torch.Generator().manual_seed(seed)
    table = torch.randint(levels, (30, 3, 30), generator=generator).float()

    def rows(entity, relation, end):
        if end == "tail":
            return table[entity, relation]
        return table[:, relation, entity].permute(1, 0)

    known = set(map(tuple, torch.cat([data.train, data.valid, data.test], 1).t().tolist()))
    by_end = ranks(rows, data.test, data.known("all"))
    for end in ("head", "tail"):
        expected = [
            slow_rank(table.numpy(), known, tuple(row), end, 30) for row in data.test.t().tolist()
        ]
        assert by_end[end][0].tolist() == expected
    metrics = evaluate_triples(rows, data)
    assert evaluate(data, rows, resamples=0).items() >= metrics.items()
    rank = torch.cat([by_end["head"][0], by_end["tail"][0]])
    assert metrics["mrr"] == pytest.approx(float(rank.reciprocal().mean()))
    assert metrics["hits@10"] == pytest.approx(float((rank <= 10).double().mean()))
    parts = [part for ends in metrics["category"].values() for part in ends.values()]
    assert sum(part["triples"] for part in parts) == 2 * data.test.size(1)
    assert sum(part["triples"] for part in metrics["relation"].values()) == 2 * data.test.size(1)


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

    def rows(entity, relation, end):
        with torch.no_grad():
            if end == "tail":
                return model.score_t(torch.stack([entity, relation], dim=1))
            return model.score_h(torch.stack([relation, entity], dim=1))

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
    index = categories(Triples(torch.tensor(rows).t(), 10, 5))
    assert [CATEGORIES[i] for i in index] == ["1-1", "1-N", "N-1", "N-N", "1-1"]
