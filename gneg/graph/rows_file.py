"""CSR arrays written from a stream of sorted edges, in memory that does not grow with them."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from gneg.graph.array_file import ArrayFile
from gneg.graph.csr import PIECE

IntArray = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float64]
Entries = tuple[IntArray, IntArray, FloatArray | None]


class RowsFile:
    """The files ``indptr.npy``, ``indices.npy`` and ``weights.npy`` of sorted edges.

    Edges that come several times are written once, with the sum of their weights. The files stand
    under their names only when it is closed without an error.

    Args:
        folder: The folder.
        prefix: Prefix of the names of the files.
        num_rows: Number of sources.
        num_columns: Number of targets.
        weighted: Whether the edges have weights.
    """

    def __init__(
        self, folder: Path, prefix: str, num_rows: int, num_columns: int, *, weighted: bool
    ) -> None:
        self.num_rows = num_rows
        id_type = np.int32 if num_columns < 2**31 else np.int64
        self._indptr = ArrayFile(folder / f"{prefix}indptr.npy", np.int64)
        self._indices = ArrayFile(folder / f"{prefix}indices.npy", id_type)
        self._weights = ArrayFile(folder / f"{prefix}weights.npy", np.float64) if weighted else None
        self._last: Entries | None = None  # the last edge so far, which may come again

    @property
    def num_edges(self) -> int:
        """Number of different edges that have been written."""
        return self._indices.length

    def append(self, src: IntArray, dst: IntArray, weights: FloatArray | None) -> None:
        """Add edges, sorted by source and target, that are not before those of earlier calls.

        Args:
            src: ``[e]`` sources.
            dst: ``[e]`` targets.
            weights: ``[e]`` weights; None without weights.
        """
        if not len(src):
            return
        if self._last is not None:
            src = np.concatenate([self._last[0], src])
            dst = np.concatenate([self._last[1], dst])
            if weights is not None and self._last[2] is not None:
                weights = np.concatenate([self._last[2], weights])
        first = np.ones(len(src), bool)
        np.not_equal(src[1:], src[:-1], out=first[1:])
        first[1:] |= dst[1:] != dst[:-1]
        starts = np.flatnonzero(first)
        last = int(starts[-1])
        if weights is None:
            self._last = src[last : last + 1].copy(), dst[last : last + 1].copy(), None
        else:
            self._last = src[last:].copy(), dst[last:].copy(), weights[last:].copy()
        starts = starts[:-1]
        if len(starts):
            sums = None if weights is None else np.add.reduceat(weights[:last], starts)
            self._write(src[starts], dst[starts], sums)

    def _write(self, src: IntArray, dst: IntArray, weights: FloatArray | None) -> None:
        self._start_rows(int(src[-1]) + 1, src)
        self._indices.append(dst)
        if self._weights is not None and weights is not None:
            self._weights.append(weights)

    def _start_rows(self, stop: int, src: IntArray) -> None:
        """Write where the rows up to ``stop`` begin, the edges from ``src`` on following."""
        for row in range(self._indptr.length, stop, PIECE):
            rows = np.arange(row, min(row + PIECE, stop), dtype=np.int64)
            self._indptr.append(self._indices.length + np.searchsorted(src, rows))

    def __enter__(self) -> RowsFile:
        for file in self._files():
            file.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            if self._last is not None:
                src, dst, weights = self._last
                sums = None if weights is None else np.add.reduce(weights, keepdims=True)
                self._write(src[:1], dst[:1], sums)
            self._start_rows(self.num_rows + 1, np.empty(0, np.int64))
        for file in self._files():
            file.__exit__(kind, error, trace)

    def _files(self) -> list[ArrayFile]:
        files = [self._indptr, self._indices]
        return files if self._weights is None else [*files, self._weights]
