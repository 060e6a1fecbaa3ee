"""Structure-aware negatives: by a sampler on the graph of entities."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Literal

import numpy as np

from gneg import checks
from gneg.rng import split_seed
from gneg.samplers.base import FloatArray, IntArray, Need, Query, Sampler
from gneg.samplers.propose.walk import Walk
from gneg.samplers.query import num_short
from gneg.samplers.triples.views import View

# Lowest share of draws that are not known triples: less would be rounding errors.
LEAST = 1e-9


class OnEntities(Sampler):
    """Draws by a sampler on the graph of entities, joined by any relation.

    Around ``KHop`` or ``Walk``: entities near the query's (SANS: Ahrabian, Feizi, Salehi, Hamilton
    and Bose, EMNLP 2020), but by exact distances and never the entity itself. Around ``Similar``
    with ``of="replaced"``: near misses, entities like the true one. A draw that is a known triple
    is repeated, and in the end replaced by a uniform one.

    ``log_q`` is that of the inner sampler, if it has one, on the condition that no known triple is
    drawn: exact but for queries of which most draws are known, which are partly drawn uniformly.
    None with ``of="replaced"`` and for one relation at a time; costly, as the densities of all
    known triples are computed.

    Args:
        view: The side of the knowledge graph.
        sampler: A sampler on ``view.triples.entities``, or on ``view.triples.by_relation``: then
            only edges of the query's relation count.
        of: The entity of the positive to draw for, ``"query"`` or ``"replaced"``.
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
        of: Literal["query", "replaced"] = "query",
        unique: bool = False,
    ) -> None:
        super().__init__(view.graph, unique=unique, **view.options)
        self.of = checks.choice("of", of, ("query", "replaced"))
        sizes = view.triples.num_entities * np.array([1, view.triples.num_relations])
        fits = isinstance(sampler, Sampler) and not sampler.graph.bipartite
        if not fits or sampler.graph.num_nodes not in sizes:
            checks.fail("sampler", "one on the graph of entities", sampler)
        if sampler.needs - {"z"}:
            checks.fail("sampler", "one that needs no scores", sampler)
        self.end_view, self.sampler = view, sampler
        self.layers = sampler.graph.num_nodes > sizes[0]
        if isinstance(sampler, Walk) and not self.layers:
            self.proposes = "non-edges"

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
        if isinstance(self.sampler, Walk) and not self.layers:
            return self._walked(self.sampler, query, joint, k, seed)
        # Whole draws, uniform ones in place of what is missing: their density is the sampler's.
        drawn = self.sampler.draw(joint, k, seed)
        if "fell" in joint.counts:
            query.counts["fell"] += joint.counts["fell"]
        if not self.layers:
            return drawn
        drawn = drawn - shift[:, None]
        # A draw that falls back on any node may leave the relation's layer.
        valid = (drawn >= 0) & (drawn < query.known.num_dst)
        return np.where(valid & (relation >= 0)[:, None], drawn, -1)

    def _walked(self, walk: Walk, query: Query, joint: Query, k: int, seed: int) -> IntArray:
        """Walk until the end is no known triple; rows without such walks, as others draw."""
        index = walk.avoiding(joint, query.known, query.rows, k, seed)
        if num_short(index):
            lacking = query.lacking(index)
            unfilled, part = index[lacking], query.take(lacking)
            drawn = walk.draw(joint.take(lacking), k, split_seed(seed, 1))
            part.exclude(unfilled, drawn, unique=False)
            index[lacking] = unfilled
        return index

    def _joint(self, query: Query) -> tuple[Query, IntArray, IntArray]:
        """Return the query for the sampler on entities, the shift of its ids, and relations."""
        queries = self.end_view.queries
        entity = queries.entity(query.rows) if self.of == "query" else query.targets
        relation = queries.relation(query.rows)
        shift = np.maximum(relation, 0) * self.end_view.triples.num_entities * self.layers
        known = self.sampler.known
        whole = self.sampler.graph
        changed = {"rows": entity + shift, "whole": whole, "known": known, "counts": Counter()}
        joint = replace(query, **changed, unique=False, avoid=None)
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
        """Return the log density of ``index [B, K]`` on the entities, with no known edges."""
        joint = self._joint(query)[0]
        log_q = self.sampler.checked_density(joint, index)
        return None if log_q is None else np.where(index == joint.rows[:, None], -np.inf, log_q)

    def _left(self, query: Query) -> FloatArray:
        """Return the probability ``[B]`` that a draw for each row is not a known triple."""
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
