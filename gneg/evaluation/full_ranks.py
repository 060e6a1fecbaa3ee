"""Ranks of held-out edges among all nodes, from both ends, as a list of answers is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import LinkData
from gneg.evaluation import ranking
from gneg.evaluation.bootstrap import with_intervals
from gneg.evaluation.ranking import Ranks, Score
from gneg.graph import KnownEdges
from gneg.graph.sizes import with_sizes
from gneg.rng import generator_from
from gneg.samplers.negatives import Side

RESAMPLES = 1000  # bootstrap samples for the intervals in a record
#: Pairs that are scored at most where the score is a product of matrices, and where it is not.
PRODUCTS, PAIRS = 2**34, 2**26


@dataclass(frozen=True)
class Queries:
    """Positives as queries of one end.

    Attributes:
        side: The end that is ranked.
        pairs: ``[2, Q]``, queries and targets.
        known: Pairs (query, target) that are no candidates.
    """

    side: Side
    pairs: Tensor
    known: KnownEdges

    __repr__ = with_sizes


@dataclass(frozen=True)
class FullRanks:
    """Ranks of positives among all nodes.

    Attributes:
        chosen: ``[n]`` long, the positives that were ranked, ascending: all, or a random sample.
        ranks: ``[ends, n]``, their ranks.
        size: ``[ends, n]`` long, the number of positives of each query.
        total: The number of positives that there are.
        candidates: The number of nodes that a positive is ranked among, known ones included.
        pairs: The number of pairs that were scored.
    """

    chosen: Tensor
    ranks: Ranks
    size: Tensor
    total: int
    candidates: int
    pairs: int

    __repr__ = with_sizes

    @property
    def sampled(self) -> bool:
        """Whether the positives are a sample."""
        return len(self.chosen) < self.total

    def per_positive(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Return values and weights ``[n]``, see :func:`gneg.evaluation.ranking.per_positive`."""
        metrics = ranking.per_positive(self.ranks, self.size)
        return {
            name: (value.mean(dim=0), weight.mean(dim=0))
            for name, (value, weight) in metrics.items()
        }

    def metrics(self, resamples: int = 0, seed: int = 0) -> dict[str, dict[str, float]]:
        """Return ``value`` of each metric and, of bootstrap samples, ``low`` and ``high``.

        Args:
            resamples: Bootstrap samples of the positives, for 95 % intervals; 0: no intervals.
            seed: Seed for the bootstrap.
        """
        table = self.per_positive()
        values = {name: value.numpy() for name, (value, _) in table.items()}
        weights = {name: weight.numpy() for name, (_, weight) in table.items()}
        return with_intervals(values, resamples, seed, weights)

    def describe(self) -> dict[str, Any]:
        """Return what was ranked, for records."""
        return {
            "ranked": len(self.chosen),
            "positives": self.total,
            "ends": len(self.size),
            "candidates": self.candidates,
            "pairs": self.pairs,
        }


def full_ranks(
    data: LinkData,
    score: Score,
    part: str = "test",
    *,
    budget: int | None = None,
    seed: int = 0,
) -> FullRanks:
    """Rank each positive among all nodes but known ones, from both ends.

    The end of a positive is ranked among all nodes that the other end has no known edge to, itself
    left out: neither edges of training nor, for test positives, of validation are candidates, and
    the query's other positives are not in filtered ranks. In an undirected graph both ends are
    queries, scored as (query, candidate); in a bipartite graph sources are, whose targets are
    ranked. Exact, in chunks. Ties share their mean rank.

    Args:
        data: The dataset.
        score: ``score(src, dst)`` of one shape. Its method ``matrix(ids [b], side=) -> [b, M]``,
            the scores of all nodes at the end ``side``, is used if it has one.
        part: The positives to rank: ``valid`` or ``test``.
        budget: Pairs that are scored at most, >= 1. Beyond it a random sample of the positives is
            ranked. If None :data:`PRODUCTS` for a score whose attribute ``is_product`` is true, as
            that of models with a dot, cosine or bilinear decoder, else :data:`PAIRS`.
        seed: Seed for the sample.

    Raises:
        ValueError: If a score is NaN, or a budget does not allow for one positive.
    """
    checks.choice("part", part, ("valid", "test"))
    if budget is None:
        budget = PRODUCTS if getattr(score, "is_product", False) else PAIRS
    budget = checks.integer("budget", budget, 1)
    pos = data.positives(part).cpu().long()
    if not pos.size(1):
        checks.fail("data", f"with {part} edges", data)
    passes = list(queries(data, part))
    chosen = _sample(passes, pos.size(1), budget, seed)
    filtered, raw, sizes, pairs = [], [], [], 0
    device = getattr(score, "device", None)
    for query in passes:
        side, ends, known = query.side, query.pairs, query.known
        at = torch.cat([chosen + low for low in range(0, ends.size(1), pos.size(1))])
        rows = ranking.rows_of(score, known.num_dst, side=side, device=device)
        # All positives of a query are left out of each other's filtered ranks.
        present = torch.isin(ends[0], ends[0, at])
        ranked = ranking.ranks(rows, ends[:, present], known)
        place = present.cumsum(dim=0)[at] - 1
        filtered.append(ranked.filtered[place])
        raw.append(ranked.raw[place])
        sizes.append(torch.bincount(ends[0])[ends[0, at]])
        pairs += int(ends[0, at].unique().numel()) * known.num_dst
    shape = -1, len(chosen)
    joined = Ranks(torch.cat(filtered).view(shape), torch.cat(raw).view(shape))
    size = torch.cat(sizes).view(shape)
    return FullRanks(chosen, joined, size, pos.size(1), known.num_dst, pairs)


