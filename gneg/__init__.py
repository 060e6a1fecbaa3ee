"""gneg: exact, hard negatives for link prediction on graphs, at memory speed."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from gneg import losses, metrics, samplers
from gneg.graph import Graph
from gneg.known import KnownEdges
from gneg.negatives import Negatives

if TYPE_CHECKING:
    from gneg import datasets, nn, train

__all__ = [
    "Graph",
    "KnownEdges",
    "Negatives",
    "datasets",
    "losses",
    "metrics",
    "nn",
    "samplers",
    "train",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    # These bring in PyTorch Geometric, which samplers do not need.
    if name in ("datasets", "nn", "train"):
        return importlib.import_module(f"gneg.{name}")
    raise AttributeError(f"module 'gneg' has no attribute {name!r}")
