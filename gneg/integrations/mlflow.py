"""Training in MLflow; needs ``pip install gneg[mlflow]``."""

from __future__ import annotations

import os
import time
from typing import Any

from gneg.integrations.tracking import Tracker

__all__ = ["MLflow"]

LONGEST = 6000  # characters of a parameter's value that MLflow takes


class MLflow(Tracker):
    """A tracker that logs each seed as a run of MLflow.

    Runs go where MLflow's own settings say, such as ``MLFLOW_TRACKING_URI``.

    Args:
        experiment: The experiment; None: ``MLFLOW_EXPERIMENT_NAME``, or ``gneg``.
    """

    name = "mlflow"

    def __init__(self, experiment: str | None = None) -> None:
        super().__init__()
        self.experiment = experiment
        self.client: Any = None
        self.run_id: str | None = None

    def open(self, seed: int, settings: dict[str, Any], epoch: int) -> None:
        """Begin a run; that of a resumed seed goes on."""
        from mlflow import MlflowClient
        from mlflow.entities import Param

        self.client = MlflowClient()
        self.run_id = self.remembered(seed, epoch)
        if self.run_id is not None:
            self.client.update_run(self.run_id, status="RUNNING")
            return
        name = self.experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME", "gneg")
        experiment = self.client.get_experiment_by_name(name)
        if experiment is None:
            experiment = self.client.get_experiment(self.client.create_experiment(name))
        title = f"{self.title}-seed-{seed}"
        run = self.client.create_run(experiment.experiment_id, run_name=title)
        self.run_id = run.info.run_id
        params = [Param(name, str(value)[:LONGEST]) for name, value in settings.items()]
        self.client.log_batch(self.run_id, params=params)
        self.remember(seed, run.info.run_id)

    def log(self, metrics: dict[str, float], epoch: int) -> None:
        """Log metrics, whose names must do without ``@``."""
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        entries = [
            Metric(name.replace("@", "_at_"), value, now, epoch) for name, value in metrics.items()
        ]
        self.client.log_batch(self.run_id, metrics=entries)

    def summarise(self, metrics: dict[str, float], epoch: int) -> None:
        """Log the metrics at the best epoch."""
        self.log({**metrics, "best_epoch": epoch}, epoch)

    def close(self, complete: bool) -> None:
        """End the run."""
        if self.run_id is not None:
            self.client.set_terminated(self.run_id, "FINISHED" if complete else "KILLED")
        self.run_id = None
