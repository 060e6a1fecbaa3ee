"""Loading finished runs: their records and their models."""

from __future__ import annotations

from pathlib import Path
from typing import Any, overload

import torch

from gneg import checks, files
from gneg.datasets import LinkData, TripleData
from gneg.datasets.splits import drop_repeated_edges
from gneg.training import checkpoint
from gneg.training.driver import config_class, make_run
from gneg.training.link import LinkRun
from gneg.training.options import from_mapping
from gneg.training.triple import TripleRun

__all__ = ["load_record", "load_run", "weights_of"]


def load_record(path: str | Path) -> dict[str, Any]:
    """Return the record of the training run that made ``path``.

    Args:
        path: A ``model-SEED.pt`` or its folder.

    Raises:
        ValueError: If there is no ``results.json``.
    """
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    if not path.exists() or not (folder / "results.json").exists():
        checks.fail("model", "a run of gneg train, with its results.json", str(path))
    return files.read_record("model", folder / "results.json", ("config", "dataset", "runs"))


def weights_of(path: str | Path) -> list[Path]:
    """Return the weights at ``path``: the file itself, or each ``model-SEED.pt`` of a folder.

    Raises:
        ValueError: If there are none.
    """
    path = Path(path)
    weights = sorted(path.glob("model-*.pt")) if path.is_dir() else [path]
    if not weights or not weights[0].exists():
        checks.fail("model", "a folder with model-SEED.pt files, or one of them", str(path))
    return weights


@overload
def load_run(data: LinkData, path: str | Path) -> LinkRun: ...
@overload
def load_run(data: TripleData, path: str | Path) -> TripleRun: ...


def load_run(data: LinkData | TripleData, path: str | Path) -> LinkRun | TripleRun:
    """Return the run whose best weights are in ``path``, on the training graph of ``data``.

    Args:
        data: The dataset that the model was trained on, recognised by its fingerprint.
        path: A ``model-SEED.pt`` beside its ``results.json``, or the folder of both, of which the
            first seed is loaded.

    Raises:
        ValueError: If there is no such run, or it was trained on other data.
    """
    weights = weights_of(path)[0]
    record = load_record(weights)
    trained_on, description = record["dataset"], data.describe()
    if isinstance(data, LinkData) and trained_on["hash"] != description["hash"]:
        description = drop_repeated_edges(data).describe()
    if trained_on["hash"] != description["hash"]:
        checks.fail(
            "data", f"what the model was trained on ({_text(trained_on)})", _text(description)
        )
    config: Any = from_mapping(config_class(data), record["config"], str(weights.parent))
    with torch.random.fork_rng(devices=[]):
        run = make_run(data, config, seed=0)
    run.model.load_state_dict(checkpoint.load_weights(weights, config.device))
    return run


def _text(description: dict[str, Any]) -> str:
    """Return name, sizes and hash of a dataset that a record describes."""
    kind = "triples" if "triples" in description else "edges"
    sizes = " / ".join(f"{size:,}" for size in description[kind].values())
    return f"{description['name']}, {sizes} {kind}, hash {description['hash']}"
