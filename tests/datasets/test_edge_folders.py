"""Folders with an edge list for each part."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gneg import datasets
from gneg.datasets import TableOptions
from tests.datasets.edge_rows import EDGES, expected, named_edges, spaced

SPLIT = {"train": EDGES[:-20], "valid": EDGES[-20:-10], "test": EDGES[-10:]}


def fill(folder, suffix=".csv", separator=",", header="", name=spaced, valid="valid", more=""):
    for part, edges in SPLIT.items():
        file = folder / f"{valid if part == 'valid' else part}{suffix}"
        rows = "".join(f"{name(u)}{separator}{name(v)}{more}\n" for u, v in edges)
        file.write_text(header + rows)
    return folder


def assert_whole(data, name=spaced):
    assert named_edges(data) == expected(name)
    assert (data.valid.pos.size(1), data.test.pos.size(1), data.split) == (10, 10, "given")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "without a header; source = 1, target = 2; ids are names; a split in train.csv"),
        ({"valid": "val"}, "train.csv, val.csv, test.csv"),
        ({"suffix": ".tsv", "separator": "\t", "valid": "dev"}, "separated by tabs"),
        ({"suffix": ".txt", "separator": " ", "name": int}, "separated by spaces"),
        ({"header": "source,target\n"}, "source = source"),
        ({"header": "who,whom\n"}, "with a header; source = who, target = whom"),
        ({"header": "source,target,time\n", "more": ",7"}, "that of the files, not by time"),
        ({"header": "u,v,w\n", "more": ",0.5"}, "weight = w"),
        ({"suffix": "_edges.csv"}, "train_edges.csv"),
    ],
)
def test_files_of_parts_are_a_split(tmp_path, options, said):
    fill(tmp_path, **options)
    assert not datasets.is_triples(tmp_path)
    data = datasets.load(tmp_path)
    assert_whole(data, options.get("name", spaced))
    assert said in str(data.reading)
    assert data.name == tmp_path.name
    assert (data.weight is not None) == ("weight" in said)


def test_tables_of_other_columns_in_later_parts(tmp_path):
    """Parquet; the test part has its columns in another order, and labels."""
    for part, edges in SPLIT.items():
        table = pd.DataFrame([(spaced(u), spaced(v)) for u, v in edges], columns=["src", "dst"])
        if part == "test":
            false = pd.DataFrame({"src": ["New York 0"] * 10, "dst": "New York 9", "label": 0})
            table = pd.concat([table.assign(label=1), false[:1]])[["label", "dst", "src"]]
        table.to_parquet(tmp_path / f"{part}.parquet")
    data = datasets.load(tmp_path)
    assert_whole(data)
    assert data.test.neg[0].numel() == 1


def test_overlaps_are_refused(tmp_path):
    fill(tmp_path)
    (u, v), *_ = EDGES
    (tmp_path / "valid.csv").write_text(f"{spaced(v)},{spaced(u)}\n")
    with pytest.raises(ValueError, match="got 1 of the edges in valid in an earlier part"):
        datasets.load(tmp_path)


def test_triples_are_offered_to_load_triples(tmp_path):
    fill(tmp_path, separator=",knows,")
    assert datasets.is_triples(tmp_path)
    with pytest.raises(ValueError, match="a knowledge graph: load_triples"):
        datasets.load(tmp_path)
    assert_whole(datasets.load(tmp_path, table=TableOptions(source="1", target="3")))
    fill(tmp_path)
    with pytest.raises(ValueError, match="gneg train"):
        datasets.load_triples(tmp_path)


@pytest.mark.parametrize("load", [datasets.load, datasets.load_triples])
def test_folders_of_neither_are_refused(tmp_path, load):
    with pytest.raises(ValueError, match=r"train.txt, valid.txt and test.txt .*with no files"):
        load(tmp_path)
    (tmp_path / "notes.md").write_text("x")
    with pytest.raises(ValueError, match=r"or with train2id.txt of OpenKE .*with notes.md"):
        load(tmp_path)


def test_a_part_that_lacks_is_named(tmp_path):
    (fill(tmp_path) / "valid.csv").unlink()
    with pytest.raises(ValueError, match=r"without a file of valid.*call it valid or val or dev"):
        datasets.load(tmp_path)
    fill(tmp_path, header="source,target,split\n", more=",train")
    with pytest.raises(ValueError, match="a folder of files without a split"):
        datasets.load(tmp_path)


def test_a_local_folder_of_a_known_name_is_spoken_of(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hyperbolic").mkdir()
    fill(tmp_path / "hyperbolic")
    for path in ("./hyperbolic", "hyperbolic/", tmp_path / "hyperbolic", Path("hyperbolic")):
        assert_whole(datasets.load(path))
    with pytest.warns(UserWarning, match=r"'hyperbolic' is the known dataset.*\./hyperbolic"):
        data = datasets.load("hyperbolic")
    assert data.num_nodes == 1000
