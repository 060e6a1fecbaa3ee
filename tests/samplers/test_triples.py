"""The contract of samplers, for every sampler of triples in every world."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
import torch

from gneg import kernels, samplers
from gneg.graph import KnownTriples, Triples
from gneg.samplers import formats, triples
from gneg.samplers.triples import TripleSampler
from gneg.samplers.triples.build import NAMES, SELECTORS
from tests.samplers.triple_cases import (
    CASES,
    draw,
    every_case,
    free,
    make,
    positives,
    score,
    swapped,
)
from tests.triple_worlds import WORLDS, random
from tests.worlds import naming


def test_every_name_has_a_case():
    assert {case.split("-")[0] for case in CASES} == {*NAMES, *SELECTORS}
    assert {*SELECTORS} <= {*samplers.SAMPLERS}
    assert {"Itself", "OnEntities", "TripleSampler", "Typed", "View", "build"} == set(
        triples.__all__
    )


@every_case
def test_never_a_known_triple_never_the_positive(case):
    """In every world, for every end, before a sampler has learned and after."""
    for world, corrupt in itertools.product(WORLDS, ("both", "head", "tail", "bernoulli")):
        triples = WORLDS[world]()
        sampler = make(triples, case, corrupt=corrupt)
        pos = positives(triples)
        before = pos.clone()
        for seed in (7, 8):
            neg = draw(sampler, pos, 6, seed)
            assert torch.equal(pos, before)
            with naming(f"{world}, corrupt={corrupt}"):
                check_exact_and_full(neg, pos, sampler)
            sampler.step(score=score)


def check_exact_and_full(neg, pos: torch.Tensor, sampler: TripleSampler) -> None:
    assert neg.index.shape == neg.mask.shape == (24, 6)
    head, relation, tail = neg.triples()
    assert (relation == pos[1][:, None]).all()
    assert not sampler.known.contains(torch.stack([head, relation, tail]))[neg.mask].any()
    turned = swapped(neg)[:, None].expand_as(head)
    assert (head[~turned] == pos[0][:, None].expand_as(head)[~turned]).all()
    assert (tail[turned] == pos[2][:, None].expand_as(tail)[turned]).all()
    if sampler.corrupt in ("head", "tail"):
        assert neg.side == {"head": "src", "tail": "dst"}[sampler.corrupt]
    left_of = free(sampler.known)
    for i, (h, r, t) in enumerate(pos.t().tolist()):
        query, end = ((t, r), "head") if swapped(neg)[i] else ((h, r), "tail")
        left = left_of(query, end)
        assert int(neg.mask[i].sum()) == min(6, len(left))
        if len(left) < 6:
            assert set(neg.index[i][neg.mask[i]].tolist()) == left


@every_case
def test_same_state_same_result(case):
    triples = random(60, 4, 800)
    pos = positives(triples, 300)
    results = []
    for threads in (1, 2, 5):
        kernels.threads.set_num_threads(threads)
        results.append(draw(make(triples, case), pos, 40))
    loaded = draw(pickle.loads(pickle.dumps(make(triples, case))), pos, 40)
    for result in (*results[1:], loaded):
        assert torch.equal(results[0].index, result.index)
        assert torch.equal(swapped(results[0]), swapped(result))
    assert not torch.equal(results[0].index, draw(make(triples, case), pos, 40, seed=8).index)


@pytest.mark.parametrize("case", ["uniform", "typed", "hardest", "mixture"])
def test_an_unknown_positive_is_not_its_own_negative(case):
    """Positives of validation, when only training triples are known."""
    triples = WORLDS["sparse"]()
    edges = [(0, 0, t) for t in range(1, 30)] + [(e, 2, 29 - e) for e in range(12)]
    known = set(map(tuple, triples.triples.t().tolist()))
    queries = {(h, r) for h, r, _ in known}, {(t, r) for _, r, t in known}
    pos = torch.tensor(
        [
            row
            for row in edges
            if row not in known
            and row[0] != row[2]
            and (row[0], row[1]) in queries[0]
            and (row[2], row[1]) in queries[1]
        ]
    ).t()
    assert pos.size(1) > 15
    sampler = make(triples, case)
    for seed in range(20):
        neg = draw(sampler, pos, 12, seed)
        positive = torch.where(neg.side, pos[0], pos[2])[:, None]
        assert not ((neg.index == positive) & neg.mask).any()
        assert neg.mask.float().mean() > 0.95


def test_the_end_does_not_depend_on_the_place_in_the_batch():
    triples = random(60, 4, 800)
    pos = positives(triples, 400)
    share = np.mean([draw(make(triples, "uniform"), pos, 1, seed).side for seed in range(50)], 0)
    assert share.mean() == pytest.approx(0.5, abs=0.02)
    assert share[:200].mean() == pytest.approx(share[200:].mean(), abs=0.03)


@pytest.mark.parametrize("rows", [1, 7, 16])
def test_both_ends_get_half_of_the_rows(rows):
    triples = random(60, 4, 800)
    pos = positives(triples, rows)
    counts = {int(draw(make(triples, "uniform"), pos, 1, seed).side.sum()) for seed in range(30)}
    assert counts == {rows // 2, (rows + 1) // 2}


@pytest.mark.parametrize("corrupt", ["both", "bernoulli"])
def test_a_row_without_negatives_gets_them_at_the_other_end(corrupt):
    """Every entity is a known tail of (0, 0)."""
    triples = Triples(torch.tensor([(0, 0, t) for t in range(6)]).t(), 6, 1)
    for seed in range(10):
        neg = draw(make(triples, "uniform", corrupt=corrupt), triples.triples, 3, seed)
        assert neg.mask.all()
        assert neg.side.all()
        assert (neg.index > 0).all()


@pytest.mark.parametrize("case", ["uniform", "typed"])
def test_rows_without_negatives_at_either_end_get_them_at_the_other_one(case):
    """Every entity is a known tail of (0, 0), and a known head of (1, 0)."""
    rows = [(0, 0, t) for t in range(6)] + [(h, 1, 0) for h in range(6)]
    triples = Triples(torch.tensor(rows).t(), 6, 2)
    for seed in range(10):
        neg = draw(make(triples, case), triples.triples, 3, seed)
        assert neg.mask.all()
        assert torch.equal(neg.side, triples.triples[1] == 0)
        assert not KnownTriples(triples).contains(torch.stack(neg.triples())).any()


def test_uniform_negatives_of_a_function_keep_to_its_known_edges():
    """A sampler whose known edges are not those of the views, but of the graph."""
    triples = random(30, 2, 60)
    known = KnownTriples(triples, positives(random(30, 2, 400), 300))
    pos, k = triples.triples, 25
    loose = TripleSampler(triples, lambda view: samplers.Uniform(view.graph), known=known)
    strict = TripleSampler(
        triples, lambda view: samplers.Uniform(view.graph, **view.options), known=known
    )
    for sampler, finds_some in ((loose, True), (strict, False)):
        neg = draw(sampler, pos, k)
        assert known.contains(torch.stack(neg.triples()))[neg.mask].any() == finds_some


def test_bernoulli_is_sane_for_unseen_relations():
    rows = [(0, 0, t) for t in range(1, 9)] + [(e, 1, 9) for e in range(8)]
    triples = Triples(torch.tensor(rows).t(), 12, 3)
    share = make(triples, "uniform", corrupt="bernoulli").head_share
    # Relation 0: one head has 8 tails, a tail one head. Relation 1 the other way round.
    np.testing.assert_allclose(share, [8 / 9, 1 / 9, 0.5])


def test_adaptive_state_goes_on():
    triples = random(60, 4, 800)
    pos = positives(triples, 100)
    first, second = (make(triples, "curriculum") for _ in range(2))
    first.end_epoch()
    first.end_epoch()
    second.load_state_dict(first.state_dict())
    assert torch.equal(draw(first, pos, 3).index, draw(second, pos, 3).index)
    with pytest.raises(ValueError, match="'state' must be a dict with the keys"):
        second.load_state_dict({})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: TripleSampler(t, "degree"), "no sampler 'degree'; there are uniform, frequency"),
        (lambda t: TripleSampler(t, "khop(hop=2)"), "has no option 'hop'"),
        (lambda t: TripleSampler(t, "walk(kind=xx)"), "'kind' must be one of"),
        (lambda t: TripleSampler(t, "typed(uniform)"), "'typed' takes no samplers"),
        (lambda t: TripleSampler(t, "nearmiss"), "'z' must be vectors of the entities"),
        (lambda t: TripleSampler(t, "typed(by=types)"), "'types' must be those of each"),
        (lambda t: TripleSampler(t, corrupt="dst"), "'corrupt' must be one of 'both', 'head'"),
        (lambda t: TripleSampler(t, known=t), "'known' must be KnownTriples or None"),
        (lambda t: TripleSampler(t).sample(t.triples.t(), 2), "did you mean its transpose"),
        (lambda t: TripleSampler(t).sample(t.triples + 30, 2), r"'pos\[0\]' must be entity ids"),
        (lambda t: TripleSampler(t).sample(t.triples, 0), "'k' must be an integer >= 1"),
        (lambda t: TripleSampler(t, "hardest(uniform)").sample(t.triples, 2), "'score' must be"),
        (
            lambda t: TripleSampler(t, lambda view: samplers.Uniform(t.entities)),
            "'sampler' must be an expression, or one made of the view's graph",
        ),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call(random())


def test_real_triples(shared):
    from gneg import datasets

    data = datasets.load_triples("codex-s", root=shared)
    known = data.known("all")
    for case in ("uniform", "typed(by=types)", "khop", "walk", "relwalk"):
        sampler = TripleSampler(data.triples, case, known=known, types=data.types)
        neg = draw(sampler, data.train[:, :2000], 8)
        assert neg.mask.all()
        assert not known.contains(torch.stack(neg.triples())).any()


@pytest.mark.parametrize("suffix", [".parquet", ".npz", ".csv"])
def test_negatives_of_triples_are_saved_in_files(suffix, tmp_path):
    triples = WORLDS["dense"]()
    neg = draw(TripleSampler(triples), positives(triples), 6)
    path = tmp_path / f"negatives{suffix}"
    formats.save(neg, path, triples)
    loaded = formats.load(path, triples)
    for ours, theirs in zip(neg.triples(), loaded.triples(), strict=True):
        assert torch.equal(ours[neg.mask], theirs[loaded.mask])
    with pytest.raises(ValueError, match="'graph' must be the graph they were drawn in"):
        formats.load(path, random())
