"""Columns of tables of triples under the names that people give them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gneg import datasets
from gneg.datasets import TableOptions, TripleData
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
    with pytest.warns(UserWarning, match=r"first row, Person, does, Friend, is read as a triple.*"):
        assert "Person" in datasets.load_triples(tmp_path / "one.tsv").entities
    turned = [(r, h, t) for h, r, t in rows]
    (tmp_path / "one.tsv").write_text(text(turned, header=("relation", "sujet", "objet")))
    data = datasets.load_triples(tmp_path / "one.tsv")
    assert data.reading.columns == {"head": "sujet", "relation": "relation", "tail": "objet"}
    assert data.num_relations == len({r for _, r, _ in rows})


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


def pairs_of_many_heads(entities=40, relations=12, rows=600):
    """Return triples of ids, ``[E, 3]``: head, relation, tail."""
    random = np.random.default_rng(0)
    sizes = entities, relations, entities
    return np.stack([random.integers(size, size=rows) for size in sizes], axis=1)


@pytest.mark.parametrize("prefixes", [("", "", ""), ("e", "r", "e")])
@pytest.mark.parametrize("relations", [12, 60])
def test_relations_in_the_third_column_are_warned_of(tmp_path, prefixes, relations):
    triples = pairs_of_many_heads(relations=relations)
    rows = [tuple(map("".join, zip(prefixes, map(str, row), strict=True))) for row in triples]
    path = tmp_path / "one.tsv"
    path.write_text(text(rows))
    assert datasets.load_triples(path).num_relations == relations
    path.write_text(text([(h, t, r) for h, r, t in rows]))
    if relations > 40 and not prefixes[0]:  # ids that may be of either
        return
    with pytest.warns(UserWarning, match=r"one\.tsv: 40 relations and \d\d tails.* --relation 3"):
        assert datasets.load_triples(path).num_relations == 40
    for options in ({"relation": "3", "target": "2"}, {"relation": "3"}):
        data = datasets.load_triples(path, table=TableOptions(**options))
        assert (data.num_entities, data.num_relations) == (40, relations)
    datasets.load_triples(path, table=TableOptions(relation="2"))


def test_a_file_named_as_those_of_openke_has_their_order(tmp_path):
    path = tmp_path / "train2id.txt"
    rows = [(str(h), str(t), str(r)) for h, r, t in pairs_of_many_heads().tolist()]
    path.write_text("600\n" + text(rows, " "))
    data = datasets.load_triples(path)
    assert (data.num_entities, data.num_relations) == (40, 12)
    assert "columns are head, tail and relation, as OpenKE has them" in data.reading.notes


def test_a_count_in_front_is_said_and_may_mean_the_order_of_openke(tmp_path):
    path = tmp_path / "facts.txt"
    rows = [tuple(map(str, row)) for row in pairs_of_many_heads().tolist()]
    path.write_text("600\n" + text(rows))
    with pytest.warns(UserWarning, match=r"facts\.txt: a count in front, as OpenKE .* --target 2"):
        data = datasets.load_triples(path)
    assert "the first line, '600', holds counts and is left out" in data.reading.notes
    assert datasets.load_triples(path, table=TableOptions(relation="2")).num_relations == 12


def test_triples_of_ids_in_another_order_are_warned_of_or_refused():
    triples = torch.from_numpy(pairs_of_many_heads()).t()
    assert datasets.from_triples(triples).num_relations == 12
    turned = triples[[0, 2, 1]]
    with pytest.warns(UserWarning, match=r"40 relations in row 1 of triples and 12 tails in row 2"):
        datasets.from_triples(turned)
    parts = turned[:, :500], turned[:, 500:550], turned[:, 550:]
    message = r"'train\[1\]' must be relation ids in \[0, 12\) \(got 39\); is 'num_relations' right"
    with pytest.raises(ValueError, match=message):
        TripleData("ids", *parts, 40, 12)
    with pytest.raises(ValueError, match=r"'valid' must be an integer tensor of shape \[3, B\]"):
        TripleData("ids", triples, triples.t(), triples, 40, 12)


@pytest.mark.parametrize(
    "header", [("head", "relation", "tail"), ("subject", "predicate", "object")]
)
def test_a_header_alone_is_no_triple(tmp_path, header):
    path = tmp_path / "h.tsv"
    path.write_text("\t".join(header) + "\n")
    with pytest.raises(ValueError, match="'dataset' must be a file with triples"):
        datasets.load_triples(path)


ODD = ("row_nr", "Wer", "Was macht", "Wen/Wo", "confidence")


def odd(tmp_path, header=ODD):
    """Write a table whose names of columns say nothing, with a number and a share for each row."""
    rows = [f"{i},p{i % 7},r{i % 2},q{i % 5},0.{i + 1}" for i in range(30)]
    path = tmp_path / "odd.csv"
    path.write_text("\n".join([",".join(header), *rows]) + "\n")
    return path


def test_words_above_numbers_are_a_header(tmp_path):
    data = datasets.load_triples(odd(tmp_path))
    assert data.reading.columns == {"head": "Wer", "relation": "Was macht", "tail": "Wen/Wo"}
    assert set(data.reading.unused) == {"row_nr", "confidence"}
    assert (data.num_entities, data.num_relations) == (12, 2)


@pytest.mark.parametrize("left", ["source", "relation", "target"])
def test_the_third_column_is_not_guessed(tmp_path, left):
    named = dict(zip(("source", "relation", "target"), ODD[1:4], strict=True))
    path = odd(tmp_path)
    whole = datasets.load_triples(path, table=TableOptions(**named))
    assert whole.num_entities == 12
    del named[left]
    with pytest.raises(ValueError, match=f"'{left}' must be given, too: one of the columns row_nr"):
        datasets.load_triples(path, table=TableOptions(**named))


def test_a_third_column_that_is_known_by_its_name_need_not_be_named(tmp_path):
    path = odd(tmp_path, ("row_nr", "Wer", "relation", "Wen/Wo", "confidence"))
    data = datasets.load_triples(path, table=TableOptions(source="Wer", target="Wen/Wo"))
    assert data.reading.columns["relation"] == "relation"
    assert data.num_relations == 2


def test_a_single_row_of_letters_is_a_triple(tmp_path):
    for part, row in (("train", "a\tr\tb"), ("valid", "b\tr\ta"), ("test", "a\tr\ta")):
        (tmp_path / f"{part}.txt").write_text(row + "\n")
    data = datasets.load_triples(tmp_path)
    assert [data.train.size(1), data.valid.size(1), data.test.size(1)] == [1, 1, 1]
    assert list(data.entities) == ["a", "b"]
