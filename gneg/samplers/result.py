"""From drawn ids to :class:`~gneg.Negatives`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg.samplers.negatives import Negatives, Side
from gneg.samplers.query import FloatArray, IntArray, Part, Query


class _Density(Protocol):
    def _log_prob(self, query: Query, index: IntArray) -> FloatArray | None: ...


def assemble(sampler: _Density, pos: Tensor, parts: Sequence[Part]) -> Negatives:
    """Join the parts of a call in the order of ``pos [2, B]``."""

    # NumPy, not torch, until all is done: torch's thread pool hangs in a forked process.
    def joined(values: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        if len(values) == 1:
            return values[0]
        out = np.empty((pos.size(1), *values[0].shape[1:]), values[0].dtype)
        for part, value in zip(parts, values, strict=True):
            out[part.which] = value
        return out

    def moved(value: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(value).to(pos.device)

    def lazily(of_positives: bool) -> Callable[[], Tensor | None]:
        def read() -> Tensor | None:
            found = [_log_q(sampler, part, of_positives) for part in parts]
            some = [value for value in found if value is not None]
            return moved(joined(some).astype(np.float32)) if len(some) == len(found) else None

        return read

    index = joined([part.index for part in parts])
    side: Side | Tensor = parts[0].query.side
    if len(parts) > 1:
        swapped = np.zeros(pos.size(1), bool)
        swapped[parts[1].which] = True
        side = moved(swapped)
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part.query.counts)
    return Negatives(
        moved(joined([part.query.rows for part in parts]).copy()),
        moved(np.maximum(index, 0)),
        moved(index >= 0),
        lazily(False),  # type: ignore[arg-type]
        side,
        lazily(True),  # type: ignore[arg-type]
        dict(counts),
        moved(joined([part.query.others for part in parts]).copy()),
    )


def _log_q(sampler: _Density, part: Part, of_positives: bool) -> FloatArray | None:
    """Density of the negatives, or of the positives.

    Rows that were listed, and targets that only the uniform fallback can have drawn, get the
    uniform density.
    """
    query, index = part.query, part.index
    found = sampler._log_prob(query, query.others[:, None] if of_positives else index)
    if found is None:
        return None
    uniform = query.log_uniform
    log_q = np.where(query.num_free[:, None] < index.shape[1], uniform, found)
    if of_positives:
        return log_q[:, 0]
    return np.where(index < 0, 0.0, np.where(np.isneginf(log_q), uniform, log_q))
