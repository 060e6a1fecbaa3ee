"""The progress of training a seed, and the clock that divides its time among its parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from torch import Tensor

from gneg import checks, records
from gneg.kernels._jit import working_seconds

#: Parts of the work that are not training.
UNTRAINED = ("evaluation", "stacking")

#: Form of a state of :class:`Progress`.
FORM = {
    "epoch": int,
    "best": float,
    "best_epoch": int,
    "stale": int,
    "curve": [{"epoch": int, "seconds": float, "loss": float, ...: float}],
    "seconds": {"sampling": float, "scoring": float, "model": float, "evaluation": float},
    "counts": {...: int},
}


@dataclass
class Progress:
    """How far the training of a seed has come; all of it is in the checkpoint.

    Attributes:
        epoch: Epochs trained.
        best: Best validation figure; -1 before the first evaluation.
        best_epoch: Epoch of the best validation figure.
        stale: Evaluations since then.
        curve: One row an epoch: ``epoch``, ``seconds``, ``loss``, where evaluated ``valid``, and
            where the seconds were over within it ``share``, of its steps that were taken.
        seconds: Seconds by part of the work.
        counts: Sums of :attr:`gneg.Negatives.counts` over all batches.
    """

    epoch: int = 0
    best: float = -1.0
    best_epoch: int = 0
    stale: int = 0
    curve: list[dict[str, float]] = field(default_factory=list)
    seconds: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("sampling", "scoring", "model", "evaluation"), 0.0)
    )
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def trained_seconds(self) -> float:
        """Seconds spent on training: everything but evaluation and stacking."""
        return sum(value for part, value in self.seconds.items() if part not in UNTRAINED)

    @property
    def passes(self) -> float:
        """Passes over the training positives: epochs, of which the last may be a part of one."""
        return sum(row.get("share", 1.0) for row in self.curve)

    def record(self, loss: float, value: float | None, share: float = 1.0) -> bool:
        """Add the epoch to the curve; return whether its validation figure is the best so far.

        Args:
            loss: Mean loss of the epoch.
            value: Its validation figure, higher is better; None: it was not evaluated.
            share: Share of its steps that were taken.
        """
        row = {"epoch": self.epoch, "seconds": self.trained_seconds, "loss": loss}
        if share < 1:
            row["share"] = share
        self.curve.append(row)
        if value is None:
            return False
        row["valid"] = value
        self.stale += 1
        if value <= self.best:
            return False
        self.best, self.best_epoch, self.stale = value, self.epoch, 0
        return True

    def state_dict(self) -> dict[str, Any]:
        """Return all fields."""
        return asdict(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned.

        Raises:
            ValueError: If it is anything else.
        """
        fault = records.mismatch(state, FORM)
        if fault is not None or set(state) != set(FORM):
            checks.fail("progress", "the state of a training", fault or sorted(state))
        self.__dict__.update(state)


class Clock:
    """A clock that adds each second of nested blocks to one part of the work.

    Kernels that are compiled in a block take no time of it, as later runs need not compile them.

    Args:
        progress: The progress whose ``seconds`` are counted.
    """

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self._nested = 0.0  # seconds inside the current block that count to another part

    @contextmanager
    def measure(self, part: str) -> Iterator[None]:
        """Add the time of a block to ``part``; the time of a block inside counts only there."""
        start, outer = working_seconds(), self._nested
        self._nested = 0.0
        try:
            yield
        finally:
            # Not below what blocks inside took, should another thread have compiled.
            elapsed = max(self._nested, working_seconds() - start)
            self._add(part, elapsed - self._nested)
            self._nested = outer + elapsed

    def reassign(self, part: str, seconds: float) -> None:
        """Count seconds of the current block to ``part`` instead."""
        self._add(part, seconds)
        self._nested += seconds

    def _add(self, part: str, seconds: float) -> None:
        totals = self.progress.seconds
        totals[part] = totals.get(part, 0.0) + seconds

    def timed(self, score: Any) -> TimedScore:
        """Return a score whose time is counted as scoring."""
        return (TimedBlocks if hasattr(score, "block") else TimedScore)(score, self)


class TimedScore:
    """A score whose time is counted as scoring; made by :meth:`Clock.timed`."""

    def __init__(self, score: Any, clock: Clock) -> None:
        self.score, self.clock = score, clock

    def __call__(self, *ids: Tensor) -> Tensor:
        """Return the scores of pairs or triples of ids of one shape, in that shape."""
        with self.clock.measure("scoring"):
            scores: Tensor = self.score(*ids)
            return scores


class TimedBlocks(TimedScore):
    """A score of blocks, many targets for each query, whose time is counted as scoring."""

    def block(self, *arguments: Any) -> Tensor:
        """Return the scores ``[b, M]`` of a block of targets."""
        with self.clock.measure("scoring"):
            scores: Tensor = self.score.block(*arguments)
            return scores
