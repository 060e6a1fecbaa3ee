"""Calls of samplers and sets of triples."""

from __future__ import annotations

import random
from typing import Any

import torch
from torch import Tensor

from gneg import KnownTriples, Negatives, Triples
from gneg.samplers.triples import TripleSampler
from tests.fuzz.calls import Call


def triples_of(rng: random.Random) -> Triples:
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    n, r, e = rng.randint(1, 15), rng.randint(1, 3), rng.randint(0, 30)
    ends = [torch.randint(size, (e,), generator=generator) for size in (n, r, n)]
    return Triples(torch.stack(ends), n, r)


TRIPLE_SAMPLERS = ("uniform", "typed", "khop(hops=2)", "walk", "relwalk", "frequency", "itself")


def of_triples(rng: random.Random) -> Call:
    triples = triples_of(rng)
    known = KnownTriples(triples)
    count = min(triples.num_triples, 4)
    pos = triples.triples[:, :count]
    text = rng.choice(TRIPLE_SAMPLERS)
    if rng.random() < 0.3:
        text = f"hardest({text}, m=6)"

    def draw(pos: Any, k: Any, score: Any, generator: Any, **options: Any) -> Negatives:
        sampler = TripleSampler(triples, **options)
        return sampler.sample(pos, k, score=score, generator=generator)

    def check(negatives: Negatives) -> None:
        drawn = torch.stack(negatives.triples())[:, negatives.mask]
        assert not known.contains(drawn).any(), "a known triple"
        assert int(negatives.index.max() if negatives.index.numel() else 0) < triples.num_entities

    arguments = {
        "sampler": text,
        "known": known,
        "corrupt": rng.choice(["both", "head", "tail", "bernoulli"]),
        "unique": rng.random() < 0.5,
        "pos": pos,
        "k": rng.randint(1, 6),
        "score": lambda head, relation, tail: (head * 3 + relation - tail).float(),
        "generator": torch.Generator().manual_seed(rng.randrange(2**31)),
    }
    return Call(draw, arguments, check, frozenset({"known"}))


def of_triple_sets(rng: random.Random) -> Call:
    triples = triples_of(rng)
    if rng.random() < 0.5:
        sizes = {"num_entities": triples.num_entities, "num_relations": triples.num_relations}
        return Call(Triples, {"triples": triples.triples, **sizes})

    def contains(triples: Any, held_out: Any, query: Any) -> Tensor:
        return KnownTriples(triples, held_out).contains(query)

    part = triples.triples[:, :2]
    return Call(contains, {"triples": triples, "held_out": part, "query": part})
