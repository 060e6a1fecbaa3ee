"""Columns of tables of triples under the names that people give them."""

from __future__ import annotations

import pytest

from gneg import datasets
from tests.datasets.triple_rows import PARTS, TRAIN, fill, named, text

HEADERS = [
    ("source", "metaedge", "target"),
    ("start", "type", "end"),
    ("subject_id", "predicate_id", "object_id"),
    ("Source", "edge", "Target"),
    ("entity", "attribute", "value"),
    ("实体", "属性", "值"),
    ("subject", "verb", "object"),
]


@pytest.mark.parametrize("header", HEADERS)
def test_names_of_real_graphs(tmp_path, header):
    data = datasets.load_triples(fill(tmp_path, ".csv", separator=",", header=header))
    assert {part: named(data, part) for part in PARTS} == PARTS
    assert data.reading.columns == dict(zip(("head", "relation", "tail"), header, strict=True))


def with_more(columns, header):
    """Return the rows of the parts as ``columns`` makes them, and their header."""
    return {part: [columns(*row) for row in rows] for part, rows in PARTS.items()}, header


PRIME = ("relation", "display_relation", "x_index", "x_type", "x_name", "y_index", "y_name")


@pytest.mark.parametrize(
    ("namer", "ends", "note"),
    [
        (str, ("x_name", "y_name"), "x_name and y_name stand for x_index and y_index"),
        (lambda _: "dup", ("x_index", "y_index"), "x_name and y_name are not used: they do not"),
    ],
)
def test_names_beside_ids_are_used_where_they_tell_all_apart(tmp_path, namer, ends, note):
    ids = {"ann": "5", "bob": "8", "cy": "9"}
    parts, header = with_more(
        lambda h, r, t: (r, "shown", ids[h], "person", namer(h), ids[t], namer(t)), PRIME
    )
    data = datasets.load_triples(fill(tmp_path, ".csv", parts, separator=",", header=header))
    columns = data.reading.columns
    assert (columns["head"], columns["relation"], columns["tail"]) == (ends[0], "relation", ends[1])
    assert note in str(data.reading)
    assert "x_type" in data.reading.unused
    assert list(data.entities) == (list(ids) if namer is str else list(ids.values()))


def test_the_label_of_kgtk_is_the_relation(tmp_path):
    parts, header = with_more(
        lambda h, r, t: (h, r, t, f"{h}-{r}-{t}"), ("node1", "label", "node2", "id")
    )
    data = datasets.load_triples(fill(tmp_path, ".tsv", parts, header=header))
    assert {part: named(data, part) for part in PARTS} == PARTS
    assert data.reading.unused == ("id",)


@pytest.mark.parametrize("header", [("head", "relation", "tail", "label"), None])
def test_false_triples_are_refused(tmp_path, header):
    parts = {part: [(*row, "1") for row in rows] for part, rows in PARTS.items()}
    parts["test"].append(("cy", "likes", "ann", "-1"))
    fill(tmp_path, ".tsv", parts, header=header)
    with pytest.raises(ValueError, match=r"a list of true triples .* marks 1 of 2 as false"):
        datasets.load_triples(tmp_path)


def test_a_header_that_no_one_knows_is_found_where_all_parts_have_it(tmp_path):
    header = ("Person", "does", "Friend")
    data = datasets.load_triples(fill(tmp_path, header=header))
    assert {part: named(data, part) for part in PARTS} == PARTS
    assert data.reading.columns["relation"] == "does"
    rows = [*TRAIN, *[(h, r, f"{t}{i}") for i in range(4) for h, r, t in TRAIN]]
    (tmp_path / "one.tsv").write_text(text(rows, header=header))
    data = datasets.load_triples(tmp_path / "one.tsv")
    assert "first row, Person, does, Friend, does not come again: see --header" in str(data.reading)


@pytest.mark.parametrize("name", ["wikidata5m_transductive_{}.txt", "{}_sample.txt"])
def test_files_with_more_in_their_name_than_the_part(tmp_path, name):
    for part in PARTS:
        (fill(tmp_path) / f"{part}.txt").rename(tmp_path / name.format(part))
    for part in PARTS:
        (tmp_path / f"{part}.txt").unlink(missing_ok=True)
    (tmp_path / "train_negative_sample.txt").write_text("")
    data = datasets.load_triples(tmp_path)
    assert datasets.is_triples(tmp_path)
    assert {part: named(data, part) for part in PARTS} == PARTS
