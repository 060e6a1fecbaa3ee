"""Files of a training run: checkpoints, from which it can be resumed, and its best weights."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from gneg import checks, files
from gneg.datasets import store
from gneg.training.device import random_state, set_random_state
from gneg.training.record import FRESH, NAME, anywhere, differences

if TYPE_CHECKING:
    from gneg.training.run import Run

#: Names of all files in the folder of a run.
PATTERNS = ("checkpoint-*.pt", "model-*.pt", NAME)


def checkpoint_path(folder: Path, seed: int) -> Path:
    """Return the path of a seed's checkpoint, which exists while it trains."""
    return folder / f"checkpoint-{seed}.pt"


def weights_path(folder: Path, seed: int) -> Path:
    """Return the path of a seed's best weights."""
    return folder / f"model-{seed}.pt"


def save(run: Run[Any, Any], path: Path) -> None:
    """Write everything that a run needs to be resumed, whole or not at all.

    The file holds what decides the run (config, seed, description of the data, gneg's version),
    the model, its best weights, the optimiser, the sampler, the states of the random generators
    (the run's own and torch's global ones), the progress and whatever
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
        "progress": run.progress.state_dict(),
        **random_state(run.device),
        **run.extra_state(),
    }
    store.write_tensors(path, state)


def load(run: Run[Any, Any], path: Path) -> None:
    """Resume a run from a checkpoint, which may have been written on another device.

    Args:
        run: A run of the same data, config (but for the device) and seed; changed in place.
        path: A file written by :func:`save`.

    Raises:
        ValueError: If the file is damaged, or of another config, seed, dataset or version.
    """
    kind = "a folder with whole checkpoints"
    with files.reading("out", path, kind, FRESH):
        state = store.read_tensors(path, run.device)
        identity = dict(state["identity"])
    stored, expected = anywhere(identity), anywhere(run.identity)
    if stored != expected:
        another = f"{path}, of another run: {differences(stored, expected)}"
        checks.fail("out", "a folder with checkpoints of this run", another, hint=FRESH)
    with files.reading("out", path, kind, FRESH):
        _restore(run, state)


def _restore(run: Run[Any, Any], state: dict[str, Any]) -> None:
    """Set everything that a checkpoint holds; each part refuses what does not fit it."""
    run.model.load_state_dict(state["best"])
    run.best_state = state["best"]
    run.model.load_state_dict(state["model"])
    for moments in state["optimizer"]["state"].values():
        if isinstance(moments["step"], Tensor):  # optimisers that read it keep it on the CPU
            moments["step"] = moments["step"].cpu()
    run.optimizer.load_state_dict(state["optimizer"])
    for parameter, moments in run.optimizer.state.items():
        for name, moment in moments.items():
            if isinstance(moment, Tensor) and moment.shape not in ((), parameter.shape):
                checks.fail(name, f"of shape {list(parameter.shape)}", list(moment.shape))
    run.sampler.load_state_dict(state["sampler"])
    run.generator.set_state(state["generator"].cpu())
    set_random_state(run.device, state)
    run.progress.load_state_dict(state["progress"])
    run.load_extra_state(state)


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files of runs in this folder that were killed while they wrote."""
    for pattern in PATTERNS:
        files.remove_leftovers(folder, pattern)


def remove_all(folder: Path) -> None:
    """Remove the checkpoints and weights of all seeds."""
    for pattern in PATTERNS[:2]:
        for path in folder.glob(pattern):
            path.unlink()


def save_weights(weights: dict[str, Tensor], path: Path) -> None:
    """Write weights, whole or not at all."""
    store.write_tensors(path, weights)


def has_weights(folder: Path, seed: int) -> bool:
    """Return whether a folder has the weights of a seed, not a file that was cut off."""
    return zipfile.is_zipfile(weights_path(folder, seed))


def load_weights(run: Run[Any, Any], path: Path) -> None:
    """Set the weights of a run's model to those that :func:`save_weights` wrote.

    Raises:
        ValueError: If the file is damaged or of another model.
    """
    remedy = "train again with --fresh (fresh=True)"
    with files.reading("model", path, "a whole model-SEED.pt of its run", remedy):
        run.model.load_state_dict(store.read_tensors(path, run.device))
