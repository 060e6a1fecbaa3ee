"""Ranks among all targets, as used for recommenders and knowledge-graph completion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from gneg import checks, kernels
from gneg.datasets import EvalEdges
from gneg.evaluation import metrics
from gneg.graph import KnownEdges
from gneg.graph.sizes import with_sizes

__all__ = ["Ranks", "evaluate_edges", "per_positive", "ranks", "rows_of", "summary"]

#: ``rows(query [b]) -> [b, M]``: the scores of all targets.
Rows = Callable[[Tensor], Tensor]
TOP = 20  # length of the list that Recall@K and NDCG@K look at
CHUNK = 2**25  # scores in memory at once
PAIRS = 2**22  # pairs that are scored one by one at once


@dataclass(frozen=True)
class Ranks:
    """Ranks among all targets that are no known edges, 1-based; ties share their mean rank.

    Attributes:
        filtered: ``[E]`` double, ranks that leave out the query's other positives as well.
        raw: ``[E]`` double, ranks among all.
    """

    filtered: Tensor
    raw: Tensor

    __repr__ = with_sizes


def ranks(rows: Rows, pos: Tensor, known: KnownEdges) -> Ranks:
    """Rank the target of each positive among all targets that its query has no known edge to.

    Exact, in chunks of :data:`CHUNK` scores. The query itself is a target like any other where
    both are of one kind (as in knowledge graphs).

    Args:
        rows: ``rows(query [b]) -> [b, M]``, the scores of all M targets.
        pos: ``[2, E]``, queries and targets.
        known: Edges (query, target) that are left out of the ranking: the training edges. A
            positive that is itself known is ranked all the same.

    Raises:
        ValueError: If a score is NaN, or an id or a shape does not fit.
    """
    if not callable(rows):
        checks.fail("rows", "a function that returns scores", checks.shown(rows))
    checks.instance("known", known, (KnownEdges,))
    pos = checks.pairs("pos", pos).cpu().long()
    checks.node_range("pos[0]", pos[0], known.num_src)
    checks.node_range("pos[1]", pos[1], known.num_dst)
    if not pos.size(1):
        checks.fail("pos", "at least one positive", "none")
    # Each pair once: a repeated positive is no other positive of its query.
    keys, places = np.unique(pos[0] * known.num_dst + pos[1], return_inverse=True)
    source, target = np.divmod(keys, known.num_dst)
    queries, first = np.unique(source, return_index=True)
    first = np.append(first, len(source))
    order = np.arange(len(source))
    out = np.empty((len(source), 4), np.int64)
    step = max(1, CHUNK // known.num_dst)
    for low in range(0, len(queries), step):
        batch = queries[low : low + step]
        with torch.no_grad():
            output = rows(torch.from_numpy(batch))
        output = checks.scores("rows", output, (len(batch), known.num_dst))
        scores = output.detach().to("cpu", torch.float32)
        metrics.check_no_nan("rows", scores)
        kernels.threads.run_rows(
            kernels.ranking.count,
            len(batch),
            scores.numel(),
            out,
            order,
            scores.contiguous().numpy(),
            first[low : low + step + 1],
            target,
            *known.arrays,
            batch,
        )
    above, level, also_above, also_level = torch.from_numpy(out[places]).double().unbind(1)
    raw = above + level / 2 + 1
    return Ranks(raw - also_above - also_level / 2, raw)


def summary(ranked: Ranks, query: Tensor) -> dict[str, float]:
    """Return MRR and Hits@K over positives by filtered ranks, Recall and NDCG at 20 over queries.

    Args:
        ranked: The ranks of the positives.
        query: ``[E]``, the query of each positive.
    """
    _, group, size = torch.unique(query.cpu(), return_inverse=True, return_counts=True)
    return {
        name: float(value.sum() / weight.sum())
        for name, (value, weight) in per_positive(ranked, size[group]).items()
    }


def per_positive(ranked: Ranks, size: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """Return each metric as values and weights of the positives, doubles of the ranks' shape.

    A metric is the sum of its values over the sum of its weights; over a random sample of the
    positives that is an estimate. MRR and Hits@K are means over positives by filtered ranks.
    Recall@20 and NDCG@20 are means over queries by raw ranks: the share of a query's positives
    among its 20 best targets, and their discounted gain over the largest possible one (Järvelin and
    Kekäläinen 2002), as in the evaluation of LightGCN (He et al., SIGIR 2020).

    Args:
        ranked: The ranks of the positives.
        size: The number of positives of each one's query, >= 1, of the ranks' shape.
    """
    metrics_of_ranks = metrics.rank_metrics(ranked.filtered)
    values = {name: (value, torch.ones_like(value)) for name, value in metrics_of_ranks.items()}
    hit = ranked.raw <= TOP
    gain = torch.where(hit, 1 / torch.log2(ranked.raw + 1), 0.0)
    best = torch.cumsum(1 / torch.log2(torch.arange(TOP).double() + 2), 0)
    share = 1 / size.double()
    values[f"recall@{TOP}"] = hit * share, share
    values[f"ndcg@{TOP}"] = gain / best[size.clamp(max=TOP) - 1], share
    return values


#: Scores of pairs of one shape: ``score(src, dst) -> Tensor``.
Score = Callable[[Tensor, Tensor], Tensor]


def evaluate_edges(edges: EvalEdges, score: Score) -> dict[str, float]:
    """Rank positives against their negatives, or among all targets, and return all metrics.

    Against negatives the metrics are those of :func:`gneg.evaluation.metrics.summary`, among all
    targets (``edges.known`` is given) those of :func:`summary`.

    Args:
        edges: Positives and the negatives they are ranked against.
        score: ``score(src, dst)`` of one shape. For ranks among all targets, its method
            ``matrix(src [b]) -> [b, M]`` is used if it has one.

    Raises:
        ValueError: If scores are NaN.
    """
    if edges.known is None:
        with torch.no_grad():
            pos, neg = score(edges.pos[0], edges.pos[1]), score(*edges.neg)
        return metrics.summary(pos, neg, edges.mask)
    rows = rows_of(score, edges.known.num_dst, device=edges.pos.device)
    return summary(ranks(rows, edges.pos, edges.known), edges.pos[0])


def rows_of(
    score: Score,
    num_others: int,
    *,
    side: Literal["dst", "src"] = "dst",
    device: torch.device | None = None,
) -> Rows:
    """Return the function that scores queries with all nodes that may be their other end.

    Args:
        score: ``score(src, dst)``; its method ``matrix(ids [b], side=) -> [b, M]`` is used if it
            has one.
        num_others: M, the number of those nodes.
        side: The end that is ranked: the queries are sources where it is ``dst``.
        device: Device of the ids that the score is called with; the CPU if None.
    """
    targets = torch.arange(num_others, device=device)

    def pairs(query: Tensor) -> Tensor:
        shape = len(query), num_others
        ends = query[:, None].expand(shape), targets.expand(shape)
        return score(*(ends if side == "dst" else ends[::-1]))

    def rows(query: Tensor) -> Tensor:
        query = query.to(targets.device)
        if hasattr(score, "matrix"):
            options = {} if side == "dst" else {"side": side}
            return score.matrix(query, **options)  # type: ignore[no-any-return]
        return torch.cat([pairs(part) for part in query.split(max(1, PAIRS // num_others))])

    return rows
