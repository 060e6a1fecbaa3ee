"""An ``.npy`` of one dimension that is written piece by piece, its length not known before."""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

_HEADER_BYTES = 128  # of an array of one dimension, whatever its length


class ArrayFile:
    """An ``.npy`` that grows; it stands under its name only when it is closed without an error.

    Args:
        path: The file.
        dtype: Type of the entries.
    """

    def __init__(self, path: Path, dtype: npt.DTypeLike) -> None:
        self.path, self.dtype, self.length = path, np.dtype(dtype), 0
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._file = self._temporary.open("wb")
        self._file.write(b"\0" * _HEADER_BYTES)

    def append(self, values: npt.NDArray[Any]) -> None:
        """Add entries at the end."""
        self._file.write(np.ascontiguousarray(values, self.dtype).data)
        self.length += len(values)

    def __enter__(self) -> ArrayFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._file.close()
            self._temporary.unlink(missing_ok=True)
            return
        header = io.BytesIO()
        descr = {"descr": self.dtype.str, "fortran_order": False, "shape": (self.length,)}
        np.lib.format.write_array_header_1_0(header, descr)
        assert len(header.getvalue()) == _HEADER_BYTES
        self._file.seek(0)
        self._file.write(header.getvalue())
        self._file.flush()
        os.fsync(self._file.fileno())  # the stages after this one rely on it
        self._file.close()
        self._temporary.replace(self.path)
