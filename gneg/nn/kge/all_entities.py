"""Losses of queries over all entities, computed in blocks that stay in the caches.

The scores of all queries of a batch with all entities, and their gradient, would take hundreds of
megabytes. Here a block of queries is scored, its loss differentiated by hand and sent back to
queries and entities before the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor
from torch.nn import functional

from gneg import checks
from gneg.graph.take import frequencies

#: Losses over all entities: of each answer by a softmax over all entities or over those that do not
#: answer its query, or of all answers of a query at once by cross-entropies of yes and no.
OverAll = Literal["1vsall", "1vsrest", "kvsall"]
KINDS: tuple[OverAll, ...] = get_args(OverAll)
BLOCK = 2**21  # scores held at once
# The gradient of all entities is read and written in each block: of many entities it takes more
# queries at once, up to a number of scores; and some queries, however many entities there are.
ENOUGH_ROWS, LARGEST_BLOCK, MIN_ROWS = 384, 2**24, 16

CompareAll = Callable[[Tensor, Tensor], Tensor]


class Answers(NamedTuple):
    """Answers of the queries of a batch.

    Attributes:
        ptr: ``[q + 1]``, on the CPU; those of query ``i`` are at ``ptr[i]`` to ``ptr[i + 1]``.
        row: ``[A]``, the query of each.
        entity: ``[A]``, their ids.
    """

    ptr: Tensor
    row: Tensor
    entity: Tensor

    def of(self, lo: int, hi: int) -> tuple[Tensor, Tensor]:
        """Return rows and entities ``[a]`` of the answers of queries ``lo`` to ``hi``."""
        first, last = int(self.ptr[lo]), int(self.ptr[hi])
        return self.row[first:last] - lo, self.entity[first:last]


def loss_over_all(
    kind: OverAll,
    compare_all: CompareAll | None,
    query: Tensor,
    entities: Tensor,
    answers: Answers,
    *,
    smoothing: float = 0.0,
) -> Tensor:
    """Return the loss of queries over all entities, a scalar with gradients.

    - ``1vsall``: the mean over answers of the cross-entropy of a softmax over all entities, the
      other answers of the query among them (Lacroix, Usunier and Obozinski, ICML 2018, eq. 2).
    - ``1vsrest``: the same over the answer and all entities that do not answer the query.
    - ``kvsall``: the mean over queries of the sum over entities of the binary cross-entropy of
      being an answer (Dettmers, Minervini, Stenetorp and Riedel, AAAI 2018, eq. 2).

    Args:
        kind: The loss.
        compare_all: Scores ``[b, N]`` of queries ``[b, D]`` with entities ``[N, D]``, as
            :meth:`gneg.nn.kge.KGE.compare_all`; None: their inner products.
        query: Vectors of queries, ``[q, D]``, each at least one answer.
        entities: Vectors of all entities, ``[N, D]``.
        answers: The answers of the queries.
        smoothing: Share of each label that is spread over all entities, in [0, 1); none in
            ``1vsrest``.

    Raises:
        ValueError: If ``kind`` is unknown or ``smoothing`` out of range.
    """
    kind = checks.choice("kind", kind, KINDS)
    smoothing = checks.number("smoothing", smoothing, 0, 1, open_high=True)
    loss: Tensor = _OverAll.apply(  # type: ignore[no-untyped-call]
        query, entities, compare_all, answers, _OF[kind], smoothing
    )
    return loss / len(query if kind == "kvsall" else answers.entity)


def _rows_of_a_block(num_entities: int) -> int:
    """Return the number of queries that are scored at once."""
    enough = min(ENOUGH_ROWS, LARGEST_BLOCK // num_entities)
    return max(MIN_ROWS, BLOCK // num_entities, enough)


class _OverAll(torch.autograd.Function):
    """The sum of a loss over all entities, with its gradient computed on the way."""

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        entities: Tensor,
        compare_all: CompareAll | None,
        answers: Answers,
        criterion: _Criterion,
        smoothing: float,
    ) -> Tensor:
        """Return the sum, and keep its gradients."""
        size = _rows_of_a_block(len(entities))
        total = torch.zeros((), dtype=entities.dtype, device=entities.device)
        by_query, by_entity = torch.zeros_like(query), torch.zeros_like(entities)
        compared: _Products | _Comparisons = (
            _Products(query, entities, size)
            if compare_all is None
            else _Comparisons(query, entities, compare_all)
        )
        for lo in range(0, len(query), size):
            hi = min(lo + size, len(query))
            scores = compared.scores(lo, hi)
            loss, gradient = criterion(scores, *answers.of(lo, hi), smoothing)
            total += loss
            by_query[lo:hi] = compared.differentiate(gradient, by_entity)
        ctx.save_for_backward(by_query, by_entity)
        return total

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients that were computed, scaled."""
        by_query, by_entity = ctx.saved_tensors
        return gradient * by_query, gradient * by_entity, None, None, None, None


