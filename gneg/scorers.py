"""What scores pairs, by the name it goes by: a trained model, a heuristic, a file, a function."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gneg import checks
from gneg.config import HEURISTICS, TrainConfig
from gneg.datasets import LinkData
from gneg.evaluation import Score, Scored
from gneg.nn import BaseMeasure, Heuristic
from gneg.trainer import Trainer

__all__ = [
    "density",
    "from_file",
    "from_function",
    "heuristic",
    "model",
    "models",
    "run_of",
    "trained",
]


def heuristic(data: LinkData, kind: str) -> Score:
    """CN, AA, RA, PPR, Katz, preferential attachment or cosine on the training graph.

    Raises:
        ValueError: If ``kind`` is unknown or the graph has no features for a cosine.
    """
    checks.choice("model", kind, HEURISTICS)
    return Heuristic(data.graph, kind, data.x)  # type: ignore[arg-type]


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


def from_function(text: str) -> Score:
    """``score(src, dst)`` of a Python file: ``path/to/file.py:name``.

    Raises:
        ValueError: If there is no such file or function.
    """
    path, _, name = text.rpartition(":")
    if not Path(path).exists():
        checks.fail("model", "an existing file in FILE.py:FUNCTION", text)
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Score | None = getattr(module, name, None)
    if not callable(function):
        checks.fail("model", f"a function of {path} after the colon", name)
    return function


def from_file(path: Path) -> Scored:
    """Scores made elsewhere: ``.npy`` ``[E, 1 + K]``, the positive first, or ``.npz``.

    The ``.npz`` holds ``pos [E]`` and ``neg``, ``[E, K]`` or ``[M]``.

    Raises:
        ValueError: If it holds something else.
    """
    if not path.exists():
        checks.fail("model", "an existing file", str(path))
    if path.suffix == ".npy":
        array = np.load(path)
        if array.ndim != 2 or array.shape[1] < 2:
            checks.fail("model", "scores [E, 1 + K], the positive first", list(array.shape))
        return _float(array[:, 0]), _float(array[:, 1:])
    with np.load(path) as arrays:
        if not {"pos", "neg"} <= set(arrays):
            checks.fail("model", "an .npz with 'pos' and 'neg'", sorted(arrays))
        return _float(arrays["pos"]), _float(arrays["neg"])


def _float(array: Any) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).float()
