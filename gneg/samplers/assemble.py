"""Drawing for a batch of positives, assembled into :class:`~gneg.Negatives`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg.rng import split_seed
from gneg.samplers.negatives import Density, Negatives, Side, Vectors
from gneg.samplers.query import (
    Corrupt,
    FloatArray,
    IntArray,
    Part,
    Query,
    Score,
    num_short,
    split_sides,
)


class _HasDensity(Protocol):
    def checked_density(self, query: Query, index: IntArray) -> FloatArray | None: ...


class _Draws(_HasDensity, Protocol):
    corrupt: Corrupt

    def make_query(
        self, side: Side, ends: IntArray, positions: IntArray, **context: Any
    ) -> Query: ...

    def draw(self, query: Query, k: int, seed: int) -> IntArray: ...

    def finish(self, negatives: Negatives, seed: int) -> Negatives: ...


def draw_batch(
    sampler: _Draws,
    pos: Tensor,
    k: int,
    *,
    z: Vectors | None,
    score: Score | None,
    seed: int,
    avoid: IntArray | None = None,
) -> Negatives:
    """Draw ``k`` negatives for each positive; the arguments were checked.

    Args:
        sampler: The sampler.
        pos: ``[2, B]`` integer tensor of (source, target).
        k: Number of negatives per positive, K.
        z: Embeddings, for samplers that use them.
        score: The current model, for samplers that use it.
        seed: Seed of all randomness.
        avoid: ``[B]``, a further target that each row avoids, or -1; None: none in any row. The
            densities of such a call are unknown.
    """
    call = object()
    ends = np.ascontiguousarray(pos.detach().to("cpu", torch.int64).numpy())
    parts: list[Part] = []
    sides = split_sides(sampler.corrupt, ends.shape[1], split_seed(seed, 2))
    for i, (side, positions) in enumerate(sides):
        context = {"z": z, "score": score, "device": pos.device, "call": call}
        if avoid is not None:
            context["avoid"] = avoid[positions]
        query = sampler.make_query(side, ends, positions, **context)
        parts.append(Part(query, positions, sampler.draw(query, k, split_seed(seed, i))))
    negatives = assemble(sampler, pos, parts)
    if avoid is not None:
        negatives = replace(negatives, density=Density())
    return sampler.finish(negatives, split_seed(seed, 3))


def assemble(sampler: _HasDensity, pos: Tensor, parts: Sequence[Part]) -> Negatives:
    """Join the parts of a call in the order of ``pos [2, B]``.

    Args:
        sampler: The sampler whose density is computed, once it is read.
        pos: ``[2, B]``, the positives of the call.
        parts: The rows that replace targets and those that replace sources.
    """
    index = _joined(parts, [part.index for part in parts])
    side: Side | Tensor = parts[0].query.side
    if len(parts) > 1:
        swapped = np.zeros(pos.size(1), bool)
        swapped[parts[1].positions] = True
        side = torch.from_numpy(swapped)
    counts = dict(parts[0].query.counts)
    for part in parts[1:]:
        for name, count in part.query.counts.items():
            counts[name] = counts.get(name, 0) + count
    # Rows without gaps, nearly all of them, are neither copied nor looked at.
    complete = index.size > 0 and num_short(index) == 0
    negatives = Negatives(
        src=torch.from_numpy(_joined(parts, [part.query.rows for part in parts]).copy()),
        index=torch.from_numpy(index if complete else np.maximum(index, 0)),
        mask=torch.from_numpy(np.ones(index.shape, bool) if complete else index >= 0),
        density=Density(
            lambda: _density(sampler, parts, False),
            lambda: _density(sampler, parts, True),
        ),
        side=side,
        counts=dict(counts),
        replaced=torch.from_numpy(_joined(parts, [part.query.targets for part in parts])),
    )
    return negatives if pos.device.type == "cpu" else negatives.to(pos.device)


# NumPy, not torch, until the end: torch's thread pool hangs in a forked process.
def _joined(parts: Sequence[Part], values: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Join the values ``[b, ...]`` of all parts in the order of the positives, ``[B, ...]``."""
    if len(values) == 1:
        return values[0]
    joined = np.empty((sum(map(len, values)), *values[0].shape[1:]), values[0].dtype)
    for part, value in zip(parts, values, strict=True):
        joined[part.positions] = value
    return joined


def _density(sampler: _HasDensity, parts: Sequence[Part], of_positives: bool) -> Tensor | None:
    """Return log densities ``[B, K]`` of negatives, or ``[B]`` of positives; None if unknown."""
    densities = []
    for part in parts:
        log_q = _log_q(sampler, part, of_positives)
        if log_q is None:
            return None
        densities.append(log_q)
    return torch.from_numpy(_joined(parts, densities).astype(np.float32))


def _log_q(sampler: _HasDensity, part: Part, of_positives: bool) -> FloatArray | None:
    """Return the log density ``[B, K]`` of the negatives, or ``[B]`` of the positives.

    Rows that were listed, and targets that only the uniform fallback can have drawn, get the
    uniform density.
    """
    query, index = part.query, part.index
    density = sampler.checked_density(query, query.targets[:, None] if of_positives else index)
    if density is None:
        return None
    uniform = query.log_uniform
    log_q = np.where(query.num_free[:, None] < index.shape[1], uniform, density)
    if of_positives:
        return log_q[:, 0]
    return np.where(index < 0, 0.0, np.where(np.isneginf(log_q), uniform, log_q))
