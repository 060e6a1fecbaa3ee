"""N-Triples, the line-based form of RDF graphs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from gneg import checks
from gneg.datasets.sources import delimited

_NODE = r"(?:<([^<>\"{}|^`\s]*)>|(_:[^\s<>\"]+))"
_LITERAL = r"(\"(?:[^\"\\]|\\.)*\"(?:@[A-Za-z0-9-]+|\^\^<[^<>\s]*>)?)"
_LINE = re.compile(rf"\s*{_NODE}\s*<([^<>\s]*)>\s*(?:{_NODE}|{_LITERAL})\s*\.\s*(?:#.*)?$")


class NTriples(NamedTuple):
    """The triples of a file between nodes.

    Attributes:
        columns: Heads, relations and tails, ``[E]`` names each: IRIs without brackets, blank nodes
            as ``_:b0``.
        literals: Number of triples left out because their object is a literal.
    """

    columns: list[pa.Array]
    literals: int


def read(path: Path, argument: str = "dataset") -> NTriples:
    """Read an N-Triples file, plain or compressed.

    Args:
        path: The file.
        argument: The argument that it came as, for errors.

    Raises:
        ValueError: If a line is no triple.
    """
    rows, literals = [], 0
    text = delimited.decoded(path, delimited.TRIPLES).replace("\r\n", "\n").replace("\r", "\n")
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line)
        if match is None:
            allowed = "N-Triples, lines such as <head> <relation> <tail> ."
            checks.fail(argument, allowed, f"{path}, line {number}: {line.strip()[:60]!r}")
        subject, blank_subject, predicate, object_, blank_object, literal = match.groups()
        if literal is not None:
            literals += 1
            continue
        head = blank_subject if subject is None else subject
        rows.append((head, predicate, blank_object if object_ is None else object_))
    names = ([_unescaped(row[i]) for row in rows] for i in range(3))
    return NTriples([pa.array(column, pa.string()) for column in names], literals)


def _unescaped(name: str) -> str:
    r"""Return a name with ``\u00E9`` and ``\U000000E9`` as characters."""
    if "\\" not in name:
        return name
    pattern = r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})"
    return re.sub(pattern, lambda match: chr(int(match[1] or match[2], 16)), name)
