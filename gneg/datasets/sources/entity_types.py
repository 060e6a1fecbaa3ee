"""Types of entities, and the entities that relations allow, from an ontology beside the triples.

Four forms are read, told apart by their content: JSON of entities and their types (CoDEx), a table
of entities and types, OpenKE's ``type_constrain.txt`` and N-Triples with ``rdf:type``,
``rdfs:domain``, ``rdfs:range`` and ``rdfs:subClassOf``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gneg import checks, records
from gneg.datasets.names import Names
from gneg.datasets.naming import naming
from gneg.datasets.sources import delimited, n_triples, separators
from gneg.datasets.triple import TripleData
from gneg.graph.triples import End
from gneg.samplers.triples.typed import Allowed

OPENKE = "type_constrain.txt"
ENDS: tuple[End, End] = ("head", "tail")  # in the order of OpenKE
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_RDFS = "http://www.w3.org/2000/01/rdf-schema#"
TYPE, SUBCLASS = f"{_RDF}type", f"{_RDFS}subClassOf"
DOMAINS: dict[str, End] = {f"{_RDFS}domain": "head", f"{_RDFS}range": "tail"}
FORMS = (
    "JSON of entities and their types, a table of two columns (entity, type), OpenKE's "
    "type_constrain.txt, or N-Triples with rdf:type, rdfs:domain and rdfs:range"
)


def with_types(data: TripleData, path: str | Path, *, dropped: bool = False) -> TripleData:
    """Return the data with the types, and what relations allow, that a file says.

    Args:
        data: The knowledge graph.
        path: The file.
        dropped: Whether unseen entities were left out, so that ids have changed.

    Raises:
        ValueError: If the file is of none of the forms, or says nothing of this graph.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        checks.fail("types", f"a file: {FORMS}", str(path))
    with naming("types"):
        text = delimited.decoded(path, FORMS)
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if first.startswith("{"):
        read = from_json
    elif first.isdecimal():
        if dropped:
            checks.fail("unseen", "keep with ids of OpenKE, which are of all entities", "drop")
        read = from_openke
    elif first.startswith(("<", "_:", "#")):
        read = from_n_triples
    elif separators.find([first]) is None:
        checks.fail("types", FORMS, f"{path}, line 1: {first[:60]!r}")
    else:
        read = from_table
    return _with_notes(read(data, path), path)


def _with_notes(data: TripleData, path: Path) -> TripleData:
    """Return the data whose reading says how much of the graph a file speaks of."""
    if data.reading is None:
        return data
    typed = sum(map(bool, data.types or ()))
    ends = [] if data.allowed is None else list(zip(*data.allowed.values(), strict=True))
    limited = sum(any(members is not None for members in each) for each in ends)
    texts = (
        (typed, f"of {data.num_entities:,} entities have types in {path.name}: typed(by=types)"),
        (
            limited,
            f"of {data.num_relations:,} relations have domains in {path.name}: typed(by=domains)",
        ),
    )
    return replace(data, reading=data.reading.with_notes(*texts))


def from_json(data: TripleData, path: Path) -> TripleData:
    """Return the data with the types of ``entity2types.json``: lists of types by entity.

    Raises:
        ValueError: If the file is no such JSON, or names no entity of the graph.
    """
    remedy = "it is a JSON object of entities, each with the list of its types"
    types_of = records.read_record("types", path, {...: [str]}, remedy=remedy, kind=FORMS)
    return _with_names(data, types_of, path)


def from_table(data: TripleData, path: Path) -> TripleData:
    """Return the data with the types of a text of two columns, one row for each type of an entity.

    Rows of other entities, such as a header, are passed over.

    Raises:
        ValueError: If the file has other columns, or names no entity of the graph.
    """
    with naming("types"):
        columns = delimited.read(path, header=False, kind=FORMS).columns
    if len(columns) != 2:
        checks.fail("types", FORMS, f"{path} with {len(columns)} columns")
    known = set(_names(data.entities, data.num_entities))
    types_of: dict[str, list[str]] = {}
    others: dict[str, list[str]] = {}
    for entity, kind in zip(*(column.to_pylist() for column in columns), strict=True):
        (types_of if entity in known else others).setdefault(entity, []).append(kind)
    return _with_names(data, types_of or others, path)


