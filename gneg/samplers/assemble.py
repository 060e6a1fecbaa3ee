"""Drawing for a batch of positives, assembled into :class:`~gneg.Negatives`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from gneg.graph import Graph
from gneg.rng import split_seed
from gneg.samplers.negatives import Density, Negatives, Side, Vectors
from gneg.samplers.parts import Part, split_sides
from gneg.samplers.query import (
    Corrupt,
    FloatArray,
    IntArray,
    Query,
    Score,
    num_short,
)


class _HasDensity(Protocol):
    def checked_density(self, query: Query, index: IntArray) -> FloatArray | None: ...


class _Draws(_HasDensity, Protocol):
    corrupt: Corrupt
    graph: Graph

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
    call, on_device = object(), sampler.graph.engine == "torch"
    ends = _ends(sampler, pos)
    parts: list[Part] = []
    sides = split_sides(sampler.corrupt, ends.shape[1], split_seed(seed, 2))
    for i, (side, positions) in enumerate(sides):
        context = {"z": z, "score": score, "device": pos.device, "call": call}
        if avoid is not None:
            context["avoid"] = avoid[positions]
        if on_device:
            positions = torch.from_numpy(positions).to(pos.device)  # type: ignore[assignment]
        query = sampler.make_query(side, ends, positions, **context)
        parts.append(Part(query, positions, sampler.draw(query, k, split_seed(seed, i))))
    negatives = assemble(sampler, pos, parts)
    if avoid is not None:
        negatives = replace(negatives, density=Density())
    return sampler.finish(negatives, split_seed(seed, 3))


def _ends(sampler: _Draws, pos: Tensor) -> Any:
    """Return pairs ``[2, B]`` as what draws takes them: a tensor, or an array."""
    ends = pos.detach().long()
    if sampler.graph.engine == "torch":
        return ends
    return np.ascontiguousarray(ends.cpu().numpy())


def log_prob(sampler: _Draws, pairs: Tensor, replaced: Corrupt) -> Tensor | None:
    """Return the log density ``[B]`` of ``pairs [2, B]``; see :meth:`Sampler.log_prob`.

    Args:
        sampler: The sampler.
        pairs: Sources and targets; they were checked.
        replaced: The end that is replaced; the mean over the two ends if both.
    """
    sides: list[Side] = ["dst", "src"] if replaced == "both" else [replaced]
    ends, densities = _ends(sampler, pairs), []
    for side in sides:
        query = sampler.make_query(side, ends, np.arange(pairs.size(1)), device=pairs.device)
        log_q: Any = sampler.checked_density(query, query.targets[:, None])
        if log_q is None:
            return None
        densities.append(log_q[:, 0])
    mean = densities[0]
    if len(densities) == 2:
        mean = query.xp.logaddexp(*densities) - math.log(2.0)
    return _floats(mean).to(pairs.device)


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
        swapped = [part.query.side == "src" for part in parts]
        ones = [part.query.array(np.ones(len(part.index), bool)) for part in parts]
        side = _tensor(_joined(parts, [a & b for a, b in zip(ones, swapped, strict=True)]))
    counts = dict(parts[0].query.counts)
    for part in parts[1:]:
        for name, count in part.query.counts.items():
            counts[name] = counts.get(name, 0) + count
    # Rows without gaps, nearly all of them, are neither copied nor looked at.
    complete = len(index) > 0 and num_short(index) == 0
    mask = _tensor(np.ones(tuple(index.shape), bool) if complete else index >= 0)
    negatives = Negatives(
        src=_tensor(_joined(parts, [part.query.rows for part in parts])).clone(),
        index=_tensor(index if complete else index.clip(0)),
        mask=mask,
        density=Density(
            lambda: _density(sampler, parts, False),
            lambda: _density(sampler, parts, True),
        ),
        side=side,
        counts=dict(counts),
        replaced=_tensor(_joined(parts, [part.query.targets for part in parts])),
    )
    return negatives if pos.device.type == "cpu" else negatives.to(pos.device)


# NumPy, not torch, until the end where kernels draw: torch's thread pool hangs in a forked process.
def _joined(parts: Sequence[Part], values: list[Any]) -> Any:
    """Join the values ``[b, ...]`` of all parts in the order of the positives, ``[B, ...]``."""
    first = values[0]
    if len(values) == 1:
        return first
    shape = (sum(map(len, values)), *first.shape[1:])
    joined = first.new_empty(shape) if isinstance(first, Tensor) else np.empty(shape, first.dtype)
    for part, value in zip(parts, values, strict=True):
        joined[part.positions] = value
    return joined


def _tensor(values: Any) -> Tensor:
    """Return an array, or a tensor, as a tensor."""
    tensor: Tensor = values if isinstance(values, Tensor) else torch.from_numpy(values)
    return tensor


def _floats(values: Any) -> Tensor:
    """Return a copy of an array, or a tensor, in single precision."""
    return values.float() if isinstance(values, Tensor) else torch.from_numpy(values.astype("f4"))


def _density(sampler: _HasDensity, parts: Sequence[Part], of_positives: bool) -> Tensor | None:
    """Return log densities ``[B, K]`` of negatives, or ``[B]`` of positives; None if unknown."""
    densities = []
    for part in parts:
        log_q = _log_q(sampler, part, of_positives)
        if log_q is None:
            return None
        densities.append(log_q)
    return _floats(_joined(parts, densities))


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
    xp = torch if isinstance(index, Tensor) else np
    log_q: Any = xp.where(query.num_free[:, None] < index.shape[1], uniform, density)
    if of_positives:
        return log_q[:, 0]  # type: ignore[no-any-return]
    log_q = xp.where(xp.isneginf(log_q), uniform, log_q)
    return xp.where(index < 0, 0.0, log_q)  # type: ignore[no-any-return]
