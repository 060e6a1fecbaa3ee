"""What trained models of links and of triples have in common: weights, probabilities, names."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor, nn

from gneg import checks, files
from gneg.datasets import Names
from gneg.graph.lazy import cached_property
from gneg.prediction import calibrate
from gneg.prediction.calibrate import Calibration, Sample

IntArray = npt.NDArray[np.int64]
#: A name, or several; ids are given as a tensor.
Nodes = str | int | Iterable[str | int] | Tensor
MEMORY_MB = 1024


class Trained(Protocol):
    """A trained network and its data, such as a run with its best weights."""

    @property
    def data(self) -> Any:
        """The dataset."""

    @property
    def model(self) -> nn.Module:
        """The network."""


RunType = TypeVar("RunType", bound=Trained)


class TrainedModel(ABC, Generic[RunType]):
    """A trained model and its data.

    Args:
        run: The run, with its best weights.
        folder: Its folder, where the calibration is stored; None: it is not stored.
    """

    def __init__(self, run: RunType, folder: Path | None = None) -> None:
        self.run, self.folder = run, folder

    @abstractmethod
    def sample(self, part: str, seed: int) -> Sample:
        """Return scores of held-out positives, and of others that stand for all.

        Args:
            part: The positives: ``valid`` or ``test``.
            seed: Seed of the choice of others.
        """

    @cached_property
    def calibration(self) -> Calibration:
        """The calibration, fitted when it is first needed and stored in the folder of the run.

        Raises:
            ValueError: If there are no validation positives to fit it on.
        """
        return self._calibrated(self.sample, calibrate.NAME)

    def _calibrated(self, sample: Callable[[str, int], Sample], name: str) -> Calibration:
        """Return the calibration on samples; ``name`` is that of its file.

        Raises:
            ValueError: If there are no validation positives to fit it on.
        """
        folder, weights = self.folder, self.fingerprint
        stored = None if folder is None else calibrate.load(folder, weights, name)
        if stored is not None:
            return stored
        sizes = [self.run.data.positives(part).size(1) for part in ("valid", "test")]
        if not sizes[0]:
            checks.fail("data", "with validation positives, for probabilities", "none")
        test = sample("test", 1) if sizes[1] else None
        fitted = calibrate.fit(sample("valid", 0), test, weights)
        if folder is not None:
            with contextlib.suppress(OSError):  # a folder that is only read
                fitted.save(folder, name)
        return fitted

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the model's weights and of its data."""
        weights = {
            name: value
            for name, value in self.run.model.state_dict().items()
            if isinstance(value, Tensor)
        }
        header = sorted(weights), self.run.data.describe()
        return files.digest(header, *(weights[name].cpu() for name in header[0]))

    def _probabilities(self, scores: Any) -> npt.NDArray[np.float64]:
        values = scores.detach().cpu().numpy() if isinstance(scores, Tensor) else scores
        return self.calibration.probability(values)


def ids_of(nodes: Nodes | None, names: Names | None, size: int, argument: str) -> IntArray:
    """Return the ids ``[n]`` of nodes, entities or relations.

    Args:
        nodes: Names, or a tensor of ids; None: all.
        names: Their names; None: they are called by their ids.
        size: Their number.
        argument: What to call them in errors.

    Raises:
        ValueError: If there is no such name or id.
    """
    if nodes is None:
        return np.arange(size)
    if isinstance(nodes, Tensor):
        ids = checks.index_tensor(argument, nodes, "[n]").reshape(-1).cpu().long()
        checks.node_range(argument, ids, size)
        return ids.numpy()
    several = _listed(nodes, argument)
    return (Names(np.arange(size)) if names is None else names).ids(several, argument)


def _listed(nodes: Any, argument: str) -> list[str | int]:
    """Return one or several names as a list."""
    several = [nodes] if isinstance(nodes, str | int | np.integer) or np.ndim(nodes) == 0 else nodes
    names = list(several)
    for name in names:
        if not isinstance(name, str | int | np.integer):
            allowed = "a name, several names or a tensor of ids"
            checks.fail(argument, allowed, f"{type(name).__name__} {checks.shown(name)}")
    return names


def named(ids: IntArray, names: Names | None) -> pa.Array:
    """Return the names of ids ``[n]``, or the ids where there are none; null for -1."""
    values = pa.array(ids) if names is None else names.of(np.maximum(ids, 0))
    return pc.if_else(pa.array(ids < 0), None, values)


def score_columns(
    scores: npt.NDArray[np.float32], probabilities: npt.NDArray[np.float64], known: Any
) -> dict[str, pa.Array]:
    """Return the columns ``score``, ``probability`` and ``known``; NaN is null."""
    return {
        "score": pa.array(scores, pa.float32(), from_pandas=True),
        "probability": pa.array(probabilities, from_pandas=True),
        "known": pa.array(known),
    }


def of_one_size(arrays: dict[str, IntArray]) -> dict[str, IntArray]:
    """Return lists of one length, by name: a single value stands for as many as others have.

    Raises:
        ValueError: If lists of several values differ in length.
    """
    longest = max(arrays, key=lambda name: len(arrays[name]))
    size = len(arrays[longest])
    for name, array in arrays.items():
        if len(array) not in (1, size):
            checks.fail(name, f"one value, or {size:,}, as many as {longest}", f"{len(array):,}")
    return {
        name: np.repeat(array, size) if len(array) == 1 else array for name, array in arrays.items()
    }


def as_tensors(arrays: Iterable[IntArray], device: torch.device) -> list[Tensor]:
    """Return arrays of ids as tensors on a device."""
    return [torch.from_numpy(array).to(device) for array in arrays]
