"""Edges in arrays of NumPy, read in pieces."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gneg import checks, files
from gneg.datasets.ingest.database import BATCH
from gneg.datasets.ingest.source import Edges, ends
from gneg.datasets.link import PARTS
from gneg.datasets.sources.arrays import holds_edges
from gneg.datasets.sources.formats import REMEDY

KIND = "an .npy of edges [2, E] or [E, 2], or an .npz with 'edge_index' or 'train'"


class ArraySource:
    """The edges of an ``.npy`` or ``.npz``.

    Args:
        path: The file: an array ``[2, E]`` or ``[E, 2]`` of integers, or an archive of such arrays,
            called ``edge_index``, or ``train``, ``valid`` and ``test``.
    """

    weighted = bipartite = False

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.name
        with files.reading("edges", path, KIND, REMEDY):
            self._shapes = {member: self._shape(member) for member in self._members()}
        for member, (shape, dtype) in self._shapes.items():
            if len(shape) != 2 or 2 not in shape or not np.issubdtype(dtype, np.integer):
                value = f"{member or 'an array'} of {list(shape)} {dtype} in {path}"
                checks.fail("edges", "an array [2, E] or [E, 2] of integers", value)
        if not self._shapes:
            checks.fail("edges", KIND, f"{path}, without one of them", hint=REMEDY)

    def settings(self) -> Any:
        """Return the path, size and time of the file."""
        status = self.path.stat()
        return [str(self.path), status.st_size, status.st_mtime_ns]

    def lines(self) -> list[str]:
        """Return the arrays and their shapes."""
        arrays = (f"{name} {list(shape)}".strip() for name, (shape, _) in self._shapes.items())
        return [f"{self.name}: NumPy, {', '.join(arrays)}"]

    def batches(self, *, text: bool) -> Iterator[Edges]:
        """Yield the edges; see :class:`gneg.datasets.ingest.source.Source`."""
        for member, (shape, dtype) in self._shapes.items():
            for pair in self._pairs(member, shape, dtype):
                yield Edges(*ends(*(pa.array(end) for end in pair), text=text), None)

    def _members(self) -> list[str]:
        """Return the names of the arrays of edges; an empty one in an ``.npy``."""
        if self.path.suffix == ".npy":
            return [""]
        if not holds_edges(self.path):
            hint = "a SciPy matrix: Graph.from_scipy(matrix).save(folder)"
            checks.fail("edges", KIND, str(self.path), hint=hint)
        with zipfile.ZipFile(self.path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
        return [name for name in ("edge_index", *PARTS) if name in names]

    def _open(self, member: str) -> IO[bytes]:
        if not member:
            return self.path.open("rb")
        return zipfile.ZipFile(self.path).open(f"{member}.npy")

    def _shape(self, member: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        with self._open(member) as file:
            shape, column_major, dtype = _header(file)
        if column_major and len(shape) == 2:
            shape = shape[::-1]
            if shape == (2, 2):
                checks.fail("edges", "an array in C order", f"{self.path} in Fortran order")
        return shape, dtype

    def _pairs(
        self, member: str, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> Iterator[tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
        """Yield sources and targets, ``[e]`` each, in pieces."""
        with (
            files.reading("edges", self.path, KIND, REMEDY),
            self._open(member) as file,
            self._open(member) as second,
        ):
            _header(file)
            if shape[0] != 2:  # a row for each edge
                for start in range(0, shape[0], BATCH):
                    rows = _read(file, min(BATCH, shape[0] - start) * 2, dtype).reshape(-1, 2)
                    yield np.ascontiguousarray(rows[:, 0]), np.ascontiguousarray(rows[:, 1])
                return
            _header(second)
            second.seek(shape[1] * dtype.itemsize, 1)
            for start in range(0, shape[1], BATCH):
                size = min(BATCH, shape[1] - start)
                yield _read(file, size, dtype), _read(second, size, dtype)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, whether it is in Fortran order, and type of an array; move to its entries."""
    version = np.lib.format.read_magic(file)
    read: Any = np.lib.format.read_array_header_1_0
    if version >= (2, 0):
        read = np.lib.format.read_array_header_2_0
    return read(file)  # type: ignore[no-any-return]


def _read(file: IO[bytes], size: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return the next entries of an array."""
    content = file.read(size * dtype.itemsize)
    if len(content) < size * dtype.itemsize:
        raise EOFError("it ends too early")
    values = np.frombuffer(content, dtype)
    return values if dtype.isnative else values.astype(dtype.newbyteorder("="))
