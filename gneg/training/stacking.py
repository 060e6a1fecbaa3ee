"""Fitting a stack on held-out edges: cross-validation, a linear and a perceptron combination."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gneg.datasets import LinkData
from gneg.evaluation.ranking import Score
from gneg.graph.sizes import with_sizes
from gneg.nn.stack import HIDDEN, Combination, Stack
from gneg.rng import generator_from, split_seed
from gneg.training.record import DECODER_ALONE
from gneg.training.stack_tables import HeldOutPairs, RankingTable, center_scores

#: Maps columns ``[.., 1 + W]`` to scores ``[..]``.
Combine = Callable[[Tensor], Tensor]
#: Fits a combination to tables.
Fit = Callable[[Sequence[RankingTable]], Combine]

MAX_POSITIVES = 1_000  # validation positives to fit on
FOLDS = 4
LEAST = 2 * FOLDS  # positives and negatives that can be divided into folds
L2, L2_HIDDEN = 1e-3, 1e-2  # penalties of the coefficients of columns and of hidden units
NEWTON_STEPS, MIN_STEP = 50, 1e-4
TOLERANCE = 1e-6  # of the loss, which a further Newton step would lower by half of this at most


@dataclass(frozen=True)
class Source:
    """A model, and edges that it was not trained on.

    Attributes:
        stack: The stack whose inputs are computed on the graph of ``data``.
        score: The decoder alone, ``score(src, dst)`` on the final embeddings.
        data: The dataset; the edges are its validation edges.
    """

    stack: Stack
    score: Score
    data: LinkData


def fit(stack: Stack, score: Score, sources: Sequence[Source], *, seed: int = 0) -> dict[str, Any]:
    """Fit ``stack`` on held-out positives, against easy and hard negatives.

    Easy negatives are those of the validation set; hard ones are among the best non-edges of either
    end by resource allocation, PageRank and feature cosine (Li et al., NeurIPS 2023), training and
    validation edges left out. A linear combination and one that a perceptron corrects are compared
    out of fold: on positives and, where all positives share one set, on negatives that they were
    not fitted on; by the dataset's metric against easy negatives and by MRR against hard ones. The
    better one is used if it is better overall than the decoder alone, and in neither metric worse
    by more than the standard error of the difference. Where the linear one is worse overall by more
    than that, the perceptron is not tried.

    Args:
        stack: The stack to fit, in place.
        score: Its decoder alone, ``score(src, dst)`` on the final embeddings.
        sources: What it is fitted on: the model itself with validation edges, or models that were
            trained without folds of the training edges (:mod:`gneg.training.crossfit`).
        seed: Seed for the subset, the folds and the hidden layer.

    Returns:
        For the decoder alone and for each candidate the metrics out of fold (``easy``, ``hard``
        and ``both``, their geometric mean, AUC by its odds), for a candidate its relative ``gain``
        with the standard ``error``; which was ``chosen``; the number of ``positives``. JSON.
    """
    generator = generator_from(split_seed(seed, 0))
    tables: list[RankingTable] = []
    negatives, positives = [], 0
    for source in sources:
        valid = source.data.valid
        order = torch.randperm(valid.pos.size(1), generator=generator)[:MAX_POSITIVES]
        positives += len(order)
        if min(len(order), len(valid.neg[0])) >= LEAST:
            pairs = HeldOutPairs(source.stack, source.score, source.data, order, generator)
            tables += pairs.tables(source.score)
            negatives.append(pairs.negatives)
    if not tables:
        return {"chosen": DECODER_ALONE, "positives": positives}
    center_scores(stack, score, torch.cat(negatives, dim=1))
    folds = Folds.make(tables, generator)
    summary = partial(figures, metric=sources[0].data.metric)

    alone = folds.values(lambda tables: first_column)
    fits: dict[str, Callable[[Sequence[RankingTable]], Combination]] = {
        "linear": fit_linear,
        "perceptron": partial(fit_perceptron, seed=split_seed(seed, 1)),
    }
    values: dict[str, list[Tensor]] = {}
    results = {DECODER_ALONE: summary(alone)}
    for name, function in fits.items():
        values[name] = folds.values(function)
        gain, error = relative_gain(values[name], alone, odds=sources[0].data.metric == "auc")
        results[name] = {**summary(values[name]), "gain": gain, "error": error}
        if gain < -error:  # what corrects this one takes most of the time, and will not mend it
            break
    # A gain need not be larger than its error: in small graphs most stacks that this would refuse
    # are better on test.
    eligible = [name for name in values if _no_worse(values[name], alone)]
    # The first of equals is the decoder alone.
    chosen = max([DECODER_ALONE, *eligible], key=lambda name: results[name]["both"])
    if chosen in fits:
        stack.combination.load_state_dict(fits[chosen](tables).state_dict())
        stack.used.fill_(1.0)
    return {"chosen": chosen, "positives": positives, **results}


@dataclass(frozen=True)
class Folds:
    """Tables and the fold of each of their rows.

    Attributes:
        tables: The tables, by turns against easy and against hard negatives; both of a pair are of
            the same positives.
        positives: Fold of each positive of each table, ``[E]``.
        negatives: Fold of each row of negatives of each table: that of its positive or, of a
            shared set, its own.
    """

    tables: list[RankingTable]
    positives: list[Tensor]
    negatives: list[Tensor]

    __repr__ = with_sizes

    @classmethod
    def make(cls, tables: list[RankingTable], generator: torch.Generator) -> Folds:
        """Return random folds of tables."""
        positives: list[Tensor] = []
        for easy in tables[::2]:
            positives += [torch.randperm(len(easy.pos), generator=generator) % FOLDS] * 2
        negatives = [
            torch.randperm(len(table.neg), generator=generator) % FOLDS
            if table.mask is None
            else fold
            for table, fold in zip(tables, positives, strict=True)
        ]
        return cls(tables, positives, negatives)

    def values(self, fit: Fit) -> list[Tensor]:
        """Return the metric of each positive against easy and hard negatives, out of fold."""
        scores = [
            (torch.zeros(len(table.pos)), torch.zeros(table.neg.shape[:-1]))
            for table in self.tables
        ]
        for fold in range(FOLDS):
            rows = zip(self.tables, self.positives, self.negatives, strict=True)
            combine = fit([table.select(pos != fold, neg != fold) for table, pos, neg in rows])
            with torch.no_grad():
                self._score(combine, fold, scores)
        values = [
            table.values(pos, neg) for table, (pos, neg) in zip(self.tables, scores, strict=True)
        ]
        return [torch.cat(values[::2]), torch.cat(values[1::2])]

    def _score(self, combine: Combine, fold: int, scores: list[tuple[Tensor, Tensor]]) -> None:
        """Fill in the scores of the rows of one fold."""
        rows = zip(self.tables, self.positives, self.negatives, scores, strict=True)
        for table, positives, negatives, (pos, neg) in rows:
            # Scores against a shared set come from several folds: bring them to one level.
            level = combine(table.neg).mean() if table.mask is None else 0.0
            pos[positives == fold] = combine(table.pos[positives == fold]) - level
            neg[negatives == fold] = combine(table.neg[negatives == fold]) - level


def first_column(columns: Tensor) -> Tensor:
    """Return the decoder's score, the first of the columns."""
    return columns[..., 0]


