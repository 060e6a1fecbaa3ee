"""Bootstrap intervals of metrics that are means over positives."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
# Entries of the table of resampled positives at once.
CHUNK = 2**24


def with_intervals(
    values: Mapping[str, FloatArray],
    resamples: int,
    seed: int,
    weights: Mapping[str, FloatArray] | None = None,
) -> dict[str, dict[str, float]]:
    """Return the mean of each metric and its 95 % bootstrap interval over positives.

    Args:
        values: By metric, values ``[E]`` of the positives, in the order of the results.
        resamples: Bootstrap samples; 0: no intervals.
        seed: Seed for the samples.
        weights: By metric, what values add up to is divided by, ``[E]``, > 0; None: ones.

    Returns:
        For each metric ``value`` and, unless there are no samples, ``low`` and ``high``.
    """
    table = np.stack(list(values.values()), axis=1)
    weight = np.ones_like(table)
    if weights is not None:
        weight = np.stack([weights[name] for name in values], axis=1)
    size = len(table)
    random = np.random.Generator(np.random.Philox(seed))
    means = []
    chunk = max(1, CHUNK // size)
    for start in range(0, resamples, chunk):
        shape = min(chunk, resamples - start), size
        picked = random.integers(size, size=shape, dtype=np.int32)
        counts = np.stack([np.bincount(row, minlength=size) for row in picked])
        means.append(counts @ table / (counts @ weight))
    overall = table.mean(0) / weight.mean(0)
    results = {name: {"value": float(mean)} for name, mean in zip(values, overall, strict=True)}
    if means:
        low, high = np.quantile(np.concatenate(means), (0.025, 0.975), axis=0)
        for i, interval in enumerate(results.values()):
            interval |= {"low": float(low[i]), "high": float(high[i])}
    return results
