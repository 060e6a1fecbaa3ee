"""Features of nodes from files, by position or by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from gneg import checks, files
from gneg.datasets.names import Names
from gneg.datasets.sources import delimited, numbering, unsupported
from gneg.datasets.sources.columns import is_number, plain
from gneg.datasets.sources.formats import RawTable, arrow, parquet
from gneg.graph import sparse

KIND = "a file of features [N, F]"
REMEDY = "see gneg.datasets.load for the forms of files"
SUFFIXES = (".npy", ".npz", ".csv", ".tsv", ".txt", ".parquet", ".arrow", ".feather")
_IDS = {
    "id", "node", "nodeid", "nodename", "name", "key", "entity", "vertex", "user", "userid",
    "item", "itemid", "source", "target",
}  # fmt: skip
#: Names of the index that pandas writes.
_INDEX = ("", "unnamed0", "index")


class Features(NamedTuple):
    """Features of nodes.

    Attributes:
        x: ``[N, F]`` features, dense or sparse CSR.
        names: ``[N]`` names of the nodes, as strings; None: rows are in the order of the ids.
        column: What to call the column of the names.
        likely: The same features by their first column, if that holds different integers, which
            may be the ids; None: it does not.
    """

    x: Tensor
    names: pa.Array | None = None
    column: str | None = None
    likely: Features | None = None


def read(path: Path) -> Features:
    """Read features of nodes.

    ``.npy``, or ``.npz`` with an array ``x`` or a SciPy matrix: a row for each node, in the order
    of the ids. An ``.npy`` of single precision from 256 MB on is not read but mapped. A table (csv,
    parquet): so too, or with the nodes' names in its first column, if that is text, is called
    ``id``, ``node`` or the like, or is an index of pandas other than 0 to N - 1; elsewhere in a
    column that is called so.

    Raises:
        ValueError: If the file is damaged, or holds anything but finite numbers.
    """
    if path.is_dir() or not path.exists():
        checks.fail(
            "features", "an existing file", f"{path}{', a folder' if path.is_dir() else ''}"
        )
    unsupported.check("features", path, ", ".join(SUFFIXES))
    if path.suffix == ".npz":
        return Features(_npz(path))
    if path.suffix == ".npy":
        return Features(dense(files.read_npy("features", path, KIND, REMEDY), path))
    if path.suffix == ".parquet":
        return _table(parquet(path, KIND, index=True), path)
    if path.suffix in (".arrow", ".feather"):
        return _table(arrow(path, KIND, index=True), path)
    text = delimited.read(path, is_header=_is_header, kind=KIND)
    return _table(RawTable(text.columns, text.header, "text"), path)


def _is_header(first: Sequence[str], below: Sequence[pa.Array]) -> bool:
    """Return whether the first row names the columns: words above numbers, or the ids' column."""
    if len(below[0]) and plain(first[0]) in _IDS and first[0] not in below[0].to_pylist():
        return True
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
    key = _key(raw)
    left_out = {key, 0} if raw.names and _counts(names[0], columns[0]) else {key}
    return _features(raw, names, left_out, key, path)


def _features(
    raw: RawTable, names: Sequence[str], left_out: set[int | None], key: int | None, path: Path
) -> Features:
    """Return the columns but some as features, with the names of nodes in the column ``key``."""
    columns = raw.columns
    places = [i for i in range(len(columns)) if i not in left_out]
    if not places:
        checks.fail("features", "a column of features beside the names", str(path))
    _check_numbers([columns[i] for i in places], [names[i] for i in places], path)
    arrays = [columns[i].cast(pa.float64()).to_numpy(zero_copy_only=False) for i in places]
    x = dense(np.stack(arrays, axis=1), path)
    if key is not None:
        return Features(x, columns[key], f"column {names[key]}" if names[key] else "the index")
    first = min(places)
    if len(places) == 1 or not _are_different_integers(columns[first]):
        return Features(x)
    likely = _features(raw, names, {*left_out, first}, first, path)
    return Features(x, likely=likely)


def _are_different_integers(column: pa.Array) -> bool:
    different: bool = pc.count_distinct(column).as_py() == len(column)
    return different and bool(pa.types.is_integer(numbering.typed([column])[0].type))


def _key(raw: RawTable) -> int | None:
    """Return the position of the column with the nodes' names; None: there is none."""
    first = raw.columns[0]
    words = not all(is_number(value) for value in first[:1000].to_pylist())
    if raw.names is None:
        return 0 if words else None
    if plain(raw.names[0]) in _INDEX and not _counts(raw.names[0], first):
        return 0
    counted = _counts(raw.names[0], first)
    if not counted and (words or _is_key(raw.names[0], first)):
        return 0
    keys = [i for i in range(counted, len(raw.names)) if _is_key(raw.names[i], raw.columns[i])]
    return keys[0] if len(keys) == 1 else None


