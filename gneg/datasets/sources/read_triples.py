"""Knowledge graphs from a folder or a file, and published ones from their copies."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets.names import Names
from gneg.datasets.reading import Reading
from gneg.datasets.repeated import IntArray
from gneg.datasets.sources import (
    delimited,
    entity_types,
    id_maps,
    openke,
    part_files,
    triple_files,
    triple_parts,
    triple_times,
)
from gneg.datasets.sources.triple_columns import doubt_order
from gneg.datasets.sources.triple_files import TripleTable
from gneg.datasets.sources.triple_parts import Unseen
from gneg.datasets.splits import hold_out_covered
from gneg.datasets.table_options import TableOptions
from gneg.datasets.triple import PARTS, TripleData

SHARES = (0.05, 0.1)
REMEDY = "a line is head, relation and tail, separated by tabs, in UTF-8"


def from_folder(folder: Path, unseen: Unseen, options: TableOptions) -> TripleData:
    """Read a folder with a file for each part, or OpenKE's.

    CoDEx's ``valid_negatives.txt``, ``test_negatives.txt`` and ``entity2types.json`` are read where
    they are there.

    Raises:
        ValueError: If a file is missing or no list of triples, or a triple stands in two parts.
    """
    name = folder.resolve().name
    if openke.is_openke(folder) and not part_files.by_part(folder)["train"]:
        if options != TableOptions():
            checks.fail("table", "None for a folder of OpenKE, whose columns are fixed", folder)
        triples, names, entities, relations = openke.read(folder)
        reading = Reading(name, "OpenKE", ids="names of the maps")
        data = _checked(name, triples, names, entities, relations, unseen, reading, [])
        constraints = folder / entity_types.OPENKE
        # Without unseen entities ids are other ones.
        if not constraints.is_file() or data.num_entities < len(entities):
            return data
        return entity_types.with_types(data, constraints)
    paths = part_files.files_of(folder)
    tables = triple_files.read_parts(paths, options)
    labels = {part: path.name for part, path in paths.items()}
    maps = id_maps.of_folder(folder)
    tables, order = _as_the_maps_say(tables, maps, options)
    columns = {part: table.columns for part, table in tables.items()}
    numbered = id_maps.number(columns, labels, folder, maps)
    if None in maps:
        _warn_of_order(folder, tables["train"], options)
    reading, notes = _reading(name, list(tables.values()), numbered.entities)
    reading = replace(reading, ids=numbered.ids or reading.ids)
    notes += order + numbered.notes
    if openke.is_openke(folder):
        notes.append(f"{paths['train'].name} is read, train2id.txt is not")
    notes += [f"{part} is empty" for part, table in tables.items() if not len(table.columns[0])]
    triples = numbered.triples
    time = _times(list(tables.values()), folder)
    if time is not None:
        notes.append(f"times (column {time}) are not used: a triple counts once")
        triples = triple_parts.first_occurrences(triples, notes)
    data = _checked(
        name, triples, labels, numbered.entities, numbered.relations, unseen, reading, notes
    )
    return _with_details(data, folder, tables["train"], options)


def _as_the_maps_say(
    tables: dict[str, TripleTable],
    maps: tuple[id_maps.IdMap | None, id_maps.IdMap | None],
    options: TableOptions,
) -> tuple[dict[str, TripleTable], list[str]]:
    """Return tables whose second column holds the relations, and a note if it was the third."""
    train = tables["train"]
    if train.names is not None or any((options.source, options.relation, options.target)):
        return tables, []
    if not id_maps.tails_come_second(train.columns, maps):
        return tables, []
    turned = {}
    for part, table in tables.items():
        head, tail, relation = table.columns
        positions = dict(table.positions)
        positions["relation"], positions["target"] = positions["target"], positions["relation"]
        turned[part] = table._replace(columns=[head, relation, tail], positions=positions)
    return turned, ["relations are in column 3, as their map says"]


def _times(tables: Sequence[TripleTable], folder: Path | None) -> str | None:
    """Return the name or number of the column that holds times; None: there is none."""
    columns = [table.time for table in tables if table.time is not None]
    if not columns or tables[0].time is None:
        return None
    name = tables[0].time[1]
    times = triple_times.are_times([column for column, _ in columns], name, folder)
    return name if times else None


def from_file(path: Path, unseen: Unseen, options: TableOptions, seed: int) -> TripleData:
    """Read a file of triples, split by its column, else at random.

    Raises:
        ValueError: If it is no list of triples, its column of splits lacks a part, or a triple
            stands in two parts.
    """
    triple_files.check_options(options)
    table = triple_files.read(path, options)
    if not len(table.columns[0]):
        checks.fail("dataset", "a file with triples between entities", f"{path} of none")
    _warn_of_order(path, table, options)
    triples, entities, relations = triple_parts.number({"all": table.columns})
    reading, notes = _reading(path.name, [table], entities)
    time = _times([table], None)
    notes += [] if time is None else [f"times (column {time}) are not used: a triple counts once"]
    if table.part is not None:
        lacking = [part for part in PARTS if not (table.part == part).any()]
        if lacking:
            checks.fail("split", "train, valid and test", f"no {' and no '.join(lacking)}")
        parts = {part: triples["all"][:, table.part == part] for part in PARTS}
        labels = {part: f"{part} in {path.name}" for part in PARTS}
        return _checked(path.name, parts, labels, entities, relations, unseen, reading, notes)
    whole = triple_parts.without_duplicates(triples, notes)["all"]
    split = hold_out_covered(torch.from_numpy(whole), SHARES, id_spaces=(0, 1, 0), seed=seed)
    parts = {part: held.numpy() for part, held in zip(PARTS, split, strict=True)}
    empty = [part for part in PARTS if not parts[part].shape[1]]
    if empty:
        notes.append(f"no triple can be spared for {' and '.join(empty)}")
    data = triple_parts.assemble(path.name, parts, entities, relations, unseen)
    reading = replace(reading, notes=tuple(notes))
    return replace(data, split=f"random 85/5/10, seed {seed}", reading=reading)


def published(folder: Path, name: str, unseen: Unseen) -> TripleData:
    """Read ``train.txt``, ``valid.txt`` and ``test.txt`` of a published dataset as they are.

    Args:
        folder: The folder of the files; ``valid_negatives.txt``, ``test_negatives.txt`` and
            ``entity2types.json`` (there or in the folder above) may be missing.
        name: Name of the dataset.
        unseen: As in :func:`gneg.datasets.load_triples`.

    Raises:
        ValueError: If a file is missing or not a list of triples.
    """
    tables = {part: _published_table(folder / f"{part}.txt") for part in PARTS}
    triples, entities, relations = triple_parts.number(
        {part: table.columns for part, table in tables.items()}
    )
    reading, _ = _reading(name, list(tables.values()), entities)
    data = triple_parts.assemble(name, triples, entities, relations, unseen)
    return _with_details(replace(data, reading=reading), folder, tables["train"], TableOptions())


def _published_table(path: Path) -> TripleTable:
    """Read a published file, whose quotes are part of names."""
    text = delimited.read(path, separator="tab", header=False, quotes=False, kind=delimited.TRIPLES)
    if len(text.columns) != 3:
        allowed = "lines of head, relation and tail, separated by tabs"
        checks.fail("dataset", allowed, f"{path}, line 1")
    positions = {role: i for i, role in enumerate(triple_files.ORDER)}
    form = "text separated by tabs"
    return TripleTable(text.columns, None, form, "tab", None, False, positions)


def _checked(
    name: str,
    triples: Mapping[str, IntArray],
    labels: Mapping[str, str],
    entities: Names,
    relations: Names,
    unseen: Unseen,
    reading: Reading,
    notes: list[str],
) -> TripleData:
    """Return the dataset of a split that was given, each triple once and in one part."""
    if not triples["train"].shape[1]:
        checks.fail("dataset", "a folder with training triples", f"{labels['train']} of none")
    triples = triple_parts.without_duplicates(triples, notes)
    triple_parts.check_no_overlap(triples, labels)
    data = triple_parts.assemble(name, triples, entities, relations, unseen)
    return replace(data, reading=replace(reading, notes=tuple(notes)))


def _reading(
    name: str, tables: Sequence[TripleTable], entities: Names
) -> tuple[Reading, list[str]]:
    """Return what was understood of files of triples, and notes on their values."""
    train, notes = tables[0], [note for table in tables for note in table.notes]
    notes = [*dict.fromkeys(notes)]
    triple_files.warn_of_first_row(train)
    literals = sum(table.literals for table in tables)
    if literals:
        notes.append(f"{literals:,} triples with a literal left out")
    ids = "integers" if entities.integers else "names"
    reading = Reading(name, train.form, train.header, train.roles, train.unused, ids)
    return reading, notes


def _warn_of_order(path: Path, table: TripleTable, options: TableOptions) -> None:
    """Warn where nothing says which columns are relations and tails, and they seem turned."""
    if table.header is not False or any((options.source, options.relation, options.target)):
        return
    doubt = doubt_order(table.columns)
    counted = any(delimited.COUNTS in note for note in table.notes)
    if doubt is None and counted and table.positions["relation"] == 1:
        doubt = "a count in front, as OpenKE has in files of head, tail and relation, for which "
        doubt += "give --relation 3 --target 2; --relation 2 if they are head, relation and tail"
    if doubt is not None:
        warnings.warn(f"{path.name}: {doubt}", stacklevel=4)


def _with_details(
    data: TripleData, folder: Path, train: TripleTable, options: TableOptions
) -> TripleData:
    """Return the data with CoDEx's verified negatives and types, where they are there."""
    verified = {}
    for part in ("valid", "test"):
        path = folder / f"{part}_negatives.txt"
        if path.exists():
            verified[part] = _negatives(path, data, train, options)
    data = replace(data, verified=verified or None)
    for path in (folder / "entity2types.json", folder.parent / "entity2types.json"):
        if path.exists():
            return entity_types.from_json(data, path)
    return data


def _negatives(path: Path, data: TripleData, train: TripleTable, options: TableOptions) -> Tensor:
    """Return verified negatives ``[3, M]``."""
    assert data.entities is not None
    assert data.relations is not None
    columns = triple_files.read(path, options, train).columns
    rows = []
    for names, column in zip((data.entities, data.relations, data.entities), columns, strict=True):
        ids = pc.index_in(column, names.values.cast(pa.string()))
        if ids.null_count:
            allowed = "verified negatives of entities and relations of the graph"
            unknown = column.filter(pc.is_null(ids))[0]
            checks.fail("dataset", allowed, f"{unknown} in {path}")
        rows.append(ids.to_numpy().astype(np.int64))
    return torch.from_numpy(np.stack(rows))
