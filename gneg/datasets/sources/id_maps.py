"""Files that map the names of entities and relations to ids, beside the files of triples."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gneg import checks
from gneg.datasets.names import Names
from gneg.datasets.sources import delimited, numbering

IntArray = npt.NDArray[np.int64]
#: The files with entities and with relations; the first that exists is read.
FILES = (("entities.dict", "entity2id.txt"), ("relations.dict", "relation2id.txt"))
KINDS = ("entities", "relations")
STATISTICS = "stat.txt"


class IdMap(NamedTuple):
    """The map of a file.

    Attributes:
        file: Name of the file.
        names: The names, in the order of their ids.
        ids: ``[N]`` the ids, as text.
    """

    file: str
    names: Names
    ids: pa.Array


class Numbered(NamedTuple):
    """Triples of ids, and the names that these stand for.

    Attributes:
        triples: ``[3, E]`` triples by part.
        entities: Names of entities.
        relations: Names of relations.
        ids: What the ids in the files are; None: names, or integers, of no map.
        notes: What to say of the maps.
    """

    triples: dict[str, IntArray]
    entities: Names
    relations: Names
    ids: str | None
    notes: list[str]


def rows(path: Path) -> tuple[int | None, list[str]]:
    """Return the count in the first line, None where it is no count, and the other lines."""
    text = delimited.decoded(path, delimited.TRIPLES).replace("\r\n", "\n").replace("\r", "\n")
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines or not lines[0].strip().isdecimal():
        return None, lines
    return int(lines[0]), lines[1:]


def check_count(path: Path, count: int, lines: Sequence[str]) -> None:
    """Refuse a file whose first line does not count the others."""
    if count != len(lines):
        allowed = f"a file of as many lines as its first line says, {count:,}"
        checks.fail("dataset", allowed, f"{path} of {len(lines):,}")


def read(path: Path) -> dict[str, int]:
    """Return the id of each name: lines of a name and its id, or (``.dict``) an id and its name.

    Raises:
        ValueError: If a line is neither, a count is wrong, or a name or an id comes twice.
    """
    count, lines = rows(path)
    if count is not None:
        check_count(path, count, lines)
    pairs = [_pair(line, path.suffix == ".dict") for line in lines]
    if any(not number.isdecimal() for _, number in pairs):
        turned = [_pair(line, path.suffix != ".dict") for line in lines]
        pairs = turned if all(number.isdecimal() for _, number in turned) else pairs
    ids: dict[str, int] = {}
    for (name, number), line in zip(pairs, lines, strict=True):
        if not name or not number.isdecimal():
            checks.fail("dataset", "lines of a name and its id", f"{path}: {line[:60]!r}")
        if name in ids:
            checks.fail("dataset", "a map with each name once", f"{path} with {name!r} twice")
        ids[name] = int(number)
    return ids


def _pair(line: str, id_first: bool) -> tuple[str, str]:
    """Return the name and the id of a line."""
    line = line.strip()
    separator = "\t" if "\t" in line else " "
    number, _, name = line.partition(separator)
    if not id_first:
        name, _, number = line.rpartition(separator)
    return name.strip(), number.strip()


def of_folder(folder: Path) -> tuple[IdMap | None, IdMap | None]:
    """Return the maps of entities and of relations, None for each that a folder lacks."""
    maps: list[IdMap | None] = []
    for names in FILES:
        paths = [folder / name for name in names if (folder / name).is_file()]
        maps.append(_of_file(paths[0]) if paths else None)
    return maps[0], maps[1]


def _of_file(path: Path) -> IdMap:
    ids = read(path)
    ordered = sorted(ids, key=ids.__getitem__)
    numbers = [ids[name] for name in ordered]
    twice = [number for number, following in itertools.pairwise(numbers)
             if number == following]  # fmt: skip
    if twice:
        checks.fail("dataset", "a map with each id once", f"{path} with the id {twice[0]} twice")
    return IdMap(path.name, Names(pa.array(ordered, pa.string())),
                 pa.array([str(number) for number in numbers], pa.string()))  # fmt: skip


def tails_come_second(columns: Sequence[pa.Array], maps: tuple[IdMap | None, IdMap | None]) -> bool:
    """Return whether columns are head, tail and relation: only so do all values fit the maps."""
    entities, relations = maps
    if entities is None or relations is None or not len(columns[0]):
        return False
    orders = ((1, 2), (2, 1))  # of relation and tail
    fits = [_fits(relations, columns[i]) and _fits(entities, columns[j]) for i, j in orders]
    return fits == [False, True]


def _fits(id_map: IdMap, column: pa.Array) -> bool:
    """Return whether all values are names, or all are ids, of a map."""
    sets = id_map.names.values, id_map.ids
    return any(bool(pc.all(pc.is_in(column, value_set=values)).as_py()) for values in sets)


def number(
    parts: Mapping[str, Sequence[pa.Array]],
    files: Mapping[str, str],
    folder: Path,
    maps: tuple[IdMap | None, IdMap | None],
) -> Numbered:
    """Return triples of the ids that maps say, else numbered by what occurs.

    Args:
        parts: By part, heads, relations and tails, ``[E]`` strings each.
        files: By part, the name of its file.
        folder: The folder of the files.
        maps: The maps of entities and relations; None: there is none.

    Raises:
        ValueError: If a value is neither a name nor an id of its map.
    """
    ends = {f"{part} {i}": columns[i] for part, columns in parts.items() for i in (0, 2)}
    middle = {f"{part} 1": columns[1] for part, columns in parts.items()}
    arrays: dict[str, IntArray] = {}
    names, notes, sources = [], [], []
    for columns, id_map, kind in zip((ends, middle), maps, KINDS, strict=True):
        if id_map is None:
            numbers, names_of_kind = numbering.number(list(columns.values()))
        else:
            labels = [files[key.split()[0]] for key in columns]
            numbers, by_id, more = _mapped(list(columns.values()), labels, id_map, folder, kind)
            names_of_kind = id_map.names
            notes += more
            sources += [id_map.file] if by_id else []
        arrays |= dict(zip(columns, numbers, strict=True))
        names.append(names_of_kind)
    triples = {part: np.stack([arrays[f"{part} {i}"] for i in range(3)]) for part in parts}
    notes += _notes_on_statistics(folder, [len(each) for each in names])
    ids = f"integers, named by {' and '.join(sources)}" if sources else None
    return Numbered(triples, names[0], names[1], ids, notes)


def _mapped(
    columns: Sequence[pa.Array], labels: Sequence[str], id_map: IdMap, folder: Path, kind: str
) -> tuple[list[IntArray], bool, list[str]]:
    """Return the positions of values in a map, whether they are ids, and notes."""
    by_name, by_id = (
        [pc.index_in(column, value_set=values) for column in columns]
        for values in (id_map.names.values, id_map.ids)
    )
    missing = [sum(each.null_count for each in places) for places in (by_name, by_id)]
    uses_ids = missing[1] < missing[0]
    places = by_id if uses_ids else by_name
    if min(missing):
        i = next(i for i, each in enumerate(places) if each.null_count)
        value = columns[i].filter(pc.is_null(places[i]))[0].as_py()
        allowed = f"triples of {'ids' if uses_ids else 'names'} of {kind} in {id_map.file}"
        hint = f"mend {folder / id_map.file}, or take it away to number by what occurs"
        remainder = f", and {min(missing) - 1:,} others" if min(missing) > 1 else ""
        checks.fail("dataset", allowed, f"{value!r} in {labels[i]}{remainder}", hint=hint)
    notes = []
    if missing == [0, 0] and any(
        not name.equals(number) for name, number in zip(by_name, by_id, strict=True)
    ):
        notes.append(f"{kind} fit the names and the ids of {id_map.file}, and are read as names")
    positions = [each.to_numpy(zero_copy_only=False).astype(np.int64) for each in places]
    unused = len(id_map.names) - len(np.unique(np.concatenate(positions)))
    notes += [f"{unused:,} {kind} of {id_map.file} are in no triple"] if unused else []
    return positions, uses_ids, notes


def _notes_on_statistics(folder: Path, sizes: Sequence[int]) -> list[str]:
    """Return a note where the ``stat.txt`` of temporal graphs counts otherwise."""
    path = folder / STATISTICS
    words = delimited.decoded(path, delimited.TRIPLES).split() if path.is_file() else []
    counts = [int(word) for word in words[:2] if word.isdecimal()]
    return [
        f"{STATISTICS} says {count:,} {kind}, here are {size:,}"
        for count, size, kind in zip(counts, sizes, KINDS, strict=False)
        if count != size
    ]
