"""CSR arrays of a graph: built, turned round, and as walks and searches run on them."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from gneg import kernels

IntArray = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float64]
T = TypeVar("T", bound=np.generic)
PIECE = 2**20  # entries of a large array that are handled at once


class Rows(NamedTuple):
    """CSR arrays: the sorted targets of each source, and the weights of the edges or None."""

    indptr: IntArray
    indices: IntArray
    weights: FloatArray | None


class Steps(NamedTuple):
    """Out-edges, in-edges, the number at which target ids begin, and the weights of both."""

    indptr: IntArray
    indices: IntArray
    in_indptr: IntArray
    in_indices: IntArray
    target_shift: int
    weights: FloatArray | None
    in_weights: FloatArray | None


def build_rows(
    src: IntArray,
    dst: IntArray,
    weights: FloatArray | None,
    num_src: int,
    num_dst: int,
    *,
    drop_loops: bool,
) -> Rows:
    """Build CSR arrays of edges; the weights of parallel edges add up.

    Args:
        src: ``[E]`` sources.
        dst: ``[E]`` targets.
        weights: ``[E]`` weights, or None.
        num_src: Number of sources.
        num_dst: Number of targets.
        drop_loops: Whether self-loops are left out.
    """
    arrays = kernels.csr.build(src, dst, num_src, num_dst, drop_loops=drop_loops)
    return Rows(*arrays, _summed(arrays, src, dst, weights))


def reverse_rows(
    rows: Rows, num_dst: int, src: IntArray, dst: IntArray, weights: FloatArray | None
) -> Rows:
    """Return the CSR arrays of the reversed edges.

    Args:
        rows: The CSR arrays of the edges.
        num_dst: Number of targets.
        src: ``[E]`` sources of the edges that ``rows`` was built of, in any order.
        dst: ``[E]`` targets.
        weights: ``[E]`` weights, or None.
    """
    arrays = kernels.csr.transpose(rows.indptr, rows.indices, num_dst)
    return Rows(*arrays, _summed(arrays, dst, src, weights))


def both_ways(
    src: IntArray,
    dst: IntArray,
    weights: FloatArray | None,
    size: tuple[int, int],
    bipartite: bool,
    undirected: bool | None,
) -> tuple[Rows, Rows | None]:
    """Return the CSR arrays of edges and, of a directed graph of one node set, of their reverse.

    Args:
        src: ``[E]`` sources.
        dst: ``[E]`` targets.
        weights: ``[E]`` weights, or None.
        size: Numbers of sources and of targets.
        bipartite: Whether they are different nodes.
        undirected: True symmetrises, False keeps the direction, None checks.
    """
    if undirected:
        src, dst = np.concatenate([src, dst]), np.concatenate([dst, src])
        weights = None if weights is None else np.concatenate([weights, weights])
    rows = build_rows(src, dst, weights, *size, drop_loops=not bipartite)
    if undirected or bipartite:
        return rows, None
    back = reverse_rows(rows, size[1], src, dst, weights)
    return rows, None if undirected is None and equal_rows(rows, back) else back


def fingerprint(rows: Rows, num_dst: int, bipartite: bool) -> str:
    """Return a hash of nodes and edges, computed in pieces: the arrays may exceed the memory."""
    digest = hashlib.sha256(str((len(rows.indptr) - 1, num_dst, bipartite)).encode())
    for array in rows:
        if array is None:
            continue
        for start in range(0, len(array), PIECE):
            piece = array[start : start + PIECE]
            wide = piece.astype(np.int64) if piece.dtype.kind == "i" else piece
            digest.update(np.ascontiguousarray(wide).data)
    return digest.hexdigest()[:16]


def equal_rows(first: Rows, second: Rows) -> bool:
    """Return whether two CSR arrays hold the same edges and, up to rounding, weights."""
    same = bool(kernels.csr.equal(first[:2], second[:2]))
    if first.weights is None or second.weights is None:
        return same
    return same and bool(np.allclose(first.weights, second.weights))


def _summed(
    arrays: tuple[IntArray, IntArray], src: IntArray, dst: IntArray, weights: FloatArray | None
) -> FloatArray | None:
    """Return the sum of the weights of each edge of CSR arrays; None if there are none."""
    if weights is None:
        return None
    out = np.zeros(len(arrays[1]))
    kernels.csr.add_up(out, *arrays, src, dst, weights)
    return out


def homogeneous_steps(out: Rows, back: Rows) -> Steps:
    """Return the steps of a graph of one node set, from its edges and its reversed edges."""
    return Steps(out.indptr, out.indices, back.indptr, back.indices, 0, out.weights, back.weights)


def bipartite_steps(out: Rows, back: Rows) -> Steps:
    """Return the steps of a bipartite graph, which is walked both ways: targets follow sources.

    A target's id is shifted by the number of sources.
    """
    num_src, num_dst = len(out.indptr) - 1, len(back.indptr) - 1
    id_type = np.int32 if num_src + num_dst < 2**31 else np.int64
    indptr = frozen(np.concatenate([out.indptr, back.indptr[1:] + len(out.indices)]))
    indices = [out.indices.astype(id_type) + id_type(num_src), back.indices.astype(id_type)]
    ends = indptr, frozen(np.concatenate(indices))
    weights = None
    if out.weights is not None and back.weights is not None:
        weights = frozen(np.concatenate([out.weights, back.weights]))
    return Steps(*ends, *ends, num_src, weights, weights)


def frozen(array: npt.NDArray[T]) -> npt.NDArray[T]:
    """Make read-only: a graph is immutable, and kernels compile once for read-only arrays."""
    array.flags.writeable = False
    return array
