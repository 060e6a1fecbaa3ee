"""The columns of tables of triples: their header, and which are head, relation and tail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from gneg import checks
from gneg.datasets.sources import columns as roles
from gneg.datasets.sources.columns import Role
from gneg.datasets.sources.formats import RawTable
from gneg.datasets.table_options import TableOptions

#: Letters that are names of columns of triples; others are names of entities.
_LETTERS = set("hrtspo")
#: Names of head, relation and tail that only together say what they are.
_TRIOS = (
    ("entity", "attribute", "value"),
    ("entity1", "relation", "entity2"),
    ("实体", "属性", "值"),
    ("头实体", "关系", "尾实体"),
)
#: Ends of the names of columns with ids of entities, and of those with their names.
_ID_ENDS = ("id", "index", "idx", "")
_NAME_ENDS = ("name", "label")


def is_header(first: Sequence[str], below: Sequence[pa.Array]) -> bool:
    """Return whether the first row of a file of triples names its columns.

    A relation is repeated in nearly every file, so that a first row of which no value comes up
    again is a header if it names ends and a relation, or is of words above numbers throughout; of
    more columns than three also if a word stands above numbers. Above many rows the word for a
    relation is enough.
    """
    if any(roles.is_number(name) for name in first if name):
        return False
    letters = {roles.plain(name) for name in first if len(name) == 1}
    ends = roles.ends_of(first)
    relation = any(roles.role_of(name) in ("relation", "label") for name in first)
    named = _trio(first) is not None or (ends is not None and relation)
    if not len(below[0]):
        return named and letters <= _LETTERS
    numbers = [roles.is_number(column[0].as_py()) for column in below]
    differ = len(below) >= 3 and all(numbers[:3])
    # Without a relation too: source, target, weight are no triples, as the reader will say.
    words = ends is not None and (
        any(numbers) or all(len(first[i]) > 3 and roles.is_known(first[i]) for i in ends)
    )
    more = len(first) > 3 and any(
        name and len(column) >= _ENOUGH and all(map(roles.is_number, column[:50].to_pylist()))
        for name, column in zip(first, below, strict=False)
    )
    enough = len(below[0]) >= _ENOUGH and any(
        roles.role_of(name) == "relation" and len(name) > 3 for name in first[:3]
    )
    if not (differ or words or more or enough or (named and letters <= _LETTERS)):
        return False
    return not any(
        pc.any(pc.equal(column, pa.scalar(name))).as_py()
        for name in first[:3]
        if name
        for column in below[:3]
    )


def assign(raw: RawTable, options: TableOptions) -> tuple[dict[Role, int], list[str]]:
    """Return the position of the column of each role, and what to say of them.

    Args:
        raw: The table.
        options: What the caller says of its columns.

    Raises:
        ValueError: If a column that was named does not exist, or there are too few.
    """
    notes: list[str] = []
    given, options = options, _with_known_names(raw, options)
    wanted = options.columns()
    positions = roles.assign(raw.names, raw.columns, wanted, triples=True)  # type: ignore[arg-type]
    if raw.names is None:
        return positions, notes
    _check_third(raw.names, positions, given)
    if options.source is not None or options.target is not None:
        return positions, notes
    ids = [raw.names[positions[role]] for role in ("source", "target")]
    twins = _names_of_ends(raw.names, ids)
    if twins is not None:
        names = [raw.names[i] for i in twins]
        if _one_to_one([raw.columns[positions[role]] for role in ("source", "target")],
                       [raw.columns[i] for i in twins]):  # fmt: skip
            positions |= {"source": twins[0], "target": twins[1]}
            notes.append(f"{' and '.join(names)} stand for {' and '.join(ids)}, one name for each")
        else:
            notes.append(f"{' and '.join(names)} are not used: they do not tell apart what "
                         f"{' and '.join(ids)} do")  # fmt: skip
    return positions, notes


def _check_third(
    names: Sequence[str], positions: Mapping[Role, int], options: TableOptions
) -> None:
    """Refuse two columns that were named where the third is not known by its own name."""
    ends: tuple[Role, ...] = ("source", "relation", "target")
    left = [role for role in ends if getattr(options, role) is None]
    if len(left) != 1 or len(names) == len(ends) or roles.is_known(names[positions[left[0]]]):
        return
    checks.fail(left[0], f"given, too: one of the columns {', '.join(names)}", "left out")


def _trio(names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the names of head, relation and tail in a header that only together say so."""
    spoken = {name.strip().lower().replace("_", ""): name for name in names}
    for trio in _TRIOS:
        if set(trio) <= set(spoken):
            return tuple(spoken[word] for word in trio)
    return None


