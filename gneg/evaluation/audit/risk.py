"""How many negatives are positives that the sampler could not know: counted, with an interval."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt

import torch
from torch import Tensor

from gneg.evaluation.audit.adapter import Adapter, FloatArray
from gneg.samplers.negatives import Negatives

Z = 1.959964  # of a 95 % interval


def count_hits(adapter: Adapter, drawn: Iterable[Negatives]) -> tuple[Tensor, Tensor]:
    """Return each query's held-out hits and its number of usable negatives, ``[B]`` long each."""
    counts = [
        ((adapter.is_held_out(negatives) & negatives.mask).sum(1), negatives.mask.sum(1))
        for negatives in drawn
    ]
    hits, sizes = zip(*counts, strict=True)
    return torch.cat(hits), torch.cat(sizes)


def risk(adapter: Adapter, drawn: list[Negatives]) -> dict[str, float | None]:
    """Return the held-out positives per 1,000 negatives, and how that compares with uniform ones.

    The interval is Wilson's score interval with the design effect of rows as clusters: negatives
    of one query are hit together. What uniform negatives of the same queries would hit is exact:
    each query's held-out positives over its non-edges.

    Args:
        adapter: The pairs or triples that are audited.
        drawn: The negatives.

    Returns:
        ``hits``; ``per_1000`` with the 95 % interval ``low`` to ``high``; ``uniform_per_1000``;
        ``lift`` over uniform negatives with ``lift_low`` and ``lift_high``, None where those hit
        nothing.
    """
    counts, sizes = count_hits(adapter, drawn)
    expected = sum(adapter.uniform_hits(negatives) for negatives in drawn)
    y, n = counts.double().numpy(), sizes.double().numpy()
    total = max(float(n.sum()), 1.0)
    share, uniform = float(y.sum() / total), expected / total
    low, high = _wilson(share, total, _design_effect(y, n, share))
    figures: dict[str, float | None] = {
        "hits": int(y.sum()),
        "per_1000": 1000 * share,
        "low": 1000 * low,
        "high": 1000 * high,
        "uniform_per_1000": 1000 * uniform,
    }
    for name, value in (("lift", share), ("lift_low", low), ("lift_high", high)):
        figures[name] = value / uniform if uniform else None
    return figures


def _design_effect(y: FloatArray, n: FloatArray, share: float) -> float:
    """Return how much wider clusters make the variance of a share; at least 1."""
    total, rows = n.sum(), len(n)
    if rows < 2 or not 0 < share < 1:
        return 1.0
    clustered = rows / (rows - 1) * ((y - share * n) ** 2).sum() / total**2
    return float(max(1.0, clustered / (share * (1 - share) / total)))


def _wilson(share: float, total: float, effect: float) -> tuple[float, float]:
    """Return Wilson's score interval of a share of ``total / effect`` independent trials."""
    size = total / effect
    middle = (share + Z**2 / (2 * size)) / (1 + Z**2 / size)
    half = Z / (1 + Z**2 / size) * sqrt(share * (1 - share) / size + Z**2 / (4 * size**2))
    return max(0.0, middle - half), min(1.0, middle + half)
