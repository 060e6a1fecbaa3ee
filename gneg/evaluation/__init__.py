"""Ranking held-out edges and triples: metrics, hard evaluation sets, audits."""
