"""What a sampler of a user's own proposes is checked before anything uses it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gneg import samplers
from gneg.samplers import Sampler
from tests.contract.cases import model, seeded
from tests.worlds import positives, random_graph

N = 60


class Proposed(Sampler):
    """Proposes what a function returns for the number of rows and K."""

    name = "proposed"

    def __init__(self, graph, propose, proposes="anything", **options) -> None:
        super().__init__(graph, **options)
        self.of, self.proposes = propose, proposes

    def propose(self, query, k, seed):
        return self.of(len(query.rows), k)


def sample(sampler: Sampler, k: int = 5) -> samplers.Negatives:
    pos = positives(sampler.graph, 40)
    z, score = model(sampler.graph)
    return sampler.sample(pos, k, z=z, score=score, generator=seeded())


AROUND = {
    "alone": lambda inner: inner,
    "unique": lambda inner: Proposed(inner.graph, inner.of, inner.proposes, unique=True),
    "select": lambda inner: samplers.Select(inner, samplers.Hardest(), 8),
    "guarded": lambda inner: samplers.Guarded(inner, [samplers.DegreeCap(6)], 8),
    "mixture": lambda inner: samplers.Mixture([samplers.Uniform(inner.graph), inner]),
    "cached": lambda inner: samplers.Cached(inner, 4, 4),
    "metropolis": lambda inner: samplers.Metropolis(inner, burn_in=2),
    "mixup": samplers.Mixup,
    "curriculum": lambda inner: samplers.Curriculum(
        samplers.Mixture([samplers.Uniform(inner.graph), inner]),
        samplers.Schedule("linear", 0.5, 1),
    ),
    "adversarial": lambda inner: samplers.Adversarial(inner, 8),
}


@pytest.mark.parametrize("proposes", ["anything", "non-edges", "full rows"])
@pytest.mark.parametrize("around", AROUND)
def test_ids_out_of_range_are_refused(around, proposes):
    """By every way to a kernel, whatever the sampler says that it proposes; also beyond 100 draws,
    where kernels stamp an array by id."""
    graph = random_graph(N, 150)
    for first, k in [(N, 5), (N, 100), (2**40, 5)]:
        inner = Proposed(graph, lambda rows, k, first=first: np.full((rows, k), first), proposes)
        with pytest.raises(ValueError, match=r"'Proposed.propose' must be .* ids below 60, or -1"):
            sample(AROUND[around](inner), k)


@pytest.mark.parametrize(
    "proposed",
    [
        lambda rows, k: np.zeros((rows, k)),
        lambda rows, k: np.zeros((rows, k + 1), np.int64),
        lambda rows, k: np.zeros((rows - 1, k), np.int64),
        lambda rows, k: np.zeros(k, np.int64),
        lambda rows, k: np.ones((rows, k), bool),
        lambda rows, k: np.full((rows, k), None),
        lambda rows, k: torch.zeros(rows, k),
        lambda rows, k: None,
        lambda rows, k: torch.zeros(rows, k, dtype=torch.long, device="meta"),
        lambda rows, k: torch.zeros(rows, k, dtype=torch.long).to_sparse(),
        lambda rows, k: [[0] * (i % 2 + 1) for i in range(rows)],
    ],
)
def test_other_proposals_are_refused(proposed):
    with pytest.raises(ValueError, match=r"'Proposed.propose' must be .* integers \[40, 5\]"):
        sample(Proposed(random_graph(N, 150), proposed))


@pytest.mark.parametrize(
    "convert",
    [
        torch.from_numpy,
        np.asfortranarray,
        lambda ids: ids.astype(np.int32),
        lambda ids: ids.astype(np.uint16),
        lambda ids: np.broadcast_to(ids[:1], ids.shape),
        lambda ids: torch.from_numpy(ids).int().t().contiguous().t(),
        np.ndarray.tolist,
    ],
)
@pytest.mark.parametrize("proposes", ["anything", "non-edges"])
def test_integers_of_any_kind_are_proposals(convert, proposes):
    graph = random_graph(N, 150)
    ids = np.random.default_rng(0).integers(N, size=(1, 5)).repeat(40, axis=0)
    neg, expected = (
        sample(Proposed(graph, lambda rows, k, of=of: of(ids[:rows, :k]), proposes))
        for of in (convert, lambda ids: ids.copy())
    )
    assert torch.equal(neg.index, expected.index)
    assert neg.index.dtype == torch.int64


class Picks(samplers.SelectionRule):
    """Picks what a function returns for a pool and K."""

    name = "picks"

    def __init__(self, of) -> None:
        self.of = of

    def pick(self, pool, k, seed):
        return self.of(pool, k)


@pytest.mark.parametrize(
    "of",
    [
        lambda pool, k: np.argsort(-pool.scores, axis=1)[:, :k],  # positions instead of ids
        lambda pool, k: np.repeat(pool.index[:, :1], k, axis=1),
        lambda pool, k: np.full((len(pool.index), k), -1),
        lambda pool, k: np.roll(pool.index, 1, axis=0)[:, :k],
        lambda pool, k: np.repeat(pool.query.rows[:, None], k, axis=1),
    ],
)
def test_a_rule_picks_candidates_each_once(of):
    select = samplers.Select(samplers.Uniform(random_graph(N, 400)), Picks(of), 16)
    for around in (select, samplers.Guarded(select, [samplers.DegreeCap(60)], 16)):
        with pytest.raises(ValueError, match=r"'Picks.pick' must be a function that returns"):
            sample(around)


class Drops(samplers.Guard):
    """Drops what a function returns for a pool."""

    name = "drops"

    def __init__(self, of) -> None:
        self.of = of

    def drops(self, pool):
        return self.of(pool)


@pytest.mark.parametrize(
    "of",
    [
        lambda pool: None,
        lambda pool: True,
        lambda pool: torch.zeros(pool.index.shape),
        lambda pool: np.zeros(pool.index.shape),
        lambda pool: np.zeros(pool.index.T.shape, bool),
    ],
)
def test_a_guard_returns_a_mask_of_the_candidates(of):
    guarded = samplers.Guarded(samplers.Uniform(random_graph(N, 150)), [Drops(of)], 8)
    with pytest.raises(ValueError, match=r"'Drops.drops' must be a function that returns a bool"):
        sample(guarded)


def test_a_guard_may_return_a_tensor():
    graph = random_graph(N, 150)
    by_array, by_tensor = (
        sample(samplers.Guarded(samplers.Uniform(graph), [Drops(of)], 8))
        for of in (lambda p: p.index % 2 == 0, lambda p: torch.from_numpy(p.index % 2 == 0))
    )
    assert torch.equal(by_array.index, by_tensor.index)


class Dense(Proposed):
    """Draws uniformly from nodes, and says its density by a function of the targets."""

    def __init__(self, graph, of, **options) -> None:
        super().__init__(graph, lambda rows, k: np.arange(rows * k).reshape(rows, k) % N, **options)
        self.density_of = of

    def log_density(self, query, index):
        return self.density_of(index)


@pytest.mark.parametrize(
    "of",
    [
        lambda index: torch.full(index.shape, -3.0),
        lambda index: torch.full(index.shape[::-1], -3.0).t(),
        lambda index: np.full(index.shape, -3.0, np.float32),
    ],
)
@pytest.mark.parametrize("around", ["alone", "mixture", "mixup", "metropolis", "curriculum"])
def test_a_density_is_an_array_or_a_tensor(of, around):
    graph = random_graph(N, 150)
    inner, expected = Dense(graph, of), Dense(graph, lambda index: np.full(index.shape, -3.0))
    neg, same = sample(AROUND[around](inner)), sample(AROUND[around](expected))
    assert torch.equal(neg.index, same.index)
    assert (neg.log_q is None) == (same.log_q is None)
    assert neg.log_q is None or torch.equal(neg.log_q, same.log_q)
    pair = positives(graph, 4)
    assert torch.equal(inner.log_prob(*pair), torch.full((4,), -3.0))


@pytest.mark.parametrize(
    "of",
    [
        lambda index: torch.zeros(index.shape, dtype=torch.long),
        lambda index: np.zeros(index.shape[0]),
        lambda index: -3.0,
    ],
)
def test_other_densities_are_refused(of):
    with pytest.raises(
        ValueError, match=r"'Dense.log_density' must be .* floats \[40, 5\], or None"
    ):
        _ = sample(Dense(random_graph(N, 150), of)).log_q
