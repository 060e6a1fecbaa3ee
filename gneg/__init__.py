"""gneg: exact, hard negatives for link prediction on graphs, at memory speed."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from gneg import losses, samplers
from gneg.graph import Graph, KnownEdges, KnownTriples, Triples
from gneg.samplers.functional import (
    batched_negative_sampling,
    negative_sampling,
    structured_negative_sampling,
    structured_negative_sampling_feasible,
)
from gneg.samplers.negatives import Negatives

if TYPE_CHECKING or "pdoc" in sys.modules:  # pdoc shows what stands in the module's dictionary
    from gneg import (
        datasets,
        evaluation,
        experiments,
        integrations,
        loader,
        nn,
        training,
        transforms,
    )
    from gneg.datasets.negatives import sample
    from gneg.evaluation.audit import audit
    from gneg.evaluation.hardset import HardSet, hardset
    from gneg.evaluation.link import evaluate
    from gneg.experiments.grid import compare
    from gneg.prediction.loading import load
    from gneg.training.config import LinkConfig, TripleConfig
    from gneg.training.driver import train

__all__ = [
    "Graph",
    "HardSet",
    "KnownEdges",
    "KnownTriples",
    "LinkConfig",
    "Negatives",
    "TripleConfig",
    "Triples",
    "audit",
    "batched_negative_sampling",
    "compare",
    "datasets",
    "evaluate",
    "evaluation",
    "experiments",
    "from_networkx",
    "hardset",
    "integrations",
    "load",
    "loader",
    "losses",
    "negative_sampling",
    "nn",
    "prediction",
    "sample",
    "samplers",
    "structured_negative_sampling",
    "structured_negative_sampling_feasible",
    "train",
    "training",
    "transforms",
]
__version__ = "0.1.0"

from_networkx = Graph.from_networkx


#: Modules of objects that import PyTorch Geometric, which samplers do not need; None: a package.
_LATE = {
    "HardSet": "evaluation.hardset",
    "LinkConfig": "training.config",
    "TripleConfig": "training.config",
    "audit": "evaluation.audit",
    "compare": "experiments.grid",
    "datasets": None,
    "evaluate": "evaluation.link",
    "evaluation": None,
    "experiments": None,
    "hardset": "evaluation.hardset",
    "integrations": None,
    "load": "prediction.loading",
    "loader": None,
    "nn": None,
    "prediction": None,
    "sample": "datasets.negatives",
    "train": "training.driver",
    "training": None,
    "transforms": None,
}


def __dir__() -> list[str]:
    return sorted({*__all__, "__version__"})


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module 'gneg' has no attribute {name!r}")
    module = importlib.import_module(f"gneg.{_LATE[name] or name}")
    return getattr(module, name) if _LATE[name] else module
