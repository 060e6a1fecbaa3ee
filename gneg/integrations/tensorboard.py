"""Training in TensorBoard; needs ``pip install gneg[tensorboard]``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gneg import checks
from gneg.integrations.tracking import Tracker

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

__all__ = ["TensorBoard"]


class TensorBoard(Tracker):
    """A tracker that writes event files for ``tensorboard --logdir``.

    The settings and the test metrics of each seed are in the tab of hyperparameters.

    Args:
        folder: Folder for the event files, in which each seed has its own; None: ``tensorboard`` in
            the folder of results.
    """

    name = "tensorboard"

    def __init__(self, folder: str | Path | None = None) -> None:
        super().__init__()
        self.place = None if folder is None else Path(folder)
        self.writer: SummaryWriter | None = None
        self.settings: dict[str, Any] = {}

    def open(self, seed: int, settings: dict[str, Any], epoch: int) -> None:
        """Open the event file of a seed; of a resumed one later steps in earlier files go."""
        from torch.utils.tensorboard import SummaryWriter

        place = self.place
        if place is None:
            if self.folder is None:
                checks.fail("folder", "given for a run without a folder of results", None)
            place = self.folder / "tensorboard"
        self.settings = {
            name: value if isinstance(value, bool | int | float | str) else str(value)
            for name, value in settings.items()
        }
        self.writer = SummaryWriter(str(place / f"seed-{seed}"), purge_step=epoch + 1)

    def log(self, metrics: dict[str, float], epoch: int) -> None:
        """Log scalars."""
        assert self.writer is not None
        for name, value in metrics.items():
            self.writer.add_scalar(name, value, epoch)

    def summarise(self, metrics: dict[str, float], epoch: int) -> None:
        """Log the settings as hyperparameters, with the metrics as their results."""
        assert self.writer is not None
        self.writer.add_hparams(self.settings, metrics, run_name=".", global_step=epoch)

    def close(self, complete: bool) -> None:
        """Close the event file."""
        if self.writer is not None:
            self.writer.close()
        self.writer = None
