"""Models of earlier runs."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from gneg import checks
from gneg.datasets import TripleData
from gneg.training.triple import KGTrainer
from gneg.training.triple_config import KGConfig

__all__ = ["trained"]


def trained(data: TripleData, path: Path) -> KGTrainer:
    """The run of ``gneg kg train`` whose best weights are in ``path``.

    Args:
        data: What it was trained on.
        path: A ``model-SEED.pt`` beside its ``results.json``, or their folder: then the first.

    Raises:
        ValueError: If there is none, or it was trained on other triples.
    """
    weights = sorted(path.glob("model-*.pt")) if path.is_dir() else [path]
    record = (path if path.is_dir() else path.parent) / "results.json"
    if not weights or not weights[0].exists() or not record.exists():
        checks.fail("model", "of a run of gneg kg train, with its results.json", str(path))
    run = json.loads(record.read_text())
    if run["dataset"].get("hash") != data.fingerprint():
        checks.fail("data", f"the triples of {run['dataset']['name']} it was trained on", data)
    with torch.random.fork_rng(devices=[]):
        found = KGTrainer(data, KGConfig(**run["config"]), seed=0)
    device = found.config.device
    found.model.load_state_dict(torch.load(weights[0], map_location=device, weights_only=True))
    return found
