"""The arrays that walks and searches run on."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float64]
T = TypeVar("T", bound=np.generic)
#: CSR arrays ``indptr``, ``indices`` and weights or None.
Rows = tuple[IntArray, IntArray, FloatArray | None]


class Steps(NamedTuple):
    """Out-edges, in-edges, where the target ids begin, and the weights of both."""

    indptr: IntArray
    indices: IntArray
    in_indptr: IntArray
    in_indices: IntArray
    target_shift: int
    weights: FloatArray | None
    in_weights: FloatArray | None


def both_ways(out: Rows, back: Rows) -> Steps:
    """Of a graph of one node set and its reverse."""
    return Steps(out[0], out[1], back[0], back[1], 0, out[2], back[2])


def joint(out: Rows, back: Rows) -> Steps:
    """Of a bipartite graph and its reverse, which is walked both ways: sources first, then targets.

    A target's id is shifted by the number of sources.
    """
    num_src, num_dst = len(out[0]) - 1, len(back[0]) - 1
    id_type = np.int32 if num_src + num_dst < 2**31 else np.int64
    indptr = frozen(np.concatenate([out[0], back[0][1:] + len(out[1])]))
    indices = [out[1].astype(id_type) + id_type(num_src), back[1].astype(id_type)]
    ends = indptr, frozen(np.concatenate(indices))
    weights = None
    if out[2] is not None and back[2] is not None:
        weights = frozen(np.concatenate([out[2], back[2]]))
    return Steps(*ends, *ends, num_src, weights, weights)


def frozen(array: npt.NDArray[T]) -> npt.NDArray[T]:
    """Make read-only: a graph is immutable, and kernels compile once for read-only arrays."""
    array.flags.writeable = False
    return array
