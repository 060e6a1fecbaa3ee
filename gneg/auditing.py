"""How hard and how risky a sampler's negatives are, and what they cost."""

from __future__ import annotations

import itertools
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, heuristics, record
from gneg.config import Known
from gneg.datasets import LinkData
from gneg.graph import Graph
from gneg.known import KnownEdges
from gneg.negatives import Negatives
from gneg.rng import generator_from, split_seed
from gneg.risk import expected_share, held_out_hits
from gneg.samplers import Guarded, Sampler, Uniform, build
from gneg.samplers.base import Corrupt

__all__ = ["audit"]

Score = Callable[[Tensor, Tensor], Tensor]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

AT = tuple(i / 20 for i in range(21))  # the quantiles that are told
FARTHEST = 6  # edges; farther pairs are one group
ROWS = 2**16  # queries drawn at once
# Pairs that quantiles are estimated from; for those of PageRank, the pairs of so many sources, or of
# as many as can be pushed from along this number of edges.
PAIRS, SOURCES, PUSHES = 100_000, 512, 4 * 10**9


class Pairs(NamedTuple):
    """Pairs of nodes, and the end of each that a sampler may have chosen."""

    src: IntArray
    dst: IntArray
    chosen: IntArray


def audit(
    data: LinkData,
    sampler: str | Sampler,
    *,
    k: int = 8,
    negatives: int = 1_000_000,
    score: Score | None = None,
    known: Known = "train",
    corrupt: Corrupt = "both",
    seed: int = 0,
    command: str = "gneg.audit()",
) -> dict[str, Any]:
    """Draw negatives for random training edges and measure them.

    The sampler sees training edges only; the held-out ones (valid and test) are counted afterwards
    and stand for the positives that negatives are compared with. Quantiles are those of a sample
    of the pairs, everything else is counted in full.

    Args:
        data: The dataset.
        sampler: An expression, or a sampler on ``data.graph``.
        k: Negatives per positive.
        negatives: How many to draw.
        score: A trained model, for samplers that select by one, and to tell how it ranks negatives.
        known: Edges that negatives avoid; of an expression.
        corrupt: The end that is replaced; of an expression.
        seed: Of all randomness.
        command: What was typed, for the record.

    Returns:
        ``hardness`` (mean and quantiles of each measure, of negatives, of held-out positives, of
        uniform negatives), ``distances``, ``violating``, ``coverage``, ``duplicates``,
        ``degree_divergence`` (Jensen-Shannon, in bits), ``risk`` (held-out edges per 1,000
        negatives with a 95 % interval, lift over uniform, expected share), ``guards``, ``cost``.

    Raises:
        ValueError: If an argument is out of range, or the sampler needs a model that is not given.
    """
    checks.integer("k", k, 1)
    checks.integer("negatives", negatives, k)
    name = sampler if isinstance(sampler, str) else repr(sampler)
    if isinstance(sampler, str):
        sampler = build(sampler, data.graph, z=_vectors(data), known=data.known(known), corrupt=corrupt)
    if not isinstance(sampler, Sampler):
        checks.fail("sampler", "an expression or a Sampler", type(sampler).__name__)
    queries = -(-negatives // k)
    picked = torch.randint(data.train.size(1), (queries,), generator=generator_from(seed))
    pos = data.train[:, picked]
    before = _peak_mb()
    drawn, seconds = _draw(sampler, pos, k, score, split_seed(seed, 1))
    peak = _peak_mb()
    plain = Uniform(data.graph, known=sampler.known, corrupt=sampler.corrupt)
    held_out = torch.cat([data.valid.pos, data.test.pos], dim=1)
    secret = KnownEdges(held_out, num_nodes=data.num_nodes, undirected=data.undirected)
    some = torch.from_numpy(_subset(queries, max(1, PAIRS // k), seed))
    easy = plain.sample(pos[:, some], k, generator=generator_from(split_seed(seed, 2)))
    groups = {
        "positives": _ends(held_out[:, torch.from_numpy(_subset(held_out.size(1), PAIRS, seed))]),
        "negatives": _pairs(_rows(drawn, some)),
        "uniform": _pairs(easy),
    }
    risk = held_out_hits(drawn, secret, sampler.known)
    return {
        "dataset": data.name,
        "split": data.split,
        "sampler": name,
        "k": k,
        "queries": queries,
        "negatives": int(sum(part.mask.sum() for part in drawn)),
        "known": known,
        "corrupt": sampler.corrupt,
        "seed": seed,
        **_hardness(data, groups, score),
        "violating": None if score is None else _violating(_rows(drawn, some), pos[:, some], score),
        **_spread(data, drawn, pos),
        "risk": risk | {"expected_share": expected_share(sampler, pos, secret)},
        "guards": _guards(sampler, pos, k, score, seed, secret),
        "cost": {
            "seconds": seconds,
            "negatives_per_second": queries * k / seconds,
            "known_edges_mb": sampler.known.nbytes / 2**20,
            "negatives_mb": sum(part.index.nbytes + part.mask.nbytes for part in drawn) / 2**20,
            "peak_growth_mb": peak - before,
        },
        "command": command,
        "versions": record.versions(),
        "machine": record.machine(),
    }


def _vectors(data: LinkData) -> Tensor | None:
    return None if data.x is None or data.x.layout == torch.strided else data.x.to_dense()


def _draw(
    sampler: Sampler, pos: Tensor, k: int, score: Score | None, seed: int
) -> tuple[list[Negatives], float]:
    """Negatives of all positives, and seconds; the first call, which compiles, is not counted."""
    sampler.sample(pos[:, :64], k, score=score, generator=generator_from(seed))
    generator, start = generator_from(seed), time.perf_counter()
    drawn = [
        sampler.sample(some, k, score=score, generator=generator) for some in pos.split(ROWS, dim=1)
    ]
    return drawn, time.perf_counter() - start


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _subset(size: int, wanted: int, seed: int) -> IntArray:
    random = np.random.Generator(np.random.Philox(split_seed(seed, 3)))
    return np.sort(random.permutation(size)[:wanted])


def _rows(drawn: list[Negatives], some: Tensor) -> Negatives:
    """The rows ``some``, sorted, of all that were drawn, as one."""
    bounds = np.cumsum([0] + [len(part.index) for part in drawn])
    taken = [
        [field[some[(some >= low) & (some < high)] - low] for field in (part.src, part.index, part.mask)]
        for part, (low, high) in zip(drawn, itertools.pairwise(bounds), strict=True)
    ]
    src, index, mask = (torch.cat(field) for field in zip(*taken, strict=True))
    side: Any = drawn[0].side
    if isinstance(side, Tensor):
        side = torch.cat([part.side for part in drawn])[some]  # type: ignore[misc]
    return Negatives(src, index, mask, None, side)


def _pairs(negatives: Negatives) -> Pairs:
    src, dst = negatives.edge_index().contiguous().numpy()
    return Pairs(src, dst, negatives.index[negatives.mask].numpy())


def _ends(edges: Tensor) -> Pairs:
    """Positives, either end of which might have been chosen."""
    src, dst = edges.contiguous().numpy()
    return Pairs(src, dst, np.concatenate([src, dst]))


def _hardness(data: LinkData, groups: dict[str, Pairs], score: Score | None) -> dict[str, Any]:
    """Quantiles of every measure and shares of distances, of each group of pairs."""
    graph = data.graph.to_undirected()
    found: dict[str, dict[str, Any]] = {}
    kinds = ["cn", "aa", "ra", "pa", *([] if data.x is None else ["cosine"])]
    for group, (src, dst, chosen) in groups.items():
        columns: dict[str, FloatArray] = {
            kind: heuristics.scores(graph, kind, src, dst[:, None], x=data.x)[:, 0]  # type: ignore[arg-type]
            for kind in kinds
        }
        columns["ppr"] = _pagerank(graph, src, dst)
        columns["degree"] = graph.degree().numpy()[chosen].astype(np.float64)
        if score is not None:
            scored = score(torch.from_numpy(src), torch.from_numpy(dst))
            columns["score"] = scored.cpu().double().numpy()
        for name, column in columns.items():
            told = {"mean": float(column.mean()), "quantiles": np.quantile(column, AT).tolist()}
            found.setdefault(name, {})[group] = told
    shells = {group: _shells(graph, pair.src, pair.dst) for group, pair in groups.items()}
    return {"at": list(AT), "hardness": found, "distances": shells}


def _pagerank(graph: Graph, src: IntArray, dst: IntArray) -> FloatArray:
    """PageRank of the pairs of as many sources as there is time to push from."""
    epsilon = heuristics.default_tolerance(graph)
    cost = min(1 / (0.15 * epsilon), 30 * max(graph.num_edges, 1))
    sources = np.unique(src)
    wanted = int(min(SOURCES, max(32, PUSHES / cost)))
    if len(sources) > wanted:
        random = np.random.Generator(np.random.Philox(0))
        kept = np.isin(src, random.choice(sources, wanted, replace=False))
        src, dst = src[kept], dst[kept]
    return heuristics.scores(graph, "ppr", src, dst[:, None])[:, 0]


def _shells(graph: Graph, src: IntArray, dst: IntArray) -> dict[str, float]:
    """Share of pairs at each distance in the training graph."""
    few = slice(0, None, max(1, len(src) // (PAIRS // 5)))
    distance = heuristics.distances(graph, src[few], dst[few], FARTHEST)
    count = np.bincount(distance, minlength=FARTHEST + 2) / max(len(distance), 1)
    names = [*map(str, range(1, FARTHEST + 1)), f"over {FARTHEST}"]
    return {name: float(share) for name, share in zip(names, count[1:], strict=True)}


def _violating(negatives: Negatives, pos: Tensor, score: Score) -> float:
    """Share of negatives that the model scores above their positive."""
    positive = score(pos[0], pos[1]).unsqueeze(1)
    above = score(*negatives.pairs()) > positive
    return float(above[negatives.mask].double().mean())


def _spread(data: LinkData, drawn: list[Negatives], pos: Tensor) -> dict[str, Any]:
    """Coverage of nodes, repeats in a row, and how the degrees differ from the positives'."""
    size = data.num_nodes
    targets = np.concatenate([part.index[part.mask].numpy() for part in drawn])
    repeats = 0
    for part in drawn:
        row = torch.where(part.mask, part.index, -1 - torch.arange(part.index.size(1)))
        ordered = row.sort(dim=1).values
        repeats += int((ordered[:, 1:] == ordered[:, :-1]).sum())
    degree = data.graph.to_undirected().degree().numpy()
    side = drawn[0].side
    if isinstance(side, Tensor):
        turned = torch.cat([part.side for part in drawn])  # type: ignore[misc]
        replaced = torch.where(turned, pos[0], pos[1])
    else:
        replaced = pos[1] if side == "dst" else pos[0]
    return {
        "coverage": len(np.unique(targets)) / max(size, 1),
        "duplicates": repeats / max(len(targets), 1),
        "degree_divergence": _divergence(degree[targets], degree[replaced.numpy()]),
    }


def _divergence(ours: Any, theirs: Any) -> float:
    """Jensen-Shannon divergence of degrees in powers of two, in bits, in [0, 1]."""
    top = int(np.log2(max(ours.max(initial=0), theirs.max(initial=0)) + 1)) + 1
    p, q = (
        np.bincount(np.log2(one + 1).astype(np.int64), minlength=top) / max(len(one), 1)
        for one in (ours, theirs)
    )
    middle = (p + q) / 2
    parts = [
        (one[one > 0] * np.log2(one[one > 0] / middle[one > 0])).sum() for one in (p, q)
    ]
    return float(sum(parts) / 2)


def _guards(
    sampler: Sampler, pos: Tensor, k: int, score: Score | None, seed: int, secret: KnownEdges
) -> list[dict[str, Any]]:
    """What each guard drops, and what becomes of risk and hardness without it."""
    if not isinstance(sampler, Guarded):
        return []
    pos = pos[:, : PAIRS // k]
    graph = sampler.graph.to_undirected()

    def measured(one: Sampler) -> tuple[float, float, Counter[str]]:
        drawn = one.sample(pos, k, score=score, generator=generator_from(split_seed(seed, 4)))
        pairs = _pairs(drawn)
        ra = heuristics.scores(graph, "ra", pairs.src, pairs.dst[:, None]).mean()
        return held_out_hits([drawn], secret, one.known)["per_1000"], float(ra), Counter(drawn.counts)

    risk, hardness, counts = measured(sampler)
    rows = []
    for i, guard in enumerate(sampler.guards):
        others = sampler.guards[:i] + sampler.guards[i + 1 :]
        options: dict[str, Any] = {"known": sampler.known, "corrupt": sampler.corrupt}
        without = Guarded(sampler.sampler, others, sampler.m, **options) if others else sampler.sampler
        more_risk, more_hardness, _ = measured(without)
        rows.append(
            {
                "guard": repr(guard),
                "dropped": counts[f"dropped {guard.name}"] / max(counts["guarded"], 1),
                "saved_per_1000": more_risk - risk,
                "cost_ra": more_hardness - hardness,
            }
        )
    return rows