def _with_known_names(raw: RawTable, options: TableOptions) -> TableOptions:
    """Return options that name the columns which :mod:`.columns` does not know for triples."""
    if raw.names is None or any((options.source, options.relation, options.target)):
        return options
    trio = _trio(raw.names)
    if trio is not None:
        return replace(options, source=trio[0], relation=trio[1], target=trio[2])
    known = [roles.role_of(name) for name in raw.names]
    # KGTK has node1, label, node2 and id.
    if roles.ends_of(raw.names) is not None and "label" in known and "relation" not in known:
        label = known.index("label")
        if not is_truth(raw.columns[label]):
            return replace(options, relation=raw.names[label])
    return options


def is_truth(column: pa.Array) -> bool:
    """Return whether a column marks triples, or pairs, as true by 1, and as false by 0 or -1."""
    marks = {value.removesuffix(".0") for value in pc.unique(column).to_pylist()}
    return marks <= {"1", "0"} or marks <= {"1", "-1"}


def check_truth(columns: Sequence[pa.Array], names: Sequence[str], path: str) -> None:
    """Refuse false triples among the true ones: in a column ``label``, or a fourth of 1 and -1.

    Args:
        columns: Columns that have no other role.
        names: Their names, or their numbers in a file without a header.
        path: The file, for the error.

    Raises:
        ValueError: If a column marks triples as false.
    """
    for column, name in zip(columns, names, strict=True):
        fourth = name == "4" and bool(pc.any(pc.equal(column, "-1")).as_py())
        if not (fourth or roles.role_of(name) == "label") or not is_truth(column):
            continue
        false = len(column) - (pc.sum(pc.is_in(column, pa.array(["1", "1.0"]))).as_py() or 0)
        if false:
            hint = "leave them out; verified ones may stand in valid_negatives.txt"
            value = f"{path}, where column {name} marks {false:,} of {len(column):,} as false"
            checks.fail("dataset", "a list of true triples", value, hint=hint)


def _names_of_ends(names: Sequence[str], ids: Sequence[str]) -> tuple[int, int] | None:
    """Return the columns with the names of the entities that two columns hold the ids of."""
    plain = [roles.plain(name) for name in names]
    positions = []
    for name in ids:
        stems = {roles.plain(name).removesuffix(end) for end in _ID_ENDS}
        twins = [stem + end for stem in stems for end in _NAME_ENDS if stem + end in plain]
        positions += [plain.index(twin) for twin in twins[:1]]
    return (positions[0], positions[1]) if len(positions) == 2 else None


def _one_to_one(ids: Sequence[pa.Array], names: Sequence[pa.Array]) -> bool:
    """Return whether each id has one name and each name, none of them empty, one id."""
    pairs = pa.table({"id": pa.concat_arrays(ids), "name": pa.concat_arrays(names)})
    if pc.any(pc.equal(pairs["name"], "")).as_py():
        return False
    distinct = pairs.group_by(["id", "name"]).aggregate([]).num_rows
    sizes = [pc.count_distinct(pairs[column]).as_py() for column in ("id", "name")]
    return bool(sizes == [distinct, distinct])


#: Number of relations, or of rows, from which their order may be doubted.
_ENOUGH = 10


def looks_turned(heads: int, relations: int, tails: int) -> bool:
    """Return whether columns are probably head, tail and relation, by their different values.

    Each relation of a knowledge graph has several tails nearly everywhere, and few entities are in
    heads alone: where there are more relations than tails, and fewer tails than heads, relations
    and tails have probably changed places.

    Args:
        heads: Number of different heads.
        relations: Number of different relations.
        tails: Number of different tails.
    """
    return relations > max(tails, _ENOUGH) and heads > tails


def doubt_order(columns: Sequence[pa.Array]) -> str | None:
    """Return a warning where the columns of a file are probably head, tail and relation.

    By their numbers of values, or by names: entities of the first column in the second, none in
    the third.

    Args:
        columns: What is read as heads, relations and tails.
    """
    heads, relations, tails = (pc.unique(column) for column in columns)
    among = [pc.sum(pc.is_in(values, heads)).as_py() or 0 for values in (relations, tails)]
    integers = all(roles.is_number(column[0].as_py()) for column in columns if len(column))
    names_say = not integers and among[1] == 0 and 2 * among[0] >= len(relations)
    enough = len(columns[0]) >= _ENOUGH
    if not looks_turned(*map(len, (heads, relations, tails))) and not (names_say and enough):
        return None
    return (
        f"{len(relations):,} relations and {len(tails):,} tails: the columns seem to be head, tail "
        "and relation, for which give --relation 3 --target 2; --relation 2 if they are not"
    )
