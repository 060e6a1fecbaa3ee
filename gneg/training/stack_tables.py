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

LISTED = 500  # hard negatives per positive that those of a table are drawn from
NEGATIVES = 128  # negatives of each kind per positive
TOLERANCE = 1e-6  # least tolerance of PageRank: on dense graphs a smaller one takes minutes
SHARED = 131_072  # negatives of a shared set; of a larger set the top and a random sample


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

    def rows(self) -> Tensor:
        """Return the columns of all negatives, ``[n, 1 + W]``."""
        return self.neg if self.mask is None else self.neg[self.mask]

    def mapped(self, function: Callable[[Tensor], Tensor]) -> RankingTable:
        """Return the table of ``function`` of its columns."""
        return replace(self, pos=function(self.pos), neg=function(self.neg))

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


class HeldOutPairs:
    """Validation positives beside easy and hard negatives, and the heuristics of these pairs.

    Args:
        stack: The stack, whose inputs are the heuristics.
        score: A decoder alone, ``score(src, dst)`` on the final embeddings. Only of a shared set
            that is too large it decides which negatives are kept.
        data: The dataset whose validation edges are used.
        order: Which validation positives, ``[E]``.
        generator: Source of randomness.
    """

    def __init__(
        self, stack: Stack, score: Score, data: LinkData, order: Tensor, generator: torch.Generator
    ) -> None:
        self.stack, self.metrics = stack, (data.metric, "mrr")
        pos = data.valid.pos[:, order].cpu()
        columns = _Columns(stack, score)
        easy = _easy_negatives(data, order, generator, columns)
        self.ranked = [easy, _hard_negatives(data, pos, generator)]
        #: All negatives, ``[2, n]``.
        self.negatives = torch.cat(
            [ends if mask is None else ends[:, mask] for ends, mask in self.ranked], dim=1
        )
        self.pairs = [pos, *(ends.flatten(1) for ends, _ in self.ranked)]
        self.inputs = [columns.inputs(pairs).cpu() for pairs in self.pairs]

    def tables(self, score: Score) -> list[RankingTable]:
        """Return the tables against easy and against hard negatives; centers the stack's scores.

        Args:
            score: A decoder alone, ``score(src, dst)`` on the final embeddings.
        """
        center_scores(self.stack, score, self.negatives)
        columns = _Columns(self.stack, score)
        pos, *negatives = (
            self.stack.columns(columns.scores(pairs), inputs)
            for pairs, inputs in zip(self.pairs, self.inputs, strict=True)
        )
        return [
            RankingTable(pos, neg.view(*ends.shape[1:], -1), mask, metric)
            for neg, (ends, mask), metric in zip(negatives, self.ranked, self.metrics, strict=True)
        ]


def center_scores(stack: Stack, score: Score, negatives: Tensor) -> None:
    """Set ``stack.center`` to mean and deviation of a decoder's scores of ``negatives [2, n]``."""
    scores = _Columns(stack, score).scores(negatives)
    stack.center.copy_(torch.stack([scores.mean(), scores.std().clamp(min=1e-6)]))


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
    rows = ends[:, order]
    usable = torch.ones(rows.shape[1:], dtype=torch.bool) if mask is None else mask.cpu()[order]
    return _some_columns(rows, usable, generator)


def _some_columns(ends: Tensor, mask: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return a random :data:`NEGATIVES` of the columns of ``ends [2, E, K]`` and their mask."""
    columns = torch.randperm(ends.size(2), generator=generator)[:NEGATIVES]
    return ends[:, :, columns], mask[:, columns]


def _hard_negatives(
    data: LinkData, pos: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return some of both ends' best non-edges by heuristics, ``[2, E, K]``, and their mask."""
    tolerance = heuristics.default_tolerance(data.graph.num_nodes, data.graph.num_edges)
    settings: dict[str, Any] = {
        "family": "heart",
        "k": LISTED,
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
    return _some_columns(torch.stack([src, dst]), index >= 0, generator)
