"""Graphs and triples, what is known of them, and what can be read off them."""

from gneg.graph.graph import Graph
from gneg.graph.known import KnownEdges
from gneg.graph.triples import KnownTriples, Queries, Triples

__all__ = ["Graph", "KnownEdges", "KnownTriples", "Queries", "Triples"]
