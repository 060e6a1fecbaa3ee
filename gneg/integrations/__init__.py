"""Integrations: gneg in other libraries; each module needs the library it is named after."""

from __future__ import annotations

from gneg import lazy

_MODULES = (
    *("lightning", "mlflow", "networkx", "pykeen", "pykeen_config", "pykeen_models", "ray"),
    *("sklearn", "tensorboard", "torchmetrics", "tracking", "wandb"),
)
__getattr__, __dir__ = lazy.names(__name__, dict.fromkeys(_MODULES))
