"""Fitting what weighs a model against heuristics, on validation pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gneg.datasets import LinkData
from gneg.evaluation import metrics
from gneg.evaluation.hardset import families
from gneg.evaluation.hardset.heart import ALPHA
from gneg.graph import heuristics
from gneg.nn import Stack
from gneg.nn.stack import HIDDEN, Combination
from gneg.rng import generator_from, split_seed

#: Fits a combination to tables.
Maker = Callable[[list["Table"]], Combination]

MOST = 1_000  # validation positives that are fitted on
NEGATIVES = 500  # of each kind a positive
FOLDS = 5
TOLERANCE = 1e-6  # of PageRank, which dense graphs would take minutes to push further
COLUMNS = 32  # of the negatives of each kind, at a step
SHARED = 131_072  # of a set that all positives share; of a larger one, its head and some others
SHARED_COLUMNS = 16_384
L2 = (1e-2, 1e-3, 1e-4)  # of the linear function, tried on folds
MEMBERS = 4  # perceptrons, whose mean is used: one alone depends on its first weights
STEPS, RATE, DECAY = 60, 0.01, 0.1  # of AdamW; picked on folds of Cora, CiteSeer and digits


@dataclass(frozen=True)
class Table:
    """What is known of positives and of the negatives they are ranked against.

    Attributes:
        pos: ``[E, 1 + W]``.
        neg: ``[E, K, 1 + W]``, or ``[M, 1 + W]`` of one set for all positives.
        mask: ``[E, K]``, where there is a negative; None: it is one set.
        metric: What is judged by, of :func:`gneg.evaluation.metrics.per_positive`; MRR if it is
            none of those.
    """

    pos: Tensor
    neg: Tensor
    mask: Tensor | None
    metric: str = "mrr"

    def take(self, rows: Tensor, part: Tensor) -> Table:
        """Some of the positives, and some rows of negatives: of a shared set, or the same."""
        mask = None if self.mask is None else self.mask[part]
        return replace(self, pos=self.pos[rows], neg=self.neg[part], mask=mask)

    def loss(self, score: Callable[[Tensor], Tensor]) -> Tensor:
        """Softmax cross entropy of each positive among its negatives; the mean of several scores.

        Args:
            score: Of ``[.., 1 + W]``, ``[..]`` or several of them, ``[.., M]``.
        """
        pos, neg = score(self.pos), score(self.neg)
        if self.mask is None:
            others = neg.logsumexp(dim=0)
        else:
            mask = self.mask.view(*self.mask.shape, *[1] * (neg.dim() - 2))
            others = neg.masked_fill(~mask, -torch.inf).logsumexp(dim=1)
        return (torch.logaddexp(pos, others) - pos).mean()

    def some(self, generator: torch.Generator) -> Table:
        """A random part of the negatives."""
        most = COLUMNS if self.mask is not None else SHARED_COLUMNS
        which = torch.randperm(self.neg.size(-2), generator=generator)[:most]
        mask = None if self.mask is None else self.mask[:, which]
        return replace(self, neg=self.neg[..., which, :], mask=mask)

    def values(self, pos: Tensor, neg: Tensor) -> Tensor:
        """The metric of each positive, ``[E]`` double, by the scores of all."""
        found = metrics.per_positive(pos, neg, self.mask)
        return found.get(self.metric, found["mrr"])


def fit(
    stack: Stack,
    score: Callable[[Tensor, Tensor], Tensor],
    data: LinkData,
    *,
    seed: int = 0,
) -> dict[str, Any]:
    """Fit ``stack`` on validation positives, against easy and hard negatives alike.

    Easy ones are those of the validation set; hard ones the best non-edges of either end by
    resource allocation, PageRank and feature cosine (Li et al., NeurIPS 2023), training and
    validation edges left out. A linear combination, and one that a perceptron corrects, are judged
    by folds that saw neither the positives in question nor, where all share one set, the negatives
    that they are ranked against: by the dataset's metric against easy negatives and by MRR against
    hard ones. The better one is used if it does not lose against the decoder alone in either by
    more than its standard error, and wins on the whole.

    Args:
        stack: What is fitted, in place.
        score: The decoder alone: ``score(src, dst)`` on the final embeddings.
        data: Of which validation counts.
        seed: Of the subset, the folds and the initial weights.

    Returns:
        ``both`` figures together (their geometric mean, AUC by its odds) and each, of the decoder
        alone and of the candidates, out of folds; what was ``chosen``; how many positives. JSON.
    """
    generator = generator_from(split_seed(seed, 0))
    order = torch.randperm(data.valid.pos.size(1), generator=generator)[:MOST]
    if min(len(order), len(data.valid.neg[0])) < 2 * FOLDS:
        return {"chosen": "decoder alone", "positives": len(order)}
    tables = _tables(stack, score, data, order, generator)
    folds = torch.randperm(len(order), generator=generator) % FOLDS
    parts = [
        torch.randperm(len(table.neg), generator=generator) % FOLDS if table.mask is None else folds
        for table in tables
    ]

    def judged(make: Callable[[list[Table]], Callable[[Tensor], Tensor]]) -> list[Tensor]:
        found = [(torch.zeros(len(one.pos)), torch.zeros(one.neg.shape[:-1])) for one in tables]
        every = list(zip(tables, parts, found, strict=True))
        with torch.no_grad():
            for fold in range(FOLDS):
                with torch.enable_grad():
                    made = make([one.take(folds != fold, part != fold) for one, part, _ in every])
                for table, part, (pos, neg) in every:
                    # Of a shared set, scores of several folds are compared: as if of one height.
                    height = made(table.neg).mean() if table.mask is None else 0.0
                    pos[folds == fold] = made(table.pos[folds == fold]) - height
                    neg[part == fold] = made(table.neg[part == fold]) - height
        return [table.values(pos, neg) for table, _, (pos, neg) in every]

    def told(values: list[Tensor]) -> dict[str, float]:
        return _told(values, data.metric)

    alone = judged(lambda _: lambda shown: shown[..., 0])
    straight = {l2: judged(partial(_linear, l2=l2)) for l2 in L2}
    l2 = max(L2, key=lambda one: told(straight[one])["both"])
    bent = partial(_perceptron, l2=l2, seed=split_seed(seed, 1))
    candidates: dict[str, tuple[Maker, list[Tensor]]] = {
        "linear": (partial(_linear, l2=l2), straight[l2]),
        "perceptron": (bent, judged(bent)),
    }
    figures = {"decoder alone": told(alone)}
    figures |= {name: told(values) for name, (_, values) in candidates.items()}
    held = [name for name, (_, values) in candidates.items() if _no_worse(values, alone)]
    # The first of equals: the decoder alone.
    chosen = max(["decoder alone", *held], key=lambda name: figures[name]["both"])
    if chosen in candidates:
        stack.combination.load_state_dict(candidates[chosen][0](tables).state_dict())
        stack.used.fill_(1.0)
    return {"chosen": chosen, "positives": len(order), **figures}


def _tables(
    stack: Stack,
    score: Callable[[Tensor, Tensor], Tensor],
    data: LinkData,
    order: Tensor,
    generator: torch.Generator,
) -> list[Table]:
    """Against easy and against hard negatives; sets what scores are standardised by."""
    pos = data.valid.pos[:, order].cpu()
    device = next(stack.buffers()).device

    def scores(ends: Tensor) -> Tensor:
        return score(*ends.to(device)).cpu()

    def columns(ends: Tensor) -> Tensor:
        return torch.cat([scores(ends).unsqueeze(1), stack.inputs(ends.to(device)).cpu()], dim=1)

    pairs = [_easy(data, order, generator, columns), _hard(data, pos)]
    f_pos = scores(pos)
    f_neg = [scores(ends.flatten(1)).view(ends.shape[1:]) for ends, _ in pairs]
    seen = [f if mask is None else f[mask] for f, (_, mask) in zip(f_neg, pairs, strict=True)]
    every = torch.cat([f_pos, *seen])
    stack.center.copy_(torch.stack([every.mean(), every.std().clamp(min=1e-6)]))

    def shown(f: Tensor, ends: Tensor) -> Tensor:
        return stack.shown(f.to(device), stack.inputs(ends.to(device))).cpu()

    of_pos, found = shown(f_pos, pos), []
    for f, (ends, mask), metric in zip(f_neg, pairs, (data.metric, "mrr"), strict=True):
        of_neg = shown(f.flatten(), ends.flatten(1)).view(*f.shape, -1)
        found.append(Table(of_pos, of_neg, mask, metric))
    return found


def _easy(
    data: LinkData,
    order: Tensor,
    generator: torch.Generator,
    columns: Callable[[Tensor], Tensor],
) -> tuple[Tensor, Tensor | None]:
    """Negatives of the validation set, ``[2, E, K]``, and where there are some; or all share them.

    Of a shared set that is too large, ``[2, M]`` are half those that any of the ``columns`` puts
    first, which decide Hits@K.
    """
    ends = torch.stack([end.cpu() for end in data.valid.neg])
    mask = data.valid.mask
    if data.valid.shared:
        if ends.size(1) > SHARED:
            rank = (-columns(ends)).argsort(dim=0, stable=True).argsort(dim=0).min(dim=1).values
            head, rest = rank.argsort(stable=True).split([SHARED // 2, len(rank) - SHARED // 2])
            some = rest[torch.randperm(len(rest), generator=generator)[: SHARED // 2]]
            ends = ends[:, torch.cat([head, some])]
        return ends, None
    kept = slice(None) if ends.size(2) <= NEGATIVES else slice(NEGATIVES)
    rows = ends[:, order, kept]
    there = torch.ones(rows.shape[1:], dtype=torch.bool) if mask is None else mask[order, kept]
    return rows, there.cpu()


def _hard(data: LinkData, pos: Tensor) -> tuple[Tensor, Tensor]:
    """The best non-edges ``[2, E, K]`` of both ends by heuristics, and where there are some."""
    exact = heuristics.default_tolerance(data.graph.num_nodes, data.graph.num_edges)
    settings = {
        "family": "heart",
        "k": NEGATIVES,
        "ends": "both",
        "known": "train+valid",
        "merge": "best",
        "local": "ra",
        "alpha": ALPHA,
        "tolerance": max(exact, TOLERANCE),
        "seed": 0,
    }
    index = torch.from_numpy(families.columns(data, pos, settings, None, None)[0]).long()
    source = torch.arange(index.size(1)) < index.size(1) // 2
    other = index.clamp(min=0)
    src = torch.where(source, pos[0].unsqueeze(1), other)
    dst = torch.where(source, other, pos[1].unsqueeze(1))
    return torch.stack([src, dst]), index >= 0


def _linear(tables: list[Table], *, l2: float) -> Combination:
    """The linear function that loses least, by L-BFGS; the perceptron adds nothing."""
    weight = torch.zeros(tables[0].pos.size(1), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight], max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        total = l2 * (weight**2).sum()
        for table in tables:
            total = total + table.loss(lambda shown: shown @ weight)
        total.backward()
        return total

    optimizer.step(closure)
    made = Combination(len(weight), HIDDEN).requires_grad_(False)
    made.linear.weight.copy_(weight.detach()[None])
    for one in list(made.network.parameters())[2:]:
        nn.init.zeros_(one)
    return made


def _perceptron(tables: list[Table], *, l2: float, seed: int) -> Combination:
    """The linear function, and the mean of what some perceptrons correct of it, each by itself."""
    made = _linear(tables, l2=l2)
    first, last = (one for one in made.network if isinstance(one, nn.Linear))
    generator = generator_from(seed)
    nn.init.kaiming_uniform_(first.weight, a=5**0.5, generator=generator)
    nn.init.zeros_(first.bias)
    weight = torch.zeros(MEMBERS, HIDDEN // MEMBERS, requires_grad=True)
    first.requires_grad_(True)

    def members(shown: Tensor) -> Tensor:
        found: Tensor = (first(shown).relu().unflatten(-1, weight.shape) * weight).sum(dim=-1)
        both: Tensor = made.linear(shown) + found
        return both

    optimizer = torch.optim.AdamW([*first.parameters(), weight], lr=RATE, weight_decay=DECAY)
    for _ in range(STEPS):
        optimizer.zero_grad()
        for table in tables:
            table.some(generator).loss(members).backward()
        optimizer.step()
    made.requires_grad_(False)
    last.weight.copy_(weight.detach().flatten()[None] / MEMBERS)
    return made


def _no_worse(found: list[Tensor], before: list[Tensor]) -> bool:
    gains = [one - other for one, other in zip(found, before, strict=True)]
    return all(float(gain.mean()) >= -float(gain.std() / len(gain) ** 0.5) for gain in gains)


def _told(values: list[Tensor], metric: str) -> dict[str, float]:
    """What of both tables counts together, and each; AUC by its odds, as it ends at 1."""
    easy, hard = (float(one.mean()) for one in values)
    worth = easy / max(1 - easy, 1e-6) if metric == "auc" else easy
    return {"both": (worth * hard) ** 0.5, "easy": easy, "hard": hard}
