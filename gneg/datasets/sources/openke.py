"""Folders as OpenKE has them: triples of ids, and files that map names to ids."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gneg import checks
from gneg.datasets.names import Names
from gneg.datasets.sources import id_maps

IntArray = npt.NDArray[np.int64]
#: The files of each part; the first of them that exists is read.
FILES = {
    "train": ("train2id.txt",),
    "valid": ("valid2id.txt", "val2id.txt", "dev2id.txt"),
    "test": ("test2id.txt",),
}
MAPS = ("entity2id.txt", "relation2id.txt")


def is_part(path: Path) -> bool:
    """Return whether a file is named as OpenKE names the triples of a part."""
    return path.name in itertools.chain(*FILES.values())


def is_openke(folder: Path) -> bool:
    """Return whether a folder has the training triples of OpenKE."""
    return (folder / "train2id.txt").is_file()


def read(folder: Path) -> tuple[dict[str, IntArray], dict[str, str], Names, Names]:
    """Read a folder of OpenKE.

    Returns:
        By part, triples ``[3, E]`` (head, relation, tail) and the name of their file; the names of
        entities and of relations.

    Raises:
        ValueError: If a file is missing, a count is wrong or an id is out of range.
    """
    triples, files = {}, {}
    for path in (folder / name for name in MAPS):
        if not path.is_file():
            checks.fail("dataset", f"a folder with {' and '.join(MAPS)}", f"no {path}")
    entities, relations = (_names(folder / name) for name in MAPS)
    for part, names in FILES.items():
        paths = [folder / name for name in names if (folder / name).is_file()]
        if not paths:
            checks.fail("dataset", f"a folder with {names[0]}", f"no {folder / names[0]}")
        files[part] = paths[0].name
        triples[part] = _triples(paths[0], len(entities), len(relations))
    return triples, files, entities, relations


def _names(path: Path) -> Names:
    """Return the names of a map, lines of a name and its id, in the order of the ids."""
    ids = id_maps.read(path)
    ordered = sorted(ids, key=ids.__getitem__)
    if sorted(ids.values()) != list(range(len(ids))):
        missing = next(i for i, name in enumerate([*ordered, ""]) if ids.get(name) != i)
        allowed = f"a map to the ids 0 to {len(ids) - 1:,}, each once"
        checks.fail("dataset", allowed, f"{path}, not so at id {missing:,}")
    return Names(ordered)


def _triples(path: Path, num_entities: int, num_relations: int) -> IntArray:
    """Return the triples ``[3, E]`` of a file with the columns head, tail and relation."""
    count, rows = id_maps.rows(path)
    if count is None and rows:
        allowed = "a file whose first line is the number of triples"
        checks.fail("dataset", allowed, f"{path} with {rows[0][:60]!r}")
    id_maps.check_count(path, count or 0, rows)
    values = [row.split() for row in rows]
    for number, row in enumerate(values, 2):
        if len(row) != 3 or not all(value.isdecimal() for value in row):
            allowed = "lines of three ids: head, tail and relation"
            checks.fail("dataset", allowed, f"{path}, line {number}: {' '.join(row)[:60]!r}")
    table = np.array(values, np.int64).reshape(-1, 3)
    triples = np.ascontiguousarray(table[:, [0, 2, 1]].T)
    for kind, ids, size in (
        ("entities", triples[[0, 2]], num_entities),
        ("relations", triples[1], num_relations),
    ):
        if ids.size and ids.max() >= size:
            allowed = f"ids of {kind} in [0, {size:,}), columns head, tail, relation"
            checks.fail("dataset", allowed, f"{ids.max():,} in {path}")
    return triples
