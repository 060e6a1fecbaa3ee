"""Evaluation of anything that scores pairs, against easy and hard negatives side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, files
from gneg.datasets import EvalEdges, LinkData
from gneg.evaluation import metrics
from gneg.evaluation.hardset.hardset import HardSet
from gneg.evaluation.ranking import Score
from gneg.graph import heuristics

__all__ = ["evaluate"]

#: Scores of positives ``[E]`` and of their negatives, ``[E, K]`` or one shared set ``[M]``.
Scored = tuple[Tensor, Tensor]
FloatArray = npt.NDArray[np.float64]

# Bounds of buckets: a value falls in the last one that it reaches.
BUCKETS = {
    "degree": (0, 1, *(2**i for i in range(1, 13))),
    "distance": (1, 2, 3, 4, 5, 6),
    "common neighbours": (0, 1, 2, 3, 6, 11, 21, 51, 101, 201),
}
FARTHEST = 5  # steps that distances are searched for
SHOWN = ("mrr", "hits@10")  # what is told of each bucket
# Entries of the table of resampled positives at once.
CHUNK = 2**24


def evaluate(
    data: LinkData,
    score: Score | Mapping[str, Scored],
    *,
    part: str = "test",
    sets: Mapping[str, HardSet | EvalEdges] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Rank positives against negatives: Hits@K, MRR, AUC, AP with confidence intervals.

    Args:
        data: The dataset. Degrees, distances and common neighbours are those of its training
            graph.
        score: ``score(src, dst) -> Tensor`` of one shape, or for each set what was scored already.
        part: ``valid`` or ``test``.
        sets: What to rank against, by name; the dataset's own negatives, called ``"uniform"`` (or
            ``"official"`` where the dataset brings them), come first and need not be given.
        resamples: Bootstrap samples of the positives, for 95 % intervals; 0: no intervals.
        seed: Of the bootstrap.

    Returns:
        For each set under ``"sets"``: ``"metrics"`` (``value``, ``low``, ``high``), and ``"by"``:
        MRR and Hits@10 by the smaller degree of the ends, by their distance and by the number of
        their common neighbours.

    Raises:
        ValueError: If a set ranks other positives than the part's, or scores do not fit.
    """
    checks.choice("part", part, ("valid", "test"))
    checks.integer("resamples", resamples, 0)
    own = data.valid if part == "valid" else data.test
    every: dict[str, HardSet | EvalEdges] = {name_of_own(data): own, **(sets or {})}
    if not callable(score):
        unknown = set(score) - set(every)
        if unknown:
            checks.fail("score", f"of the sets {', '.join(every)}", sorted(unknown))
        every = {name: one for name, one in every.items() if name in score}
    groups = buckets(data, own.pos)
    found: dict[str, Any] = {}
    for name, one in every.items():
        edges = one.edges() if isinstance(one, HardSet) else one
        if not torch.equal(edges.pos, own.pos):
            allowed = f"made for the {part} positives of {data.name} ({data.split})"
            checks.fail(f"sets[{name!r}]", allowed, f"{edges.pos.size(1)} other positives")
        pos, neg = _scored(edges, score) if callable(score) else score[name]
        values = per_positive(pos, neg, edges.mask)
        found[name] = {
            "negatives": edges.num_negatives,
            "shared": edges.shared,
            "info": one.info if isinstance(one, HardSet) else {},
            "metrics": _with_intervals(values, resamples, seed),
            "by": {what: _by(values, groups[what], BUCKETS[what]) for what in groups},
        }
    return {
        "dataset": data.name,
        "part": part,
        "split": data.split,
        "positives": own.pos.size(1),
        "ties": metrics.TIES,
        "resamples": resamples,
        "seed": seed,
        "sets": found,
        "versions": files.versions(),
        "machine": files.machine(),
    }


def name_of_own(data: LinkData) -> str:
    """What the dataset's own negatives are called."""
    return "official" if data.split == "official" else "uniform"


def _scored(edges: EvalEdges, score: Score) -> Scored:
    with torch.no_grad():
        return score(edges.pos[0], edges.pos[1]), score(*edges.neg)


def per_positive(pos: Tensor, neg: Tensor, mask: Tensor | None = None) -> dict[str, FloatArray]:
    """:func:`gneg.evaluation.metrics.per_positive` and the average precision, as arrays ``[E]``.

    Raises:
        ValueError: On NaN, or shapes that do not fit.
    """
    values = metrics.per_positive(pos, neg, mask)
    values["ap"] = metrics.precisions(pos, neg if mask is None else neg[mask])
    return {name: value.cpu().numpy() for name, value in values.items()}


def _with_intervals(
    values: dict[str, FloatArray], resamples: int, seed: int
) -> dict[str, dict[str, float]]:
    """Mean of each metric and the 95 % interval of its bootstrap over positives."""
    table = np.stack(list(values.values()), axis=1)
    size = len(table)
    random = np.random.Generator(np.random.Philox(seed))
    means = []
    chunk = max(1, CHUNK // size)
    for start in range(0, resamples, chunk):
        shape = min(chunk, resamples - start), size
        picked = random.integers(size, size=shape, dtype=np.int32)
        counts = np.stack([np.bincount(row, minlength=size) for row in picked])
        means.append(counts @ table / size)
    found = {name: {"value": float(mean)} for name, mean in zip(values, table.mean(0), strict=True)}
    if means:
        low, high = np.quantile(np.concatenate(means), (0.025, 0.975), axis=0)
        for i, one in enumerate(found.values()):
            one |= {"low": float(low[i]), "high": float(high[i])}
    return found


def buckets(data: LinkData, pos: Tensor) -> dict[str, npt.NDArray[np.int64]]:
    """For each kind of bucket, which of its bounds each positive ``[2, E]`` reaches last."""
    graph = data.whole
    src, dst = data.joint(pos.cpu()).numpy()
    degree = graph.degree().numpy()
    found = {
        "degree": np.minimum(degree[src], degree[dst]),
        "distance": heuristics.distances(graph, src, dst, FARTHEST),
    }
    if data.num_src is None:  # else there are none
        common = heuristics.scores(graph, "cn", src, dst[:, None])[:, 0]
        found["common neighbours"] = common.astype(np.int64)
    return {
        what: np.searchsorted(BUCKETS[what], value, side="right") - 1
        for what, value in found.items()
    }


def _by(
    values: dict[str, FloatArray], group: npt.NDArray[np.int64], bounds: tuple[int, ...]
) -> list[dict[str, Any]]:
    rows = []
    for i in np.unique(group):
        mine = group == i
        row: dict[str, Any] = {"from": bounds[i]}
        row["to"] = bounds[i + 1] - 1 if i + 1 < len(bounds) else None
        row["positives"] = int(mine.sum())
        row |= {name: float(values[name][mine].mean()) for name in SHOWN if name in values}
        rows.append(row)
    return rows
