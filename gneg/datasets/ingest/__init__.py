"""Graphs larger than memory: from files of edges to a folder for ``Graph.open``."""

from gneg.datasets.ingest.make import build_graph, ingest

__all__ = ["build_graph", "ingest"]
