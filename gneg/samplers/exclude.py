"""Checks of what samplers return, exclusion of known edges and repeats, and filling of gaps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks
from gneg.rng import split_seed
from gneg.samplers.query import FloatArray, IntArray, Query

# How often to propose again for rows that lack usable targets, before filling them.
ROUNDS = 4
SPARE = 4  # proposals beyond twice what is lacking: a round less is worth them


def first_usable(
    query: Query,
    proposed: IntArray,
    k: int,
    propose: Callable[[Query, int, int], IntArray],
    seed: int,
) -> IntArray:
    """Return the first ``k`` usable proposals of each row, -1 where even new ones do not suffice.

    Usable: neither known nor the query itself and, if ``query.unique``, not yet in the row.

    Args:
        query: The queries of the rows.
        proposed: ``[B, M]``, candidates; -1 where there is none.
        k: Number of targets per row, K.
        propose: Called as ``propose(query, k, seed)`` for new candidates of rows that lack some.
        seed: Seed of the new proposals.
    """
    index = query.blank(k)
    missing = query.exclude(index, proposed, unique=query.unique)
    for attempt in range(ROUNDS):
        if not missing:
            break
        lacking = query.lacking(index)
        part = query.take(lacking)
        unfilled = index[lacking]
        most = int((unfilled < 0).sum(axis=1).max())
        candidates = propose(part, min(2 * most + SPARE, k), split_seed(seed, 3 + attempt))
        missing = part.exclude(unfilled, candidates, unique=query.unique)
        index[lacking] = unfilled
    return index


def fill(query: Query, index: IntArray, seed: int) -> None:
    """Replace the -1 entries of ``index [B, K]`` by uniform non-edges, as many as there are."""
    filled, short = query.fill(index, seed, unique=query.unique)
    query.counts["filled"] += filled
    query.counts["short"] += short


def checked(name: str, proposed: object, query: Query, k: int) -> IntArray:
    """Return what a sampler proposes for a query, if it is an array ``[B, k]`` of ids below N.

    Kernels index arrays by these ids without looking.

    Args:
        name: Name of the method that proposed it, for errors.
        proposed: What it returned: an array, or a tensor.
        query: The query.
        k: The number of candidates asked for.

    Raises:
        ValueError: If it is something else.
    """
    shape, size = (len(query.rows), k), query.known.num_dst
    on_device = query.xp is torch and isinstance(proposed, Tensor)
    if on_device and proposed.dtype == torch.int64 and proposed.shape == shape:  # type: ignore[attr-defined]
        return proposed  # type: ignore[return-value]  # a look at the ids would wait for the device
    if (  # nearly all proposals: no more than a look at each id
        type(proposed) is np.ndarray
        and proposed.dtype == np.int64
        and proposed.shape == shape
        and proposed.flags.carray
        and (not proposed.size or proposed.max() < size)
    ):
        return proposed
    allowed = f"a function that returns integers {list(shape)}"
    if isinstance(proposed, Tensor):
        proposed = _array(name, proposed, allowed)
    try:
        index = np.asarray(proposed)
    except ValueError:  # a list of lists of different lengths
        checks.fail(name, allowed, type(proposed).__name__)
    if index.dtype.kind not in "iu" or index.shape != shape:
        content = f"{index.dtype} of shape {list(index.shape)}"
        checks.fail(name, allowed, content)
    if index.size and index.max() >= size:
        allowed = f"a function that returns ids below {size}, or -1"
        checks.fail(name, allowed, index.max())
    return np.array(index, np.int64, order="C")


def checked_density(name: str, density: object, index: IntArray) -> FloatArray | None:
    """Return what a sampler says of the log density of targets, if it is one for each, or None.

    Args:
        name: Name of the method that returned it, for errors.
        density: What it returned: an array or a tensor of floats, or None.
        index: ``[B, K]``, the targets.

    Raises:
        ValueError: If it is something else.
    """
    if density is None or (
        type(density) is np.ndarray and density.dtype == np.float64 and density.shape == index.shape
    ):
        return density
    allowed = f"a function that returns floats {list(index.shape)}, or None"
    if isinstance(density, Tensor):
        density = _array(name, density, allowed)
    if not isinstance(density, np.ndarray):
        checks.fail(name, allowed, type(density).__name__)
    if density.dtype.kind != "f" or density.shape != index.shape:
        checks.fail(name, allowed, f"{density.dtype} of shape {list(density.shape)}")
    return density.astype(np.float64)


def _array(name: str, value: Tensor, allowed: str) -> npt.NDArray[Any]:
    """Return a tensor that a method returned as an array."""
    tensor = checks.tensor(name, value, allowed).detach()
    if tensor.dtype == torch.bfloat16:  # which NumPy has not
        checks.fail(name, allowed, f"bfloat16 of shape {list(tensor.shape)}")
    return tensor.cpu().numpy()
