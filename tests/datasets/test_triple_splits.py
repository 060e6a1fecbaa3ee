"""Splits of triples: random and given ones, and triples that stand there several times."""

from __future__ import annotations

import pytest
import torch

from gneg import datasets
from gneg.datasets import TripleData, repeated
from tests.datasets.triple_rows import PARTS, TEST, TRAIN, assert_whole, fill, named, text


def ring(size=40):
    rows = [(f"e{i}", f"r{j}", f"e{(i + j + 1) % size}") for i in range(size) for j in range(3)]
    return [*rows, ("e0", "rare", "e1")]


def test_one_file_is_split_such_that_everyone_is_trained_on(tmp_path):
    path = tmp_path / "triples.csv"
    path.write_text(text([*ring(), ring()[0]], ",", header=("subject", "relation", "object")))
    data = datasets.load_triples(path)
    assert data.split == "random 85/5/10, seed 0"
    assert "1 duplicate triples left out" in data.reading.notes
    assert sorted(row for part in PARTS for row in named(data, part)) == sorted(ring())
    assert data.valid.size(1) > 0
    assert data.test.size(1) > 5
    assert len(set(data.train[[0, 2]].flatten().tolist())) == data.num_entities
    assert len(set(data.train[1].tolist())) == data.num_relations
    assert data.describe()["names_hash"] == "-".join(
        names.fingerprint() for names in (data.entities, data.relations)
    )
    other = datasets.load_triples(path, seed=1)
    assert other.fingerprint() != data.fingerprint()


def test_one_file_with_a_column_of_splits(tmp_path):
    rows = [(*row, spelling) for part, spelling in (("train", "train"), ("valid", "dev"),
            ("test", "test")) for row in PARTS[part]]  # fmt: skip
    path = tmp_path / "triples.tsv"
    path.write_text(text(rows, header=("head", "relation", "tail", "split")))
    data = datasets.load_triples(path)
    assert_whole(data)
    assert data.split == "given"
    path.write_text(text(rows[:-1], header=("head", "relation", "tail", "split")))
    with pytest.raises(ValueError, match=r"'split' must be train, valid and test \(got no test"):
        datasets.load_triples(path)


def test_repeated_triples_are_dropped_within_a_part_and_refused_across(tmp_path):
    data = datasets.load_triples(fill(tmp_path, parts={**PARTS, "train": [*TRAIN, TRAIN[0]]}))
    assert_whole(data)
    assert data.reading.notes == ("1 duplicate triples of train left out",)
    for part in ("valid", "test"):
        fill(tmp_path, parts={**PARTS, part: [*PARTS[part], TRAIN[0]]})
        with pytest.raises(ValueError, match=f"1 triples of {part}.txt in train.txt"):
            datasets.load_triples(tmp_path)


def test_a_published_split_is_kept_as_it_is(tmp_path):
    (tmp_path / "umls").mkdir()
    rows = [*TEST, TEST[0], TRAIN[0], ('"Al"_Y', "likes", "ann")]
    fill(tmp_path / "umls", parts={**PARTS, "test": rows})
    data = datasets.load_triples("umls", root=tmp_path)
    assert named(data, "test") == rows
    assert data.repeated == {"test in train": 1, "twice in test": 1}
    assert repr(data).endswith(
        "triples 3 / 1 / 4, 1 of them with what is not in training; "
        "repeated ones are kept: 1 test in train, 1 twice in test)"
    )
    ids = TripleData("ids", data.train, data.valid, data.test, 4, 2)
    assert ids.repeated == data.repeated
    assert datasets.load_triples(fill(tmp_path)).repeated == {}


def test_repeated_triples_are_counted_where_keys_are_too_large_for_an_integer():
    most = 2**31 - 1
    train = torch.tensor([[most, 0], [most, 3], [most, 5]])
    parts = {"train": train.numpy(), "valid": train[:, :1].numpy(), "test": train[:, 1:].numpy()}
    assert repeated.count(parts) == {"valid in train": 1, "test in train": 1}
