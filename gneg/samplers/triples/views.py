"""What a sampler of one side of a knowledge graph is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gneg.graph import Graph, KnownEdges, Queries, Triples
from gneg.graph.triples import End


@dataclass(frozen=True)
class View:
    """One side of a knowledge graph, as pairs of a query and an entity.

    Attributes:
        replaced: The end that is drawn.
        triples: The training triples.
        queries: What is drawn for: kept entity and relation.
        graph: The training triples as a bipartite graph of queries and entities.
        known: What is never drawn.
    """

    replaced: End
    triples: Triples
    queries: Queries
    graph: Graph
    known: KnownEdges

    @property
    def options(self) -> dict[str, Any]:
        """What every sampler on this side is given."""
        return {"known": self.known}