def from_openke(data: TripleData, path: Path) -> TripleData:
    """Return the data with the heads and tails that OpenKE's ``type_constrain.txt`` allows.

    The first line is the number of relations; then there are two lines for each relation, its
    allowed heads and its allowed tails: ``relation count id id ...``.

    Raises:
        ValueError: If a line is wrong, or ids are out of range.
    """
    ids = "" if data.reading is None else data.reading.ids
    if data.reading is not None and not any(word in ids for word in ("map", "named by", "integer")):
        allowed = "ids for a knowledge graph of ids: OpenKE's folder, or one with entity2id.txt"
        checks.fail("types", allowed, f"{path} for {data.name}, whose entities have names only")
    of_relations = _by_id(data.relations, ids), data.num_relations
    of_entities = _by_id(data.entities, ids), data.num_entities
    allowed_of: dict[End, list[list[int] | None]] = {
        end: [None] * data.num_relations for end in ENDS
    }
    lines = delimited.decoded(path, FORMS).splitlines()
    numbered = [(i, line.split()) for i, line in enumerate(lines, 1) if line.strip()]
    if len(numbered) - 1 != 2 * int(numbered[0][1][0]):
        allowed = f"as its first line says, two lines for each of {numbered[0][1][0]} relations"
        checks.fail("types", allowed, f"{path} with {len(numbered) - 1:,} lines below it")
    for position, (number, words) in enumerate(numbered[1:]):
        where = f"{path}, line {number}"
        if len(words) < 2 or not all(word.isdecimal() for word in words):
            checks.fail("types", "lines of a relation, a count and ids", f"{where}: {words[:5]}")
        relation, count, *members = map(int, words)
        if count != len(members):
            value = f"{len(members):,} in {where}"
            checks.fail("types", f"as many ids as its count, {count:,}", value)
        relation = _positions([relation], *of_relations, "relations", where)[0]
        end = ENDS[position % 2]
        if allowed_of[end][relation] is not None:
            checks.fail("types", "one line of heads and one of tails for each relation", where)
        allowed_of[end][relation] = sorted(
            set(_positions(members, *of_entities, "entities", where))
        )
    return replace(data, allowed=allowed_of)


def from_n_triples(data: TripleData, path: Path) -> TripleData:
    """Return the data with the types and domains of an ontology in N-Triples.

    ``rdf:type`` gives the types of entities. ``rdfs:domain`` and ``rdfs:range`` give the types of a
    relation's heads and tails, subclasses of them included; a relation with several allows what is
    of all of them.

    Raises:
        ValueError: If a line is no triple, or the file says nothing of the graph.
    """
    types_of: dict[str, list[str]] = {}
    parents: dict[str, list[str]] = {}
    domains: dict[End, dict[str, list[str]]] = {end: {} for end in ENDS}
    rows = zip(
        *(column.to_pylist() for column in n_triples.read(path, "types").columns), strict=True
    )
    for subject, predicate, object_ in rows:
        table = {TYPE: types_of, SUBCLASS: parents}.get(predicate)
        if predicate in DOMAINS:
            table = domains[DOMAINS[predicate]]
        if table is not None:
            table.setdefault(subject, []).append(object_)
    if not types_of:
        checks.fail("types", "N-Triples with rdf:type", f"{path} without any")
    data = _with_names(data, types_of, path)
    position = {name: i for i, name in enumerate(_names(data.relations, data.num_relations))}
    if not any(relation in position for table in domains.values() for relation in table):
        return data
    members: dict[str, set[int]] = {}
    for entity, name in enumerate(_names(data.entities, data.num_entities)):
        for kind in _closure(types_of.get(name, ()), parents):
            members.setdefault(kind, set()).add(entity)
    allowed: Allowed = {
        end: [
            sorted(set.intersection(*(members.get(kind, set()) for kind in table[name])))
            if name in table
            else None
            for name in position
        ]
        for end, table in domains.items()
    }
    return replace(data, allowed=allowed)


def _closure(kinds: Iterable[str], parents: Mapping[str, Sequence[str]]) -> set[str]:
    """Return classes and all that they are subclasses of."""
    reached: set[str] = set()
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop()
        if kind not in reached:
            reached.add(kind)
            waiting += parents.get(kind, ())
    return reached


def _with_names(data: TripleData, types_of: Mapping[str, Any], path: Path) -> TripleData:
    """Return the data with types by the names of entities, numbered in sorted order."""
    entities = _names(data.entities, data.num_entities)
    if not any(entity in types_of for entity in entities):
        first = next(iter(types_of), "nothing")
        allowed = f"types of entities of {data.name}, such as {', '.join(entities[:1])}"
        checks.fail("types", allowed, f"{path} with types of others, such as {first}")
    kinds = sorted({name for names in types_of.values() for name in names})
    numbers = {kind: i for i, kind in enumerate(kinds)}
    types = [[numbers[name] for name in types_of.get(entity, ())] for entity in entities]
    return replace(data, types=types)


def _names(names: Names | None, size: int) -> list[str]:
    """Return the names of entities or relations as text; ids where they have none."""
    return [str(name) for name in (range(size) if names is None else names)]


def _by_id(names: Names | None, ids: str) -> dict[int, int] | None:
    """Return the position of each id where names are integers; None: ids are positions."""
    if names is None or not names.integers or "map" in ids or "named by" in ids:
        return None
    return {int(name): i for i, name in enumerate(names)}


def _positions(
    ids: Sequence[int], by_id: Mapping[int, int] | None, size: int, kind: str, where: str
) -> list[int]:
    """Return the positions of ids; those of no triple are passed over where names are integers."""
    if by_id is not None and kind == "entities":
        return [by_id[i] for i in ids if i in by_id]
    known = range(size) if by_id is None else by_id
    wrong = [i for i in ids if i not in known]
    if wrong:
        checks.fail("types", f"ids of {kind} in [0, {size:,})", f"{wrong[0]:,} in {where}")
    return [i if by_id is None else by_id[i] for i in ids]