def record(data: LinkData, score: Score, *, seed: int) -> dict[str, Any]:
    """Return the metrics of the test positives among all nodes, for the record of a run.

    Args:
        data: The dataset.
        score: As in :func:`full_ranks`.
        seed: Seed for the sample of positives, where they are one, and for the intervals.

    Returns:
        Each metric, their 95 % bootstrap ``intervals``, and what was ranked.
    """
    full = full_ranks(data, score, seed=seed)
    figures = full.metrics(RESAMPLES, seed)
    intervals = {name: [figure["low"], figure["high"]] for name, figure in figures.items()}
    values = {name: figure["value"] for name, figure in figures.items()}
    return {**values, "intervals": intervals, **full.describe()}


def sentence(ranked: Mapping[str, Any]) -> str:
    """Return in words what was ranked, by the entries of :meth:`FullRanks.describe`."""
    which = f"all {ranked['positives']:,} edges"
    if ranked["ranked"] < ranked["positives"]:
        which = f"a random sample of {ranked['ranked']:,} of {ranked['positives']:,} edges"
    ends = "from both ends among" if ranked["ends"] > 1 else "by their targets among"
    candidates, pairs = f"all {ranked['candidates']:,} nodes but known ones", ranked["pairs"]
    return f"{which}, ranked {ends} {candidates} ({pairs:,} pairs scored)"


def queries(data: LinkData, part: str) -> Iterator[Queries]:
    """Yield the positives of a part as queries: of an undirected graph those of both ends at once.

    Args:
        data: The dataset.
        part: ``valid`` or ``test``.
    """
    split = data.valid if part == "valid" else data.test
    pos = split.pos.cpu().long()
    earlier = [data.valid.pos] if part == "test" else []
    if data.num_src is not None:
        known = split.known if split.known is not None else KnownEdges(data.graph, *earlier)
        yield Queries("dst", pos, known)
        return
    itself = torch.arange(data.num_nodes).expand(2, -1)
    known = KnownEdges(data.graph, *earlier, itself)
    if data.undirected:
        yield Queries("dst", torch.cat([pos, pos.flip(0)], dim=1), known)
        return
    yield Queries("dst", pos, known)
    yield Queries("src", pos.flip(0), known.reversed())


def _sample(passes: list[Queries], total: int, budget: int, seed: int) -> Tensor:
    """Return the positives to rank, ascending: all, or as many as the budget allows for."""
    costs = [(len(np.unique(query.pairs[0])), query.pairs.size(1) / total) for query in passes]
    candidates = passes[0].known.num_dst  # equal at both ends, where both are ranked
    if sum(queries for queries, _ in costs) * candidates <= budget:
        return torch.arange(total)
    each = int(sum(ends for _, ends in costs)) * candidates
    count = budget // each
    if not count:
        checks.fail("budget", f"at least {each:,}, the pairs of one positive", f"{budget:,}")
    return torch.randperm(total, generator=generator_from(seed))[:count].sort().values
