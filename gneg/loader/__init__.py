"""PyG loaders with exact negatives, from a plain installation."""

from __future__ import annotations

from gneg.loader.link_loader import LinkLoader
from gneg.loader.negatives import LinkSampler
from gneg.loader.neighbors import NeighborSampler

__all__ = ["LinkLoader", "LinkSampler", "NeighborSampler"]
