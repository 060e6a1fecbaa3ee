"""Structure-aware negatives: by a sampler on the graph of entities."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from gneg import checks
from gneg.samplers.base import IntArray, Need, Query, Sampler
from gneg.samplers.kg.views import View


class OnEntities(Sampler):
    """Draws by a sampler on the graph of entities, joined by whatever relation.

    Around ``KHop`` or ``Walk``: entities near the kept one (SANS: Ahrabian, Feizi, Salehi, Hamilton
    and Bose, EMNLP 2020), but by exact distances and never the entity itself. Around ``Similar``
    with ``of="replaced"``: near misses, entities like the true one. What is known for the query is
    drawn again, then uniformly.

    Args:
        view: The side of the knowledge graph.
        sampler: A sampler on ``view.triples.entities``, or on ``view.triples.by_relation``: then
            only edges of the query's relation count.
        of: The entity of the positive to draw for.
        unique: See :class:`~gneg.samplers.base.Sampler`.

    Raises:
        ValueError: If the sampler is on another graph or needs the model's scores.
    """

    name = "entities"

    def __init__(
        self,
        view: View,
        sampler: Sampler,
        *,
        of: Literal["kept", "replaced"] = "kept",
        unique: bool = False,
    ) -> None:
        super().__init__(view.graph, unique=unique, **view.options)
        self.of = checks.choice("of", of, ("kept", "replaced"))
        sizes = view.triples.num_entities * np.array([1, view.triples.num_relations])
        fits = isinstance(sampler, Sampler) and not sampler.graph.bipartite
        if not fits or sampler.graph.num_nodes not in sizes:
            checks.fail("sampler", "one on the graph of entities", sampler)
        if sampler.needs - {"z"}:
            checks.fail("sampler", "one that needs no scores", sampler)
        self.end_view, self.sampler = view, sampler
        self.layers = sampler.graph.num_nodes > sizes[0]

    @property
    def needs(self) -> frozenset[Need]:
        """What the sampler on entities needs."""
        return self.sampler.needs

    def end_epoch(self, *, z: object = None) -> None:
        """Hand the epoch's end on."""
        self.sampler.end_epoch(z=z)  # type: ignore[arg-type]

    def _propose(self, query: Query, k: int, seed: int) -> IntArray:
        queries = self.end_view.queries
        entity = queries.kept(query.rows) if self.of == "kept" else query.others
        relation = queries.relation(query.rows)
        shift = np.maximum(relation, 0) * self.end_view.triples.num_entities * self.layers
        joint = replace(
            query,
            rows=entity + shift,
            batch=query.batch,
            whole=self.sampler.graph,
            known=self.sampler.known,
            unique=False,
        )
        drawn = self.sampler._propose(joint, k, seed) - shift[:, None]
        # What falls back on any node may leave the relation's layer.
        kept = (drawn >= 0) & (drawn < query.known.num_dst)
        return np.where(kept & ~((relation < 0) & self.layers)[:, None], drawn, -1)
