"""NT-Xent, the normalised temperature-scaled cross-entropy (Chen et al., ICML 2020, equation 1)."""

from __future__ import annotations

import torch
from torch import Tensor

from gneg import checks
from gneg.losses.base import Loss, masked_logsumexp, masked_mean
from gneg.samplers.negatives import Negatives


class NTXent(Loss):
    """Cross-entropy of each positive among itself and the negatives of all rows of its query.

    Where a query has several positives in the batch, their negatives are pooled, as SimCLR pools
    all negatives of an anchor; :class:`~gneg.losses.InfoNCE` keeps the rows apart. Give it cosine
    scores (a ``dot`` decoder on normalised embeddings).

    Args:
        temperature: Scores are divided by it, > 0.
    """

    name = "ntxent"
    pools_queries = True

    def __init__(self, temperature: float = 0.1) -> None:
        self.temperature = checks.number("temperature", temperature, 0, open_low=True)

    def forward(self, pos: Tensor, neg: Tensor, negatives: Negatives) -> Tensor:
        """Return the loss."""
        pos, neg = pos / self.temperature, neg / self.temperature
        of_row = masked_logsumexp(neg, negatives.mask)
        total = torch.logaddexp(pos, _pooled(of_row, _query_ids(negatives)))
        return masked_mean(total - pos, torch.isfinite(total) & torch.isfinite(of_row))


def _query_ids(negatives: Negatives) -> Tensor:
    """Return a number for each distinct pair of query and side, ``[B]``."""
    query = negatives.src * 2
    if isinstance(negatives.side, Tensor):
        query = query + negatives.side.long()
    group: Tensor = torch.unique(query, return_inverse=True)[1]
    return group


def _pooled(value: Tensor, group: Tensor) -> Tensor:
    """Return the log-sum-exp of ``value [B]`` over each row's group, ``[B]``."""
    if not len(value):
        return value
    size = int(group.max()) + 1
    peak = value.new_full((size,), -torch.inf).scatter_reduce(0, group, value.detach(), "amax")
    peak = torch.where(torch.isfinite(peak), peak, peak.new_zeros(()))[group]
    total = value.new_zeros(size).index_add(0, group, torch.exp(value - peak))[group]
    nonempty = total > 0
    return torch.where(
        nonempty,
        torch.log(torch.where(nonempty, total, total.new_ones(()))) + peak,
        value.new_full((), -torch.inf),
    )
