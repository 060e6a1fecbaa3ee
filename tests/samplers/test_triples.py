"""The contract for every sampler of triples in every world; distributions against enumeration."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from gneg import kernels, samplers
from gneg.graph import KnownTriples, Triples
from gneg.samplers import formats, triples
from gneg.samplers.densities import log_q_of
from gneg.samplers.triples import TripleSampler
from gneg.samplers.triples.build import NAMES, SELECTORS
from tests.triple_worlds import WORLDS, random
from tests.worlds import naming

CASES = {
    "uniform": "uniform",
    "frequency": "frequency(alpha=0.5)",
    "typed": "typed",
    "typed-types": "typed(by=types)",
    "khop": "khop(hops=2)",
    "khop-two": "khop(hops=2|3)",
    "khop-relation": "khop(per_relation=1)",
    "walk": "walk",
    "walk-ppr": "walk(kind=ppr)",
    "walk-relation": "walk(per_relation=1)",
    "relwalk": "relwalk",
    "similar": "similar(band=0|6)",
    "nearmiss": "nearmiss(band=0|6)",
    "itself": "itself",
    "mixture": "mixture(uniform:0.5, typed:0.5)",
    "mixture-walk": "mixture(uniform:0.5, walk:0.5)",
    "hardest": "hardest(uniform, m=12)",
    "dns": "dns(typed, m=8, n=4)",
    "semihard": "semihard(uniform, m=8, margin=0.2)",
    "tempered": "tempered(uniform, m=8)",
    "ahns": "ahns(uniform, m=8)",
    "metropolis": "metropolis(uniform, burn_in=3)",
    "adversarial": "adversarial(uniform, m=8)",
    "cached": "cached(uniform, size=6, m=6)",
    "curriculum": "curriculum(hardest(uniform, m=8), setting=m, start=2, end=8, epochs=3)",
    "selfpaced": "selfpaced(hardest(uniform, m=8))",
    "guarded": "guarded(hardest(uniform, m=8), relative_margin=0.1)",
}
every_case = pytest.mark.parametrize("case", CASES)
every_world = pytest.mark.parametrize("world", WORLDS)


def make(triples: Triples, case: str, **options) -> TripleSampler:
    generator = torch.Generator().manual_seed(2)
    z = torch.randn(triples.num_entities, 5, generator=generator)
    types = [[e % 3, 3 + e % 2] for e in range(triples.num_entities)]
    return TripleSampler(triples, CASES[case], z=z, types=types, **options)


def score(head: torch.Tensor, relation: torch.Tensor, tail: torch.Tensor) -> torch.Tensor:
    return torch.sin(3.0 * head + 5.0 * relation + 7.0 * tail)


def draw(sampler: TripleSampler, pos, k: int, seed: int = 7):
    generator = torch.Generator().manual_seed(seed)
    return sampler.sample(pos, k, score=score, generator=generator)


def swapped(neg) -> torch.Tensor:
    """Whether the head of each row was replaced."""
    if isinstance(neg.side, torch.Tensor):
        return neg.side
    return torch.full(neg.src.shape, neg.side == "src")


def positives(triples: Triples, size: int = 24) -> torch.Tensor:
    return triples.triples[:, torch.arange(size) * 7919 % triples.num_triples]


def free(known: KnownTriples, query: tuple[int, int], end: str) -> set[int]:
    """Entities that may be drawn for a query, one by one."""
    entity, relation = query
    answers = {
        t if end == "tail" else h
        for h, r, t in known.triples.t().tolist()
        if r == relation and (h if end == "tail" else t) == entity
    }
    return set(range(known.num_entities)) - answers


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
    for i, (h, r, t) in enumerate(pos.t().tolist()):
        query, end = ((t, r), "head") if swapped(neg)[i] else ((h, r), "tail")
        left = free(sampler.known, query, end)
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


def test_bernoulli_is_sane_for_unseen_relations():
    rows = [(0, 0, t) for t in range(1, 9)] + [(e, 1, 9) for e in range(8)]
    triples = Triples(torch.tensor(rows).t(), 12, 3)
    share = make(triples, "uniform", corrupt="bernoulli").head_share
    # Relation 0: one head has 8 tails, a tail one head. Relation 1 the other way round.
    np.testing.assert_allclose(share, [8 / 9, 1 / 9, 0.5])


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
    left = free(KnownTriples(triples), query, end)
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


@pytest.mark.parametrize("end", ["head", "tail"])
@pytest.mark.parametrize(
    "case", ["uniform", "frequency", "typed", "typed-types", "walk", "khop", "mixture-walk"]
)
def test_draws_and_densities_follow_the_definition(case, end):
    triples = WORLDS["sparse"]()
    sampler = make(triples, case, corrupt=end)
    for which in (3, 40, 90):
        h, r, t = triples.triples[:, which].tolist()
        query, positive = ((h, r), t) if end == "tail" else ((t, r), h)
        expected = exact(triples, case, end, query, positive)
        pos = triples.triples[:, [which]].repeat(1, 600)
        neg = draw(sampler, pos, 20)
        counts = np.bincount(neg.index.flatten(), minlength=triples.num_entities)
        assert counts[expected == 0].sum() == 0
        possible = expected > 0
        assert chisquare(counts[possible], expected[possible] * counts.sum()).pvalue > 1e-5
        log_q = neg.log_q[0].double().exp().numpy()
        np.testing.assert_allclose(log_q, expected[neg.index[0]], rtol=1e-5)


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
        left = sorted(free(sampler.known, (h, r), "tail"))
        assert not left or density[i, left].sum().item() == pytest.approx(1.0, abs=1e-5)
    drawn = density.gather(1, neg.index)[neg.mask]
    assert (drawn > 0).float().mean() > 0.8


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


def test_adaptive_state_goes_on():
    triples = random(60, 4, 800)
    pos = positives(triples, 100)
    first, second = (make(triples, "curriculum") for _ in range(2))
    first.end_epoch()
    first.end_epoch()
    second.load_state_dict(first.state_dict())
    assert torch.equal(draw(first, pos, 3).index, draw(second, pos, 3).index)
    with pytest.raises(ValueError, match="'state' must be of the ends"):
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
