"""PyG loaders with exact negatives, from a plain installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gneg import lazy

if TYPE_CHECKING:
    from gneg.loader.link_loader import LinkLoader
    from gneg.loader.negatives import LinkSampler
    from gneg.loader.neighbors import NeighborSampler

__all__ = ["LinkLoader", "LinkSampler", "NeighborSampler"]

#: The module of each name, imported when it is first used: they bring in PyTorch Geometric.
_MODULES = {
    "LinkLoader": "link_loader",
    "LinkSampler": "negatives",
    "NeighborSampler": "neighbors",
}

__getattr__, __dir__ = lazy.names(__name__, _MODULES)
