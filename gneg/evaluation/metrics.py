"""Ranking metrics with an explicit tie rule, equal to ``ogb.linkproppred.Evaluator``.

Ranks are 1-based. With ties, MRR uses the mean of the optimistic and the pessimistic rank; Hits@K
against one shared set of negatives counts a positive only if it scores strictly above the K-th
best negative. Scores that are NaN and sets with fewer than K negatives are refused: OGB's own
evaluator turns them into 0 and 1 without a word.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gneg import checks

HITS = (1, 3, 10, 20, 50, 100)
TIES = (
    "mrr: mean of optimistic and pessimistic rank; hits@K: strictly above the K-th best of a "
    "shared set, mean rank <= K among own negatives; auc: half"
)

# Scores compared at once with their negatives; bounds the memory of `ranks`.
CHUNK = 2**24


def _scores(name: str, value: Tensor, dims: tuple[int, ...]) -> Tensor:
    shapes = {1: "[E]" if name == "pos" else "[M]", 2: "[E, K]"}
    allowed = "a float tensor of shape " + " or ".join(shapes[dim] for dim in dims)
    if not isinstance(value, Tensor):
        checks.fail(name, allowed, type(value).__name__)
    if value.dim() not in dims:
        checks.fail(name, allowed, list(value.shape))
    if torch.isnan(value).any():
        checks.fail(name, "free of NaN", f"{int(torch.isnan(value).sum())} NaN of {value.numel()}")
    return value.detach()


def _checked(pos: Tensor, neg: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    pos, neg = _scores("pos", pos, (1,)), _scores("neg", neg, dims)
    if not len(pos):
        checks.fail("pos", "at least one score", "none")
    if neg.dim() == 2 and len(neg) != len(pos):
        checks.fail("neg", f"[{len(pos)}, K], one row a positive", list(neg.shape))
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
        ordered, pos = neg.sort().values, pos.contiguous()  # a view would be warned of
        above = len(ordered) - torch.searchsorted(ordered, pos, right=True)
        level = len(ordered) - torch.searchsorted(ordered, pos)
        return (above + level).double() / 2 + 1
    chunk = max(1, CHUNK // neg.size(1))
    parts = [
        ((some > one).sum(1) + (some >= one).sum(1)).double() / 2 + 1
        for one, some in zip(pos.unsqueeze(1).split(chunk), neg.split(chunk), strict=True)
    ]
    return torch.cat(parts)


def mrr(pos: Tensor, neg: Tensor) -> float:
    """Mean reciprocal rank, in [0, 1]; arguments as for :func:`ranks`."""
    return float(ranks(pos, neg).reciprocal().mean())


def hits(pos: Tensor, neg: Tensor, k: int) -> float:
    """Hits@K, in [0, 1].

    Against a shared set ``neg [M]``: the share of positives that score strictly above its K-th best
    (OGB's rule for ddi, collab and ppa). Against own negatives ``neg [E, K']``: the share
    of positives whose rank is at most K.

    Raises:
        ValueError: As for :func:`ranks`, or if there are fewer than ``k`` negatives.
    """
    checks.integer("k", k, 1)
    pos, neg = _checked(pos, neg, (1, 2))
    if neg.size(-1) < k:
        checks.fail("neg", f"at least k = {k} negatives", neg.size(-1))
    if neg.dim() == 2:
        return float((ranks(pos, neg) <= k).double().mean())
    return float((pos > neg.topk(k).values[-1]).double().mean())


def auc(pos: Tensor, neg: Tensor) -> float:
    """Area under the ROC curve, in [0, 1]; ties count half. ``neg`` of any shape is one set.

    Raises:
        ValueError: On NaN or an empty input.
    """
    pos, neg = _checked(pos, neg.flatten() if isinstance(neg, Tensor) else neg, (1,))
    mean_rank = float(ranks(pos, neg).mean()) - 1
    return 1.0 - mean_rank / len(neg)


def precisions(pos: Tensor, neg: Tensor) -> Tensor:
    """Precision where each positive stands, ``[E]`` double; their mean is the average precision.

    All scores are one list, ``neg`` of any shape one set; equal scores are one threshold, as in
    scikit-learn's ``average_precision_score``.

    Raises:
        ValueError: On NaN or an empty input.
    """
    pos, neg = _checked(pos, neg.flatten() if isinstance(neg, Tensor) else neg, (1,))
    at_least = [len(one) - torch.searchsorted(one.sort().values, pos) for one in (pos, neg)]
    return at_least[0].double() / (at_least[0] + at_least[1])


def per_positive(pos: Tensor, neg: Tensor, mask: Tensor | None = None) -> dict[str, Tensor]:
    """Each metric as values of the positives, ``[E]`` double, of which it is the mean.

    ``mrr``, ``auc`` and ``hits@K`` for each of :data:`HITS` that there are negatives for. Against
    own negatives ``neg [E, K]`` the AUC is that against a positive's own. Where ``mask [E, K]`` is
    False there is no negative: it is ranked below everything.

    Raises:
        ValueError: As for :func:`ranks`.
    """
    pos, neg = _checked(pos, neg, (1, 2))
    count: Tensor | int = neg.size(-1)
    if mask is not None:
        neg, count = neg.masked_fill(~mask, -torch.inf), mask.sum(1).clamp(min=1)
    rank = ranks(pos, neg)
    values = {"mrr": rank.reciprocal(), "auc": 1.0 - (rank - 1) / count}
    for k in HITS:
        if k <= neg.size(-1):
            hit = rank <= k if neg.dim() == 2 else pos > neg.topk(k).values[-1]
            values[f"hits@{k}"] = hit.double()
    return values


def summary(pos: Tensor, neg: Tensor, mask: Tensor | None = None) -> dict[str, float]:
    """Return the means of :func:`per_positive`.

    Raises:
        ValueError: As for :func:`ranks`.
    """
    return {name: float(value.mean()) for name, value in per_positive(pos, neg, mask).items()}
