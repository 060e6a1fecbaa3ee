"""How the seconds that a race may take are divided between training and comparing."""

from __future__ import annotations

from gneg.kernels._jit import working_seconds

PILOT = 0.1  # share of the validation positives that the cost of comparing is measured on
COMPARING = 1 / 3  # of the seconds, for comparing: at most, but of so many positives as a pilot has


class Watch:
    """Measures seconds, without those of compiling kernels, which later runs need not do.

    Attributes:
        warming: Seconds that are left out, too, such as of imports.
    """

    def __init__(self) -> None:
        self.warming = 0.0
        self._start = self._now()

    @property
    def seconds(self) -> float:
        """Seconds since it was made."""
        return self._now() - self._start - self.warming

    @staticmethod
    def _now() -> float:
        return working_seconds()


def share_to_compare(left: float, pilot: float) -> float:
    """Return the share of the validation positives to compare models on.

    Args:
        left: The seconds that are left, for training too.
        pilot: Seconds of all comparisons on the pilot's positives, and to build what they are on.
    """
    # No cost grows faster than the number of positives.
    return max(PILOT, min(1.0, PILOT * COMPARING * left / pilot))


def seconds_to_train(left: float, trained: float, models: int) -> float:
    """Return the seconds that each model is trained for, if all have as many.

    Less than an epoch: there are too few.

    Args:
        left: The seconds that are left, all for training.
        trained: Those that the first model was trained for.
        models: Number of models.
    """
    return (left + trained) / models
