"""Graphs and triples, their known edges, and heuristics and walks on them."""

from gneg.graph.graph import Graph
from gneg.graph.known import KnownEdges
from gneg.graph.triples import KnownTriples, Queries, Triples

__all__ = ["Graph", "KnownEdges", "KnownTriples", "Queries", "Triples"]

from_networkx = Graph.from_networkx
