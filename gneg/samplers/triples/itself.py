"""The query's entity as its negative."""

from __future__ import annotations

import numpy as np

from gneg.samplers.base import IntArray, Query, Sampler
from gneg.samplers.triples.views import View


class Itself(Sampler):
    """Proposes the query's entity itself: (h, r, h) for (h, r, t).

    The hardest negative of a model that answers a query with something near the query: where r is
    short or turns little, TransE and RotatE rank h itself first, and uniform negatives among many
    entities hardly ever say that it is wrong. It lifts Hits@1 of such a model, but may cost more
    elsewhere: compare. Where the loop is a known triple (or a row is to hold it only once),
    uniform.

    Args:
        view: The side of the knowledge graph.
        unique: Whether a row may hold a target only once.
    """

    name = "itself"

    def __init__(self, view: View, *, unique: bool = False) -> None:
        super().__init__(view.graph, unique=unique, **view.options)
        self.end_view = view

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Return the query's own entity, K times."""
        entity = self.end_view.queries.entity(query.rows)
        return np.repeat(entity[:, None], k, axis=1)
