"""What the columns of a table are: one table of names for headers and for their roles."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from gneg import checks

Role = Literal["source", "target", "relation", "weight", "time", "label", "rating", "split"]
ROLES: tuple[Role, ...] = (
    "source", "target", "relation", "weight", "time", "label", "rating", "split",
)  # fmt: skip
#: Names of the two ends, in pairs, in lower case and without punctuation.
_ENDS = """
source target, src dst, src tgt, src dest, source dest, source destination, origin destination,
from to, u v, i j, a b, x y, u i, head tail, h t, subject object, s o, start end, left right,
user item, user product, user movie, user book, user track, user song, user artist, user business,
user poi, user location, user venue, user game, user asin, user parentasin, reviewer asin,
user isbn, drug protein, customer product, customer item, reader book,
member group, author paper, reviewer product, sender receiver, sender recipient,
follower followee, follower followed, citing cited, parent child, buyer seller, caller callee,
drug target, drug disease, chemical gene
"""
_PAIRS: list[tuple[str, ...]] = [tuple(pair.split()) for pair in _ENDS.split(",")]
#: Pairs of ends of which each is a kind of its own.
_KINDS = {"user", "customer", "reader", "member", "author", "reviewer", "drug", "chemical"}
_OTHERS: dict[Role, str] = {
    "relation": "relation rel predicate property edgetype relationtype interaction r p type "
    "relationid relid relationname relationship reltype predicateid predicatename propertyid "
    "metaedge edge linktype displayrelation",
    "weight": "weight w edgeweight strength combinedscore",
    "time": "time timestamp ts date datetime unixtime unixtimestamp createdat epoch year t day "
    "sent eventtime invoicedate reviewtime unixreviewtime blocktimestamp",
    "label": "label edgelabel ispositive exists",
    "rating": "rating ratings stars score sign polarity sentiment linksentiment vote",
    "split": "split part set fold subset partition",
}
#: Names in the header of TGB's ml_*.csv, whose label says the state of a node at that time.
STATES = {"u", "i", "ts", "label", "idx"}
_SUFFIXES = "", "id", "ids", "node", "nodeid", "name", "idx", "index", "key", "entity", "vertex"
_PREFIXES = ("source", "target"), ("src", "dst"), ("from", "to"), ("start", "end")
_NUMBERED = ("1", "2"), ("a", "b"), ("x", "y"), ("i", "j"), ("0", "1"), ("in", "out")
PARTS = {"train": "train", "training": "train", "valid": "valid", "validation": "valid",
         "val": "valid", "dev": "valid", "test": "test", "testing": "test"}  # fmt: skip


def plain(name: str) -> str:
    """Return a column's name in lower case, without punctuation and spaces."""
    # RecBole writes user_id:token, Neo4j :START_ID(Person).
    name = re.sub(r"\(.*\)|:(token|float)(_seq)?$", "", name)
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _stem(name: str) -> str:
    """Return a plain name without a suffix such as ``id``, where something is left."""
    for suffix in sorted(_SUFFIXES[1:], key=len, reverse=True):
        if name.endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name


def ends_of(names: Sequence[str]) -> tuple[int, int] | None:
    """Return the positions of the columns of sources and of targets; None: their names say not."""
    plain_names = [plain(name) for name in names]
    stems = [_stem(name) for name in plain_names]
    for words in (plain_names, stems):
        for first, second in _PAIRS:
            if first in words and second in words:
                return words.index(first), words.index(second)
    for words in (plain_names, stems):
        for i, first in enumerate(words):
            for j, second in enumerate(words):
                if i != j and _are_ends(first, second):
                    return i, j
    return None


def _are_ends(first: str, second: str) -> bool:
    """Return whether two plain names differ as those of ends: src_ip, dst_ip; gene_a, gene_b."""
    prefixed = any(
        first.startswith(a) and second == b + first.removeprefix(a) for a, b in _PREFIXES
    )
    return prefixed or any(
        first.endswith(a) and first != a and second == first.removesuffix(a) + b
        for a, b in _NUMBERED
    )


def role_of(name: str) -> Role | None:
    """Return the role, other than an end, that a column's name says; None: none."""
    word = plain(name)
    for role, words in _OTHERS.items():
        if word in words.split():
            return role
    return None


def is_known(name: str) -> bool:
    """Return whether a column's name says what it is."""
    words = {plain(name), _stem(plain(name))}
    return role_of(name) is not None or any(words & set(pair) for pair in _PAIRS)


def is_header(first: Sequence[str], below: Sequence[pa.Array]) -> bool:
    """Return whether the first row of a table names its columns.

    It does if none of its first values comes up again below, and the names are known ones or the
    types differ: a word above a column of numbers.
    """
    if first[0] == "" and all(first[1:]) and _is_index("", below[0]):
        return True
    if any(is_number(value) for value in first if value):
        return False
    if not len(below[0]):
        return ends_of(first) is not None
    known = ends_of(first) is not None or sum(map(is_known, first)) > 1
    differ = any(
        not _is_numeric(name) and len(column) and _is_numeric(column[0].as_py())
        for name, column in zip(first, below, strict=True)
    )
    if not (known or differ or "" in first or _stands_alone(first, below)):
        return False
    return not any(
        pc.any(pc.equal(column, pa.scalar(name))).as_py()
        for name in first[:2]
        if name
        for column in below
    )


