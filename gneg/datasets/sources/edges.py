"""Edges of a table: ids by what occurs, names, weights, times, labels and parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gneg import checks
from gneg.datasets.names import Names
from gneg.datasets.reading import Reading
from gneg.datasets.sources import columns as roles
from gneg.datasets.sources import not_edges, numbering, table_kind, times, unnamed, values
from gneg.datasets.sources.columns import Role
from gneg.datasets.sources.formats import RawTable
from gneg.datasets.table_options import TableOptions

FIRST_ROWS = 10_000  # of a table, that are looked at before all


class EdgeTable(NamedTuple):
    """The edges of a table, in its order.

    Attributes:
        ends: Sources and targets, ``[E]`` names each, of strings or integers.
        bipartite: Whether the two ends are of different kinds.
        weight: ``[E]`` weights, or None.
        time: ``[E]`` times, integers that sort, or None.
        positive: ``[E]`` whether a row is an edge; else it is a given negative.
        part: ``[E]`` ``train``, ``valid`` or ``test``, or None where the file has no split.
        sizes: Numbers of sources and targets where ids are positions; None: by what occurs.
        nodes: Names of all nodes, where the file lists them.
        reading: What was understood.
    """

    ends: tuple[pa.Array, pa.Array]
    bipartite: bool
    weight: npt.NDArray[np.float64] | None
    time: npt.NDArray[np.int64] | None
    positive: npt.NDArray[np.bool_]
    part: npt.NDArray[np.str_] | None
    sizes: tuple[int, int] | None
    nodes: list[str] | None
    reading: Reading


def edge_table(
    raw: RawTable, path: Path, options: TableOptions, bipartite: bool | None
) -> EdgeTable:
    """Return the edges of a table.

    Args:
        raw: The columns of the file.
        path: The file, for errors.
        options: What the caller says of the columns.
        bipartite: Whether the two ends are of different kinds; None: as the file says.

    Raises:
        ValueError: If a value cannot be read as what its column is.
    """
    if len(raw.columns) < 2 or not len(raw.columns[0]):
        allowed = "a table of at least one edge and two columns"
        below = " below the header" if raw.names else ""
        rows_here = len(raw.columns[0]) if raw.columns else 0
        size = f"{rows_here:,} rows{below}, {len(raw.columns)} columns"
        checks.fail("dataset", allowed, f"{path} of {size}")
    not_edges.check_no_matrix(raw, path)
    role, role_notes = column_roles(raw, options)
    used, rows, notes = _used(raw, path, options, role)
    notes = [*role_notes, *notes, *not_edges.unread(raw, used, options, path)]
    ends = raw.columns[used["source"]], raw.columns[used["target"]]
    notes = [*raw.notes, *not_edges.odd_ends(ends), *notes]
    mask = pa.array(rows)
    column = {name: raw.columns[i].filter(mask) for name, i in used.items()}
    measures = [name for name in ("weight", "rating") if name in used]
    kinds = raw.bipartite or _are_two_kinds(raw, role)
    if bipartite is None and kinds:
        notes.append("ends are of two kinds, as users and items are: see --one-kind")
    elif bipartite is None and not role_notes and _share_no_node(ends):
        notes.append("no node stands in both columns: see --bipartite if these are users and items")
    first = [end[0].as_py() for end in ends]
    if raw.names is None and raw.separator and _may_be_a_header(first, ends):
        notes.append(f"the first row ({', '.join(first)}) is read as an edge: see --header")
    if any(values.has_decimal_commas(column[name], name, path) for name in measures):
        notes.append("0,5 is read as 0.5")
    notes += table_kind.notes(raw, used, options)
    if raw.directed:
        notes.append("the file says that edges have a direction, see --directed")
    positive = values.labels(column["label"], path) if "label" in used else rows[rows]
    return EdgeTable(
        ends=(column["source"], column["target"]),
        bipartite=bool(kinds if bipartite is None else bipartite),
        weight=values.weights(raw.columns[used["weight"]], path, rows)
        if "weight" in used
        else None,
        time=times.times(column["time"], path, options.day_first) if "time" in used else None,
        positive=positive,
        part=values.parts(column["split"], path) if "split" in used else None,
        sizes=raw.sizes,
        nodes=raw.nodes,
        reading=_reading(raw, path, used, ends, notes),
    )


def _used(
    raw: RawTable, path: Path, options: TableOptions, role: Mapping[Role, int]
) -> tuple[dict[Any, int], npt.NDArray[np.bool_], list[str]]:
    """Return the column of each role that is used, the rows that are, and what to say of them."""
    notes: list[str] = []
    check_ends((raw.columns[role["source"]], raw.columns[role["target"]]), path)
    used: dict[Any, int] = dict(role)
    rows = np.ones(len(raw.columns[0]), bool)
    if "rating" in role and options.min_rating is not None:
        rows = values.numbers("rating", raw.columns[role["rating"]], path) >= options.min_rating
        notes.append(f"{int(rows.sum()):,} of {len(rows):,} rows are rated at least "
                     f"{options.min_rating:g}")  # fmt: skip
        if not rows.any():
            checks.fail("min_rating", "at most the highest rating", options.min_rating)
    elif "rating" in role and options.source is not None and options.target is not None:
        del used["rating"]
    elif "rating" in role:
        values.check_ratings(raw.columns[role["rating"]], path)
        del used["rating"]
        notes.append("every rating is an edge, see --min-rating")
    elif options.min_rating is not None:
        allowed = "absent where there is no column of ratings"
        checks.fail("min_rating", allowed, options.min_rating, hint="name it with --rating")
    fault = fault_of_labels(raw, path, role, options)
    if fault is not None:
        del used["label"]
        notes.append(f"{fault}, so labels are not used: see --label")
    if "split" in used and "time" in used:
        del used["time"]
        notes.append("the split is that of the column, not by time")
    if "time" in used and "weight" in used:
        # Weights, added up over all events, would leak later events.
        values.weights(raw.columns[used["weight"]], path, rows)
        del used["weight"]
        notes.append("weights are not used in a split by time")
    return used, rows, notes


def column_roles(raw: RawTable, options: TableOptions) -> tuple[dict[Role, int], list[str]]:
    """Return the column of each role, by names or, without these, by values, and notes on these."""
    wanted: dict[Any, str | None] = {**options.columns()}
    if raw.names is not None:
        return roles.assign(raw.names, raw.columns, wanted), []
    if wanted["time"] is None and unnamed.leading_times(raw.columns):
        wanted["time"] = "1"
    return unnamed.roles_of(raw.columns, roles.assign(None, raw.columns, wanted))


def _are_two_kinds(raw: RawTable, role: Mapping[Role, int]) -> bool:
    """Return whether the ends are of two kinds, by their names or because one rates the other."""
    if raw.names is not None:
        return roles.two_kinds(raw.names, role)
    return "rating" in role and unnamed.is_unsigned(raw.columns[role["rating"]])


def _share_no_node(ends: tuple[pa.Array, pa.Array]) -> bool:
    """Return whether no node is at both ends, in a table of too many edges for that by chance."""
    for rows in (FIRST_ROWS, len(ends[0])):  # nearly all tables share some node in the first ones
        sources, targets = (pc.unique(end[:rows]) for end in ends)
        if pc.any(pc.is_in(sources, value_set=targets)).as_py():
            return False
    return len(ends[0]) > len(sources) + len(targets)


def fault_of_labels(
    raw: RawTable, path: Path, role: Mapping[Role, int], options: TableOptions
) -> str | None:
    """Return why a column that is called a label is not used; None: it is, or there is none."""
    if "label" not in role or options.label is not None:
        return None
    if raw.names is not None and {roles.plain(name) for name in raw.names} >= roles.STATES:
        return "labels beside ts and idx are those of a state"
    ends_named = options.source is not None and options.target is not None
    return values.fault_of_labels(raw.columns[role["label"]], path, may_be_few=ends_named)


def _may_be_a_header(first: list[Any], ends: tuple[pa.Array, pa.Array]) -> bool:
    """Return whether the values of a first row are words that never come again."""
    words = not any(
        roles.is_number(str(value)) or any(map(str.isdigit, str(value))) for value in first
    )
    repeated = any(pc.any(pc.equal(end[1:], value)).as_py() for end in ends for value in first)
    return words and len(ends[0]) > 1 and not repeated


def _reading(
    raw: RawTable, path: Path, used: dict[Any, int], ends: tuple[Any, Any], notes: list[str]
) -> Reading:
    names = raw.names or [str(i + 1) for i in range(len(raw.columns))]
    kind = "positions" if raw.sizes else "names"
    if raw.sizes is None and numbering.are_integers(ends):
        kind = "integers"
    return Reading(
        file=path.name,
        form=raw.form,
        header=raw.names is not None,
        columns={role: names[used[role]] for role in roles.ROLES if role in used},
        unused=tuple(
            name or "one without a name" for i, name in enumerate(names) if i not in used.values()
        ),
        ids=kind,
        notes=tuple(notes),
    )


def check_ends(ends: Sequence[pa.Array], path: Path) -> None:
    """Refuse rows that lack an end, or a relation."""
    for end in ends:
        if pa.types.is_integer(end.type):
            continue
        missing = pc.is_nan(end) if pa.types.is_floating(end.type) else pc.equal(end, "")
        if pc.any(missing).as_py():
            row = pc.index(missing, True).as_py()
            values = ", ".join(repr(str(column[row])) for column in ends)
            got = f"{path}, row {row + 1} below any header: {values}"
            checks.fail("dataset", "a table without missing ends", got)


def numbered(
    table: EdgeTable, nodes: pa.Array | None
) -> tuple[npt.NDArray[np.int64], Names | tuple[Names, Names] | None]:
    """Return edges ``[2, E]`` of ids, and the names of the nodes.

    Args:
        table: The edges.
        nodes: Names of further nodes, such as those of a file of features; None: none.

    Raises:
        ValueError: If further nodes are given for a bipartite graph.
    """
    if table.sizes is not None:
        return np.stack([end.to_numpy() for end in table.ends]), None
    if table.bipartite:
        (source, source_names), (target, target_names) = (
            _column(end) for end in table.ends
        )  # fmt: skip
        return np.stack([source, target]), (source_names, target_names)
    further = [nodes] if nodes is not None else []
    if table.nodes is not None:
        further.append(pa.array(table.nodes, pa.string()))
    (source, target, *_), names = numbering.number([*table.ends, *further])
    return np.stack([source, target]), names


def _column(end: pa.Array) -> tuple[npt.NDArray[np.int64], Names]:
    (ids,), names = numbering.number([end])
    return ids, names
