"""A small knowledge graph, the files of it, and what is read of them."""

from __future__ import annotations

from gneg.datasets import Names

TRAIN = [("ann", "likes", "bob"), ("bob", "likes", "cy"), ("cy", "knows", "ann")]
VALID = [("ann", "knows", "cy")]
TEST = [("bob", "knows", "ann")]
PARTS = {"train": TRAIN, "valid": VALID, "test": TEST}


def text(rows, separator="\t", *, header=None, end="\n"):
    rows = [header, *rows] if header else rows
    return "".join(separator.join(row) + end for row in rows)


def fill(folder, suffix=".txt", parts=PARTS, **options):
    for part, rows in parts.items():
        (folder / f"{part}{suffix}").write_bytes(text(rows, **options).encode())
    return folder


def named(data, part):
    """Return the triples of a part by name."""
    heads, relations, tails = data.positives(part).tolist()
    return [
        (data.entities[head], data.relations[relation], data.entities[tail])
        for head, relation, tail in zip(heads, relations, tails, strict=True)
    ]


def assert_whole(data):
    """The data is that of :data:`PARTS`."""
    assert {part: named(data, part) for part in PARTS} == PARTS
    assert list(data.entities) == ["ann", "bob", "cy"]
    assert list(data.relations) == ["knows", "likes"]
    assert isinstance(data.entities, Names)
