"""Proposals: distributions over targets that are read off the graph or embeddings."""
