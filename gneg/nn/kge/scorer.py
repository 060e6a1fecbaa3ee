"""A score of triples by a model on fixed vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gneg.graph.triples import End

if TYPE_CHECKING:
    from gneg.nn.kge.base import KGE

#: Vectors of entities ``[N, D]`` and of relations ``[R, D]``; ``[2 R, D]`` with inverse relations.
Tables = tuple[Tensor, Tensor]


class Scorer:
    """A score of triples by a model on fixed vectors, without gradients.

    Args:
        model: The model.
        tables: Vectors of entities and relations.
    """

    def __init__(self, model: KGE, tables: Tables) -> None:
        self.model, self.tables, self.device = model, tables, tables[0].device

    @torch.no_grad()
    def __call__(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """Return the scores of triples, given as ids of one shape: of their shape and device."""
        ids = (part.to(self.device) for part in (head, relation, tail))
        return self.model.score(self.tables, *ids).to(head.device)

    @torch.no_grad()
    def block(self, entity: Tensor, relation: Tensor, index: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, M]`` of entities ``index [b, M]`` as the answers of queries.

        Args:
            entity: Ids of the queries' entities, ``[b]``.
            relation: Ids of their relations, ``[b]``.
            index: Ids of the entities to score for each query, ``[b, M]``.
            end: The end of the triple that is predicted.
        """
        ids = entity.to(self.device), relation.to(self.device)
        query = self.model.embed_queries(self.tables, *ids, end)
        return self.model.compare_block(query, self.tables[0], index.to(self.device))

    @torch.no_grad()
    def rows(self, entity: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, N]`` of all entities as the answers of queries; see ``block``."""
        return self.model.rows(entity.to(self.device), relation.to(self.device), end, self.tables)
