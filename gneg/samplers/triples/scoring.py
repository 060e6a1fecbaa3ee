"""A model of triples as samplers for pairs call it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gneg import checks
from gneg.graph import Queries
from gneg.graph.triples import End

#: ``score(head, relation, tail)`` of one shape.
TripleScore = Callable[[Tensor, Tensor, Tensor], Tensor]


class PairScore:
    """A model of triples as samplers for pairs call it: by query and entity.

    Args:
        queries: The numbering of queries, (entity, relation).
        end: The end of the triple that targets stand at.
        score: The model as ``score(head, relation, tail)``.
    """

    def __init__(self, queries: Queries, end: End, score: TripleScore) -> None:
        self.queries, self.end, self.score = queries, end, score

    def split(self, src: Tensor) -> tuple[Tensor, Tensor]:
        """Return the entities and the relations of queries ``src [B]``.

        Raises:
            ValueError: If a query is of no relation in particular.
        """
        rows = src.cpu().numpy()
        relation = self.queries.relation(rows)
        if (relation < 0).any():
            checks.fail("pos", "of known queries, for a sampler that scores", "others")
        entities, relations = self.queries.entity(rows), relation
        return torch.from_numpy(entities).to(src.device), torch.from_numpy(relations).to(src.device)

    def __call__(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return the scores of pairs ``src``, ``dst`` of one shape, in that shape."""
        entity, relation = self.split(src)
        if self.end == "tail":
            return self.score(entity, relation, dst)
        return self.score(dst, relation, entity)


class BlockScore(PairScore):
    """A model that scores many entities for a query at once, as :class:`gneg.nn.kge.Scorer`."""

    def block(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return the scores ``[B, M]`` of entities ``dst [B, M]`` for queries ``src [B]``."""
        scores: Tensor = self.score.block(*self.split(src), dst, self.end)  # type: ignore[attr-defined]
        return scores
