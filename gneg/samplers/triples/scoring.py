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
    """A score of triples as samplers for pairs call it: by query and entity.

    Args:
        queries: What is numbered.
        end: Which end entities stand at.
        score: ``score(head, relation, tail)``.
    """

    def __init__(self, queries: Queries, end: End, score: TripleScore) -> None:
        self.queries, self.end, self.score = queries, end, score

    def asked(self, src: Tensor) -> tuple[Tensor, Tensor]:
        """Kept entities and relations of queries.

        Raises:
            ValueError: If the relation of one of them may be any.
        """
        rows = src.cpu().numpy()
        relation = self.queries.relation(rows)
        if (relation < 0).any():
            checks.fail("pos", "of known queries, for a sampler that scores", "others")
        kept, between = torch.from_numpy(self.queries.entity(rows)), torch.from_numpy(relation)
        return kept.to(src.device), between.to(src.device)

    def __call__(self, src: Tensor, dst: Tensor) -> Tensor:
        """Scores of pairs of one shape."""
        kept, between = self.asked(src)
        return (
            self.score(kept, between, dst) if self.end == "tail" else self.score(dst, between, kept)
        )


class BlockScore(PairScore):
    """By a model that scores many entities for a query at once, as :class:`gneg.nn.kge.Scorer`."""

    def block(self, src: Tensor, dst: Tensor) -> Tensor:
        """Scores ``[B, M]`` of entities ``dst [B, M]`` for queries ``src [B]``."""
        found: Tensor = self.score.block(*self.asked(src), dst, self.end)  # type: ignore[attr-defined]
        return found
