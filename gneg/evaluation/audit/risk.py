"""How many negatives are edges that the sampler could not know: counted, and expected."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gneg.graph import KnownEdges
from gneg.samplers.base import Sampler
from gneg.samplers.negatives import Negatives, Side

Z = 1.959964  # of a 95 % interval


def held_out_hits(
    drawn: Sequence[Negatives], secret: KnownEdges, known: KnownEdges
) -> dict[str, float | None]:
    """Held-out edges among negatives, per 1,000, with a 95 % interval, and the lift over uniform.

    The interval is Wilson's score interval with the design effect of rows as clusters: negatives
    of one query are hit together. What uniform negatives of the same queries would hit is exact:
    each query's held-out edges over its non-edges.

    Args:
        drawn: The negatives.
        secret: Held-out edges, as (source, target).
        known: What the sampler avoids.
    """
    hits, sizes, expected = [], [], 0.0
    for part in drawn:
        src, dst = part.pairs()
        hit = secret.contains(src, dst) & part.mask
        hits.append(hit.sum(1))
        sizes.append(part.mask.sum(1))
        expected += float((_uniform_share(part, secret, known) * part.mask.sum(1)).sum())
    return told(torch.cat(hits), torch.cat(sizes), expected)


def told(hits: Tensor, sizes: Tensor, expected: float) -> dict[str, float | None]:
    """What :func:`held_out_hits` returns.

    Args:
        hits: ``[B]``, held-out ones among the negatives of each query.
        sizes: ``[B]``, number of negatives of each query.
        expected: Hits that uniform negatives would have.
    """
    y, n = hits.double().numpy(), sizes.double().numpy()
    total = max(float(n.sum()), 1.0)
    share, uniform = float(y.sum() / total), expected / total
    low, high = _wilson(share, total, _design_effect(y, n, share))
    found: dict[str, float | None] = {"hits": int(y.sum())}
    found |= {"per_1000": 1000 * share, "low": 1000 * low, "high": 1000 * high}
    found["uniform_per_1000"] = 1000 * uniform
    for name, value in (("lift", share), ("lift_low", low), ("lift_high", high)):
        found[name] = value / uniform if uniform else None
    return found


def _uniform_share(part: Negatives, secret: KnownEdges, known: KnownEdges) -> Tensor:
    """Share of each query's non-edges that are held-out edges, ``[B]``."""
    shares = []
    for hidden, there in ((secret, known), (secret.reversed(), known.reversed())):
        degree = torch.from_numpy(np.diff(hidden.indptr))
        nodes = part.src.clamp(max=len(degree) - 1)
        shares.append(degree[nodes] / there.complement_size(nodes).clamp(min=1))
    if isinstance(part.side, Tensor):
        return torch.where(part.side, shares[1], shares[0])
    return shares[0 if part.side == "dst" else 1]


def _design_effect(y: Any, n: Any, share: float) -> float:
    """How much wider clusters make the variance of a share; at least 1."""
    total, rows = n.sum(), len(n)
    if rows < 2 or not 0 < share < 1:
        return 1.0
    clustered = rows / (rows - 1) * ((y - share * n) ** 2).sum() / total**2
    return float(max(1.0, clustered / (share * (1 - share) / total)))


def _wilson(share: float, total: float, effect: float) -> tuple[float, float]:
    """Wilson's score interval of a share of ``total / effect`` independent trials."""
    size = total / effect
    middle = (share + Z**2 / (2 * size)) / (1 + Z**2 / size)
    half = Z / (1 + Z**2 / size) * sqrt(share * (1 - share) / size + Z**2 / (4 * size**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def expected_share(sampler: Sampler, pos: Tensor, secret: KnownEdges) -> float | None:
    """Probability that a negative is a held-out edge, by the sampler's own density.

    The sum over each query's held-out edges of q(v | u), averaged over the queries: what
    :func:`held_out_hits` estimates, without noise. None where the density has no closed form, or
    one that costs too much.

    Args:
        sampler: What draws.
        pos: ``[2, B]``, the positives it draws for.
        secret: Held-out edges, as (source, target).
    """
    if sampler.density != "cheap":
        return None
    sides: list[Side] = ["dst", "src"] if sampler.corrupt == "both" else [sampler.corrupt]
    means = []
    for side in sides:
        hidden = secret if side == "dst" else secret.reversed()
        source = np.repeat(np.arange(hidden.num_src), np.diff(hidden.indptr))
        kept, other = torch.from_numpy(source), torch.from_numpy(hidden.indices.astype(np.int64))
        src, dst = (kept, other) if side == "dst" else (other, kept)
        log_q = sampler.log_prob(src, dst, side=side)
        if log_q is None:
            return None
        # What the sampler knows it never draws, though its density is told as if it did not.
        free = ~sampler.known.contains(src, dst)
        share = torch.zeros(hidden.num_src, dtype=torch.double)
        share.index_add_(0, kept, torch.where(free, log_q.double().exp(), 0.0))
        means.append(float(share[pos[0 if side == "dst" else 1]].mean()))
    return sum(means) / len(means)
