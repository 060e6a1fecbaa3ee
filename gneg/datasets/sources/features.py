"""Features of nodes from files, by position or by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from gneg import checks, files
from gneg.datasets.sources import delimited
from gneg.datasets.sources.columns import is_number, plain
from gneg.datasets.sources.formats import RawTable, arrow, parquet
from gneg.graph import sparse

KIND = "a file of features [N, F]"
REMEDY = "see gneg.datasets.load for the forms of files"
SUFFIXES = (".npy", ".npz", ".csv", ".tsv", ".txt", ".parquet", ".arrow", ".feather")
_IDS = {
    "id",
    "node",
    "nodeid",
    "name",
    "key",
    "entity",
    "vertex",
    "user",
    "userid",
    "item",
    "itemid",
}


class Features(NamedTuple):
    """Features of nodes.

    Attributes:
        x: ``[N, F]`` features, dense or sparse CSR.
        names: ``[N]`` names of the nodes, as strings; None: rows are in the order of the ids.
    """

    x: Tensor
    names: pa.Array | None = None


def read(path: Path) -> Features:
    """Read features of nodes.

    ``.npy``, or ``.npz`` with an array ``x`` or a SciPy matrix: a row for each node, in the order
    of the ids. A table (csv, parquet): so too, or with the nodes' names in its first column, if
    that is text or called ``id``, ``node`` or the like.

    Raises:
        ValueError: If the file is damaged, or holds anything but finite numbers.
    """
    if path.is_dir() or not path.exists():
        checks.fail(
            "features", "an existing file", f"{path}{', a folder' if path.is_dir() else ''}"
        )
    if path.suffix == ".npz":
        return Features(_npz(path))
    if path.suffix == ".npy":
        return Features(dense(files.read_npy("features", path, KIND, REMEDY), path))
    if path.suffix == ".parquet":
        return _table(parquet(path), path)
    if path.suffix in (".arrow", ".feather"):
        return _table(arrow(path), path)
    text = delimited.read(path, is_header=_is_header)
    return _table(RawTable(text.columns, text.header, "text"), path)


def _is_header(first: Sequence[str], below: Sequence[pa.Array]) -> bool:
    """Return whether the first row names the columns: words above numbers, the first aside."""
    return len(below[0]) > 0 and any(not is_number(name) for name in first[1:] or first)


def _npz(path: Path) -> Tensor:
    arrays = files.read_npz("features", path, KIND, REMEDY, ("x",))
    if "x" in arrays:
        return dense(arrays["x"], path)
    with files.reading("features", path, KIND, REMEDY):
        import scipy.sparse

        matrix = scipy.sparse.load_npz(path).tocsr()
        matrix.check_format(full_check=True)
        return sparse.csr(
            torch.from_numpy(matrix.indptr),
            torch.from_numpy(matrix.indices),
            torch.from_numpy(matrix.data).float(),
            (int(matrix.shape[0]), int(matrix.shape[1])),
        )


def _table(raw: RawTable, path: Path) -> Features:
    columns = raw.columns
    if not columns or not len(columns[0]):
        checks.fail("features", KIND, f"{path}, which is empty")
    names = raw.names or [str(i + 1) for i in range(len(columns))]
    keyed = raw.names is not None and plain(names[0]) in _IDS
    keyed = keyed or not all(is_number(value) for value in columns[0][:1000].to_pylist())
    index = raw.names is not None and plain(names[0]) in ("", "unnamed0")
    first = int(keyed or index)
    arrays = [
        _numbers(column, name, path)
        for column, name in zip(columns[first:], names[first:], strict=True)
    ]
    if not arrays:
        checks.fail("features", "a column of features beside the names", str(path))
    return Features(dense(np.stack(arrays, axis=1), path), columns[0] if keyed else None)


def _numbers(column: pa.Array, name: str, path: Path) -> npt.NDArray[Any]:
    try:
        return column.cast(pa.float64()).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]
    except pa.ArrowInvalid:
        wrong = next((value for value in column.to_pylist() if not is_number(value)), "")
        hint = "encode what is no number, or leave the column out"
        checks.fail(
            "features", "columns of numbers", f"{wrong!r} in column {name} of {path}", hint=hint
        )


def dense(array: npt.NDArray[Any], path: Path) -> Tensor:
    """Return features ``[N, F]``, finite numbers.

    Raises:
        ValueError: If they are something else.
    """
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        allowed = "numbers of shape [N, F]"
        checks.fail("features", allowed, f"{array.dtype} {list(array.shape)} in {path}")
    x = torch.from_numpy(np.ascontiguousarray(array)).float()
    if not torch.isfinite(x).all():
        allowed = "finite numbers in single precision"
        checks.fail("features", allowed, f"NaN, infinity or more in {path}")
    return x


def align(features: Features, names: Sequence[str], path: Path) -> Tensor:
    """Return the rows ``[N, F]`` of the nodes in the order of ``names``.

    Raises:
        ValueError: If a node has no row, or two.
    """
    assert features.names is not None
    place = {str(name): i for i, name in enumerate(features.names.to_pylist())}
    if len(place) < len(features.names):
        checks.fail("features", "a file with one row for each node", f"a name twice in {path}")
    missing = [name for name in names if name not in place]
    if missing:
        allowed = f"a file with a row for each of {len(names):,} nodes"
        value = f"{path} without {missing[0]!r} and {len(missing) - 1:,} others"
        checks.fail(
            "features", allowed, value, hint=checks.closest(missing[0], list(place)[:10_000])
        )
    rows = torch.tensor([place[name] for name in names])
    return features.x[rows]
