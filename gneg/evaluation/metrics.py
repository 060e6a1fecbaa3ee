"""Ranking metrics with an explicit tie rule, equal to ``ogb.linkproppred.Evaluator``.

Ranks are 1-based. With ties, MRR uses the mean of the optimistic and the pessimistic rank; Hits@K
against one shared set of negatives counts a positive only if it scores strictly above the K-th
best negative. Scores that are NaN and sets with fewer than K negatives are refused: OGB's own
evaluator silently counts them as 0 and 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from gneg import checks

__all__ = [
    "HITS",
    "auc",
    "hits",
    "mrr",
    "per_positive",
    "precisions",
    "rank_metrics",
    "ranks",
    "summarise_ranks",
    "summary",
]

#: Scores of positives ``[E]`` and of their negatives, ``[E, K]`` or one shared set ``[M]``.
Scored = tuple[Tensor, Tensor]
#: Whether positives are ranked against sets of negatives only, or among all nodes as well.
Against = Literal["sets", "all"]
HITS = (1, 3, 10, 20, 50, 100)
TIES = (
    "mrr: mean of optimistic and pessimistic rank; hits@K: strictly above the K-th best of a "
    "shared set, mean rank <= K among own negatives; auc: half"
)

# Negatives compared with their positives at once; bounds the memory of `ranks`.
CHUNK = 2**24


def check_no_nan(name: str, value: Tensor) -> None:
    """Refuse scores of which one is NaN.

    The largest of some numbers is NaN if any of them is, in a fifth of the time of a mask.

    Args:
        name: Name of the argument in an error.
        value: Scores of any shape.

    Raises:
        ValueError: If one is NaN.
    """
    if not value.numel() or not value.is_floating_point():
        return
    wide = value if value.element_size() > 1 else value.float()  # amax has no numbers of 8 bits
    if wide.amax().isnan():
        checks.fail(name, "free of NaN", f"{int(value.isnan().sum())} NaN of {value.numel()}")


def _scores(name: str, value: Tensor, dims: tuple[int, ...]) -> Tensor:
    shapes = {1: "[E]" if name == "pos" else "[M]", 2: "[E, K]"}
    allowed = "a float tensor of shape " + " or ".join(shapes[dim] for dim in dims)
    value = checks.real_tensor(name, value, allowed)
    if value.dim() not in dims:
        checks.fail(name, allowed, list(value.shape))
    check_no_nan(name, value)
    return value.detach() if value.is_floating_point() else value.double()


def _checked(pos: Tensor, neg: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    pos, neg = _scores("pos", pos, (1,)), _scores("neg", neg, dims)
    if not len(pos):
        checks.fail("pos", "at least one score", "none")
    if neg.dim() == 2 and len(neg) != len(pos):
        checks.fail("neg", f"[{len(pos)}, K], one row per positive", list(neg.shape))
    if not neg.numel():
        checks.fail("neg", "at least one score", list(neg.shape))
    return pos, neg


def ranks(pos: Tensor, neg: Tensor) -> Tensor:
    """Return the rank of each positive, ``[E]`` double, the mean of optimistic and pessimistic.

    Args:
        pos: ``[E]`` scores of positives.
        neg: ``[E, K]`` scores of each positive's own negatives, or ``[M]`` of one shared set.

    Raises:
        ValueError: On NaN, an empty input or shapes that do not match.

    Example:
        >>> ranks(torch.tensor([0.9, 0.5]), torch.tensor([[0.1, 0.2], [0.5, 0.7]]))
        tensor([1.0000, 2.5000], dtype=torch.float64)
    """
    pos, neg = _checked(pos, neg, (1, 2))
    if neg.dim() == 1:
        ordered, pos = neg.sort().values, pos.contiguous()  # searchsorted warns of views
        above = len(ordered) - torch.searchsorted(ordered, pos, right=True)
        at_least = len(ordered) - torch.searchsorted(ordered, pos)
        return (above + at_least).double() / 2 + 1
    chunk = max(1, CHUNK // neg.size(1))
    parts = [
        ((negatives > positive).sum(1) + (negatives >= positive).sum(1)).double() / 2 + 1
        for positive, negatives in zip(pos.unsqueeze(1).split(chunk), neg.split(chunk), strict=True)
    ]
    return torch.cat(parts)


def rank_metrics(rank: Tensor, ks: Sequence[int] = HITS) -> dict[str, Tensor]:
    """Return the reciprocal rank, as ``mrr``, and ``hits@K`` of each positive, ``[E]`` double.

    Args:
        rank: ``[E]`` double, ranks >= 1.
        ks: The values of K.
    """
    return {
        "mrr": rank.reciprocal(),
        **{f"hits@{k}": (rank <= k).double() for k in ks},
    }


#: Metrics of :func:`summarise_ranks` that are mean ranks: not shares, and lower is better.
MEAN_RANKS = ("mr", "amr")


def summarise_ranks(
    rank: Tensor, by_chance: Tensor | None = None, *, ks: Sequence[int] = HITS
) -> dict[str, float]:
    """Return the metrics that depend on ranks only: MRR, Hits@K and, by chance ranks, mean ranks.

    Args:
        rank: ``[E]`` double, ranks >= 1.
        by_chance: ``[E]``, the expected rank of each positive among candidates in random order.
        ks: The values of K.

    Returns:
        ``mrr`` and ``hits@K`` in [0, 1]; with ``by_chance`` also ``mr``, the mean rank, and
        ``amr``, the mean rank over that by chance (1 is chance; Berrendorf, Faerman, Vermue and
        Tresp 2020).
    """
    means = {name: float(value.mean()) for name, value in rank_metrics(rank, ks).items()}
    if by_chance is None:
        return means
    mean_rank = float(rank.mean())
    amr = mean_rank / float(by_chance.mean())
    return {"mrr": means.pop("mrr"), "mr": mean_rank, "amr": amr, **means}


def mrr(pos: Tensor, neg: Tensor) -> float:
    """Return the mean reciprocal rank, in [0, 1]; arguments are those of :func:`ranks`."""
    return summarise_ranks(ranks(pos, neg))["mrr"]


def hits(pos: Tensor, neg: Tensor, k: int) -> float:
    """Return Hits@K, in [0, 1].

    Against a shared set ``neg [M]``: the share of positives that score strictly above its K-th best
    (OGB's rule for ddi, collab and ppa). Where each positive has negatives of its own,
    ``neg [E, M]``: the share of positives whose rank is at most K.

    Raises:
        ValueError: As for :func:`ranks`, or if there are fewer than ``k`` negatives.
    """
    k = checks.integer("k", k, 1)
    pos, neg = _checked(pos, neg, (1, 2))
    if neg.size(-1) < k:
        checks.fail("neg", f"at least k = {k} negatives", neg.size(-1))
    if neg.dim() == 2:
        return summarise_ranks(ranks(pos, neg), ks=(k,))[f"hits@{k}"]
    return float((pos > neg.topk(k).values[-1]).double().mean())


def auc(pos: Tensor, neg: Tensor) -> float:
    """Return the area under the ROC curve, in [0, 1]; ties count half.

    All negatives are one set, whatever the shape of ``neg``.

    Raises:
        ValueError: On NaN or an empty input.
    """
    pos, neg = _checked(pos, checks.real_tensor("neg", neg, "scores").flatten(), (1,))
    mean_rank = float(ranks(pos, neg).mean()) - 1
    return 1.0 - mean_rank / len(neg)


def precisions(pos: Tensor, neg: Tensor) -> Tensor:
    """Return the precision at the score of each positive, ``[E]`` double.

    Their mean is the average precision. All scores are one list, whatever the shape of ``neg``;
    equal scores are one threshold, as in scikit-learn's ``average_precision_score``.

    Raises:
        ValueError: On NaN or an empty input.
    """
    pos, neg = _checked(pos, checks.real_tensor("neg", neg, "scores").flatten(), (1,))
    positives, negatives = (
        len(scores) - torch.searchsorted(scores.sort().values, pos.contiguous())
        for scores in (pos, neg)
    )
    return positives.double() / (positives + negatives)


def _masked(pos: Tensor, neg: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return negatives and their mask, both ``[E, K]``, or those left of a shared set and None."""
    rows = len(pos), neg.size(-1)
    shapes = [rows] if neg.dim() == 2 else [tuple(neg.shape), rows]
    allowed = "a bool tensor of shape " + " or ".join(str(list(shape)) for shape in shapes)
    checks.tensor("mask", mask, allowed)
    if mask.dtype != torch.bool:
        checks.fail("mask", allowed, f"dtype {mask.dtype}")
    if mask.shape not in shapes:
        checks.fail("mask", allowed, list(mask.shape))
    if mask.dim() == 2:
        return neg.expand(rows), mask
    if not mask.any():
        checks.fail("mask", "True for at least one negative", "False for all")
    return neg[mask], None


def per_positive(pos: Tensor, neg: Tensor, mask: Tensor | None = None) -> dict[str, Tensor]:
    """Return each metric as values of the positives, ``[E]`` double, of which it is the mean.

    ``mrr``, ``auc`` and ``hits@K`` for each K of :data:`HITS` up to the number of negatives. Where
    each positive has negatives of its own, its AUC is that against those.

    Args:
        pos: ``[E]`` scores of positives.
        neg: ``[E, K]`` scores of each positive's own negatives, or ``[M]`` of one shared set.
        mask: ``[E, K]`` bool, False where there is no negative, which then ranks below everything.
            For a shared set ``[M]``, of the set; or ``[E, M]``, which makes what is left of it the
            negatives of each positive.

    Raises:
        ValueError: As for :func:`ranks`, or if ``mask`` has another shape.
    """
    pos, neg = _checked(pos, neg, (1, 2))
    if mask is not None:
        neg, mask = _masked(pos, neg, mask)
    count: Tensor | int = neg.size(-1)
    if mask is not None:
        neg, count = neg.masked_fill(~mask, -torch.inf), mask.sum(1).clamp(min=1)
    rank = ranks(pos, neg)
    values = rank_metrics(rank, [k for k in HITS if k <= neg.size(-1)])
    if neg.dim() == 1:
        for name in values.keys() - {"mrr"}:
            k = int(name.removeprefix("hits@"))
            values[name] = (pos > neg.topk(k).values[-1]).double()
    return {"mrr": values.pop("mrr"), "auc": 1.0 - (rank - 1) / count, **values}


def summary(pos: Tensor, neg: Tensor, mask: Tensor | None = None) -> dict[str, float]:
    """Return the means of :func:`per_positive`, whose arguments these are.

    Raises:
        ValueError: As for :func:`ranks`.
    """
    return {name: float(value.mean()) for name, value in per_positive(pos, neg, mask).items()}
