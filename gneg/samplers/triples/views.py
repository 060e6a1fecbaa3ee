"""One side of a knowledge graph, as a bipartite graph of queries and entities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gneg.graph import Graph, KnownEdges, Queries, Triples
from gneg.graph.triples import End


@dataclass(frozen=True)
class View:
    """One side of a knowledge graph, as pairs of a query and an entity.

    Attributes:
        replaced: The end of the triples that is replaced.
        triples: The training triples.
        queries: The numbering of queries: the entity that stays, and the relation.
        graph: The training triples as a bipartite graph of queries and entities.
        known: The triples that are never drawn, as (query, entity) pairs.
    """

    replaced: End
    triples: Triples
    queries: Queries
    graph: Graph
    known: KnownEdges

    @property
    def options(self) -> dict[str, Any]:
        """Arguments that every sampler on this side takes."""
        return {"known": self.known}
