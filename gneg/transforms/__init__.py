"""PyG transforms: static negatives, splits that do not leak, heuristics as attributes."""

from __future__ import annotations

from gneg.transforms.add_heuristics import AddHeuristics
from gneg.transforms.add_negatives import AddNegatives
from gneg.transforms.hard_link_split import HardLinkSplit

__all__ = ["AddHeuristics", "AddNegatives", "HardLinkSplit"]
