"""What audits of pairs and of triples share: drawing with a clock, and how targets spread."""

from __future__ import annotations

import resource
import sys
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gneg import checks
from gneg.evaluation.audit.hardness import IntArray
from gneg.rng import generator_from, split_seed
from gneg.samplers import Sampler
from gneg.samplers.negatives import Negatives
from gneg.samplers.triples import TripleSampler

ROWS = 2**16  # queries drawn at once
PAIRS = 100_000  # that quantiles are estimated from


def needs_model(sampler: Sampler | TripleSampler, score: object) -> None:
    """Refuse a sampler that selects by a model where there is none.

    Raises:
        ValueError: If it does, and ``score`` is None.
    """
    if "score" in sampler.needs and score is None:
        given = "a trained model, for a sampler that selects by one"
        checks.fail("score", given, None, hint="on the command line, --model")


def draw(
    sampler: Sampler | TripleSampler, pos: Tensor, k: int, model: dict[str, Any], seed: int
) -> tuple[list[Negatives], float]:
    """Negatives of all positives, and seconds; the first call, which compiles, is not counted."""
    sampler.sample(pos[:, :64], k, **model, generator=generator_from(seed))
    generator, start = generator_from(seed), time.perf_counter()
    drawn = [
        sampler.sample(some, k, **model, generator=generator) for some in pos.split(ROWS, dim=1)
    ]
    return drawn, time.perf_counter() - start


def peak_mb() -> float:
    """The most memory that the process has held, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def subset(size: int, wanted: int, seed: int) -> IntArray:
    """At most ``wanted`` of ``size`` places, at random, in order."""
    random = np.random.Generator(np.random.Philox(split_seed(seed, 3)))
    return np.sort(random.permutation(size)[:wanted])


def spread(
    targets: Any, drawn: list[Negatives], replaced: Any, degree: Any, num_nodes: int
) -> dict[str, Any]:
    """Coverage of nodes, repeats in a row, and how the degrees differ from the positives'.

    Args:
        targets: Ids of everything that was drawn.
        drawn: The negatives.
        replaced: Ids of what it replaced.
        degree: Of every node.
        num_nodes: N.
    """
    repeats = 0
    for part in drawn:
        row = torch.where(part.mask, part.index, -1 - torch.arange(part.index.size(1)))
        ordered = row.sort(dim=1).values
        repeats += int((ordered[:, 1:] == ordered[:, :-1]).sum())
    return {
        "coverage": len(np.unique(targets)) / max(num_nodes, 1),
        "duplicates": repeats / max(len(targets), 1),
        "degree_divergence": divergence(degree[targets], degree[replaced]),
    }


def divergence(ours: Any, theirs: Any) -> float:
    """Jensen-Shannon divergence of degrees in powers of two, in bits, in [0, 1]."""
    top = int(np.log2(max(ours.max(initial=0), theirs.max(initial=0)) + 1)) + 1
    p, q = (
        np.bincount(np.log2(one + 1).astype(np.int64), minlength=top) / max(len(one), 1)
        for one in (ours, theirs)
    )
    middle = (p + q) / 2
    parts = [(one[one > 0] * np.log2(one[one > 0] / middle[one > 0])).sum() for one in (p, q)]
    return float(sum(parts) / 2)
