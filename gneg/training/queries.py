"""The queries that training triples answer, each with all its answers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gneg.graph.sizes import with_sizes
from gneg.graph.take import distinct
from gneg.nn.kge.all_entities import Answers
from gneg.training.device import upload


@dataclass(frozen=True)
class QueryBatch:
    """Queries of one step, those for tails before those for heads.

    Attributes:
        entity: ``[q]``, the entities that are given.
        relation: ``[q]``.
        num_tails: Number of queries for tails.
        answers: The answers of each query.
    """

    entity: Tensor
    relation: Tensor
    num_tails: int
    answers: Answers

    __repr__ = with_sizes


class Queries:
    """The queries (h, r, ?) and (?, r, t) of triples; each triple is an answer of two.

    Losses over all entities score a query once, however many answers it has: FB15k-237 has 3.6
    times as many answers as queries.

    Args:
        triples: ``[3, P]``, rows head, relation, tail.
        num_relations: Number of relations, R.
    """

    def __init__(self, triples: Tensor, num_relations: int) -> None:
        head, relation, tail = triples
        self._num_relations = num_relations
        # A query for heads has a relation from R on.
        keys = torch.stack(
            [torch.cat([relation, relation + num_relations]), torch.cat([head, tail])]
        )
        self._keys, which = distinct(keys)
        # Those for tails come first. Sizes are computed on the CPU: the device is not waited for.
        self._num_tails = int((self._keys[0] < num_relations).sum())
        counts = torch.bincount(which, minlength=self._keys.size(1)).cpu()
        self._ptr = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        order = torch.argsort(which, stable=True)
        self._answers = torch.cat([tail, head])[order]
        self._positions = order % max(len(head), 1)

    def __len__(self) -> int:
        """Return the number of queries, Q."""
        return len(self._ptr) - 1

    def take(self, ids: Tensor) -> tuple[Tensor, QueryBatch]:
        """Return the positions of the triples that queries ``ids [q]`` stand for, and the queries.

        Positions ``[A]`` are those of the answers, in their order. Ids are on the CPU, and what is
        returned, but for ``ptr``, on the device of the triples.
        """
        ids = ids.sort().values  # by relation
        num_tails = int((ids < self._num_tails).sum())
        begin = self._ptr[ids]
        counts = self._ptr[ids + 1] - begin
        ptr = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        row = torch.repeat_interleave(counts)
        at = torch.arange(len(row)) + (begin - ptr[:-1])[row]
        moved = upload(torch.cat([ids, row, at]), self._keys.device)
        ids, row, at = moved.split([len(ids), len(row), len(at)])
        relation, entity = self._keys[:, ids]
        answers = Answers(ptr, row, self._answers[at])
        batch = QueryBatch(entity, relation % self._num_relations, num_tails, answers)
        return self._positions[at], batch
