"""Ranking metrics for torchmetrics and Lightning, over scores of any scale.

torchmetrics' own retrieval metrics count a hit only where the score is above 0; these compare
scores with each other, so logits are as good as probabilities. Needs ``pip install
gneg[lightning]``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from gneg import checks
from gneg.evaluation import metrics

__all__ = ["LinkAUC", "LinkHits", "LinkMRR", "PerPositive"]


class PerPositive(Metric):
    """The mean of a metric of :func:`gneg.evaluation.metrics.per_positive` over positives.

    ``update(pos [E], neg [E, K], mask)`` takes the scores of positives and of each positive's own
    negatives (or of one set ``neg [M]``, shared by the positives of the call). An empty batch
    changes nothing; the mean over no positives at all is NaN.

    In a ``MetricCollection``, also with compute groups, several stand under names of their own:
    ``MetricCollection({"mrr": LinkMRR(), "hits@1": LinkHits(1), "hits@10": LinkHits(10)})``.

    Args:
        name: The metric: ``"mrr"``, ``"auc"`` or ``"hits@K"``, with a K of
            :data:`gneg.evaluation.metrics.HITS`.
        **kwargs: Arguments of ``torchmetrics.Metric``, such as ``sync_on_compute``.

    Raises:
        ValueError: If there is no such metric, or, in ``update``, on NaN, shapes that do not fit,
            or fewer than K negatives.
    """

    higher_is_better = True
    is_differentiable = False
    full_state_update = False

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = checks.choice(
            "name", name, ("mrr", "auc", *(f"hits@{k}" for k in metrics.HITS))
        )
        # Compute groups take metrics whose states have the same names and values for the same
        # metric, so that the names tell metrics apart.
        self.states = [f"{self.name.replace('@', '_')}_{sum_of}" for sum_of in ("total", "count")]
        for state in self.states:
            self.add_state(state, torch.zeros((), dtype=torch.double), dist_reduce_fx="sum")

    def update(self, pos: Tensor, neg: Tensor, mask: Tensor | None = None) -> None:
        """Add a batch of scores.

        Args:
            pos: ``[E]`` scores of positives.
            neg: ``[E, K]`` scores of each positive's own negatives, or ``[M]`` of a shared set.
            mask: bool, False where there is no negative: ``[E, K]``; for a shared set ``[M]`` or,
                where some of it are no negatives of some positives, ``[E, M]``.
        """
        if isinstance(pos, Tensor) and pos.shape == (0,):
            return
        if isinstance(neg, Tensor) and not neg.is_floating_point():
            hint = "called as metric(scores of positives, scores of negatives), without targets"
            checks.fail("neg", "a tensor of scores, floating-point", neg.dtype, hint=hint)
        values = metrics.per_positive(pos, neg, mask)
        if self.name not in values:
            size = neg.size(-1) if mask is None or mask.dim() == 2 else int(mask.sum())
            checks.fail("neg", f"enough negatives for {self.name}", size)
        for state, value in zip(self.states, (values[self.name].sum(), len(pos)), strict=True):
            setattr(self, state, getattr(self, state) + value)

    def compute(self) -> Tensor:
        """Return the mean, in [0, 1]."""
        total, count = (getattr(self, state) for state in self.states)
        mean: Tensor = total / count
        return mean.float()


class LinkMRR(PerPositive):
    """The mean reciprocal rank over positives, in [0, 1]; arguments are those of ``Metric``."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("mrr", **kwargs)


class LinkAUC(PerPositive):
    """The mean AUC of each positive against its negatives, in [0, 1]; arguments as ``Metric``'s."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("auc", **kwargs)


class LinkHits(PerPositive):
    """Hits@K, the share of positives among the K best, in [0, 1].

    Args:
        k: The value of K, one of :data:`gneg.evaluation.metrics.HITS`.
        **kwargs: Arguments of ``torchmetrics.Metric``.

    Raises:
        ValueError: If ``k`` is not one of these.
    """

    def __init__(self, k: int = 10, **kwargs: Any) -> None:
        super().__init__(f"hits@{checks.choice('k', k, metrics.HITS)}", **kwargs)