def _is_key(name: str, column: pa.Array) -> bool:
    """Return whether a column is called as one of names is; by its end alone, if they differ."""
    ending = re.search(r"([^A-Za-z](id|ID|Id|name)|[a-z](Id|ID|Name))$", name) is not None
    return plain(name) in _IDS or (ending and pc.count_distinct(column).as_py() == len(column))


def _counts(name: str, column: pa.Array) -> bool:
    """Return whether a column is the index of pandas from 0, which says only the order."""
    return plain(name) in _INDEX and column.to_pylist() == [str(i) for i in range(len(column))]


def _check_numbers(columns: Sequence[pa.Array], names: Sequence[str], path: Path) -> None:
    """Refuse columns of anything but numbers, and name all of them."""
    wrong = []
    for column, name in zip(columns, names, strict=True):
        try:
            column.cast(pa.float64())
        except pa.ArrowInvalid:
            value = next((value for value in column.to_pylist() if not is_number(value)), "")
            wrong.append(f"{repr(value) if value else 'a gap'} in column {name}")
    if wrong:
        remainder = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        value = f"{', '.join(wrong[:5])}{remainder} of {path}"
        hint = "encode what is no number, or leave the column out"
        checks.fail("features", "columns of numbers", value, hint=hint)


def dense(array: npt.NDArray[Any], path: Path) -> Tensor:
    """Return features ``[N, F]``, finite numbers.

    Raises:
        ValueError: If they are something else.
    """
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        allowed = "numbers of shape [N, F]"
        checks.fail("features", allowed, f"{array.dtype} {list(array.shape)} in {path}")
    x = torch.from_numpy(np.ascontiguousarray(array)).float()
    if not all(torch.isfinite(part).all() for part in x.split(max(1, 2**22 // max(x.size(1), 1)))):
        allowed = "finite numbers in single precision"
        checks.fail("features", allowed, f"NaN, infinity or more in {path}")
    return x


def by_ids(features: Features, ends: Sequence[pa.Array]) -> Features:
    """Return features by the ids in their first column, if it has all ids of edges; else as is.

    Args:
        features: Features without names.
        ends: Sources and targets of the edges.
    """
    if features.likely is None:
        return features
    typed = numbering.typed([end.cast(pa.string()) for end in ends])
    keys = numbering.typed([features.likely.names])[0]
    if not pa.types.is_integer(typed[0].type):
        return features
    has_all = all(pc.all(pc.is_in(end, keys)).as_py() for end in typed)
    return features.likely if has_all else features


def align(features: Features, kinds: Sequence[Names], path: Path) -> Tensor:
    """Return the rows ``[N, F]`` of the nodes of each kind in the order of their names.

    Args:
        features: Features with names; those of no node are left out.
        kinds: The names of nodes: of one kind, or of sources and of targets.
        path: The file of features, for errors.

    Raises:
        ValueError: If a node has no row, or two, or a name is of both kinds.
    """
    assert features.names is not None
    keys = features.names
    if any(names.integers for names in kinds):
        keys = numbering.typed([keys])[0]
    place = {str(name): i for i, name in enumerate(keys.to_pylist())}
    if len(place) < len(keys):
        counts = pc.value_counts(keys).to_pylist()
        twice = next(entry["values"] for entry in counts if entry["counts"] > 1)
        value = f"{twice!r} twice in {features.column} of {path}"
        checks.fail("features", "a file with one row for each node", value)
    if len(kinds) == 2:
        common = set(kinds[0]) & set(kinds[1])
        if common:
            allowed = "rows whose names are of one kind of node each"
            hint = "rename them, such as user:7 and item:7, in both files"
            value = f"{min(common)!r} of both kinds, and {len(common) - 1:,} others"
            checks.fail("features", allowed, value, hint=hint)
    names = [name for of_kind in kinds for name in of_kind]
    missing = [name for name in names if name not in place]
    if missing:
        allowed = f"a file with a row for each of {len(names):,} nodes"
        remainder = f" and {len(missing) - 1:,} others" if len(missing) > 1 else ""
        value = f"{path} without {missing[0]!r}{remainder}"
        checks.fail(
            "features", allowed, value, hint=checks.closest(missing[0], list(place)[:10_000])
        )
    return features.x[torch.tensor([place[name] for name in names], dtype=torch.long)]
