"""Files of a training run: checkpoints, from which it can be resumed, and its best weights."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gneg import checks, files

if TYPE_CHECKING:
    from gneg.training.run import Run


#: Hint of errors about files that a new run may replace.
FRESH = "--fresh replaces it"


def checkpoint_path(folder: Path, seed: int) -> Path:
    """Return the path of a seed's checkpoint, which exists while it trains."""
    return folder / f"checkpoint-{seed}.pt"


def weights_path(folder: Path, seed: int) -> Path:
    """Return the path of a seed's best weights."""
    return folder / f"model-{seed}.pt"


def save(run: Run[Any, Any], path: Path) -> None:
    """Write everything that a run needs to be resumed, whole or not at all.

    The file holds the model, its best weights, the optimiser, the sampler, the state of both
    random generators (the run's own and torch's global one), the progress and whatever
    :meth:`~gneg.training.run.Run.extra_state` returns.

    Args:
        run: The run.
        path: The file to write.
    """
    state = {
        "identity": run.identity,
        "model": run.model.state_dict(),
        "best": run.best_state,
        "optimizer": run.optimizer.state_dict(),
        "sampler": run.sampler.state_dict(),
        "generator": run.generator.get_state(),
        "rng": torch.get_rng_state(),
        "progress": run.progress.state_dict(),
        **run.extra_state(),
    }
    files.write_whole(path, lambda temporary: torch.save(state, temporary))


def load(run: Run[Any, Any], path: Path) -> None:
    """Resume a run from a checkpoint.

    Args:
        run: A run of the same data, config and seed; changed in place.
        path: A file written by :func:`save`.

    Raises:
        ValueError: If the file is damaged, or of another config, seed or dataset.
    """
    try:
        state = torch.load(path, map_location=run.device, weights_only=True)
        identity = state["identity"]
    except (OSError, EOFError, RuntimeError, KeyError, TypeError, UnpicklingError):
        checks.fail("out", "a folder with whole checkpoints", f"{path}, damaged", hint=FRESH)
    if identity != run.identity:
        checks.fail("out", "a folder with checkpoints of this run", f"{path}", hint=FRESH)
    run.model.load_state_dict(state["model"])
    run.best_state = state["best"]
    run.optimizer.load_state_dict(state["optimizer"])
    run.sampler.load_state_dict(state["sampler"])
    run.generator.set_state(state["generator"].cpu())
    torch.set_rng_state(state["rng"].cpu())
    run.progress.load_state_dict(state["progress"])
    run.load_extra_state(state)


def remove_all(folder: Path) -> None:
    """Remove the checkpoints and weights of all seeds."""
    for pattern in ("checkpoint-*.pt", "model-*.pt"):
        for path in folder.glob(pattern):
            path.unlink()


def save_weights(weights: dict[str, Tensor], path: Path) -> None:
    """Write weights, whole or not at all."""
    files.write_whole(path, lambda temporary: torch.save(weights, temporary))


def load_weights(path: Path, device: str) -> dict[str, Tensor]:
    """Read what :func:`save_weights` wrote."""
    weights: dict[str, Tensor] = torch.load(path, map_location=device, weights_only=True)
    return weights
