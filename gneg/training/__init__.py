"""Training link predictors and knowledge-graph models."""

from __future__ import annotations

import importlib
from types import ModuleType

_MODULES = ("config", "driver", "load", "presets", "race", "recipe", "stacking")


def __getattr__(name: str) -> ModuleType:
    """Import a module when it is first used: ``gneg.training.recipe.fast``."""
    if name not in _MODULES:
        raise AttributeError(f"module 'gneg.training' has no attribute {name!r}")
    return importlib.import_module(f"gneg.training.{name}")