class _Products:
    """Inner products of queries and entities, in the precision of autocast if that is on.

    Args:
        query: Vectors of queries, ``[q, D]``.
        entities: Vectors of all entities, ``[N, D]``.
        size: Queries that are scored at once. All blocks share their memory: to be given new one
            costs as much as the exponentials.
    """

    def __init__(self, query: Tensor, entities: Tensor, size: int) -> None:
        device, self.dtype = entities.device.type, entities.dtype
        half = torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)
        dtype = torch.get_autocast_dtype(device) if half else self.dtype
        self.query, self.entities = query.to(dtype), entities.to(dtype)
        self.block = self.query[:0]
        self._products = self.query.new_empty(min(size, len(query)), len(entities))
        self._scores = self._products
        if dtype != self.dtype:
            self._scores = torch.empty_like(self._products, dtype=self.dtype)

    def scores(self, lo: int, hi: int) -> Tensor:
        """Return the scores of queries ``lo`` to ``hi``, ``[b, N]``, to be written over."""
        self.block = self.query[lo:hi]
        products, scores = self._products[: hi - lo], self._scores[: hi - lo]
        torch.mm(self.block, self.entities.t(), out=products)
        return scores if scores.dtype == products.dtype else scores.copy_(products)

    def differentiate(self, gradient: Tensor, by_entity: Tensor) -> Tensor:
        """Return the gradient by the last queries, ``[b, D]``, and add that by entities."""
        if gradient.dtype == self.block.dtype:
            by_entity.addmm_(gradient.t(), self.block)
            return gradient @ self.entities
        gradient = self._products[: len(gradient)].copy_(gradient)
        by_entity += gradient.t() @ self.block
        return gradient @ self.entities


class _Comparisons:
    """Any scores of queries and entities, differentiated by torch."""

    def __init__(self, query: Tensor, entities: Tensor, compare_all: CompareAll) -> None:
        self.compare_all, self.query = compare_all, query.detach()
        self.entities = entities.detach().requires_grad_()
        self.block = self.compared = self.query[:0]

    def scores(self, lo: int, hi: int) -> Tensor:
        """Return the scores of queries ``lo`` to ``hi``, ``[b, N]``, to be written over."""
        with torch.enable_grad():
            self.block = self.query[lo:hi].requires_grad_()
            self.compared = self.compare_all(self.block, self.entities)
        return self.compared.detach().to(self.entities.dtype, copy=True)

    def differentiate(self, gradient: Tensor, by_entity: Tensor) -> Tensor:
        """Return the gradient by the last queries, ``[b, D]``, and add that by entities."""
        inputs = self.block, self.entities
        gradient = gradient.to(self.compared.dtype)
        by_query, by_all = torch.autograd.grad(self.compared, inputs, gradient)
        by_entity += by_all
        return by_query


#: Takes scores ``[b, N]``, which it may write over, rows and entities ``[a]`` of the answers, and
#: the smoothing; returns the sum of the loss and its gradient by the scores ``[b, N]``.
_Criterion = Callable[[Tensor, Tensor, Tensor, float], tuple[Tensor, Tensor]]


def _one_vs_all(
    scores: Tensor, rows: Tensor, entity: Tensor, smoothing: float
) -> tuple[Tensor, Tensor]:
    counts = frequencies(rows, len(scores)).to(scores.dtype)
    wanted = scores[rows, entity].sum() * (1 - smoothing)
    if smoothing:
        wanted = wanted + smoothing * (counts * scores.mean(dim=1)).sum()
    highest = scores.amax(dim=1, keepdim=True)
    gradient = scores.sub_(highest).exp_()
    sums = gradient.sum(dim=1)
    normaliser = highest.squeeze(1) + sums.log()
    gradient *= (counts / sums).unsqueeze(1)
    if smoothing:
        gradient -= (counts * smoothing / scores.size(1)).unsqueeze(1)
    less = scores.new_full((), smoothing - 1).expand(len(rows))
    gradient.index_put_((rows, entity), less, accumulate=True)
    return (counts * normaliser).sum() - wanted, gradient


def _one_vs_rest(
    scores: Tensor, rows: Tensor, entity: Tensor, smoothing: float
) -> tuple[Tensor, Tensor]:
    target = scores[rows, entity]
    masked = scores.index_put((rows, entity), scores.new_full((), -torch.inf))
    lowest = torch.finfo(scores.dtype).min  # where all entities are answers
    normaliser = masked.logsumexp(dim=1).clamp_(min=lowest)
    missing = normaliser[rows] - target  # its softplus is the cross-entropy
    wrong = missing.sigmoid()
    counts = torch.zeros_like(normaliser).index_add_(0, rows, wrong)
    gradient = masked.sub_(normaliser.unsqueeze(1)).exp_().mul_(counts.unsqueeze(1))
    gradient.index_put_((rows, entity), -wrong, accumulate=True)
    return functional.softplus(missing).sum(), gradient


def _k_vs_all(
    scores: Tensor, rows: Tensor, entity: Tensor, smoothing: float
) -> tuple[Tensor, Tensor]:
    labels = torch.full_like(scores, smoothing / scores.size(1))
    labels[rows, entity] = 1 - smoothing + smoothing / scores.size(1)
    loss = functional.softplus(scores).sum() - (labels * scores).sum()
    return loss, scores.sigmoid() - labels


_OF: dict[OverAll, _Criterion] = {
    "1vsall": _one_vs_all,
    "1vsrest": _one_vs_rest,
    "kvsall": _k_vs_all,
}
