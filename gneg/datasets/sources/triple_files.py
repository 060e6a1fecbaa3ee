"""Files and folders of triples of names, as columns of heads, relations and tails."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gneg import checks
from gneg.datasets.sources import (
    delimited,
    formats,
    n_triples,
    openke,
    part_files,
    table_kind,
    triple_columns,
    triple_times,
    values,
)
from gneg.datasets.sources.columns import Role
from gneg.datasets.sources.edges import check_ends
from gneg.datasets.table_options import TableOptions

ORDER: tuple[Role, ...] = ("source", "relation", "target")
ENDS = ("head", "relation", "tail")
#: Options of tables that triples have no use for, and what they are where nothing was said.
_UNUSED_OPTIONS = {"weight": None, "time": None, "label": None, "rating": None,
                   "min_rating": None, "day_first": None}  # fmt: skip


class TripleTable(NamedTuple):
    """The triples of a file.

    Attributes:
        columns: Heads, relations and tails, ``[E]`` strings each.
        part: ``[E]`` ``train``, ``valid`` or ``test``; None: the file has no column of splits.
        form: The form of the file, for people.
        separator: Name of the separator of text.
        names: Names of the columns; None: there is no header.
        header: Whether there is a header; None: the form has no columns.
        positions: Position of the column of each role.
        unused: Columns that are not used, by name or number.
        literals: Number of triples left out because their object is a literal.
        time: The column that may hold times, and its name or number; None: there is none.
        notes: What else the user should know of the text and of the choice of columns.
    """

    columns: list[pa.Array]
    part: npt.NDArray[np.str_] | None = None
    form: str = "N-Triples"
    separator: str | None = None
    names: list[str] | None = None
    header: bool | None = None
    positions: dict[Role, int] = {}  # noqa: RUF012 - a named tuple's default, never written to
    unused: tuple[str, ...] = ()
    literals: int = 0
    time: tuple[pa.Array, str] | None = None
    notes: tuple[str, ...] = ()

    @property
    def roles(self) -> dict[str, str]:
        """The column of each role, by name or number from 1, for people."""
        spoken = {**dict(zip(ORDER, ENDS, strict=True)), "split": "split"}
        return {
            spoken[role]: self.names[i] if self.names else str(i + 1)
            for role, i in self.positions.items()
        }


def read_parts(paths: dict[str, Path], options: TableOptions) -> dict[str, TripleTable]:
    """Read the files of the parts; separator and columns are those of the training file.

    Raises:
        ValueError: If a file is no list of triples, or training is empty.
    """
    check_options(options)
    if _is_empty(paths["train"], options):
        checks.fail("dataset", "a folder with training triples", f"{paths['train']} of none")
    options = part_files.with_repeated_header(paths, options)
    train = read(paths["train"], options)
    if train.part is not None:
        hint = "one file may hold the whole split, a folder has a file for each part"
        checks.fail("dataset", "a folder of files without a split", f"{paths['train']}", hint=hint)
    return {
        part: train if part == "train" else read(path, options, train)
        for part, path in paths.items()
    }


def warn_of_first_row(table: TripleTable) -> None:
    """Warn where the first row is read as a triple, and may be a header."""
    if table.names is not None or table.separator is None or len(table.columns[0]) < 10:
        return
    first = [str(column[0]) for column in table.columns]
    if part_files.comes_once(first, table.columns):
        text = f"the first row, {', '.join(first)}, is read as a triple, though none of it comes "
        text += "again: if it names the columns, say so by --header (TableOptions(header=True))"
        warnings.warn(text, stacklevel=4)


def check_options(options: TableOptions) -> None:
    """Refuse options that triples have no use for."""
    for name, default in _UNUSED_OPTIONS.items():
        if getattr(options, name) != default:
            checks.fail(name, "absent for triples", repr(getattr(options, name)))


def read(path: Path, options: TableOptions, train: TripleTable | None = None) -> TripleTable:
    """Read a file of triples: text, a table of any other format, or N-Triples.

    Args:
        path: The file.
        options: What the caller says of its separator, header and columns.
        train: The training file's table, whose separator and columns this file shares, and which
            may be followed by an empty one; None: this is the training file or the only one.

    Raises:
        ValueError: If the file is no list of triples.
    """
    if ".nt" in path.suffixes:
        columns, literals = n_triples.read(path)
        return TripleTable(columns, literals=literals)
    if train is not None and _is_empty(path, options):
        return train._replace(columns=[pa.array([], pa.string())] * 3)
    turned = openke.is_part(path) and not any((options.source, options.relation, options.target))
    if turned:
        options = replace(options, relation="3", target="2")
    if train is not None and train.separator is not None:
        options = replace(options, sep=train.separator)

    def is_header(first: Sequence[str], below: Sequence[pa.Array]) -> bool:
        if train is None:
            return triple_columns.is_header(first, below)
        return train.names is not None and _alike(first, train.names)

    raw = formats.read(path, options, is_header=is_header, kind=delimited.TRIPLES)
    _check_kind(raw, path, options, first=train is None)
    notes = list(raw.notes)
    if train is None or not train.positions:
        positions, of_columns = triple_columns.assign(raw, options)
        notes += of_columns
        notes += ["columns are head, tail and relation, as OpenKE has them"] if turned else []
    else:
        positions = _positions_as(train, raw, path)
    used = {role: positions[role] for role in (*ORDER, "split") if role in positions}
    columns = [raw.columns[used[role]].cast(pa.string()) for role in ORDER]
    check_ends(columns, path)
    names = raw.names or [str(i + 1) for i in range(len(raw.columns))]
    unused = [i for i in range(len(names)) if i not in used.values()]
    triple_columns.check_truth(
        [raw.columns[i] for i in unused], [names[i] for i in unused], str(path)
    )
    return TripleTable(
        columns,
        values.parts(raw.columns[used["split"]], path) if "split" in used else None,
        raw.form,
        raw.separator,
        raw.names,
        raw.names is not None,
        used,
        tuple(names[i] or "one without a name" for i in unused),
        time=triple_times.column(raw, positions),
        notes=tuple(notes),
    )


def _check_kind(raw: formats.RawTable, path: Path, options: TableOptions, *, first: bool) -> None:
    """Refuse edges, in the first file that is read, and tables that are too narrow in any."""
    narrow = len(raw.columns) < 3
    named = any((options.source, options.relation, options.target))
    if not narrow and (named or not first or table_kind.of(raw, options) != "edges"):
        return
    separator = delimited.SPOKEN.get(str(raw.separator), raw.separator)
    by = f", separated by {separator}" if separator else ""
    line = ", ".join(raw.names or [str(column[0]) for column in raw.columns])
    hint = "" if len(raw.columns) < 2 else f"for edges: gneg.datasets.load, or gneg train {path}"
    if first and not narrow:
        hint += "; for triples: name --source, --relation and --target"
    allowed = f"lines of head, relation and tail{by}"
    checks.fail("dataset", allowed, f"{path}, line 1: {line!r}", hint=hint)


def _alike(names: Sequence[str], others: Sequence[str]) -> bool:
    return sorted(name.lower() for name in names) == sorted(name.lower() for name in others)


def _positions_as(train: TripleTable, raw: formats.RawTable, path: Path) -> dict[Role, int]:
    """Return the positions of the columns that have the roles of those of training."""
    if train.names is not None and raw.names is not None:
        if _alike(raw.names, train.names):
            names = [name.lower() for name in raw.names]
            return {
                role: names.index(train.names[i].lower()) for role, i in train.positions.items()
            }
        if raw.separator is None:
            allowed = f"a table with the columns of training, {', '.join(train.names)}"
            checks.fail("dataset", allowed, f"{', '.join(raw.names)} in {path}")
    if max(train.positions.values()) >= len(raw.columns):
        allowed = f"a table of {max(train.positions.values()) + 1} columns, as training"
        checks.fail("dataset", allowed, f"{path} of {len(raw.columns)}")
    return train.positions


def _is_empty(path: Path, options: TableOptions) -> bool:
    """Return whether a text holds nothing but blank lines and comments."""
    if ".parquet" in path.suffixes or path.stat().st_size > 4096:
        return False
    lines: Any = delimited.decoded(path, delimited.TRIPLES, options.encoding).splitlines()
    return not any(line.strip() and not line.startswith("#") for line in lines)
