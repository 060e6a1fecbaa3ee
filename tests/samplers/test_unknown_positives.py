"""Negatives of triples that are not known: never the positive itself, and rows are full."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gneg.graph import KnownTriples, Triples
from gneg.samplers.triples import TripleSampler
from tests.contract.cases import seeded
from tests.samplers.triple_cases import draw, every_case, make, score
from tests.triple_worlds import loops, random


def check(neg, pos: torch.Tensor, known: KnownTriples, *, unique: bool) -> None:
    """Each row holds K entities, or each entity that is left once."""
    positives = set(map(tuple, known.triples.t().tolist()))
    short = 0
    heads, _, tails = neg.triples()
    for i in range(pos.size(1)):
        h, r, t = pos[:, i].tolist()
        swapped = bool(neg.side[i]) if isinstance(neg.side, torch.Tensor) else neg.side == "src"
        entities = (heads if swapped else tails)[i][neg.mask[i]].tolist()
        left = {
            e
            for e in range(known.num_entities)
            if ((e, r, t) if swapped else (h, r, e)) not in positives | {(h, r, t)}
        }
        assert set(entities) <= left
        assert len(entities) == min(neg.index.size(1), len(left))
        if unique or len(left) < neg.index.size(1):
            assert len(set(entities)) == len(entities)
        short += len(left) < neg.index.size(1)
    assert neg.counts["short"] == short


def with_other_ends(triples: Triples, size: int, end: str, seed: int) -> torch.Tensor:
    """Known triples, with a random entity at their ``end`` in all but the first two."""
    rows = torch.arange(size) % triples.num_triples
    pos = triples.triples[:, rows].clone()
    entities = torch.randint(triples.num_entities, (size - 2,), generator=seeded(seed))
    pos[0 if end == "head" else 2, 2:] = entities
    return pos


@every_case
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_rows_are_full_and_without_the_positive(case, data):
    """For known and unknown positives in one call, few entities and many draws."""
    seed = data.draw(st.integers(0, 50))
    n, size = data.draw(st.integers(3, 14)), data.draw(st.integers(1, 40))
    unique = data.draw(st.booleans())
    triples = random(n, 2, size, seed)
    corrupt = data.draw(st.sampled_from(["head", "tail"]))
    sampler = make(triples, case, unique=unique, corrupt=corrupt)
    pos = with_other_ends(triples, 6, corrupt, seed)
    for call in range(2):
        neg = draw(sampler, pos, data.draw(st.integers(1, n + 2)), seed=call)
        check(neg, pos, sampler.known, unique=unique)
        sampler.step(score=score)


@pytest.mark.parametrize("unique", [True, False])
@pytest.mark.parametrize("k", [4, 9, 10])
def test_rows_of_unknown_positives_hold_all_that_is_left(k, unique):
    """Of 12 entities two are known and one is the positive; ten draws of one row may miss it."""
    triples = Triples(torch.tensor([[0, 0], [0, 0], [1, 2]]), 12, 1)
    sampler = TripleSampler(triples, corrupt="tail", unique=unique)
    for seed in range(12):
        pos = torch.tensor([[0], [0], [5]]).repeat(1, seed + 1)
        neg = sampler.sample(pos, k, generator=seeded(seed))
        assert (neg.mask.sum(dim=1) == min(k, 9)).all()
        check(neg, pos, sampler.known, unique=unique)


@pytest.mark.parametrize("sampler", ["typed", "relwalk", "walk(per_relation=1)"])
def test_a_pool_of_the_positive_alone_is_left_for_others(sampler):
    """Nine entities are left, though the sampler proposes only the positive."""
    triples = Triples(torch.tensor([[0, 0, 3], [0, 0, 0], [1, 2, 5]]), 12, 1)
    for expression in (sampler, f"guarded(hardest({sampler}, m=8), relative_margin=0.5)"):
        neg = draw(
            TripleSampler(triples, expression, corrupt="tail"), torch.tensor([[0], [0], [5]]), 4
        )
        assert neg.mask.all()
        assert not (neg.index == 5).any()


def test_uniform_negatives_of_an_unknown_positive_are_uniform():
    """Chi-square over the entities that are left, with repeats and without."""
    triples = loops()
    pos = torch.tensor([[0], [1], [4]]).repeat(1, 6000)
    left = [e for e in range(12) if e not in (1, 4)]  # (0, 1, 1) is known
    for unique in (False, True):
        sampler = TripleSampler(triples, corrupt="tail", unique=unique)
        neg = sampler.sample(pos, 3, generator=seeded())
        counts = np.bincount(neg.index[:, 0].numpy(), minlength=12)[left]
        expected = counts.sum() / len(left)
        assert counts.sum() == 6000
        # 9 degrees of freedom: 33.7 is exceeded once in ten thousand runs.
        assert ((counts - expected) ** 2 / expected).sum() < 33.7


def test_adaptive_samplers_learn_from_unknown_positives():
    """The rows that drew their positive are drawn again within the same call."""
    triples = random(8, 2, 20)
    sampler = make(triples, "adversarial", corrupt="tail")
    pos = with_other_ends(triples, 30, "tail", 0)
    draw(sampler, pos, 4)
    rows = [len(query.rows) for query, _ in next(iter(sampler.parts.values()))._pending[1]]
    assert max(rows) == pos.size(1)
