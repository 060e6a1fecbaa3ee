"""gneg: exact, hard negatives for link prediction on graphs, at memory speed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gneg import lazy

if TYPE_CHECKING:
    from gneg import (
        datasets,
        evaluation,
        experiments,
        integrations,
        loader,
        losses,
        nn,
        prediction,
        samplers,
        training,
        transforms,
    )
    from gneg.datasets.ingest import ingest
    from gneg.datasets.negatives import sample
    from gneg.evaluation.audit import audit
    from gneg.evaluation.hardset import HardSet, hardset
    from gneg.evaluation.link import evaluate
    from gneg.experiments.grid import compare
    from gneg.graph import Graph, KnownEdges, KnownTriples, Triples, from_networkx
    from gneg.prediction.loading import load
    from gneg.samplers.functional import (
        batched_negative_sampling,
        negative_sampling,
        structured_negative_sampling,
        structured_negative_sampling_feasible,
    )
    from gneg.samplers.negatives import Negatives
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
    "ingest",
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


#: The module of each name, imported when it is first used: torch alone takes two seconds, PyTorch
#: Geometric two more. None: a package.
_MODULES = {
    "Graph": "graph",
    "HardSet": "evaluation.hardset",
    "KnownEdges": "graph",
    "KnownTriples": "graph",
    "LinkConfig": "training.config",
    "Negatives": "samplers.negatives",
    "TripleConfig": "training.config",
    "Triples": "graph",
    "audit": "evaluation.audit",
    "batched_negative_sampling": "samplers.functional",
    "compare": "experiments.grid",
    "datasets": None,
    "evaluate": "evaluation.link",
    "evaluation": None,
    "experiments": None,
    "from_networkx": "graph",
    "hardset": "evaluation.hardset",
    "ingest": "datasets.ingest",
    "integrations": None,
    "load": "prediction.loading",
    "loader": None,
    "losses": None,
    "negative_sampling": "samplers.functional",
    "nn": None,
    "prediction": None,
    "sample": "datasets.negatives",
    "samplers": None,
    "structured_negative_sampling": "samplers.functional",
    "structured_negative_sampling_feasible": "samplers.functional",
    "train": "training.driver",
    "training": None,
    "transforms": None,
}

__getattr__, __dir__ = lazy.names(__name__, _MODULES)
