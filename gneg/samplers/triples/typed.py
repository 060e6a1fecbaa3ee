"""Targets of the right type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gneg import checks, kernels
from gneg.graph.triples import End
from gneg.samplers.base import FloatArray, IntArray, Query, Sampler
from gneg.samplers.triples.views import View

#: For each end the entities that each relation allows there, sorted; None: it allows all.
Allowed = Mapping[End, Sequence[Sequence[int] | None]]
TRIES = 64  # draws from a pool, before its unknown entities are listed


class Typed(Sampler):
    """Draws uniformly from the entities whose type fits the relation or the replaced entity.

    ``by="relation"``: entities on this side of the relation in training (Krompass, Baier and
    Tresp 2015; the local closed world), but no known triples. ``by="types"``: entities that share
    a type with the entity that is replaced. ``by="domains"``: entities that the relation allows at
    this end, by its domain or range in an ontology. ``log_q`` is exact. A query whose pool has only
    known triples, or whose relation is not in training, is drawn uniformly.

    Args:
        view: The side of the knowledge graph.
        by: What a pool belongs to: a relation, by training or by an ontology, or the types of an
            entity.
        types: For each entity the numbers of its types; for ``by="types"``.
        allowed: For each end the entities that each relation allows there; for ``by="domains"``.
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If ``by`` is unknown, ``types`` are missing or not as many as entities, or
            ``allowed`` is missing or not of as many relations.
    """

    name = "typed"
    proposes = "non-edges"

    def __init__(
        self,
        view: View,
        by: Literal["relation", "types", "domains"] = "relation",
        *,
        types: Sequence[Sequence[int]] | None = None,
        allowed: Allowed | None = None,
        unique: bool = False,
    ) -> None:
        super().__init__(view.graph, unique=unique, **view.options)
        self.end_view = view
        self.by = checks.choice("by", by, ("relation", "types", "domains"))
        self.density = "per positive" if by == "types" else "cheap"
        self.types = types
        size = view.triples.num_entities
        if by == "types" and (types is None or len(types) != size):
            length = None if types is None else len(types)
            text = f"those of each of the {size} entities for by='types'"
            checks.fail("types", text, length, hint="a file of them: --types")
        self.allowed = None if allowed is None else allowed.get(view.replaced)
        if by == "domains" and len(self.allowed or ()) != view.triples.num_relations:
            text = f"the {view.replaced}s of each of the {view.triples.num_relations} relations"
            value = None if self.allowed is None else len(self.allowed)
            hint = "a file of them: --types"
            checks.fail("allowed", f"{text} for by='domains'", value, hint=hint)

    def _pools(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
        """Return the pool of each relation or entity, and the pools: bounds and sorted members."""

        def build() -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
            triples = self.end_view.triples
            size = triples.num_entities
            if self.by == "relation":
                target = triples.triples[2 if self.end_view.replaced == "tail" else 0].numpy()
                pairs = np.unique(triples.triples[1].numpy() * size + target)
                bounds = np.searchsorted(pairs, np.arange(triples.num_relations + 1) * size)
                return np.arange(triples.num_relations), bounds, pairs % size
            if self.by == "domains":
                return _pools_of(self.allowed or ())
            assert self.types is not None
            kinds: dict[tuple[int, ...], int] = {}
            type_sets = [tuple(sorted(set(types))) for types in self.types]
            group = [kinds.setdefault(types, len(kinds)) for types in type_sets]
            of_type: dict[int, list[int]] = {}
            for entity, types in enumerate(type_sets):
                for kind in types:
                    of_type.setdefault(kind, []).append(entity)
            empty = np.empty(0, np.int64)
            members = [
                np.unique(np.concatenate([of_type[kind] for kind in types])) if types else empty
                for types in kinds
            ]
            bounds = np.cumsum([0, *map(len, members)])
            return np.array(group), bounds, np.concatenate([empty, *members])

        return self.cached("pools", build)  # type: ignore[no-any-return]

    def _groups(self, query: Query) -> IntArray:
        """Return the pool of each row; -1 where there is none."""
        group = self._pools()[0]
        if self.by == "types":
            return group[query.targets].astype(np.int64)
        relation = self.end_view.queries.relation(query.rows)
        return np.where(relation >= 0, group[relation], -1)

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Draw uniformly from each query's pool."""
        index = query.blank(k)
        pools = self._groups(query), *self._pools()[1:]
        kernel = kernels.threads.with_bits(kernels.groups.draws, query.known.num_dst)
        query.run(kernel, index, *pools, *query.known.arrays, seed, TRIES)
        return index

    def log_density(self, query: Query, index: IntArray) -> FloatArray:
        """Return the log density, uniform over the pool's unknown entities."""
        pools = self._groups(query), *self._pools()[1:]
        free = np.empty(len(query.rows), np.int64)
        query.run(kernels.groups.free, free, *pools, *query.known.arrays)
        inside = np.empty(index.shape, bool)
        query.run(kernels.groups.inside, inside, index, *pools)
        with np.errstate(divide="ignore"):
            log_q = np.where(inside, -np.log(np.maximum(free, 1))[:, None], -np.inf)
        return np.where(free[:, None] > 0, log_q, query.log_uniform)


def _pools_of(
    allowed: Sequence[Sequence[int] | None],
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the pool of each relation, -1 where all entities are allowed, and the pools."""
    group = np.array([-1 if members is None else i for i, members in enumerate(allowed)])
    pools = [np.unique(np.array(members or (), np.int64)) for members in allowed]
    bounds = np.cumsum([0, *map(len, pools)])
    return group, bounds, np.concatenate([np.empty(0, np.int64), *pools])
