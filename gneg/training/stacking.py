"""Fitting a stack on validation pairs: cross-validation, a linear and a perceptron combination."""

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
from gneg.training.stack_tables import RankingTable, make_tables

#: Maps columns ``[.., 1 + W]`` to scores ``[..]``.
Combine = Callable[[Tensor], Tensor]
#: Fits a combination to tables.
Fit = Callable[[Sequence[RankingTable]], Combine]

DECODER_ALONE = "decoder alone"
MAX_POSITIVES = 1_000  # validation positives to fit on
FOLDS = 5
L2 = (1e-2, 1e-3, 1e-4)  # penalties of the linear function, compared on folds
MEMBERS = 4  # perceptrons whose mean is used: a single one depends on its initial weights
STEPS, RATE, DECAY = 60, 0.01, 0.1  # of AdamW; chosen on folds of Cora, CiteSeer and digits
NEWTON_STEPS, MIN_STEP = 50, 1e-4
TOLERANCE = 1e-7  # of the loss, which a further Newton step would lower by half of this at most


def fit(stack: Stack, score: Score, data: LinkData, *, seed: int = 0) -> dict[str, Any]:
    """Fit ``stack`` on validation positives, against easy and hard negatives.

    Easy negatives are those of the validation set; hard ones are the best non-edges of either end
    by resource allocation, PageRank and feature cosine (Li et al., NeurIPS 2023), training and
    validation edges left out. A linear combination and one that a perceptron corrects are compared
    out of fold: on positives and, where all positives share one set, on negatives that they were
    not fitted on; by the dataset's metric against easy negatives and by MRR against hard ones. The
    better one is used if it is better overall than the decoder alone, and in neither metric worse
    by more than the standard error of the difference.

    Args:
        stack: The stack to fit, in place.
        score: The decoder alone, ``score(src, dst)`` on the final embeddings.
        data: The dataset whose validation edges the stack is fitted on.
        seed: Seed for the subset, the folds and the initial weights.

    Returns:
        For the decoder alone and for each candidate the metrics out of fold (``easy``, ``hard``
        and ``both``, their geometric mean, AUC by its odds); which was ``chosen``; the number
        of ``positives``. JSON.
    """
    generator = generator_from(split_seed(seed, 0))
    order = torch.randperm(data.valid.pos.size(1), generator=generator)[:MAX_POSITIVES]
    if min(len(order), len(data.valid.neg[0])) < 2 * FOLDS:
        return {"chosen": DECODER_ALONE, "positives": len(order)}
    folds = _Folds.make(make_tables(stack, score, data, order, generator), generator)
    figures = partial(_figures, metric=data.metric)

    alone = folds.values(lambda tables: _first_column)
    by_penalty = {l2: folds.values(partial(fit_linear, l2=l2)) for l2 in L2}
    l2 = max(L2, key=lambda penalty: figures(by_penalty[penalty])["both"])
    perceptron = partial(fit_perceptron, l2=l2, seed=split_seed(seed, 1))
    fits: dict[str, Callable[[Sequence[RankingTable]], Combination]] = {
        "linear": partial(fit_linear, l2=l2),
        "perceptron": perceptron,
    }
    values = {"linear": by_penalty[l2], "perceptron": folds.values(perceptron)}
    results = {DECODER_ALONE: figures(alone)}
    results |= {name: figures(metrics) for name, metrics in values.items()}
    eligible = [name for name in fits if _no_worse(values[name], alone)]
    # The first of equals is the decoder alone.
    chosen = max([DECODER_ALONE, *eligible], key=lambda name: results[name]["both"])
    if chosen in fits:
        stack.combination.load_state_dict(fits[chosen](folds.tables).state_dict())
        stack.used.fill_(1.0)
    return {"chosen": chosen, "positives": len(order), **results}


@dataclass(frozen=True)
class _Folds:
    """Tables and the fold of each of their rows.

    Attributes:
        tables: The tables, of the same positives.
        positives: Fold of each positive, ``[E]``.
        negatives: Fold of each row of negatives of each table: that of its positive or, of a
            shared set, its own.
    """

    tables: list[RankingTable]
    positives: Tensor
    negatives: list[Tensor]

    __repr__ = with_sizes

    @classmethod
    def make(cls, tables: list[RankingTable], generator: torch.Generator) -> _Folds:
        """Return random folds of tables."""
        positives = torch.randperm(len(tables[0].pos), generator=generator) % FOLDS
        negatives = [
            torch.randperm(len(table.neg), generator=generator) % FOLDS
            if table.mask is None
            else positives
            for table in tables
        ]
        return cls(tables, positives, negatives)

    def values(self, fit: Fit) -> list[Tensor]:
        """Return the metric of each positive in each table, scored out of fold."""
        scores = [
            (torch.zeros(len(table.pos)), torch.zeros(table.neg.shape[:-1]))
            for table in self.tables
        ]
        for fold in range(FOLDS):
            combine = fit(
                [
                    table.select(self.positives != fold, negatives != fold)
                    for table, negatives in zip(self.tables, self.negatives, strict=True)
                ]
            )
            with torch.no_grad():
                self._score(combine, fold, scores)
        return [
            table.values(pos, neg) for table, (pos, neg) in zip(self.tables, scores, strict=True)
        ]

    def _score(self, combine: Combine, fold: int, scores: list[tuple[Tensor, Tensor]]) -> None:
        """Fill in the scores of the rows of one fold."""
        for table, negatives, (pos, neg) in zip(self.tables, self.negatives, scores, strict=True):
            # Scores against a shared set come from several folds: bring them to one level.
            level = combine(table.neg).mean() if table.mask is None else 0.0
            pos[self.positives == fold] = combine(table.pos[self.positives == fold]) - level
            neg[negatives == fold] = combine(table.neg[negatives == fold]) - level


