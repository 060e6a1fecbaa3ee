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
