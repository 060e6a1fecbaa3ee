"""Cosines of feature rows that have the same bits on any processor and number of threads.

A matrix product of a BLAS library adds in an order, and fuses products with sums, as it suits the
processor: orthogonal rows then have cosine 0 on some machines and 1e-17 on others, and rankings
by them change. Here features are multiplied as they are, in double precision, and added in
ascending order of the columns; the sum is divided by the square root of the product of both
squared lengths; cosines below 2**-40 are 0. For features of whole numbers everything up to the
division is exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import kernels
from gneg.graph.lazy import cached_property

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Up to this share of non-zeros, dense features are treated as sparse.
SPARSE = 0.2


class Cosines:
    """Cosines between the rows of a feature matrix; those of a row of zeros are 0.

    Args:
        x: ``[N, F]`` features, dense or sparse CSR.

    Attributes:
        shape: N and F.
        squares: ``[N]``, squared lengths of the rows.
    """

    def __init__(self, x: Tensor) -> None:
        self._values: Any = _sparse_or_dense(x)
        self.shape: tuple[int, int] = self._values.shape
        all_rows = np.arange(len(x))
        self.squares = self.products(all_rows, all_rows)

    def pairs(self, rows: IntArray, targets: IntArray) -> FloatArray:
        """Return the cosines ``[B]`` of the rows ``rows [B]`` and ``targets [B]``."""
        out = self.products(rows, targets)
        arguments = out, rows, targets, self.squares
        kernels.threads.run_rows(kernels.dots.cosines, len(rows), len(rows), *arguments)
        return out

    def to_all(self, rows: IntArray) -> npt.NDArray[np.float32]:
        """Return the cosines ``[B, N]`` of the rows ``rows [B]`` and all rows, single precision."""
        out = np.empty((len(rows), len(self.squares)), np.float32)
        values, transposed = self._values, self._transposed
        if isinstance(values, np.ndarray):
            kernel, work = kernels.dots.all_dense, out.size * values.shape[1]
            parts: tuple[Any, ...] = values, transposed
        else:
            kernel, work = kernels.dots.all_sparse, out.size
            parts = values.indptr, values.indices, values.data
            parts = *parts, transposed.indptr, transposed.indices, transposed.data
        kernels.threads.run_rows(kernel, len(rows), work, out, rows, *parts, self.squares)
        return out

    @cached_property
    def _transposed(self) -> Any:
        values = self._values
        return np.ascontiguousarray(values.T) if isinstance(values, np.ndarray) else values.tocsc()

    def products(self, rows: IntArray, targets: IntArray) -> FloatArray:
        """Return the inner products ``[B]`` of the rows ``rows [B]`` and ``targets [B]``."""
        return inner_products(self._values, rows, targets)


def inner_products(matrix: Any, rows: IntArray, targets: IntArray) -> FloatArray:
    """Return the inner products ``[B]`` of pairs of rows, summed in ascending order of columns.

    Args:
        matrix: ``[N, F]``, a NumPy array or a SciPy CSR array with sorted indices.
        rows: ``[B]``.
        targets: ``[B]``.
    """
    out, run = np.empty(len(rows)), kernels.threads.run_rows
    if isinstance(matrix, np.ndarray):
        work = len(rows) * matrix.shape[1]
        run(kernels.dots.dense, len(rows), work, out, rows, targets, matrix)
        return out
    work = len(rows) * (1 + matrix.nnz // max(matrix.shape[0], 1))
    parts = matrix.indptr, matrix.indices, matrix.data
    run(kernels.dots.sparse, len(rows), work, out, rows, targets, *parts)
    return out


def _sparse_or_dense(x: Tensor) -> Any:
    """Features as a contiguous NumPy array or, if most are 0, as SciPy CSR with sorted indices."""
    from scipy import sparse

    precision = torch.float32 if x.dtype in (torch.float16, torch.bfloat16) else torch.float64
    precision = x.dtype if x.dtype == torch.float32 else precision
    if x.layout == torch.strided:
        array = x.detach().cpu().to(precision).contiguous().numpy()
        if np.count_nonzero(array) > SPARSE * array.size:
            return array
        return sparse.csr_array(array)
    parts = x.values().detach().to(precision), x.col_indices(), x.crow_indices()
    matrix = sparse.csr_array(tuple(part.cpu().numpy() for part in parts), shape=tuple(x.shape))
    return matrix.sorted_indices()
