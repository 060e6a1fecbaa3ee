"""How many negatives of a knowledge graph are triples that the sampler could not know."""

from __future__ import annotations

import torch

from gneg.datasets import TripleData
from gneg.graph import KnownTriples
from gneg.rng import generator_from, split_seed
from gneg.samplers.triples import TripleSampler
from gneg.samplers.triples.scoring import TripleScore

__all__ = ["held_out_hits"]

DRAWN = 100_000  # negatives that are counted
ROWS = 4096


def held_out_hits(
    sampler: TripleSampler,
    data: TripleData,
    score: TripleScore | None = None,
    *,
    negatives: int = DRAWN,
    seed: int = 0,
) -> float:
    """Held-out triples (of validation and test) per 1,000 negatives, one for each training triple.

    By the sampler as it is: with the caches of its training, where it has some.

    Args:
        sampler: What draws.
        data: The knowledge graph.
        score: The current model, for samplers that select by one.
        negatives: How many to draw.
        seed: Of the draws.
    """
    picked = torch.randint(data.train.size(1), (negatives,), generator=generator_from(seed))
    hidden = KnownTriples(data.triples, data.valid, data.test)
    hits = drawn = 0
    for i, some in enumerate(picked.split(ROWS)):
        source = generator_from(split_seed(seed, i))
        negative = sampler.sample(data.train[:, some], 1, score=score, generator=source)
        hits += int((hidden.contains(torch.stack(negative.triples())) & negative.mask).sum())
        drawn += int(negative.mask.sum())
    return 1000 * hits / max(drawn, 1)