def _first_column(columns: Tensor) -> Tensor:
    """Return the decoder's score, the first of the columns."""
    return columns[..., 0]


def fit_linear(tables: Sequence[RankingTable], *, l2: float) -> Combination:
    """Return the linear function with the least loss, by Newton's method; its perceptron is zero.

    Args:
        tables: The tables to fit.
        l2: Weight of the squared norm of the coefficients.
    """
    weight = torch.zeros(tables[0].pos.size(1))
    loss, gradient, hessian = _derivatives(tables, weight, l2)
    for _ in range(NEWTON_STEPS):
        step = torch.linalg.solve(hessian.double(), gradient.double()).float()
        decrease, size = float(gradient @ step), 1.0
        if decrease < TOLERANCE:
            break
        while size > MIN_STEP:  # far from the optimum a whole step may be too long
            trial = _derivatives(tables, weight - size * step, l2)
            if trial[0] <= loss - 0.1 * size * decrease:
                break
            size /= 4
        else:
            break
        weight = weight - size * step
        loss, gradient, hessian = trial
    combination = Combination(len(weight), HIDDEN).requires_grad_(False)
    combination.linear.weight.copy_(weight[None])
    for parameter in list(combination.network.parameters())[2:]:
        nn.init.zeros_(parameter)
    return combination


def _derivatives(
    tables: Sequence[RankingTable], weight: Tensor, l2: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the penalised loss of a linear function, its gradient and its Hessian."""
    parts = zip(*(table.derivatives(weight) for table in tables), strict=True)
    loss, gradient, hessian = (torch.stack(part).sum(dim=0) for part in parts)
    penalty = 2 * l2 * torch.eye(len(weight))
    return loss + l2 * weight.square().sum(), gradient + 2 * l2 * weight, hessian + penalty


def fit_perceptron(tables: Sequence[RankingTable], *, l2: float, seed: int) -> Combination:
    """Return the linear function plus the mean of several perceptrons that each correct it.

    Args:
        tables: The tables to fit.
        l2: Penalty of the linear function, see :func:`fit_linear`.
        seed: Seed for the initial weights and the batches of negatives.
    """
    combination = fit_linear(tables, l2=l2)
    hidden, output = (layer for layer in combination.network if isinstance(layer, nn.Linear))
    generator = generator_from(seed)
    nn.init.kaiming_uniform_(hidden.weight, a=5**0.5, generator=generator)
    nn.init.zeros_(hidden.bias)
    weight = torch.zeros(MEMBERS, HIDDEN // MEMBERS, requires_grad=True)
    hidden.requires_grad_(True)

    def member_scores(columns: Tensor) -> Tensor:
        # One column of output weights for each member, zero at the units of the others.
        members = torch.block_diag(*weight).t()
        scores: Tensor = combination.linear(columns) + hidden(columns).relu() @ members
        return scores

    optimizer = torch.optim.AdamW([*hidden.parameters(), weight], lr=RATE, weight_decay=DECAY)
    for _ in range(STEPS):
        optimizer.zero_grad()
        for table in tables:
            loss = table.sample_negatives(generator).loss(member_scores)
            loss.backward()
        optimizer.step()
    combination.requires_grad_(False)
    output.weight.copy_(weight.detach().flatten()[None] / MEMBERS)
    return combination


def _no_worse(values: list[Tensor], baseline: list[Tensor]) -> bool:
    """Return whether no table loses more than the standard error of the difference."""
    gains = [value - base for value, base in zip(values, baseline, strict=True)]
    return all(float(gain.mean()) >= -float(gain.std() / len(gain) ** 0.5) for gain in gains)


def _figures(values: list[Tensor], *, metric: str) -> dict[str, float]:
    """Return the means of both tables and their geometric mean, AUC by its odds."""
    easy, hard = (float(value.mean()) for value in values)
    # AUC ends at 1, where no difference would count.
    worth = easy / max(1 - easy, 1e-6) if metric == "auc" else easy
    return {"both": (worth * hard) ** 0.5, "easy": easy, "hard": hard}
