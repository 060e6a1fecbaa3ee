"""Folders with files that map names to ids, and facts with times."""

from __future__ import annotations

import pytest

from gneg import datasets
from tests.datasets.triple_rows import PARTS, fill, named

ENTITIES, RELATIONS = ["cy", "ann", "bob", "dan"], ["likes", "knows"]
NUMBERED = {
    part: [(str(ENTITIES.index(h)), str(RELATIONS.index(r)), str(ENTITIES.index(t)))
           for h, r, t in rows]
    for part, rows in PARTS.items()
}  # fmt: skip
TAILS_SECOND = {part: [(h, t, r) for h, r, t in rows] for part, rows in PARTS.items()}
NAME_FIRST, ID_FIRST, COUNTED = "{0}\t{1}\n", "{1}\t{0}\n", "count"


def maps(folder, form, *, entities=ENTITIES):
    """Write the maps in a form: RotatE's, OpenKE's with a count, or that of temporal graphs."""
    stems = ("entities.dict", "relations.dict")
    if form != ID_FIRST:
        stems = ("entity2id.txt", "relation2id.txt")
    for stem, names in zip(stems, (entities, RELATIONS), strict=True):
        count = f"{len(names)}\n" if form == COUNTED else ""
        line = NAME_FIRST if form == COUNTED else form
        rows = "".join(line.format(name, i) for i, name in enumerate(names))
        (folder / stem).write_text(count + rows)
    return folder


@pytest.mark.parametrize("form", [NAME_FIRST, ID_FIRST, COUNTED])
@pytest.mark.parametrize(
    ("parts", "ids", "note"),
    [
        (PARTS, "names", ""),
        (NUMBERED, "integers, named by ", ""),
        (TAILS_SECOND, "names", "relations are in column 3, as their map says"),
    ],
)
def test_maps_give_the_names_and_their_order(tmp_path, form, parts, ids, note):
    data = datasets.load_triples(maps(fill(tmp_path, parts=parts), form))
    assert {part: named(data, part) for part in PARTS} == PARTS
    assert (list(data.entities), list(data.relations)) == (ENTITIES, RELATIONS)
    assert data.reading.ids.startswith(ids)
    assert "1 entities of entit" in str(data.reading)  # dan is in no triple
    assert note in str(data.reading)


@pytest.mark.parametrize(
    ("parts", "entities", "message"),
    [
        (PARTS, ["cy", "ann"], "names of entities in entities.dict .got 'bob' in train.txt, and 2"),
        (NUMBERED, ["cy", "ann"], "ids of entities in entities.dict .got '2' in train.txt"),
        (PARTS, ["cy", "ann", "bob", "ann"], "entities.dict with 'ann' twice"),
    ],
)
def test_a_map_that_does_not_fit_is_refused(tmp_path, parts, entities, message):
    fill(maps(tmp_path, ID_FIRST, entities=entities), parts=parts)
    with pytest.raises(ValueError, match=message):
        datasets.load_triples(tmp_path)


def test_an_id_twice_is_refused_and_names_that_are_integers_are_said(tmp_path):
    fill(tmp_path, parts=NUMBERED)
    (tmp_path / "entities.dict").write_text("0\tann\n0\tbob\n")
    with pytest.raises(ValueError, match=r"map with each id once .*the id 0 twice"):
        datasets.load_triples(tmp_path)
    (tmp_path / "entities.dict").write_text("0\t2\n1\t1\n2\t0\n")
    data = datasets.load_triples(tmp_path)
    assert named(data, "train") == NUMBERED["train"]
    assert "fit the names and the ids of entities.dict, and are read as names" in str(data.reading)


@pytest.mark.parametrize("statistics", [True, False])
def test_facts_with_times_are_held_out_once(tmp_path, statistics):
    """As ICEWS has them: the test part repeats facts of training at later times."""
    parts = {**NUMBERED, "test": [NUMBERED["train"][0], *NUMBERED["test"]]}
    timed = {part: [(*row, str(24 * (i + j)), "0") for i, row in enumerate(rows)]
             for j, (part, rows) in zip((0, 9, 12), parts.items(), strict=True)}  # fmt: skip
    maps(fill(tmp_path, parts=timed), NAME_FIRST)
    if statistics:
        (tmp_path / "stat.txt").write_text("4\t7\t0\n")
    data = datasets.load_triples(tmp_path)
    assert {part: named(data, part) for part in PARTS} == PARTS
    assert data.reading.unused == ("4", "5")
    assert "times (column 4) are not used: a triple counts once" in data.reading.notes
    assert "1 triples of test stand in an earlier part and are left out" in data.reading.notes
    assert ("stat.txt says 7 relations, here are 2" in data.reading.notes) == statistics


def test_weights_are_no_times(tmp_path):
    rows = {part: [(*row, "0.5") for row in rows] for part, rows in PARTS.items()}
    rows["test"].append(rows["train"][0])
    with pytest.raises(ValueError, match=r"1 triples of test.txt in train.txt"):
        datasets.load_triples(fill(tmp_path, parts=rows))
