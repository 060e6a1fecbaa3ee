"""Every sampler of triples with the settings that its tests run it in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import pytest
import torch

from gneg.graph import KnownTriples, Triples
from gneg.samplers.triples import TripleSampler
from tests.triple_worlds import WORLDS

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
    "mixup": "mixup(uniform, high=0.5)",
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


def free(known: KnownTriples) -> Callable[[tuple[int, int], str], set[int]]:
    """Return what gives the entities that may be drawn for a query, from triples one by one."""
    answers = defaultdict(set)
    for h, r, t in known.triples.t().tolist():
        answers[(h, r), "tail"].add(t)
        answers[(t, r), "head"].add(h)
    return lambda query, end: set(range(known.num_entities)) - answers[query, end]
