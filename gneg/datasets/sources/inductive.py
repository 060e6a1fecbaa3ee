"""Inductive splits of knowledge graphs: held-out triples of entities that training lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from gneg import checks
from gneg.datasets.names import Names
from gneg.datasets.reading import Reading
from gneg.datasets.repeated import IntArray
from gneg.datasets.sources import numbering, part_files, triple_files, triple_parts
from gneg.datasets.sources.triple_files import TripleTable
from gneg.datasets.table_options import TableOptions
from gneg.datasets.triple import PARTS, TripleData

SUFFIX = "_ind"  # of the second folder, as in GraIL's splits
#: Names of ILPC's files (Galkin et al. 2022) without their endings.
ILPC = {"train": "transductive_train"}
ILPC_INFERENCE = {
    "train": "inductive_train",
    "valid": "inductive_validation",
    "test": "inductive_test",
}
Paths = dict[str, Path]


def parts_of(folder: Path) -> tuple[Paths, Paths] | None:
    """Return the files of the training graph and of the inference graph by part.

    GraIL's (Teru, Denis and Hamilton, ICML 2020) are two folders, ``NAME`` and ``NAME_ind`` beside
    it, the second with ``train.txt``, ``valid.txt`` and ``test.txt``, of which the first needs
    ``train.txt`` alone; ILPC's are in one folder,
    ``transductive_train.txt`` and ``inductive_train.txt``, ``inductive_validation.txt`` and
    ``inductive_test.txt``.

    Returns:
        The files; None: it is no such split.

    Raises:
        ValueError: If some of the files are missing.
    """
    if not folder.is_dir():
        return None
    if _file(folder, ILPC["train"]) is not None:
        graphs = []
        for stems in (ILPC, ILPC_INFERENCE):
            files = {part: _file(folder, stem) for part, stem in stems.items()}
            for part, path in files.items():
                if path is None:
                    checks.fail("dataset", f"a folder with {stems[part]}.txt", f"{folder} without")
            graphs.append({part: path for part, path in files.items() if path is not None})
        return graphs[0], graphs[1]
    second = folder.resolve().with_name(folder.resolve().name + SUFFIX)
    if not (second.is_dir() and any(part_files.by_part(second).values())):
        return None
    if not part_files.by_part(folder)["train"]:  # of another form, which has no second graph
        return None
    return part_files.files_of(folder, needed=("train",)), part_files.files_of(second)


def _file(folder: Path, stem: str) -> Path | None:
    """Return the file of this name with one of the endings of tables; None: there is none."""
    endings = [end + packed for end in part_files.SUFFIXES for packed in part_files.COMPRESSED]
    paths = (folder / (stem + ending) for ending in endings)
    return next((path for path in paths if path.is_file()), None)


def read(folder: Path, paths: tuple[Paths, Paths], options: TableOptions) -> TripleData:
    """Read an inductive split; ``inference`` of the data is the graph of the other entities.

    Args:
        folder: The folder.
        paths: The files of both graphs, as :func:`parts_of` returns them.
        options: How to read them, where that is not to be found out.

    Raises:
        ValueError: If a file is no list of triples, a triple stands in two parts of a graph, or a
            relation of the inference graph is not in training.
    """
    graphs = [triple_files.read_parts(each, options) for each in paths]
    labels = [
        {part: f"{path.parent.name}/{path.name}" for part, path in each.items()} for each in paths
    ]
    columns = [[table.columns[1] for table in tables.values()] for tables in graphs]
    _, relations = numbering.number(columns[0])
    name = folder.resolve().name
    notes: list[str] = []
    training = _graph(name, graphs[0], labels[0], relations, notes)
    inference = _graph(f"{name}, inference", graphs[1], labels[1], relations, notes)
    trained = np.unique(training.train[1].numpy())
    for part in PARTS:
        lacking = np.setdiff1d(inference.positives(part)[1].numpy(), trained)
        if len(lacking):
            checks.fail("dataset", "an inference graph with the relations of training",
                        f"{relations[int(lacking[0])]!r} in {paths[1][part]}")  # fmt: skip
    num_shared = _shared(training.entities, inference.entities)
    if num_shared:
        notes.append(f"{num_shared:,} names stand in both graphs, and are two entities each")
    if training.valid.size(1) or training.test.size(1):
        notes.append("valid and test of the training graph are not used")
    table = graphs[0]["train"]
    reading = Reading(name, table.form, table.header, table.roles, table.unused, "names")
    notes.append(f"inductive: {paths[1]['test']} is ranked among the entities of its own graph")
    reading = replace(reading, notes=tuple(dict.fromkeys(notes)))
    return replace(training, inference=inference, reading=reading)


def _graph(
    name: str,
    tables: Mapping[str, TripleTable],
    labels: Mapping[str, str],
    relations: Names,
    notes: list[str],
) -> TripleData:
    """Return the triples of a graph, with entities numbered by themselves."""
    columns: dict[str, Sequence[pa.Array]] = {part: table.columns for part, table in tables.items()}
    ends = [column for three in columns.values() for column in (three[0], three[2])]
    ids, entities = numbering.number(ends)
    texts = relations.values.cast(pa.string())
    triples: dict[str, IntArray] = {part: np.zeros((3, 0), np.int64) for part in PARTS}
    for i, (part, three) in enumerate(columns.items()):
        relation = pc.index_in(three[1], value_set=texts)
        if relation.null_count:
            unknown = three[1].filter(pc.is_null(relation))[0].as_py()
            allowed = "an inference graph with the relations of training"
            checks.fail("dataset", allowed, f"{unknown!r} in {labels[part]}")
        middle = relation.to_numpy(zero_copy_only=False).astype(np.int64)
        triples[part] = np.stack([ids[2 * i], middle, ids[2 * i + 1]])
    triples = triple_parts.without_duplicates(triples, notes)
    triple_parts.check_no_overlap(triples, {part: labels.get(part, part) for part in PARTS})
    train, valid, test = (torch.from_numpy(np.ascontiguousarray(triples[part])) for part in PARTS)
    sizes = len(entities), len(relations)
    return TripleData(name, train, valid, test, *sizes, entities, relations)


def _shared(first: Names | None, second: Names | None) -> int:
    """Return the number of names that both have."""
    return 0 if first is None or second is None else len(set(first) & set(second))
