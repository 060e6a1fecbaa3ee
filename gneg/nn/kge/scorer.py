"""A score of triples by a model on fixed vectors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gneg.graph.triples import End

if TYPE_CHECKING:
    from gneg.nn.kge.base import KGE

#: Vectors of entities ``[N, D]`` and of relations ``[R, D]``; ``[2 R, D]`` with inverse relations.
Tables = tuple[Tensor, Tensor]


class Scorer:
    """A score of triples by a model on fixed vectors, without gradients, in evaluation mode.

    Args:
        model: The model.
        tables: Vectors of entities and relations.
    """

    def __init__(self, model: KGE, tables: Tables) -> None:
        self.model, self.tables, self.device = model, tables, tables[0].device

    @contextmanager
    def _evaluating(self) -> Iterator[KGE]:
        """Return the model in evaluation mode: samplers score while it is trained."""
        training = self.model.training
        self.model.train(False)
        try:
            with torch.no_grad():
                yield self.model
        finally:
            self.model.train(training)

    def __call__(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """Return the scores of triples, given as ids of one shape: of their shape and device."""
        ids = (part.to(self.device) for part in (head, relation, tail))
        with self._evaluating() as model:
            return model.score(self.tables, *ids).to(head.device)

    def block(self, entity: Tensor, relation: Tensor, index: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, M]`` of entities ``index [b, M]`` as the answers of queries.

        Args:
            entity: Ids of the queries' entities, ``[b]``.
            relation: Ids of their relations, ``[b]``.
            index: Ids of the entities to score for each query, ``[b, M]``.
            end: The end of the triple that is predicted.
        """
        ids = entity.to(self.device), relation.to(self.device)
        with self._evaluating() as model:
            query = model.embed_queries(self.tables, *ids, end)
            return model.compare_block(query, self.tables[0], index.to(self.device))

    def rows(self, entity: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, N]`` of all entities as the answers of queries; see ``block``."""
        ids = entity.to(self.device), relation.to(self.device)
        with self._evaluating() as model:
            return model.rows(*ids, end, self.tables)
