"""Structure-aware negatives: by a sampler on the graph of entities."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from gneg import checks
from gneg.samplers.base import FloatArray, IntArray, Need, Query, Sampler
from gneg.samplers.triples.views import View

# Share of the draws that must be left where known ones are not counted, to be more than rounding.
LEAST = 1e-9


class OnEntities(Sampler):
    """Draws by a sampler on the graph of entities, joined by whatever relation.

    Around ``KHop`` or ``Walk``: entities near the kept one (SANS: Ahrabian, Feizi, Salehi, Hamilton
    and Bose, EMNLP 2020), but by exact distances and never the entity itself. Around ``Similar``
    with ``of="replaced"``: near misses, entities like the true one. What is known for the query is
    drawn again, then uniformly.

    ``log_q`` is that of the inner sampler, where that has one, on the condition that nothing known
    is drawn: exact but for queries of which most draws are known, which end up partly uniform. None
    with ``of="replaced"`` and for one relation at a time; slow, as all known ones are looked up.

    Args:
        view: The side of the knowledge graph.
        sampler: A sampler on ``view.triples.entities``, or on ``view.triples.by_relation``: then
            only edges of the query's relation count.
        of: The entity of the positive to draw for.
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If the sampler is on another graph or needs the model's scores.
    """

    name = "entities"
    density = "costly"

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
        self._cache = {}

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Draw by the sampler on entities."""
        joint, shift, relation = self._joint(query)
        drawn = self.sampler.propose(joint, k, seed) - shift[:, None]
        # What falls back on any node may leave the relation's layer.
        kept = (drawn >= 0) & (drawn < query.known.num_dst)
        return np.where(kept & ~((relation < 0) & self.layers)[:, None], drawn, -1)

    def _joint(self, query: Query) -> tuple[Query, IntArray, IntArray]:
        """What the sampler on entities is asked, how far its ids are shifted, and relations."""
        queries = self.end_view.queries
        entity = queries.entity(query.rows) if self.of == "kept" else query.targets
        relation = queries.relation(query.rows)
        shift = np.maximum(relation, 0) * self.end_view.triples.num_entities * self.layers
        known = self.sampler.known
        whole = self.sampler.graph
        joint = replace(query, rows=entity + shift, whole=whole, known=known, unique=False)
        return joint, shift, relation

    def log_density(self, query: Query, index: IntArray) -> FloatArray | None:
        """Return the entity sampler's log density, conditioned on triples that are not known."""
        if self.of == "replaced" or self.layers:
            return None
        log_q = self._near(query, index)
        if log_q is None:
            return None
        left = self._left(query)[:, None]
        return np.where(left > LEAST, log_q - np.log(np.maximum(left, LEAST)), query.log_uniform)

    def _near(self, query: Query, index: IntArray) -> FloatArray | None:
        """Log density of ``index [B, K]`` on the graph of entities, where nothing is known."""
        joint = self._joint(query)[0]
        log_q = self.sampler.log_density(joint, index)
        return None if log_q is None else np.where(index == joint.rows[:, None], -np.inf, log_q)

    def _left(self, query: Query) -> FloatArray:
        """Probability ``[B]`` that a draw for each row is not known."""
        known = query.known
        left = self.cached("left", lambda: np.full(known.num_src, np.nan))
        rows = np.unique(query.rows[np.isnan(left[query.rows])])
        if len(rows):
            line, targets = known.listed(rows)
            each = replace(query, rows=rows[line], position=np.zeros(len(line), np.int64))
            log_q = self._near(each, targets[:, None])
            assert log_q is not None
            left[rows] = 1 - np.bincount(line, np.exp(log_q[:, 0]), len(rows))
        return left[query.rows]  # type: ignore[no-any-return]
