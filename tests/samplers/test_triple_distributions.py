"""Draws and densities of samplers of triples, against enumeration by the definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from gneg.graph import KnownTriples, Triples
from gneg.samplers.densities import log_q_of
from gneg.samplers.triples import TripleSampler
from tests.samplers.triple_cases import (
    draw,
    every_world,
    free,
    make,
    positives,
    swapped,
)
from tests.triple_worlds import WORLDS


def exact(
    triples: Triples, case: str, end: str, query: tuple[int, int], positive: int
) -> np.ndarray:
    """Probabilities of a query's targets, by the definition."""
    rows = triples.triples.t().tolist()
    entities = range(triples.num_entities)
    targets = [(t if end == "tail" else h, r) for h, r, t in rows]
    weight = {
        "uniform": lambda v: 1.0,
        "frequency": lambda v: sum(e == v for e, _ in targets) ** 0.5,
        "typed": lambda v: float((v, query[1]) in targets),
        "typed-types": lambda v: float(v % 3 == positive % 3 or v % 2 == positive % 2),
        "walk": lambda v: two_steps(rows, query[0], v),
        "khop": lambda v: float(distance(rows, query[0], v) == 2),
        "mixture-walk": None,
    }[case]
    if weight is None:
        parts = [exact(triples, kind, end, query, positive) for kind in ("uniform", "walk")]
        return (parts[0] + parts[1]) / 2
    left = free(KnownTriples(triples))(query, end)
    weights = np.array([weight(v) if v in left else 0.0 for v in entities])
    return weights / weights.sum()


def two_steps(rows: list[list[int]], u: int, v: int) -> float:
    """Resource allocation on the graph of entities."""
    near: dict[int, set[int]] = {}
    for h, _, t in rows:
        if h != t:
            near.setdefault(h, set()).add(t)
            near.setdefault(t, set()).add(h)
    if u == v:  # walks in the graph of entities do not count their return
        return 0.0
    return sum(1 / len(near[w]) for w in near.get(u, ()) if v in near[w])


def distance(rows: list[list[int]], u: int, v: int) -> int:
    """Steps in the graph of entities, up to 2; 3 stands for more."""
    near = {frozenset((h, t)) for h, _, t in rows if h != t}
    if u == v or frozenset((u, v)) in near:
        return int(u != v)
    middle = {w for edge in near if u in edge for w in edge}
    return 2 if any(frozenset((w, v)) in near for w in middle) else 3


@pytest.mark.parametrize("corrupt", ["head", "tail", "both"])
@pytest.mark.parametrize(
    "case", ["uniform", "frequency", "typed", "typed-types", "walk", "khop", "mixture-walk"]
)
def test_draws_and_densities_follow_the_definition(case, corrupt):
    triples = WORLDS["sparse"]()
    sampler = make(triples, case, corrupt=corrupt)
    for which in (3, 40, 90):
        h, r, t = triples.triples[:, which].tolist()
        neg = draw(sampler, triples.triples[:, [which]].repeat(1, 600), 20)
        for end in ("head", "tail") if corrupt == "both" else (corrupt,):
            of_end = swapped(neg) == (end == "head")
            index, log_q = neg.index[of_end], neg.log_q[of_end]
            query, positive = ((h, r), t) if end == "tail" else ((t, r), h)
            expected = exact(triples, case, end, query, positive)
            counts = np.bincount(index.flatten(), minlength=triples.num_entities)
            assert counts[expected == 0].sum() == 0
            possible = expected > 0
            assert chisquare(counts[possible], expected[possible] * counts.sum()).pvalue > 1e-5
            density = log_q[0].double().exp().numpy()
            np.testing.assert_allclose(density, expected[index[0]], rtol=1e-5)


