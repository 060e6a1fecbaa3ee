"""Integrations: gneg in other libraries; each module needs the library it is named after."""

from __future__ import annotations

import importlib
from types import ModuleType

_MODULES = (
    *("lightning", "mlflow", "networkx", "pykeen", "pykeen_config", "pykeen_models", "ray"),
    *("sklearn", "tensorboard", "torchmetrics", "tracking", "wandb"),
)


def __getattr__(name: str) -> ModuleType:
    """Import a module, and the library that it is for, when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module 'gneg.integrations' has no attribute {name!r}")
    return importlib.import_module(f"gneg.integrations.{name}")