def _stands_alone(first: Sequence[str], below: Sequence[pa.Array]) -> bool:
    """Return whether a first row of words has ends of one link only, and no other row has."""
    if len(below[0]) < 20 or len(below) < 2 or any(map(str.isdigit, "".join(first))):
        return False
    values = pa.chunked_array(list(below[:2])).combine_chunks()
    if not pa.types.is_string(values.type) or pc.any(pc.is_in(values, pa.array(first))).as_py():
        return False
    counts = pc.value_counts(values)
    once = counts.field("values").filter(pc.equal(counts.field("counts"), 1))
    return not pc.any(pc.and_(pc.is_in(below[0], once), pc.is_in(below[1], once))).as_py()


def assign(
    names: Sequence[str] | None,
    columns: Sequence[pa.Array],
    wanted: Mapping[Role, str | None],
    *,
    triples: bool = False,
) -> dict[Role, int]:
    """Return the position of the column of each role.

    Args:
        names: Names of the columns; None: there is no header.
        columns: The columns.
        wanted: Columns by role that the caller names, by name or by number from 1.
        triples: Whether the rows are triples: then a relation is looked for.

    Raises:
        ValueError: If a column that was named does not exist, or the ends are not found.
    """
    ends = None if names is None else ends_of(names)
    names = [str(i + 1) for i in range(len(columns))] if names is None else list(names)
    roles: dict[Role, int] = {
        role: _position(role, text, names) for role, text in wanted.items() if text is not None
    }
    taken = set(roles.values())
    if ends is not None and set(ends) & taken:
        ends = None
    # Ends come first: the t of h, r, t is no time.
    for i, name in enumerate(names):
        role = role_of(name)
        other = role is not None and (role != "relation" or triples) and i not in (ends or ())
        if role is not None and other and role not in roles and i not in taken:
            roles[role] = i
            taken.add(i)
    if "label" in roles and "split" not in roles and _holds_parts(columns[roles["label"]]):
        roles["split"] = roles.pop("label")
    free = [i for i in range(len(names)) if i not in taken]
    no_index = [i for i in free if not _is_index(names[i], columns[i])]
    free = no_index if len(no_index) > 1 + triples else free
    if ends is None and len(free) > 2 + triples:
        free = [i for i in free if not is_measure(columns[i])] or free
    if ends is not None and set(ends) <= set(free):
        roles.setdefault("source", ends[0])
        roles.setdefault("target", ends[1])
    if triples and "label" in roles and "relation" not in roles and len(free) < 3:
        roles["relation"] = roles.pop("label")
    return _by_position(roles, free, names, triples)


def _by_position(
    roles: dict[Role, int], free: Sequence[int], names: Sequence[str], triples: bool
) -> dict[Role, int]:
    """Return the roles with ends, and the relation of triples, that no name says: in order."""
    order: list[Role] = ["source", "relation", "target"] if triples else ["source", "target"]
    for role in order:
        left = [i for i in free if i not in roles.values()]
        if role not in roles:
            if not left:
                allowed = f"a table with columns for {', '.join(order)}"
                checks.fail("dataset", allowed, f"the columns {', '.join(names)}")
            roles[role] = left[0]
    return roles


def _position(role: Role, text: str, names: Sequence[str]) -> int:
    """Return the position of the column that was named, or numbered from 1."""
    for i, name in enumerate(names):
        if text == name or (plain(text) and plain(text) == plain(name)):
            return i
    if text.isdigit() and 1 <= int(text) <= len(names):
        return int(text) - 1
    return checks.fail(role, f"a column: {', '.join(names)}, or its number from 1", repr(text))


def is_number(value: str) -> bool:
    """Return whether a text is a number."""
    return re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", value) is not None


def _is_numeric(value: str) -> bool:
    """Return whether a text is a number, perhaps with a decimal comma."""
    return is_number(value.replace(",", ".", 1))


#: Names of a column that numbers the rows, if it does.
_INDICES = (
    *("", "unnamed0", "index", "idx", "id", "no", "nr", "number"),
    *("row", "rowid", "rowno", "rownr", "rownum", "rownumber", "line", "lineno"),
)


def _is_index(name: str, column: pa.Array) -> bool:
    """Return whether a column numbers or names the rows, as pandas and R write it."""
    if name in ("", "Unnamed: 0") and pc.count_distinct(column).as_py() == len(column):
        return True
    if (name != "1" and plain(name) not in _INDICES) or len(column) < 3:
        return False
    numbers = [str(i) for i in range(min(len(column), 50))]
    return column[: len(numbers)].to_pylist() in (numbers, [str(int(i) + 1) for i in numbers])


def is_measure(column: pa.Array) -> bool:
    """Return whether a column holds dates or fractions, which name no node."""
    sample = [value for value in column[:50].to_pylist() if value]
    dates = all(re.match(r"\d{4}-\d\d-\d\d|\d{1,2}[/.]\d{1,2}[/.]\d{4}", value) for value in sample)
    fractions = all(is_number(value) for value in sample) and any(
        re.search(r"\.\d*[1-9]", value) for value in sample
    )
    return bool(sample) and (dates or fractions)


def _holds_parts(column: Any) -> bool:
    return {value.lower() for value in column[:1000].to_pylist()} <= set(PARTS)


def two_kinds(names: Sequence[str], roles: Mapping[Role, int]) -> bool:
    """Return whether the names of the two ends say that they are of different kinds."""
    spaces = [re.findall(r"\((.*)\)", names[roles[end]]) for end in ("source", "target")]
    if all(spaces) and spaces[0] != spaces[1]:
        return True
    source, target = (_stem(plain(names[roles[end]])) for end in ("source", "target"))
    return (source, target) in _PAIRS and source in _KINDS
