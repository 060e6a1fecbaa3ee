"""Sorted rows of a CSR matrix on a device: exact membership and ranks of absent columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg.graph.lazy import cached_property
from gneg.graph.pair_table import PairTable
from gneg.graph.take import take


class DeviceRows:
    """CSR arrays as tensors.

    Args:
        indptr: ``[rows + 1]``, where each row begins.
        indices: ``[E]``, columns, sorted within each row.
        num_columns: Number of columns.
        device: The device.

    Attributes:
        indptr: ``[rows + 1]`` long.
        indices: ``[E]`` int.
        num_columns: Number of columns.
        longest: Number of entries of the longest row.
    """

    def __init__(
        self,
        indptr: npt.NDArray[np.int64],
        indices: npt.NDArray[np.signedinteger],
        num_columns: int,
        device: torch.device,
    ) -> None:
        self.indptr = torch.from_numpy(indptr.copy()).to(device)
        self._sizes = self.indptr.diff()
        self.indices = self.tensors(indices)[0]
        self.num_columns = num_columns
        self.longest = int(np.diff(indptr).max(initial=0))

    @property
    def device(self) -> torch.device:
        """The device of the tensors."""
        return self.indptr.device

    def tensors(self, *arrays: npt.NDArray[Any]) -> tuple[Tensor, ...]:
        """Return copies of arrays on the same device."""
        return tuple(torch.from_numpy(array.copy()).to(self.device) for array in arrays)

    def sizes(self, rows: Tensor) -> Tensor:
        """Return the number of entries of each of ``rows``."""
        return take(self._sizes, rows)

    def at(self, positions: Tensor) -> Tensor:
        """Return the columns at ``positions``, long; any position if there are no entries."""
        if not len(self.indices):
            return torch.zeros_like(positions)
        return take(self.indices, positions).long()

    def entries(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return all entries of ``rows [B]``: positions in ``rows``, ascending, and of entries."""
        return ranges(take(self.indptr, rows), self.sizes(rows))

    @cached_property
    def paths(self) -> Tensor:
        """``[rows]``, number of walks of two steps from each row, of a square matrix."""
        sums = torch.zeros(len(self.indices) + 1, dtype=torch.int64, device=self.device)
        torch.cumsum(self.sizes(self.indices.long()), 0, out=sums[1:])
        return sums[self.indptr[1:]] - sums[self.indptr[:-1]]

    @cached_property
    def _pairs(self) -> PairTable:
        num_rows = len(self.indptr) - 1
        rows = torch.repeat_interleave(self._sizes, output_size=len(self.indices))
        return PairTable(rows, self.indices.long(), num_rows, self.num_columns)

    def contain(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Return whether each (row, column) is an entry, bool, of the shape of ``columns``.

        Args:
            rows: Rows, of a shape that expands to that of ``columns``.
            columns: Columns, in [0, num_columns).
        """
        return self._pairs.contain(rows, columns)

    def lower_bound(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Return the first position of each row whose column is not below the given one."""
        return self._bisected(rows, lambda position, _: self.at(position) < columns)

    def _bisected(self, rows: Tensor, precedes: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Return the first position of each row that does not precede what is looked for.

        Args:
            rows: The rows.
            precedes: Given positions and where their rows begin: whether the entries precede it.
        """
        start = take(self.indptr, rows)
        base, length = start.clone(), self.sizes(rows)
        for _ in range(self.longest.bit_length()):
            half = (length + 1) >> 1
            # The last one of the lower half; of an empty row some other, which does not count.
            probe = (base + half - 1).clamp_(0, max(len(self.indices) - 1, 0))
            passed = precedes(probe, start).logical_and_(length > 0)
            base = torch.where(passed, base + half, base)
            length = torch.where(passed, length - half, half - 1)
        return base

    def unrank(self, rows: Tensor, rank: Tensor) -> Tensor:
        """Return the ``rank``-th column (from 0) that is absent from each row."""
        position = self._bisected(
            rows, lambda position, start: self.at(position) - (position - start) <= rank
        )
        return rank + (position - take(self.indptr, rows))


def ranges(begin: Tensor, sizes: Tensor, total: int | None = None) -> tuple[Tensor, Tensor]:
    """Return all numbers of some ranges ``[n]``: of which range each is, ascending, and itself.

    Args:
        begin: ``[n]``, where each range begins.
        sizes: ``[n]``, how long it is.
        total: Sum of the sizes; a wait for the device less if it is known.
    """
    of = torch.repeat_interleave(sizes, output_size=total)
    shift = begin - (sizes.cumsum(0) - sizes)
    return of, take(shift, of).add_(torch.arange(len(of), device=begin.device))
