"""From easy to hard negatives, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gneg import checks
from gneg.graph import KnownEdges
from gneg.samplers.base import Corrupt, FloatArray, IntArray, Query, Sampler
from gneg.samplers.negatives import Vectors
from gneg.samplers.state import count
from gneg.samplers.wrapper import Wrapper


class Curriculum(Wrapper):
    """Changes a setting of a sampler from epoch to epoch.

    Curriculum learning (Bengio et al., ICML 2009). ``sampler.settings()`` lists the settings that
    can be scheduled, such as the ``share`` of the last (hard) part of a mixture, the ``quantile``
    of ``Hardest``, the ``temperature`` of ``Tempered``, ``n`` of ``DNS``, the ``hops`` of ``KHop``,
    the ``margin`` of ``SemiHard``, and ``m``.

    Args:
        sampler: The sampler whose setting is scheduled, however deep it is inside.
        schedule: Value of the setting by epoch, counted from 0: any callable, such as
            :class:`~gneg.samplers.adapt.schedules.Schedule`.
        setting: The name of the setting, one of ``sampler.settings()``.
        known: The edges that are never returned; those of ``sampler`` if None.
        corrupt: The end to replace; that of ``sampler`` if None.
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If the sampler has no such setting, or the first value is out of its range.

    Example:
        >>> import gneg, torch
        >>> from gneg.samplers import Curriculum, Hardest, Schedule, Select, Uniform
        >>> graph = gneg.Graph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), 4, undirected=True)
        >>> hardest = Select(Uniform(graph), Hardest())
        >>> sampler = Curriculum(hardest, Schedule("cosine", 0.2, 1), "quantile")
        >>> hardest.rule.quantile
        0.2
    """

    name = "curriculum"
    combines = True

    def __init__(
        self,
        sampler: Sampler,
        schedule: Callable[[int], float],
        setting: str = "share",
        *,
        known: KnownEdges | None = None,
        corrupt: Corrupt | None = None,
        unique: bool = False,
    ) -> None:
        super().__init__(sampler, known=known, corrupt=corrupt, unique=unique)
        if not callable(schedule):
            checks.fail("schedule", "callable with an epoch", repr(schedule))
        checks.instance("setting", setting, (str,))
        self.schedule, self.setting = schedule, setting
        self.proposes = sampler.proposes
        self.epoch = 0
        self._apply()

    def _apply(self) -> None:
        self.value = float(self.schedule(self.epoch))
        self.sampler.tune(self.setting, self.value)

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Draw by the wrapped sampler."""
        return self.sampler.candidates(query, k, seed)

    def log_density(self, query: Query, index: IntArray) -> FloatArray | None:
        """Return the wrapped sampler's log density."""
        return self.sampler.checked_density(query, index)

    def end_epoch(self, *, z: Vectors | None = None) -> None:
        """Go on to the next epoch's value."""
        super().end_epoch(z=z)
        self.epoch += 1
        self._apply()

    def report(self) -> dict[str, Any]:
        """Return the value that the schedule has reached."""
        return {**self.sampler.report(), self.setting: self.value}

    def _state(self) -> dict[str, Any]:
        return {"epoch": self.epoch}

    def _load(self, state: dict[str, Any]) -> None:
        self.epoch = count("epoch", state["epoch"])
        self._apply()
