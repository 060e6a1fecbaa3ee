"""What a sampler is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from gneg import kernels
from gneg.known import KnownEdges
from gneg.negatives import Side

Score = Callable[[Tensor, Tensor], Tensor]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Query:
    """What a sampler is asked for, seen from the kept ends: every row replaces the same side.

    Attributes:
        side: The end to replace.
        rows: ``[B]``, the kept end of each positive.
        batch: ``[P]``, the ends to be replaced, of all positives of the call.
        position: ``[B]``, which of ``batch`` belongs to each row.
        known: The known edges as (kept, replaced) pairs.
        z: Embeddings as given to ``sample``.
        score: The current model as given to ``sample``.
        counts: To be added to; ends up in ``Negatives.counts``.
    """

    side: Side
    rows: IntArray
    batch: IntArray
    position: IntArray
    known: KnownEdges
    z: Tensor | None = None
    score: Score | None = None
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def others(self) -> IntArray:
        """``[B]``, the end that is to be replaced, row by row."""
        return self.batch[self.position]

    @cached_property
    def num_free(self) -> IntArray:
        """``[B]``, number of non-edges of each row."""
        return self.known.sizes(self.rows)

    @property
    def log_uniform(self) -> FloatArray:
        """``[B, 1]``, log density of a uniform non-edge; 0 for a row without any."""
        log_q: FloatArray = -np.log(np.maximum(self.num_free, 1))[:, None]
        return log_q

    def take(self, which: npt.NDArray[Any]) -> Query:
        """The query for some of the rows."""
        return replace(self, rows=self.rows[which], position=self.position[which])

    def blank(self, k: int) -> IntArray:
        """An index ``[B, k]`` in which nothing is proposed yet: -1 everywhere."""
        return np.full((len(self.rows), k), -1, np.int64)

    def run(self, kernel: Callable[..., Any], out: npt.NDArray[Any], *args: Any) -> list[Any]:
        """Run a row kernel on ``out``; see :func:`gneg.kernels.threads.run_rows`."""
        return kernels.threads.run_rows(kernel, len(out), out.size, out, self.rows, *args)
