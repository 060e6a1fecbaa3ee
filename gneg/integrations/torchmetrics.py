"""Ranking metrics for torchmetrics and Lightning, over scores of any scale.

torchmetrics' own retrieval metrics count a hit only where the score is above 0; these compare
scores with each other, so logits are as good as probabilities. Needs ``pip install
gneg[lightning]``.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric

from gneg import checks
from gneg.evaluation import metrics

__all__ = ["LinkAUC", "LinkHits", "LinkMRR", "PerPositive"]


class PerPositive(Metric):
    """The mean of a metric of :func:`gneg.evaluation.metrics.per_positive` over positives.

    ``update(pos [E], neg [E, K], mask [E, K])`` takes the scores of positives and of each
    positive's own negatives (or of one set ``neg [M]``, shared by the positives of the call).

    Args:
        name: The metric: ``"mrr"``, ``"auc"`` or ``"hits@K"``, with a K of
            :data:`gneg.evaluation.metrics.HITS`.

    Raises:
        ValueError: If there is no such metric, or, in ``update``, on NaN, shapes that do not fit,
            or fewer than K negatives.
    """

    higher_is_better = True
    is_differentiable = False
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = checks.choice(
            "name", name, ("mrr", "auc", *(f"hits@{k}" for k in metrics.HITS))
        )
        self.add_state("total", torch.zeros((), dtype=torch.double), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.double), dist_reduce_fx="sum")

    def update(self, pos: Tensor, neg: Tensor, mask: Tensor | None = None) -> None:
        """Add a batch of scores."""
        values = metrics.per_positive(pos, neg, mask)
        if self.name not in values:
            checks.fail("neg", f"enough negatives for {self.name}", neg.size(-1))
        self.total += values[self.name].sum()
        self.count += len(pos)

    def compute(self) -> Tensor:
        """Return the mean, in [0, 1]."""
        return (self.total / self.count).float()


class LinkMRR(PerPositive):
    """The mean reciprocal rank over positives, in [0, 1]."""

    def __init__(self) -> None:
        super().__init__("mrr")


class LinkAUC(PerPositive):
    """The mean AUC of each positive against its negatives, in [0, 1]."""

    def __init__(self) -> None:
        super().__init__("auc")


class LinkHits(PerPositive):
    """Hits@K, the share of positives among the K best, in [0, 1].

    Args:
        k: The value of K, one of :data:`gneg.evaluation.metrics.HITS`.

    Raises:
        ValueError: If ``k`` is not one of these.
    """

    def __init__(self, k: int = 10) -> None:
        super().__init__(f"hits@{checks.choice('k', k, metrics.HITS)}")
