"""Small knowledge graphs that have broken samplers before."""

from __future__ import annotations

import torch

from gneg import datasets
from gneg.datasets import TripleData
from gneg.graph import Triples


def random(n: int = 30, r: int = 3, size: int = 150, seed: int = 0) -> Triples:
    generator = torch.Generator().manual_seed(seed)
    ends = torch.randint(n, (2, size), generator=generator)
    relation = torch.randint(r, (size,), generator=generator)
    return Triples(torch.stack([ends[0], relation, ends[1]]), n, r)


def dense() -> Triples:
    """14 entities, most of all triples, as in Nations."""
    return random(14, 2, 500)


def hub() -> Triples:
    """Entity 0 knows everyone but 38 and 39 by relation 0; a ring by relation 1."""
    star = [(0, 0, v) for v in range(1, 38)]
    ring = [(v, 1, v % 37 + 1) for v in range(1, 38)]
    return Triples(torch.tensor(star + ring).t(), 40, 2)


def loops() -> Triples:
    """Reflexive triples, an entity and a relation that no triple has."""
    rows = [(e, 0, e) for e in range(8)] + [(e, 1, (e + 1) % 8) for e in range(8)]
    return Triples(torch.tensor(rows).t(), 12, 3)


WORLDS = {"sparse": random, "dense": dense, "hub": hub, "loops": loops}


def sparse_data(seed: int = 0) -> TripleData:
    """The sparse world, split at random."""
    return datasets.from_triples(random(), shares=(0.15, 0.2), seed=seed)
