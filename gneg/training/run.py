"""What all training runs share: progress, when to stop, seeds that go on where they stopped."""

from __future__ import annotations

import json
import statistics
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from gneg import checks, files

#: Called after each epoch with the seed and what is to be shown.
Report = Callable[[int, dict[str, Any]], None]


class Budget(Protocol):
    """What a config says of when to stop."""

    @property
    def epochs(self) -> int:
        """Epochs at the most."""

    @property
    def seconds(self) -> float | None:
        """Seconds of training at the most."""

    @property
    def patience(self) -> int:
        """Evaluations without progress before stopping."""

    @property
    def eval_every(self) -> int:
        """Epochs between evaluations."""


class Stateful(Protocol):
    """A sampler, as a checkpoint sees it."""

    def state_dict(self) -> dict[str, Any]:
        """What ``load_state_dict`` needs."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore it."""


@dataclass
class Progress:
    """What a seed has reached; all of it is in the checkpoint."""

    epoch: int = 0
    best: float = -1.0
    best_epoch: int = 0
    stale: int = 0
    curve: list[dict[str, float]] = field(default_factory=list)
    seconds: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("sampling", "scoring", "model", "evaluation"), 0.0)
    )
    counts: dict[str, int] = field(default_factory=dict)


class Run(ABC):
    """One seed's training: its progress and its best weights.

    Args:
        model: Whose weights are kept.
        budget: When to stop.
        metric: The figure of validation to select by.
        device: Where the model lives.
    """

    optimizer: torch.optim.Optimizer
    sampler: Stateful
    generator: torch.Generator

    def __init__(
        self, model: torch.nn.Module, budget: Budget, metric: str, *, device: str = "cpu"
    ) -> None:
        self._model, self._budget, self._metric, self._device = model, budget, metric, device
        self.progress = Progress()
        self.best_state = self.weights()

    @abstractmethod
    def epoch(self) -> float:
        """Train on every positive once; return the mean loss."""

    @abstractmethod
    def evaluate(self, part: str) -> dict[str, Any]:
        """Figures of ``valid`` or ``test`` by the current weights."""

    @abstractmethod
    def result(self, *, complete: bool) -> dict[str, Any]:
        """Evaluate the best weights on both parts."""

    def more_state(self) -> dict[str, Any]:
        """What a checkpoint holds beside model, optimiser, sampler and randomness."""
        return {}

    def load_more(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`more_state` gave, from a whole checkpoint."""
        return

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        state = {
            "model": self._model.state_dict(),
            "best": self.best_state,
            "optimizer": self.optimizer.state_dict(),
            "sampler": self.sampler.state_dict(),
            "generator": self.generator.get_state(),
            "rng": torch.get_rng_state(),
            "progress": asdict(self.progress),
            **self.more_state(),
        }
        files.write_whole(path, lambda temporary: torch.save(state, temporary))

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state = torch.load(path, map_location=self._device, weights_only=True)
        self._model.load_state_dict(state["model"])
        self.best_state = state["best"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.sampler.load_state_dict(state["sampler"])
        self.generator.set_state(state["generator"].cpu())
        torch.set_rng_state(state["rng"].cpu())
        self.progress = Progress(**state["progress"])
        self.load_more(state)

    def weights(self) -> dict[str, Tensor]:
        """A copy of the current weights."""
        state = self._model.state_dict()
        return {name: value.detach().clone() for name, value in state.items()}

    def note(self, loss: float, valid: dict[str, Any] | None) -> None:
        """Enter an epoch into the curve and keep the weights if they are the best yet."""
        progress = self.progress
        row = {"epoch": progress.epoch, "seconds": self.trained_seconds, "loss": loss}
        if valid is not None:
            row["valid"] = value = valid[self._metric]
            progress.stale += 1
            if value > progress.best:
                progress.best, progress.best_epoch, progress.stale = value, progress.epoch, 0
                self.best_state = self.weights()
        progress.curve.append(row)

    @property
    def finished(self) -> bool:
        """Whether epochs, seconds or patience are used up."""
        over = self.progress.epoch >= self._budget.epochs or self.out_of_time
        return over or self.progress.stale >= self._budget.patience

    @property
    def trained_seconds(self) -> float:
        """Seconds spent on everything but evaluation."""
        return sum(took for part, took in self.progress.seconds.items() if part != "evaluation")

    @property
    def out_of_time(self) -> bool:
        """Whether the seconds of the budget are used up."""
        limit = self._budget.seconds
        return limit is not None and self.trained_seconds >= limit

    def train(self, seed: int, out: Path | None, fresh: bool, report: Report | None) -> bool:
        """Train until all is used up, or until Ctrl-C: then False.

        With a folder ``out`` there is a checkpoint at each evaluation, which is gone on from unless
        ``fresh``, and the best weights at the end.
        """
        checkpoint = None if out is None else out / f"checkpoint-{seed}.pt"
        if checkpoint is not None and checkpoint.exists() and not fresh:
            self.load(checkpoint)
        try:
            while not self.finished:
                loss, progress = self.epoch(), self.progress
                last = progress.epoch == self._budget.epochs or self.out_of_time
                due = progress.epoch % self._budget.eval_every == 0 or last
                self.note(loss, self.evaluate("valid") if due else None)
                if report is not None:
                    report(seed, {"loss": loss, "best": progress.best, "epoch": progress.epoch})
                if due and checkpoint is not None:
                    self.save(checkpoint)
        except KeyboardInterrupt:
            return False
        return True

    def keep(self, seed: int, out: Path, *, complete: bool) -> None:
        """Write the best weights; a complete run needs no checkpoint any more."""
        path, best = out / f"model-{seed}.pt", self.best_state
        files.write_whole(path, lambda temporary: torch.save(best, temporary))
        if complete:
            (out / f"checkpoint-{seed}.pt").unlink(missing_ok=True)


def over_seeds(
    results: dict[str, Any],
    seeds: tuple[int, ...],
    one: Callable[[int], dict[str, Any]],
    summarised: Callable[[dict[str, Any]], dict[str, Any]],
    *,
    out: Path | None,
    fresh: bool,
) -> dict[str, Any]:
    """Run every seed that is not done yet, and write the record after each.

    Args:
        results: The record so far, with empty ``runs``.
        seeds: One run each.
        one: Runs a seed; ``complete`` in what it returns says whether to go on.
        summarised: Adds a summary.
        out: Folder of ``results.json``; None: nothing is written.
        fresh: Start again even if there are finished runs.

    Raises:
        ValueError: If ``out`` holds a run of something else.
    """
    path = None if out is None else out / "results.json"
    kept = {} if path is None or fresh else _earlier(path, results)
    for seed in seeds:
        run = kept.get(seed)
        if run is None:
            with torch.random.fork_rng(devices=[]):
                run = one(seed)
        results["runs"].append(run)
        done = {run["seed"] for run in results["runs"]}
        others = [other for s, other in kept.items() if s not in done]
        if path is not None:
            files.write_json(path, summarised({**results, "runs": results["runs"] + others}))
        if not run["complete"]:
            break
    return summarised(results)


def _earlier(path: Path, results: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Finished runs of the same config in an earlier ``results.json``."""
    if not path.exists():
        return {}
    earlier = json.loads(path.read_text())
    for key in ("config", "dataset", "protocol"):
        if earlier.get(key) != json.loads(json.dumps(results[key])):
            checks.fail(
                "out",
                f"a new folder, or one with a run of the same {key}",
                str(path.parent),
                hint="--fresh replaces it",
            )
    return {run["seed"]: run for run in earlier["runs"] if run["complete"]}


def spread(values: list[float]) -> dict[str, float | None]:
    """Mean and, of several values, standard deviation."""
    std = statistics.stdev(values) if len(values) > 1 else None
    return {"mean": statistics.fmean(values), "std": std}
