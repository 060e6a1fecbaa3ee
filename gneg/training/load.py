"""Models of finished runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import LinkData
from gneg.evaluation.ranking import Score
from gneg.nn import BaseMeasure
from gneg.training.config import TrainConfig
from gneg.training.link import Trainer

__all__ = ["density", "model", "models", "run_of", "trained"]


def density(data: LinkData, text: str) -> Score:
    """Log density of pairs as negatives of the sampler ``text``: a base measure alone.

    Raises:
        ValueError: If the expression is malformed or the sampler has no closed-form ``log_q``.
    """
    measure = BaseMeasure(torch.nn.Identity(), data.sampler(text, corrupt="both"))

    def score(src: Tensor, dst: Tensor) -> Tensor:
        return measure.log_measure(src.reshape(-1), dst.reshape(-1)).view(src.shape)

    return score


def run_of(path: Path) -> dict[str, Any]:
    """The record of the training run that made ``path``, a ``model-SEED.pt`` or its folder.

    Raises:
        ValueError: If there is no ``results.json`` of a run with weights.
    """
    folder = path if path.is_dir() else path.parent
    if not (folder / "results.json").exists():
        checks.fail("model", "of a run of gneg train, with its results.json", str(path))
    found: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return found


def models(path: Path) -> list[Path]:
    """The weights at ``path``: itself, or every ``model-SEED.pt`` of a folder.

    Raises:
        ValueError: If there are none.
    """
    found = sorted(path.glob("model-*.pt")) if path.is_dir() else [path]
    if not found:
        checks.fail("model", "a folder with model-SEED.pt files", str(path))
    return found


def trained(data: LinkData, path: Path) -> Trainer:
    """The run whose best weights are in ``path``, on the training graph of ``data``.

    Raises:
        ValueError: If it was trained on other data.
    """
    run = run_of(path)
    trained = run["dataset"]["name"], run["dataset"]["edges"]["train"], run["protocol"]["split"]
    here = data.name, data.train.size(1), data.split
    if trained != here:
        names = ("dataset", "training edges", "split")
        told = [
            ", ".join(f"{n} {v}" for n, v in zip(names, one, strict=True))
            for one in (trained, here)
        ]
        checks.fail("data", f"what the model was trained on ({told[0]})", told[1])
    with torch.random.fork_rng(devices=[]):
        trainer = Trainer(data, TrainConfig(**run["config"]), seed=0)
    trainer.model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return trainer


def model(data: LinkData, path: Path) -> Score:
    """The model whose best weights are in ``path``, see :func:`trained`."""
    return trained(data, path).scorer()
