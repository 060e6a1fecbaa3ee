"""Threads and memory of a run: what its result does not depend on."""

from __future__ import annotations

import os
from dataclasses import dataclass

from gneg import checks

MOST_WORKERS = 4  # unless more are asked for


@dataclass(frozen=True)
class Resources:
    """What a run may use.

    Attributes:
        workers: Threads that make batches ahead of the model; 0: none. None: one for each core but
            one, at most four. On the whole graph one draws negatives ahead, if there are any, for a
            model that is not on the CPU.
        memory_mb: Memory of the run, in megabytes; None: half of that of the machine.

    Raises:
        ValueError: If a number is out of range.
    """

    workers: int | None = None
    memory_mb: int | None = None

    def __post_init__(self) -> None:
        """Check both numbers."""
        if self.workers is not None:
            checks.integer("workers", self.workers, 0)
        if self.memory_mb is not None:
            checks.integer("memory_mb", self.memory_mb, 1)

    @property
    def num_workers(self) -> int:
        """Number of threads that make batches."""
        if self.workers is not None:
            return self.workers
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return min(MOST_WORKERS, (cores or 1) - 1)

    @property
    def megabytes(self) -> int:
        """Memory of the run, in megabytes."""
        if self.memory_mb is not None:
            return self.memory_mb
        return max(1, checks.total_memory() // 2**21)


DEFAULT = Resources()
