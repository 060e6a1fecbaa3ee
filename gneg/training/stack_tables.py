"""Validation pairs that a stack is fitted on: positives beside easy and hard negatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gneg.datasets import LinkData
from gneg.evaluation import metrics
from gneg.evaluation.hardset import families
from gneg.evaluation.hardset.heart import ALPHA
from gneg.evaluation.ranking import Score
from gneg.graph import heuristics
from gneg.graph.sizes import with_sizes
from gneg.nn.stack import Stack

NEGATIVES = 500  # negatives of each kind per positive
TOLERANCE = 1e-6  # least tolerance of PageRank: on dense graphs a smaller one takes minutes
BATCH_COLUMNS = 32  # negatives of each kind in a step of the fit
SHARED = 131_072  # negatives of a shared set; of a larger set the top and a random sample
SHARED_BATCH = 16_384  # negatives of a shared set in a step of the fit


@dataclass(frozen=True)
class RankingTable:
    """Input columns of positives and of the negatives that they are ranked against.

    Attributes:
        pos: Columns of the positives, ``[E, 1 + W]``.
        neg: Columns of each positive's negatives, ``[E, K, 1 + W]``, or of one set that all
            positives share, ``[M, 1 + W]``.
        mask: ``[E, K]`` bool, True where there is a negative; None: the set is shared.
        metric: The metric to compare by, a key of :func:`gneg.evaluation.metrics.per_positive`; any
            other name stands for MRR.
    """

    pos: Tensor
    neg: Tensor
    mask: Tensor | None
    metric: str = "mrr"

    __repr__ = with_sizes

    def select(self, positives: Tensor, negatives: Tensor) -> RankingTable:
        """Return a table of some positives and some rows of negatives.

        Args:
            positives: Which positives, ``[E]`` bool.
            negatives: Which rows of negatives: the same ``[E]``, or ``[M]`` of a shared set.
        """
        mask = None if self.mask is None else self.mask[negatives]
        return replace(self, pos=self.pos[positives], neg=self.neg[negatives], mask=mask)

    def sample_negatives(self, generator: torch.Generator) -> RankingTable:
        """Return the table with a random part of its negatives, for one step of the fit."""
        size = BATCH_COLUMNS if self.mask is not None else SHARED_BATCH
        columns = torch.randperm(self.neg.size(-2), generator=generator)[:size]
        mask = None if self.mask is None else self.mask[:, columns]
        return replace(self, neg=self.neg[..., columns, :], mask=mask)

    def loss(self, score: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the softmax cross-entropy of each positive among its negatives, a mean.

        Args:
            score: Maps columns ``[.., 1 + W]`` to one score ``[..]`` or several, ``[.., M]``.
        """
        pos, neg = score(self.pos), score(self.neg)
        if self.mask is None:
            total = neg.logsumexp(dim=0)
        else:
            mask = self.mask.view(*self.mask.shape, *[1] * (neg.dim() - 2))
            total = neg.masked_fill(~mask, -torch.inf).logsumexp(dim=1)
        return (torch.logaddexp(pos, total) - pos).mean()

    def derivatives(self, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the loss of the linear score ``columns @ weight``, its gradient and its Hessian.

        Of a positive with columns x among negatives x_k with probabilities p_k, mean m = E[x_k]:
        the gradient is m - x, the Hessian E[x_k x_k'] - m m'.

        Args:
            weight: ``[1 + W]``.

        Returns:
            A scalar, ``[1 + W]`` and ``[1 + W, 1 + W]``.
        """
        pos, neg = self.pos @ weight, self.neg @ weight
        if self.mask is not None:
            neg = neg.masked_fill(~self.mask, -torch.inf)
        level = torch.logaddexp(pos, neg.logsumexp(dim=-1))
        share = (pos - level).exp().unsqueeze(1)  # the probability of the positive itself
        if self.mask is None:
            among = neg.softmax(dim=0)
            means = (1 - share) * (among @ self.neg)
            probabilities = (1 - share).sum() * among
        else:
            probabilities = (neg - level.unsqueeze(1)).exp()
            means = (probabilities.unsqueeze(1) @ self.neg).squeeze(1)
        means = means + share * self.pos
        rows = self.neg.reshape(-1, len(weight))
        second = rows.t() @ (probabilities.reshape(-1, 1) * rows)
        second = second + self.pos.t() @ (share * self.pos) - means.t() @ means
        count = len(self.pos)
        return (level - pos).mean(), (means - self.pos).mean(dim=0), second / count

    def values(self, pos: Tensor, neg: Tensor) -> Tensor:
        """Return the metric of each positive, ``[E]`` double, by the scores of all rows."""
        values = metrics.per_positive(pos, neg, self.mask)
        return values.get(self.metric, values["mrr"])


def make_tables(
    stack: Stack, score: Score, data: LinkData, order: Tensor, generator: torch.Generator
) -> list[RankingTable]:
    """Return the tables against easy and against hard negatives; sets ``stack.center``.

    Args:
        stack: The stack, whose inputs are the columns.
        score: The decoder alone, ``score(src, dst)`` on the final embeddings.
        data: The dataset whose validation edges are used.
        order: Which validation positives, ``[E]``.
        generator: Source of randomness.
    """
    pos = data.valid.pos[:, order].cpu()
    columns = _Columns(stack, score)
    pairs = [_easy_negatives(data, order, generator, columns), _hard_negatives(data, pos)]
    f_pos = columns.scores(pos)
    f_neg = [columns.scores(ends.flatten(1)).view(ends.shape[1:]) for ends, _ in pairs]
    usable = [f if mask is None else f[mask] for f, (_, mask) in zip(f_neg, pairs, strict=True)]
    scores = torch.cat([f_pos, *usable])
    stack.center.copy_(torch.stack([scores.mean(), scores.std().clamp(min=1e-6)]))
    pos_columns, tables = columns.standardised(f_pos, pos), []
    for f, (ends, mask), metric in zip(f_neg, pairs, (data.metric, "mrr"), strict=True):
        neg_columns = columns.standardised(f.flatten(), ends.flatten(1)).view(*f.shape, -1)
        tables.append(RankingTable(pos_columns, neg_columns, mask, metric))
    return tables


class _Columns:
    """The decoder's scores and the stack's inputs of pairs, on the CPU."""

    def __init__(self, stack: Stack, score: Score) -> None:
        self.stack, self.score = stack, score
        self.device = next(stack.buffers()).device

    def scores(self, pairs: Tensor) -> Tensor:
        """Return the decoder's scores ``[n]`` of ``pairs [2, n]``."""
        return self.score(*pairs.to(self.device)).cpu()

    def inputs(self, pairs: Tensor) -> Tensor:
        """Return the heuristics ``[n, W]`` of ``pairs [2, n]``."""
        inputs: Tensor = self.stack.inputs(pairs.to(self.device))
        return inputs

    def standardised(self, f: Tensor, pairs: Tensor) -> Tensor:
        """Return the columns ``[n, 1 + W]`` of ``pairs [2, n]`` with scores ``f [n]``."""
        return self.stack.columns(f.to(self.device), self.inputs(pairs)).cpu()

    def raw(self, pairs: Tensor) -> Tensor:
        """Return scores and heuristics ``[n, 1 + W]`` of ``pairs [2, n]`` as they are."""
        return torch.cat([self.scores(pairs).unsqueeze(1), self.inputs(pairs).cpu()], dim=1)


def _easy_negatives(
    data: LinkData, order: Tensor, generator: torch.Generator, columns: _Columns
) -> tuple[Tensor, Tensor | None]:
    """Return the negatives of the validation set, ``[2, E, K]``, and their mask.

    Where all positives share one set: ``[2, M]`` and no mask. Of a set that is too large, half are
    those that any column ranks first, which decide Hits@K, and half are a random sample.
    """
    ends = torch.stack([end.cpu() for end in data.valid.neg])
    mask = data.valid.mask
    if data.valid.shared:
        if ends.size(1) > SHARED:
            rank = (-columns.raw(ends)).argsort(dim=0, stable=True).argsort(dim=0).min(dim=1).values
            half = SHARED // 2
            head, tail = rank.argsort(stable=True).split([half, len(rank) - half])
            sample = tail[torch.randperm(len(tail), generator=generator)[:half]]
            ends = ends[:, torch.cat([head, sample])]
        return ends, None
    width = slice(None) if ends.size(2) <= NEGATIVES else slice(NEGATIVES)
    rows = ends[:, order, width]
    usable = torch.ones(rows.shape[1:], dtype=torch.bool) if mask is None else mask[order, width]
    return rows, usable.cpu()


def _hard_negatives(data: LinkData, pos: Tensor) -> tuple[Tensor, Tensor]:
    """Return the best non-edges ``[2, E, K]`` of both ends by heuristics, and their mask."""
    tolerance = heuristics.default_tolerance(data.graph.num_nodes, data.graph.num_edges)
    settings: dict[str, Any] = {
        "family": "heart",
        "k": NEGATIVES,
        "ends": "both",
        "known": "train+valid",
        "merge": "best",
        "local": "ra",
        "alpha": ALPHA,
        "tolerance": max(tolerance, TOLERANCE),
        "seed": 0,
    }
    index = torch.from_numpy(families.columns(data, pos, settings, None, None)[0]).long()
    keeps_source = torch.arange(index.size(1)) < index.size(1) // 2
    target = index.clamp(min=0)
    src = torch.where(keeps_source, pos[0].unsqueeze(1), target)
    dst = torch.where(keeps_source, target, pos[1].unsqueeze(1))
    return torch.stack([src, dst]), index >= 0
