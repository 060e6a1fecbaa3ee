"""Files of triples as people have them: what each reads as, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from gneg import datasets
from gneg.datasets import TableOptions
from tests.datasets.triple_rows import PARTS, TEST, TRAIN, VALID, assert_whole, fill, named, text


@pytest.mark.parametrize(
    ("suffix", "options", "said"),
    [
        (".txt", {}, "tabs, without a header; head = 1, relation = 2, tail = 3; ids are names"),
        (".tsv", {"end": "\r\n"}, "tabs, without a header"),
        (".csv", {"separator": ","}, "commas, without a header"),
        (".txt", {"separator": " "}, "spaces, without a header"),
        (".txt", {"separator": " \t "}, "tabs, without a header"),
        (".csv", {"separator": ",", "header": ("subject", "predicate", "object")},
         "with a header; head = subject, relation = predicate, tail = object"),
        (".tsv", {"header": ("h", "r", "t")}, "head = h, relation = r, tail = t"),
        (".csv", {"separator": ",", "header": (":START_ID", ":TYPE", ":END_ID")},
         "head = :START_ID, relation = :TYPE, tail = :END_ID"),
        (".txt", {"header": ("head", "label", "tail")}, "relation = label"),
    ],
)  # fmt: skip
def test_text_is_understood_and_said(tmp_path, suffix, options, said):
    data = datasets.load_triples(fill(tmp_path, suffix, **options))
    assert_whole(data)
    assert said in str(data.reading)


def test_the_order_of_named_columns_does_not_matter(tmp_path):
    rows = {part: [(t, r, h) for h, r, t in triples] for part, triples in PARTS.items()}
    data = datasets.load_triples(fill(tmp_path, parts=rows, header=("tail", "relation", "head")))
    assert_whole(data)
    options = TableOptions(source="3", relation="2", target="1")
    assert_whole(datasets.load_triples(fill(tmp_path, parts=rows), table=options))


def test_quotes_around_values_mean_the_same_in_all_files_of_a_folder(tmp_path):
    quoted = [tuple(f'"{name}"' for name in triple) for triple in TRAIN]
    inner = [('the "cy" of ann', "likes", "bob")]
    fill(tmp_path)
    (tmp_path / "train.txt").write_text(text(quoted + inner))
    data = datasets.load_triples(tmp_path)
    expected = {**PARTS, "train": TRAIN + inner}
    assert {part: named(data, part) for part in PARTS} == expected
    assert list(data.relations) == ["knows", "likes"]


def test_a_row_with_a_separator_in_a_name_is_named(tmp_path):
    rows = [(f"p{i}", "knows", f"p{i + 1}" + ", Inc" * (i % 6 == 3)) for i in range(30)]
    (tmp_path / "one.csv").write_text(text(rows, ","))
    with pytest.raises(ValueError, match=r"row 4, 'p3,knows,p4, Inc', has 3 ',', the first 2"):
        datasets.load_triples(tmp_path / "one.csv")


def test_names_in_several_unicode_forms_are_warned_of(tmp_path):
    rows = {**PARTS, "train": [*TRAIN, ("Zoe\u0301", "likes", "bob"), ("Zo\u00e9", "likes", "cy")]}
    with pytest.warns(UserWarning, match="^'Zo\u00e9': in the data in several"):
        data = datasets.load_triples(fill(tmp_path, parts=rows))
    assert data.num_entities == 5


def test_comments_bom_blank_lines_and_stray_spaces_are_cleaned(tmp_path):
    fill(tmp_path)
    content = "# people\n\n" + " ann \tlikes\t bob\n\nbob\tlikes\tcy  \n# more\ncy\tknows\tann\n"
    (tmp_path / "train.txt").write_text("\ufeff" + content)
    assert_whole(datasets.load_triples(tmp_path))


@pytest.mark.parametrize("spelling", ["val", "dev"])
def test_validation_may_be_spelt_otherwise_and_files_compressed(tmp_path, spelling):
    fill(tmp_path)
    (tmp_path / "valid.txt").rename(tmp_path / f"{spelling}.txt")
    with gzip.open(tmp_path / "train.tsv.gz", "wt") as file:
        file.write(text(TRAIN))
    (tmp_path / "train.txt").unlink()
    assert datasets.is_triples(tmp_path)
    assert_whole(datasets.load_triples(tmp_path))


def test_parquet_is_read(tmp_path):
    for part, rows in PARTS.items():
        table = pd.DataFrame(rows, columns=["head", "relation", "tail"])
        table.to_parquet(tmp_path / f"{part}.parquet")
    data = datasets.load_triples(tmp_path)
    assert_whole(data)
    assert data.reading.form == "parquet"


def test_integers_are_numbered_by_what_occurs(tmp_path):
    parts = {"train": [("10", "5", "9"), ("9", "7", "10")], "valid": [], "test": []}
    data = datasets.load_triples(fill(tmp_path, parts=parts))
    assert data.train.tolist() == [[1, 0], [0, 1], [0, 1]]
    assert (list(data.entities), list(data.relations)) == (["9", "10"], ["5", "7"])
    assert data.reading.ids == "integers"
    assert data.reading.notes == ("valid is empty", "test is empty")


def test_names_that_look_like_a_header_are_none(tmp_path):
    parts = {"train": [("a", "r1", "b"), ("c", "r2", "d")],
             "valid": [("d", "r1", "a"), ("b", "s", "a")], "test": [("a", "r2", "d")]}  # fmt: skip
    data = datasets.load_triples(fill(tmp_path, parts=parts))
    assert {part: named(data, part) for part in parts} == parts
    assert data.unseen == 1


def nt(rows):
    return "".join(f"<{h}> <{r}> <{t}> .\n" for h, r, t in rows)


def test_n_triples(tmp_path):
    literal = '<ann> <age> "5"^^<http://www.w3.org/2001/XMLSchema#integer> . # years\n'
    (tmp_path / "train.nt").write_text("# made up\n" + literal + nt(TRAIN))
    (tmp_path / "valid.nt").write_text(nt(VALID))
    (tmp_path / "test.nt").write_text('<bob> <name> "Bob \\"B\\" ."@en .\n' + nt(TEST))
    data = datasets.load_triples(tmp_path)
    assert_whole(data)
    assert str(data.reading).endswith("N-Triples; ids are names; 2 triples with a literal left out")
    path = tmp_path / "one.nt"
    path.write_text("_:b0 <r> <caf\\u00E9> .\n<caf\\u00E9> <s#t> _:b0 .\n")
    data = datasets.load_triples(path)
    assert datasets.is_triples(path)
    assert named(data, "train") == [("_:b0", "r", "café"), ("café", "s#t", "_:b0")]
    assert "no triple can be spared for valid and test" in str(data.reading)
    with pytest.raises(ValueError, match="a knowledge graph: load_triples"):
        datasets.load(path)


def openke(folder, **changes):
    contents = {
        "entity2id": "3\ncy\t0\nann b\t1\nbob\t2\n",
        "relation2id": "2\nlikes\t0\nknows\t1\n",
        "train2id": "3\n1 2 0\n2 0 0\n0 1 1\n",
        "valid2id": "1\n1 0 1\n",
        "test2id": "0\n",
    }
    for name, content in (contents | changes).items():
        (folder / f"{name}.txt").write_text(content)
    return folder


def test_openke(tmp_path):
    data = datasets.load_triples(openke(tmp_path))
    assert datasets.is_triples(tmp_path)
    assert data.train.tolist() == [[1, 2, 0], [0, 0, 1], [2, 0, 1]]
    assert named(data, "valid") == [("ann b", "knows", "cy")]
    assert list(data.entities) == ["cy", "ann b", "bob"]
    assert data.reading.form == "OpenKE"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train2id": "4\n1 2 0\n2 0 0\n"}, r"as its first line says, 4 \(got .*train2id.txt of 2"),
        ({"train2id": "1\n1 3 0\n"}, r"ids of entities in \[0, 3\).*head, tail, rel.*\(got 3 in"),
        ({"train2id": "1\n1 0 2\n"}, r"ids of relations in \[0, 2\).*\(got 2 in .*train2id.txt"),
        ({"train2id": "1\n1 0\n"}, "train2id.txt, line 2: '1 0'"),
        ({"train2id": "1 2 0\n"}, "first line is the number of triples"),
        ({"train2id": "0\n"}, "train2id.txt of none"),
        ({"valid2id": "1\n1 2 0\n"}, "1 triples of valid2id.txt in train2id.txt"),
        ({"entity2id": "2\na\t0\nb\t2\n"}, "map to the ids 0 to 1.*not so at id 1"),
        ({"entity2id": "2\na\t0\na\t1\n"}, "with 'a' twice"),
        ({"entity2id": "5\na\t0\n"}, r"says, 5 \(got .*entity2id.txt of 1"),
    ],
)
def test_bad_openke_folders_are_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        datasets.load_triples(openke(tmp_path, **changes))


@pytest.mark.parametrize("name", ["./codex-m", "sub/codex-m"])
def test_a_path_is_no_known_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / name
    folder.mkdir(parents=True)
    assert not datasets.is_triples(name)
    fill(folder)
    assert datasets.is_triples(name)
    assert datasets.is_triples("codex-m")
    assert_whole(datasets.load_triples(name))


def test_a_local_folder_of_a_known_name_is_spoken_of(tmp_path, monkeypatch, shared):
    monkeypatch.chdir(tmp_path)
    for name in ("umls", "Cora"):
        (tmp_path / name).mkdir()
        fill(tmp_path / name)
        for path in (f"./{name}", f"{name}/", tmp_path / name, str(tmp_path / name), Path(name)):
            assert_whole(datasets.load_triples(path))
            assert datasets.is_triples(path)
            assert_whole(datasets.as_data(path))
    with pytest.warns(UserWarning, match="'umls' is the known dataset; for the folder .*./umls"):
        data = datasets.load_triples("umls", root=shared)
    assert data.num_entities == 135
    assert datasets.load_triples("umls", root=tmp_path).num_entities == 3  # the root's own copy
    assert_whole(datasets.load_triples("Cora"))  # which is no known knowledge graph
    assert not datasets.is_triples("Cora")


def test_official_lists_are_of_all_triples(tmp_path):
    with pytest.raises(ValueError, match="'unseen' must be keep for a dataset of OGB"):
        datasets.load_triples("ogbl-biokg", root=tmp_path, unseen="drop")


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({"train.txt": ""}, {}, "a folder with training triples .*train.txt of none"),
        ({"test.txt": None}, {}, "a folder with train.txt, valid.txt and test.txt"),
        ({"dev.txt": "a\tr\tb\n"}, {}, "one file of valid .*valid.txt and dev.txt"),
        ({"test.txt": "a r b\n"}, {}, "separated by tabs .*test.txt, line 1: 'a r b'"),
        ({"train.txt": "a\tb\nb\tc\n"}, {}, "head, relation and tail, separated by tabs .*train"),
        (
            {"train.txt": "a\tr\tb\na\t\tc\n"},
            {},
            "train.txt, row 2 below any header: 'a', '', 'c'",
        ),
        (
            {"train.txt": "a\tr\tb\n" * 9 + "a\tr\n"},
            {},
            "3 columns in each row .*train.txt, row 10",
        ),
        ({"train.nt": "<a> <b> .\n", "train.txt": None}, {}, "N-Triples, .*train.nt, line 1"),
        ({}, {"weight": "1"}, "'weight' must be absent for triples"),
        ({}, {"relation": "kind"}, "'relation' must be a column"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, files, options, message):
    fill(tmp_path)
    for name, content in files.items():
        (tmp_path / name).unlink(missing_ok=True)
        if content is not None:
            (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        datasets.load_triples(tmp_path, table=TableOptions(**options))


def test_the_folder_inside_that_has_the_parts_is_named(tmp_path):
    (tmp_path / "other").mkdir()
    inner = tmp_path / "set" / "raw"
    inner.mkdir(parents=True)
    fill(inner)
    with pytest.raises(ValueError, match=r"got .*set with raw\); did you mean .*set/raw\?$"):
        datasets.load_triples(tmp_path / "set")
    with pytest.raises(ValueError, match=r"name a file of edges or triples by itself$"):
        datasets.load_triples(tmp_path / "other")
