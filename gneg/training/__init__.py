"""Training link predictors and knowledge-graph models."""

from __future__ import annotations

from gneg import lazy

_MODULES = ("config", "driver", "load", "presets", "race", "recipe", "stacking")
__getattr__, __dir__ = lazy.names(__name__, dict.fromkeys(_MODULES))
