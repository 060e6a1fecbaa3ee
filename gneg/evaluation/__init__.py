"""Ranking held-out edges and triples: metrics, hard evaluation sets, audits."""

from __future__ import annotations

from gneg import lazy

_MODULES = (
    *("audit", "classify", "full_ranks", "hardset", "link", "metrics", "sampled", "triple"),
    *("triple_scorers", "triple_sets"),
)
__getattr__, __dir__ = lazy.names(__name__, dict.fromkeys(_MODULES))
