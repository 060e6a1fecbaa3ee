"""PyG loaders with exact negatives, from a plain installation."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'gneg.loader' has no attribute {name!r}")
    return getattr(importlib.import_module(f"gneg.loader.{_MODULES[name]}"), name)