@pytest.mark.parametrize("case", ["walk-ppr", "khop-two", "similar"])
@every_world
def test_densities_of_entity_samplers_are_those_of_draws(case, world):
    """Each query's densities add up to 1 over what may be drawn, and nearly all draws have some."""
    triples = WORLDS[world]()
    sampler = make(triples, case, corrupt="tail")
    pos = positives(triples, 12)
    neg = draw(sampler, pos, 2)
    part = sampler.parts["tail"]
    rows = sampler.views["tail"].queries.rows(pos[0].numpy(), pos[1].numpy())
    entities = torch.arange(triples.num_entities).expand(12, -1)
    density = log_q_of(part, torch.from_numpy(rows), entities).double().exp()
    for i, (h, r, _) in enumerate(pos.t().tolist()):
        left = sorted(free(sampler.known)((h, r), "tail"))
        assert not left or density[i, left].sum().item() == pytest.approx(1.0, abs=1e-5)
    drawn = density.gather(1, neg.index)[neg.mask]
    assert (drawn > 0).float().mean() > 0.8


def test_draws_of_a_distance_that_no_entity_has_follow_the_density_too():
    """Around a hub no entity is three steps away: such draws are uniform, and stay so."""
    relations = [[0, 0, v] for v in range(1, 40)] + [[1, 1, 2], [3, 1, 4]]
    triples = Triples(torch.tensor(relations).t(), 40)
    sampler = TripleSampler(triples, "khop(hops=2|3)", corrupt="tail")
    pos = torch.tensor([[1], [1], [2]]).expand(3, 20_000)
    neg = draw(sampler, pos, 1)
    rows = torch.from_numpy(
        sampler.views["tail"].queries.rows(pos[0, :1].numpy(), pos[1, :1].numpy())
    )
    density = log_q_of(sampler.parts["tail"], rows, torch.arange(40)[None])[0].double().exp()
    drawn = torch.bincount(neg.index.flatten(), minlength=40) / len(neg.index)
    assert neg.counts["fell"] > 8_000
    assert (drawn - density)[torch.arange(40) != 2].abs().sum() < 0.06
    assert drawn[0] == pytest.approx(0.5 / 39, abs=0.004)  # the hub, by uniform draws alone


def test_what_depends_on_the_positive_or_the_relation_has_no_density():
    triples = WORLDS["sparse"]()
    for case in ("nearmiss", "walk-relation", "khop-relation"):
        assert draw(make(triples, case), positives(triples), 3).log_q is None


def test_shells_of_the_entity_graph_are_exact():
    triples = WORLDS["hub"]()
    pos = triples.triples[:, triples.triples[1] == 1]
    for case, relation in (("khop(hops=2)", None), ("khop(hops=2, per_relation=1)", 1)):
        sampler = TripleSampler(triples, case, corrupt="tail")
        neg = draw(sampler, pos, 2)
        edges = {e: set() for e in range(40)}
        for h, r, t in triples.triples.t().tolist():
            if relation is None or r == relation:
                edges[h].add(t)
                edges[t].add(h)
        for row, h in enumerate(pos[0].tolist()):
            second = {v for w in edges[h] for v in edges[w]} - edges[h] - {h}
            if second:
                assert set(neg.index[row].tolist()) <= second


def test_loops_are_negatives_unless_known():
    triples = WORLDS["loops"]()
    pos = triples.triples[:, triples.triples[1] == 1]
    neg = draw(TripleSampler(triples, "itself", corrupt="tail"), pos, 3)
    assert (neg.index == pos[0][:, None]).all()  # only relation 0 is reflexive
    reflexive = triples.triples[:, triples.triples[1] == 0]
    neg = draw(TripleSampler(triples, "itself", corrupt="tail"), reflexive, 3)
    assert (neg.index != reflexive[0][:, None]).all()
    known = KnownTriples(triples, loops=True)
    neg = draw(TripleSampler(triples, "uniform", corrupt="tail", known=known), pos, 8)
    assert not ((neg.index == pos[0][:, None]) & neg.mask).any()
