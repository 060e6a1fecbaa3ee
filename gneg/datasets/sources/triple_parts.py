"""A knowledge graph from its parts: repeated triples, unseen entities, names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import torch

from gneg import checks
from gneg.datasets import repeated
from gneg.datasets.names import Names
from gneg.datasets.repeated import IntArray
from gneg.datasets.sources import numbering
from gneg.datasets.triple import PARTS, TripleData

Unseen = Literal["keep", "drop"]


def number(
    parts: Mapping[str, Sequence[pa.Array]], *, as_text: bool = False
) -> tuple[dict[str, IntArray], Names, Names]:
    """Return triples ``[3, E]`` of ids by part, and the names of entities and relations, sorted.

    Args:
        parts: By part, heads, relations and tails, ``[E]`` strings each.
        as_text: Whether names that are all integers stay text.
    """
    ends = [column for columns in parts.values() for column in (columns[0], columns[2])]
    ids, entities = numbering.number(ends, as_text=as_text)
    middle = [columns[1] for columns in parts.values()]
    relation_ids, relations = numbering.number(middle, as_text=as_text)
    triples = {
        part: np.stack([ids[2 * i], relation_ids[i], ids[2 * i + 1]])
        for i, part in enumerate(parts)
    }
    return triples, entities, relations


def without_duplicates(triples: Mapping[str, IntArray], notes: list[str]) -> dict[str, IntArray]:
    """Return the triples of each part once, in their order; adds a note where one came twice."""
    distinct = {}
    for part, keys in repeated.keys(triples).items():
        first = np.sort(np.unique(keys, return_index=True)[1])
        distinct[part] = triples[part][:, first]
        if len(first) < len(keys):
            of = f" of {part}" if len(triples) > 1 else ""
            notes.append(f"{len(keys) - len(first):,} duplicate triples{of} left out")
    return distinct


def first_occurrences(triples: Mapping[str, IntArray], notes: list[str]) -> dict[str, IntArray]:
    """Return parts without the triples that stand in an earlier one, at another time.

    Args:
        triples: ``[3, E]`` triples by part.
        notes: A note is added for each part that had such triples.
    """
    keys = repeated.keys(triples)
    earlier, first = np.zeros(0, np.int64), {}
    for part in PARTS:
        new = ~np.isin(keys[part], earlier)
        first[part] = triples[part][:, new]
        earlier = np.concatenate([earlier, keys[part]])
        if not new.all():
            count = int((~new).sum())
            notes.append(f"{count:,} triples of {part} stand in an earlier part and are left out")
    return first


def check_no_overlap(triples: Mapping[str, IntArray], files: Mapping[str, str]) -> None:
    """Refuse validation and test triples that stand in an earlier part.

    Args:
        triples: ``[3, E]`` triples by part.
        files: By part, what to call it in an error.

    Raises:
        ValueError: If there are any.
    """
    for part, earlier, count in repeated.overlaps(repeated.keys(triples)):
        allowed = "free of triples that stand in two parts"
        checks.fail("split", allowed, f"{count:,} triples of {files[part]} in {files[earlier]}")


def assemble(
    name: str,
    triples: Mapping[str, IntArray],
    entities: Names,
    relations: Names,
    unseen: Unseen,
) -> TripleData:
    """Return the dataset of triples of ids.

    Args:
        name: Name of the dataset.
        triples: ``[3, E]`` triples by part.
        entities: Names of entities.
        relations: Names of relations.
        unseen: Whether triples of validation and test with entities or relations that are not in
            training are kept (``"keep"``) or left out with those (``"drop"``).

    Raises:
        ValueError: If ``unseen`` is unknown.
    """
    checks.choice("unseen", unseen, ("keep", "drop"))
    if unseen == "drop":
        head, relation, tail = triples["train"]
        trained_entities, trained_relations = np.union1d(head, tail), np.unique(relation)
        trained = {
            part: np.isin(triples[part][[0, 2]], trained_entities).all(axis=0)
            & np.isin(triples[part][1], trained_relations)
            for part in PARTS
        }
        triples = {part: _renumbered(triples[part][:, trained[part]], trained_entities,
                                     trained_relations) for part in PARTS}  # fmt: skip
        entities = Names(entities.values.take(pa.array(trained_entities)))
        relations = Names(relations.values.take(pa.array(trained_relations)))
    train, valid, test = (torch.from_numpy(np.ascontiguousarray(triples[part])) for part in PARTS)
    return TripleData(
        name,
        train,
        valid,
        test,
        len(entities),
        len(relations),
        entities,
        relations,
    )


def _renumbered(triples: IntArray, entities: IntArray, relations: IntArray) -> IntArray:
    """Return triples of the positions of their ids among sorted ids."""
    head, relation, tail = triples
    return np.stack(
        [
            np.searchsorted(entities, head),
            np.searchsorted(relations, relation),
            np.searchsorted(entities, tail),
        ]
    )
