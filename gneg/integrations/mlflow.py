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
        experiment: The experiment, which is made if it is not there; None:
            ``MLFLOW_EXPERIMENT_NAME``, or ``gneg``.

    Raises:
        ValueError: If MLflow's store cannot be used.
    """

    name = "mlflow"

    def __init__(self, experiment: str | None = None) -> None:
        super().__init__()
        from mlflow.exceptions import MlflowException

        # Here, not in each of the processes that may train: a local store is made by one.
        name = experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME", "gneg")
        try:
            self.experiment_id = _experiment(name)
        except MlflowException as error:
            raise ValueError(f"MLflow: {error}") from error
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
        title = f"{self.title}-seed-{seed}"
        run = self.client.create_run(self.experiment_id, run_name=title)
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


def _experiment(name: str) -> str:
    """Return the id of an experiment, which is made if it is not there."""
    from mlflow import MlflowClient

    client = MlflowClient()
    stored = client.get_experiment_by_name(name)
    return str(client.create_experiment(name) if stored is None else stored.experiment_id)