def fit_linear(tables: Sequence[RankingTable]) -> Combination:
    """Return the linear function with the least penalised loss; its perceptron is zero."""
    width = tables[0].pos.size(1)
    combination = Combination(width, HIDDEN).requires_grad_(False)
    for parameter in combination.network.parameters():
        nn.init.zeros_(parameter)
    weight = _minimum(tables, torch.full((width,), L2), torch.zeros(width))
    combination.linear.weight.copy_(weight[None])
    return combination


def fit_perceptron(tables: Sequence[RankingTable], *, seed: int) -> Combination:
    """Return the function with the least penalised loss whose hidden layer is random.

    With a fixed hidden layer the loss is convex (random kitchen sinks, Rahimi and Recht, NeurIPS
    2008). Each unit has a random direction and is zero at the columns of a random negative.

    Args:
        tables: The tables to fit.
        seed: Seed of the hidden layer.
    """
    combination, generator = fit_linear(tables), generator_from(seed)
    hidden, output = (layer for layer in combination.network if isinstance(layer, nn.Linear))
    rows = torch.cat([table.rows() for table in tables])
    origins = rows[torch.randint(len(rows), (HIDDEN,), generator=generator)]
    width = rows.size(1)
    hidden.weight.copy_(torch.randn(HIDDEN, width, generator=generator) / width**0.5)
    hidden.bias.copy_(-(hidden.weight * origins).sum(dim=1))

    def with_units(columns: Tensor) -> Tensor:
        return torch.cat([columns, hidden(columns).relu()], dim=-1)

    penalties = torch.cat([torch.full((width,), L2), torch.full((HIDDEN,), L2_HIDDEN)])
    # The linear function is near: from there Newton's method takes fewer steps.
    start = torch.cat([combination.linear.weight[0], torch.zeros(HIDDEN)])
    weight = _minimum([table.mapped(with_units) for table in tables], penalties, start)
    combination.linear.weight.copy_(weight[None, :width])
    output.weight.copy_(weight[None, width:])
    return combination


