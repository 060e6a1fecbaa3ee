"""Experiment trackers: callbacks of :func:`gneg.train` that log each seed as a run of its own.

:class:`~gneg.integrations.tensorboard.TensorBoard`, :class:`~gneg.integrations.wandb.WandB` and
:class:`~gneg.integrations.mlflow.MLflow` each need the extra of their name. A run that is resumed
goes on in the run of the tracker in which it began, at its epoch.
"""

from __future__ import annotations

import importlib
import importlib.util
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gneg import checks, files, records
from gneg.training.callbacks import Callback
from gneg.training.summary import DETAILS, SUMMARISED

#: Classes of trackers by their names, which are those of their modules and extras.
TRACKERS = {"tensorboard": "TensorBoard", "wandb": "WandB", "mlflow": "MLflow"}


class Tracker(Callback):
    """A tracker; a subclass opens, fills and closes a run for each seed.

    Metrics are logged under ``train/``, ``valid/`` and ``test/``, with the epoch as the step; those
    of the test at the best epoch.
    """

    #: The tracker's name, one of :data:`TRACKERS`: that of its package and of its extra as well.
    name: str

    def __init__(self) -> None:
        if importlib.util.find_spec(self.name) is None:
            raise ImportError(f"the tracker needs {self.name}: pip install 'gneg[{self.name}]'")
        self.record: dict[str, Any] = {}
        self.folder: Path | None = None

    @abstractmethod
    def open(self, seed: int, settings: dict[str, Any], epoch: int) -> None:
        """Begin a run, or go on with one.

        Args:
            seed: The seed.
            settings: Its settings and data, by name; no value is a dict.
            epoch: Epochs trained earlier; 0: the run is new.
        """

    @abstractmethod
    def log(self, metrics: dict[str, float], epoch: int) -> None:
        """Log the metrics of an epoch."""

    @abstractmethod
    def summarise(self, metrics: dict[str, float], epoch: int) -> None:
        """Log the metrics of the finished run, whose best epoch this is."""

    @abstractmethod
    def close(self, complete: bool) -> None:
        """Close the run; nothing if none is open.

        Args:
            complete: Whether it was trained to its end.
        """

    @property
    def title(self) -> str:
        """The name of the seeds' runs together: that of the folder of results."""
        if self.folder is not None:
            return self.folder.resolve().name
        config = self.record["config"]
        return f"{self.record['dataset']['name']}-{config.get('model', config['encoder'])}"

    def on_train_start(self, record: dict[str, Any], folder: Path | None) -> None:
        """Keep the settings for the runs of all seeds."""
        self.record, self.folder = record, folder

    def on_seed_start(self, seed: int, epoch: int) -> None:
        """Open the run of a seed."""
        dataset = self.record["dataset"]
        settings = {
            **self.record["config"],
            "seed": seed,
            "dataset": dataset["name"],
            "dataset_hash": dataset["hash"],
            "command": self.record["command"],
            "gneg": self.record["versions"]["gneg"],
            "folder": None if self.folder is None else str(self.folder.resolve()),
        }
        self.open(seed, settings, epoch)

    def on_epoch_end(self, seed: int, state: dict[str, Any]) -> None:
        """Log the figures of an epoch."""
        metrics = {"train/loss": state["loss"], "train/seconds": state["seconds"]}
        self.log({**metrics, **flat({"valid": state["valid"] or {}})}, state["epoch"])

    def on_seed_end(self, seed: int, result: dict[str, Any]) -> None:
        """Log the metrics of a finished seed, and close its run."""
        if result["complete"]:
            parts = ("test", *SUMMARISED, *(() if "epochs" in result else ("valid",)))
            metrics = flat({part: result[part] for part in parts if part in result})
            self.summarise(metrics, result.get("best_epoch", 0))
        self.close(result["complete"])

    def on_train_end(self) -> None:
        """Close a run that an error left open."""
        self.close(complete=False)

    def remembered(self, seed: int, epoch: int) -> str | None:
        """Return the id that the run of a resumed seed has in the tracker; None: it is new."""
        path = self._id_path(seed)
        if path is None or epoch == 0 or not path.exists():
            return None
        ids = records.read_record("out", path, {...: str})
        return ids.get(self.name)  # type: ignore[no-any-return]

    def remember(self, seed: int, run_id: str) -> None:
        """Write the id of a seed's run to the folder of results."""
        path = self._id_path(seed)
        if path is not None:
            ids = records.read_record("out", path, {...: str}) if path.exists() else {}
            files.write_json(path, {**ids, self.name: run_id})

    def _id_path(self, seed: int) -> Path | None:
        return None if self.folder is None else self.folder / f"tracked-{seed}.json"


def flat(parts: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures of parts of a result by their paths, such as ``test/mrr``."""
    return dict(entry for part, value in parts.items() for entry in _figures(part, value))


def _figures(path: str, value: Any) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name not in DETAILS:
                yield from _figures(f"{path}/{name}", item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, float(value)


def trackers(names: Iterable[str]) -> list[Tracker]:
    """Return trackers by their names.

    Args:
        names: Names of :data:`TRACKERS`, each alone or several separated by commas.

    Raises:
        ValueError: If there is no tracker of that name.
        ImportError: If its package is missing; names the extra.
    """
    listed = [name.strip() for text in names for name in text.split(",")]
    named = [checks.choice("track", checks.spelling(name, TRACKERS), TRACKERS) for name in listed]
    chosen = dict.fromkeys(named)
    modules = {name: importlib.import_module(f"gneg.integrations.{name}") for name in chosen}
    return [getattr(module, TRACKERS[name])() for name, module in modules.items()]
