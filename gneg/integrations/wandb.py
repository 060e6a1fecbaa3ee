"""Training in Weights & Biases; needs ``pip install gneg[wandb]``."""

from __future__ import annotations

import os
from typing import Any

from gneg.integrations.tracking import Tracker

__all__ = ["WandB"]


class WandB(Tracker):
    """A tracker that logs each seed as a run of W&B, in a group named like the folder of results.

    Mode, entity and the like are set by W&B's own variables, such as ``WANDB_MODE=offline``.

    Args:
        project: The project; None: ``WANDB_PROJECT``, or ``gneg``.
    """

    name = "wandb"

    def __init__(self, project: str | None = None) -> None:
        super().__init__()
        self.project = project
        self.run: Any = None

    def open(self, seed: int, settings: dict[str, Any], epoch: int) -> None:
        """Begin a run; that of a resumed seed goes on."""
        import wandb

        try:
            self.run = wandb.init(
                project=self.project or os.environ.get("WANDB_PROJECT", "gneg"),
                group=self.title,
                name=f"{self.title}-seed-{seed}",
                config=settings,
                id=self.remembered(seed, epoch),
                resume="allow",
                reinit="create_new",
                dir=self.folder,
                settings=wandb.Settings(console="off"),  # bars are redrawn ten times a second
            )
        except wandb.errors.Error as error:
            raise ValueError(f"W&B: {error}") from error
        self.remember(seed, self.run.id)
        # The epoch as a metric, not as W&B's step: that one never goes back, not even to a
        # checkpoint.
        self.run.define_metric("epoch")
        self.run.define_metric("*", step_metric="epoch")

    def log(self, metrics: dict[str, float], epoch: int) -> None:
        """Log metrics."""
        self.run.log({"epoch": epoch, **metrics})

    def summarise(self, metrics: dict[str, float], epoch: int) -> None:
        """Put the metrics into the summary of the run."""
        self.run.summary.update({**metrics, "best_epoch": epoch})

    def close(self, complete: bool) -> None:
        """Finish the run."""
        if self.run is not None:
            self.run.finish(exit_code=0 if complete else 1)
        self.run = None
