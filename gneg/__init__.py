"""gneg: exact, hard negatives for link prediction on graphs, at memory speed."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from gneg import losses, metrics, ranking, samplers
from gneg.functional import (
    batched_negative_sampling,
    negative_sampling,
    structured_negative_sampling,
    structured_negative_sampling_feasible,
)
from gneg.graph import Graph
from gneg.known import KnownEdges
from gneg.negatives import Negatives
from gneg.triples import KnownTriples, Triples

if TYPE_CHECKING or "pdoc" in sys.modules:  # pdoc shows what stands in the module's dictionary
    from gneg import datasets, exporters, kg, loader, nn, train, transforms
    from gneg.auditing import audit
    from gneg.comparison import compare
    from gneg.evaluation import evaluate
    from gneg.hardsets import HardSet, hardset
    from gneg.sampling import sample

__all__ = [
    "Graph",
    "HardSet",
    "KnownEdges",
    "KnownTriples",
    "Negatives",
    "Triples",
    "audit",
    "batched_negative_sampling",
    "compare",
    "datasets",
    "evaluate",
    "exporters",
    "from_networkx",
    "hardset",
    "kg",
    "loader",
    "losses",
    "metrics",
    "negative_sampling",
    "nn",
    "ranking",
    "sample",
    "samplers",
    "structured_negative_sampling",
    "structured_negative_sampling_feasible",
    "train",
    "transforms",
]
__version__ = "0.1.0"

from_networkx = Graph.from_networkx


# These bring in PyTorch Geometric, which samplers do not need.
_LATE = {
    "HardSet": "hardsets",
    "audit": "auditing",
    "compare": "comparison",
    "datasets": None,
    "evaluate": "evaluation",
    "exporters": None,
    "hardset": "hardsets",
    "kg": None,
    "loader": None,
    "nn": None,
    "sample": "sampling",
    "train": None,
    "transforms": None,
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module 'gneg' has no attribute {name!r}")
    module = importlib.import_module(f"gneg.{_LATE[name] or name}")
    return getattr(module, name) if _LATE[name] else module