def _minimum(tables: Sequence[RankingTable], penalties: Tensor, weight: Tensor) -> Tensor:
    """Return the coefficients ``[W]`` of the least penalised loss, by Newton's method."""
    loss, gradient, hessian = _derivatives(tables, weight, penalties)
    for _ in range(NEWTON_STEPS):
        step = torch.linalg.solve(hessian.double(), gradient.double()).float()
        decrease, size = float(gradient @ step), 1.0
        if decrease < TOLERANCE:
            break
        while size > MIN_STEP:  # far from the optimum a whole step may be too long
            trial = _derivatives(tables, weight - size * step, penalties)
            if trial[0] <= loss - 0.1 * size * decrease:
                break
            size /= 4
        else:
            break
        weight = weight - size * step
        loss, gradient, hessian = trial
    return weight


def _derivatives(
    tables: Sequence[RankingTable], weight: Tensor, penalties: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the penalised loss of a linear function, its gradient and its Hessian."""
    parts = zip(*(table.derivatives(weight) for table in tables), strict=True)
    loss, gradient, hessian = (torch.stack(part).sum(dim=0) for part in parts)
    loss = loss + (penalties * weight.square()).sum()
    return loss, gradient + 2 * penalties * weight, hessian + torch.diag(2 * penalties)


def _no_worse(values: list[Tensor], baseline: list[Tensor]) -> bool:
    """Return whether no table loses more than the standard error of the difference."""
    gains = [value - base for value, base in zip(values, baseline, strict=True)]
    return all(float(gain.mean()) >= -float(gain.std() / len(gain) ** 0.5) for gain in gains)


def relative_gain(
    values: list[Tensor], baseline: list[Tensor], *, odds: bool = False
) -> tuple[float, float]:
    """Return the relative advantage in the geometric mean of metrics, and its standard error.

    Args:
        values: Each metric of each positive, ``[E]``.
        baseline: The same of the model that the advantage is over.
        odds: Whether the first metric ends at 1, and its odds count.
    """
    total = torch.zeros(len(baseline[0]), dtype=torch.double)
    for i, (value, base) in enumerate(zip(values, baseline, strict=True)):
        mean = float(base.mean())
        bounded = odds and i == 0
        total += (value - base) / max(mean * (1 - mean) if bounded else mean, 1e-6)
    gains = total / len(values)
    return float(gains.mean()), float(gains.std() / len(gains) ** 0.5)


def figures(values: list[Tensor], *, metric: str) -> dict[str, float]:
    """Return the means of both tables and their geometric mean, AUC by its odds."""
    easy, hard = (float(value.mean()) for value in values)
    return {"both": geometric_mean(easy, hard, metric), "easy": easy, "hard": hard}


def geometric_mean(easy: float, hard: float, metric: str) -> float:
    """Return the geometric mean of both metrics, AUC by its odds.

    Args:
        easy: The dataset's metric against easy negatives.
        hard: MRR against hard negatives.
        metric: The name of the dataset's metric.
    """
    # AUC ends at 1, where no difference would count.
    worth = easy / max(1 - easy, 1e-6) if metric == "auc" else easy
    return float((worth * hard) ** 0.5)
