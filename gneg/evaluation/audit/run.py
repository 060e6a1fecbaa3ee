"""The audit itself: draw negatives, measure them, and write one record, for pairs and triples."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from torch import Tensor

from gneg import checks, records
from gneg.datasets import LinkData, TripleData, as_data
from gneg.evaluation.audit.adapter import Adapter, IntArray, Score, require_model
from gneg.evaluation.audit.hardness import describe
from gneg.evaluation.audit.pairs import PairAdapter
from gneg.evaluation.audit.risk import count_hits, risk
from gneg.evaluation.audit.targets import spread
from gneg.evaluation.audit.triples import CorruptTriples, TripleAdapter
from gneg.evaluation.ranking import Score as PairScore
from gneg.graph.known import KnownPolicy
from gneg.rng import generator_from, split_seed
from gneg.samplers import Sampler
from gneg.samplers.base import Corrupt
from gneg.samplers.formats.engine import Engine, Local
from gneg.samplers.negatives import Negatives
from gneg.samplers.triples import TripleSampler
from gneg.samplers.triples.scoring import TripleScore

BATCH = 2**16  # positives that negatives are drawn for at once
MOST = 10**12  # negatives
PAIRS = 100_000  # pairs that quantiles are estimated from
HITS_BATCH = 4096  # positives at once where hits are counted only


@overload
def audit(
    data: LinkData | str | Path,
    sampler: str | Sampler,
    *,
    k: int = 8,
    negatives: int = 1_000_000,
    score: PairScore | None = None,
    z: Tensor | None = None,
    known: KnownPolicy = "train",
    corrupt: Corrupt = "both",
    seed: int = 0,
    engine: Engine | None = None,
    command: str = "gneg.audit()",
) -> dict[str, Any]: ...


@overload
def audit(
    data: TripleData,
    sampler: str | TripleSampler,
    *,
    k: int = 8,
    negatives: int = 1_000_000,
    score: TripleScore | None = None,
    z: Tensor | None = None,
    known: KnownPolicy = "train",
    corrupt: CorruptTriples = "both",
    seed: int = 0,
    engine: Engine | None = None,
    command: str = "gneg.audit()",
) -> dict[str, Any]: ...


def audit(
    data: LinkData | TripleData | str | Path,
    sampler: Any,
    *,
    k: int = 8,
    negatives: int = 1_000_000,
    score: Any = None,
    z: Tensor | None = None,
    known: KnownPolicy = "train",
    corrupt: Any = "both",
    seed: int = 0,
    engine: Engine | None = None,
    command: str = "gneg.audit()",
) -> dict[str, Any]:
    """Draw negatives for random training edges, or triples, and measure them.

    The sampler sees the training edges only. The held-out edges (validation and test) are counted
    among its negatives afterwards, and are the positives that negatives are compared with.
    Quantiles are estimated from a sample of the pairs; everything else is counted in full.

    Args:
        data: A dataset of edges, or a knowledge graph, or the name or path of one.
        sampler: An expression, or a sampler on ``data.graph`` (on ``data.triples``).
        k: Negatives per positive, K, >= 1.
        negatives: Number of negatives to draw, >= K.
        score: A trained model, ``score(src, dst)`` or ``score(head, relation, tail)``: needed by
            samplers that select by scores; its scores are then a measure of hardness.
        z: ``[N, D]`` embeddings of that model: for samplers that store embeddings, or that look
            for similar nodes where there are no features.
        known: Edges that negatives avoid; for an expression.
        corrupt: The end that is replaced: ``dst``, ``src`` or ``both``; of triples ``tail``,
            ``head``, ``both`` or ``bernoulli``; for an expression.
        seed: Seed for all randomness.
        engine: What draws the negatives, a batch at a time, with the same result; None: this
            process.
        command: The command that was run, for the record.

    Returns:
        ``hardness`` (mean and quantiles of each measure, of negatives, of held-out positives, of
        uniform negatives), ``histograms``, ``distances``, ``violating`` (share scored above the
        positive), ``coverage`` (of nodes by targets), ``duplicates`` (in a row),
        ``degree_divergence`` (Jensen-Shannon, in bits), ``risk`` (held-out edges per 1,000
        negatives with a 95 % interval, lift over uniform, expected share), ``guards`` (empty for
        triples), ``cost``.

    Raises:
        ValueError: If an argument is out of range, or the sampler needs a model and ``score`` is
            None.
    """
    k = checks.integer("k", k, 1)
    negatives = checks.integer("negatives", negatives, k)
    if negatives > MOST:
        checks.fail("negatives", f"at most {MOST:,}", negatives)
    name = sampler if isinstance(sampler, str) else repr(sampler)
    data = as_data(data)
    adapter = adapt(data, sampler, known=known, corrupt=corrupt, z=z)
    require_model(adapter.sampler, score)
    if not adapter.held_out.size(1):
        allowed = "with validation or test positives, which negatives are compared with"
        inductive = isinstance(data, TripleData) and data.inference is not None
        hint = "the held-out triples of an inductive split are of another graph"
        checks.fail("data", allowed, data, hint=hint if inductive else "")
    queries = -(-negatives // k)
    pos = _random_positives(adapter, queries, seed)
    model = {"score": score, "z": adapter.vectors(z)}
    before = _peak_mb()
    drawn, seconds = _draw(adapter, pos, k, model, split_seed(seed, 1), engine)
    peak = _peak_mb()
    rows = torch.from_numpy(_random_subset(queries, max(1, PAIRS // k), seed))
    held_out = torch.from_numpy(_random_subset(adapter.held_out.size(1), PAIRS, seed))
    easy = adapter.uniform.sample(pos[:, rows], k, generator=generator_from(split_seed(seed, 2)))
    hard = adapter.take(drawn, pos, rows, model, seed)
    groups = {
        "positives": adapter.positive_group(adapter.held_out[:, held_out], seed),
        "negatives": adapter.negative_group(hard),
        "uniform": adapter.negative_group(easy),
    }
    return {
        "dataset": adapter.name,
        "split": adapter.split,
        "sampler": name,
        "k": k,
        "queries": queries,
        "negatives": int(sum(part.mask.sum() for part in drawn)),
        "known": known,
        "corrupt": adapter.sampler.corrupt,
        "seed": seed,
        **describe(adapter, groups, score),
        "violating": None if score is None else _violating(hard, pos[:, rows], score),
        **spread(adapter, drawn),
        "risk": risk(adapter, drawn) | {"expected_share": adapter.expected_share(pos)},
        "guards": adapter.guard_effects(pos, k, model, seed),
        "cost": {
            "seconds": seconds,
            "negatives_per_second": queries * k / seconds,
            "known_edges_mb": adapter.known_bytes / 2**20,
            "negatives_mb": sum(part.index.nbytes + part.mask.nbytes for part in drawn) / 2**20,
            "peak_growth_mb": peak - before,
        },
        "command": command,
        "versions": records.versions(),
        "machine": records.machine(),
    }


def adapt(
    data: LinkData | TripleData,
    sampler: Any,
    *,
    known: KnownPolicy = "train",
    corrupt: Any = "both",
    z: Tensor | None = None,
) -> Adapter:
    """Return the adapter of the data; arguments are those of :func:`audit`.

    Raises:
        ValueError: If ``data`` is no dataset, or ``sampler`` is no sampler on it.
    """
    if isinstance(data, TripleData):
        return TripleAdapter(data, sampler, known=known, corrupt=corrupt, z=z)
    return PairAdapter(data, sampler, known=known, corrupt=corrupt, z=z)


def has_held_out(data: LinkData | TripleData) -> bool:
    """Return whether the graph that is trained on has held-out positives, to compare with.

    That of an inductive split may have none: those of the other graph are ranked.
    """
    return any(data.positives(part).size(1) for part in ("valid", "test"))


def held_out_hits(
    sampler: Sampler | TripleSampler,
    data: LinkData | TripleData,
    score: Score | None = None,
    *,
    negatives: int = 100_000,
    seed: int = 0,
) -> float:
    """Return the held-out positives (validation and test) per 1,000 negatives of a sampler.

    One negative is drawn for each of ``negatives`` random training positives, by the sampler in
    its current state, such as the caches that it filled during training.

    Args:
        sampler: The sampler that draws the negatives.
        data: The dataset of edges, or the knowledge graph.
        score: The current model, for samplers that select by its scores.
        negatives: Number of negatives to draw.
        seed: Seed for the draws.
    """
    adapter = adapt(data, sampler)
    batches = _random_positives(adapter, negatives, seed).split(HITS_BATCH, dim=1)
    drawn = (
        adapter.sampler.sample(pos, 1, score=score, generator=generator_from(split_seed(seed, i)))
        for i, pos in enumerate(batches)
    )
    hits, sizes = count_hits(adapter, drawn)
    return 1000 * int(hits.sum()) / max(int(sizes.sum()), 1)


def _random_positives(adapter: Adapter, size: int, seed: int) -> Tensor:
    """Return ``size`` training positives, drawn with replacement."""
    rows = torch.randint(adapter.train.size(1), (size,), generator=generator_from(seed))
    return adapter.train[:, rows]


def _draw(
    adapter: Adapter,
    pos: Tensor,
    k: int,
    model: dict[str, Any],
    seed: int,
    engine: Engine | None,
) -> tuple[list[Negatives], float]:
    """Return negatives of all positives, and the seconds that drawing them took, of all workers.

    A first call, which compiles kernels, is not timed.
    """
    sample = adapter.sampler.sample

    def draw(batch: int) -> tuple[Negatives, float]:
        generator = generator_from(split_seed(seed, batch))
        rows = pos[:, batch * BATCH : (batch + 1) * BATCH]
        start = time.perf_counter()
        return sample(rows, k, **model, generator=generator), time.perf_counter() - start

    sample(pos[:, :64], k, **model, generator=generator_from(seed))
    batches = range(-(-pos.size(1) // BATCH))
    drawn = dict((engine or Local()).run(draw, batches))
    return [drawn[batch][0] for batch in batches], sum(took for _, took in drawn.values())


def _violating(negatives: Negatives, pos: Tensor, score: Score) -> float:
    """Return the share of negatives that the model scores above their positive."""
    ids = negatives.pairs() if negatives.relation is None else negatives.triples()
    above = score(*ids) > score(*pos).unsqueeze(1)
    return float(above[negatives.mask].double().mean())


def _peak_mb() -> float:
    """Return the peak memory of the process so far, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _random_subset(size: int, most: int, seed: int) -> IntArray:
    """Return at most ``most`` of ``size`` positions, at random, in ascending order."""
    random = np.random.Generator(np.random.Philox(split_seed(seed, 3)))
    return np.sort(random.permutation(size)[:most])
