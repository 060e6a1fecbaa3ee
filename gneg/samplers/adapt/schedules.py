"""Values that change over epochs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from gneg import checks

Shape = Literal["linear", "step", "cosine", "exponential"]
SHAPES: tuple[Shape, ...] = ("linear", "step", "cosine", "exponential")


@dataclass(frozen=True)
class Schedule:
    """A value that goes from ``start`` to ``end`` within ``epochs`` and stays there.

    Attributes:
        shape: ``"linear"``; ``"step"``: in four equal steps; ``"cosine"``: slow at both ends;
            ``"exponential"``: by the same factor each epoch (both ends > 0).
        start: Value in the first epoch.
        end: Value after ``epochs``.
        epochs: How long it takes, >= 1.

    Example:
        >>> [Schedule("linear", 0.0, 1.0, 4)(epoch) for epoch in range(6)]
        [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """

    shape: Shape = "linear"
    start: float = 0.0
    end: float = 1.0
    epochs: int = 50

    def __post_init__(self) -> None:
        """Check the settings."""
        checks.choice("schedule", self.shape, SHAPES)
        object.__setattr__(self, "epochs", checks.integer("epochs", self.epochs, 1))
        low = 0.0 if self.shape == "exponential" else -math.inf
        for name in ("start", "end"):
            value = checks.number(name, getattr(self, name), low, open_low=low == 0)
            object.__setattr__(self, name, value)

    def __call__(self, epoch: int) -> float:
        """Return the value in ``epoch``, counted from 0."""
        progress = min(max(epoch, 0) / self.epochs, 1.0)
        if self.shape == "exponential":
            return float(self.start * (self.end / self.start) ** progress)
        if self.shape == "step":
            progress = math.floor(4 * progress) / 4
        if self.shape == "cosine":
            progress = (1 - math.cos(math.pi * progress)) / 2
        return self.start + (self.end - self.start) * progress
