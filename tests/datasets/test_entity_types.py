"""Types of entities and domains of relations, from the files that people have of them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from gneg import datasets
from gneg.datasets import store
from gneg.datasets.sources import entity_types
from tests.cli.invoke import run
from tests.datasets.triple_rows import fill
from tests.triple_worlds import sparse_data

RDF, RDFS = "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "http://www.w3.org/2000/01/rdf-schema#"
TRAIN = [("ann", "likes", "jazz"), ("bob", "likes", "rock"), ("ann", "knows", "bob"),
         ("bob", "knows", "cy"), ("cy", "plays", "jazz")]  # fmt: skip
PARTS = {"train": TRAIN, "valid": [("cy", "likes", "rock")], "test": [("ann", "likes", "rock")]}
KINDS = {"ann": ["person"], "bob": ["person"], "cy": ["player"], "jazz": ["music"]}
ENTITIES = ["ann", "bob", "cy", "jazz", "rock"]  # relations are knows, likes and plays


def ontology(path, *more):
    rows = [(entity, f"{RDF}type", kind) for entity, kinds in KINDS.items() for kind in kinds]
    rows += [
        ("player", f"{RDFS}subClassOf", "person"),
        ("likes", f"{RDFS}domain", "person"),
        ("likes", f"{RDFS}range", "music"),
        ("plays", f"{RDFS}domain", "player"),
        *more,
    ]
    path.write_text("# made up\n" + "".join("<{}> <{}> <{}> .\n".format(*row) for row in rows))
    return path


def draw(sampler, triple):
    """Return the entities that are drawn for a triple, and their log densities."""
    generator = torch.Generator().manual_seed(0)
    negatives = sampler.sample(triple.repeat(1, 100), 2, generator=generator)
    assert negatives.mask.all()
    return negatives.index, negatives.log_q


def test_json_gives_the_types(tmp_path):
    path = tmp_path / "kinds.json"
    path.write_text(json.dumps(KINDS))
    data = datasets.load_triples(fill(tmp_path, parts=PARTS), types=path)
    assert data.types == [[1], [1], [2], [0], []]
    assert data.allowed is None
    path.write_text('{"ann": "person"}')
    with pytest.raises(ValueError, match=r"'types' must be .*kinds\.json"):
        datasets.load_triples(tmp_path, types=path)
    path.write_text('{"zoe": ["person"]}')
    with pytest.raises(ValueError, match=r"such as ann \(got .*kinds\.json with types of others"):
        datasets.load_triples(tmp_path, types=path)


@pytest.mark.parametrize("separator", [",", "\t"])
@pytest.mark.parametrize("header", [["entity", "type"], []])
def test_a_table_gives_the_types(tmp_path, separator, header):
    """As JSON does: a row for each type of an entity; entities of no triple are passed over."""
    rows = [(entity, kind) for entity, kinds in KINDS.items() for kind in kinds]
    rows += [("ann", "player"), ("zoe", "person")]
    path = tmp_path / "kinds.csv"
    path.write_text("\n".join(separator.join(row) for row in [*([header] * bool(header)), *rows]))
    data = datasets.load_triples(fill(tmp_path, parts=PARTS), types=path)
    assert data.types == [[1, 2], [1], [2], [0], []]
    assert "4 of 5 entities have types in kinds.csv: typed(by=types)" in data.reading.notes
    path.write_text(f"zoe{separator}person\n")
    with pytest.raises(ValueError, match=r"such as ann \(got .*types of others, such as zoe"):
        datasets.load_triples(tmp_path, types=path)
    path.write_text(f"ann{separator}person{separator}1\n")
    with pytest.raises(ValueError, match=r"^'types' must be .*kinds.csv with 3 columns"):
        datasets.load_triples(tmp_path, types=path)


def test_an_ontology_gives_types_and_domains(tmp_path):
    data = datasets.load_triples(
        fill(tmp_path, parts=PARTS), types=ontology(tmp_path / "schema.nt")
    )
    assert data.types == [[1], [1], [2], [0], []]
    assert data.allowed == {
        "head": [None, [0, 1, 2], [2]],
        "tail": [None, [3], None],
    }
    notes = (
        "4 of 5 entities have types in schema.nt: typed(by=types)",
        "2 of 3 relations have domains in schema.nt: typed(by=domains)",
    )
    assert data.reading.notes[-2:] == notes
    heads = data.sampler("typed(by=domains)", corrupt="head")
    assert heads.parts["head"].density == "cheap"
    # Of (ann, likes, jazz) bob and cy are allowed and unknown, each with half of the draws; knows
    # allows all entities.
    index, log_q = draw(heads, data.train[:, :1])
    assert set(index.flatten().tolist()) == {1, 2}
    assert log_q.exp().flatten().tolist() == pytest.approx([0.5] * log_q.numel())
    index, _ = draw(heads, data.train[:, 2:3])
    assert set(index.flatten().tolist()) == {1, 2, 3, 4}
    path = ontology(tmp_path / "two.nt", ("likes", f"{RDFS}domain", "player"))
    assert datasets.load_triples(tmp_path, types=path).allowed["head"][1] == [2]
    store.save(data, tmp_path / "stored")
    stored = store.load(tmp_path / "stored")
    assert stored.allowed == data.allowed
    assert stored.describe() == data.describe()
    assert replace(data, allowed=None).describe() != data.describe()
    (tmp_path / "schema.nt").write_text("<a> <b> .\n")
    with pytest.raises(ValueError, match=r"'types' must be N-Triples.*schema\.nt, line 1"):
        datasets.load_triples(tmp_path, types=tmp_path / "schema.nt")


def openke(folder, constraints):
    contents = {
        "entity2id": "5\n" + "".join(f"{name}\t{i}\n" for i, name in enumerate(ENTITIES)),
        "relation2id": "2\nlikes\t0\nknows\t1\n",
        "train2id": "4\n0 3 0\n1 4 0\n0 1 1\n1 2 1\n",
        "valid2id": "1\n2 4 0\n",
        "test2id": "1\n0 4 0\n",
        "type_constrain": constraints,
    }
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / f"{name}.txt").write_text(content)
    return folder


CONSTRAINTS = "2\n1\t2\t0\t1\n1\t3\t0\t1\t2\n0\t3\t2\t1\t0\n0\t2\t3\t4\n"


def test_openke_allows_heads_and_tails(tmp_path):
    folder = openke(tmp_path / "kg", CONSTRAINTS)
    data = datasets.load_triples(folder)
    assert data.allowed == {"head": [[0, 1, 2], [0, 1]], "tail": [[3, 4], [0, 1, 2]]}
    (folder / "type_constrain.txt").rename(tmp_path / "allowed.txt")
    assert datasets.load_triples(folder).allowed is None
    given = datasets.load_triples(folder, types=tmp_path / "allowed.txt")
    assert given.allowed == data.allowed
    with pytest.raises(ValueError, match="'unseen' must be keep with ids of OpenKE"):
        datasets.load_triples(folder, types=tmp_path / "allowed.txt", unseen="drop")
    fill(tmp_path, parts=PARTS)
    with pytest.raises(ValueError, match="whose entities have names only"):
        datasets.load_triples(tmp_path, types=tmp_path / "allowed.txt")


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        ("2\n0 1 0\n", r"two lines for each of 2 relations .*type_constrain.txt with 1 lines"),
        ("1\n0 2 0\n0 1 3\n", r"as many ids as its count, 2 \(got 1 in .*constrain.txt, line 2"),
        ("1\n0 1 9\n0 1 3\n", r"ids of entities in \[0, 5\) \(got 9 in .*constrain.txt, line 2"),
        ("1\n7 1 0\n0 1 3\n", r"ids of relations in \[0, 2\) \(got 7 in .*constrain.txt, line 2"),
        ("1\n0 1 a\n0 1 3\n", r"a count and ids .*type_constrain.txt, line 2"),
        ("2\n0 1 0\n0 1 3\n0 1 0\n0 1 3\n", r"one line of heads .*type_constrain.txt, line 4"),
        ("nothing\n", r"rdfs:domain and rdfs:range \(got .*type_constrain.txt, line 1: 'nothing'"),
    ],
)  # fmt: skip
def test_bad_constraints_are_named(tmp_path, constraints, message):
    with pytest.raises(ValueError, match=message):
        datasets.load_triples(openke(tmp_path, constraints))


def test_the_command_takes_a_file_of_types(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = fill(tmp_path, parts=PARTS)
    path = ontology(tmp_path / "schema.nt")
    quick = ["--dim", "4", "--epochs", "1", "--eval-every", "1", "-k", "2"]
    words = ["kg", "train", str(folder), "--sampler", "typed(by=domains)", *quick]
    result = run(*words)
    assert result.exit_code == 2
    assert "a file of them: --types" in " ".join(result.output.split())
    result = run(*words, "--types", str(path), "--out", "run")
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "run/results.json").read_text())["source"]["types"] == str(path)
    assert store.load(tmp_path / "run/data").allowed["head"][1] == [0, 1, 2]
    audit = ["audit", str(folder), "--sampler", "typed(by=types)", "--negatives", "100"]
    result = run(*audit, "--types", str(path))
    assert result.exit_code == 0, result.output
    assert "shares a type" in " ".join(result.output.split())


@pytest.mark.parametrize("content", [b'{"command": "x"}', b"\x93NUMPY"])
def test_a_file_of_something_else_is_named_as_the_types(tmp_path, content):
    (tmp_path / "results.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"^'types' must be JSON of entities and their types"):
        entity_types.with_types(sparse_data(), tmp_path / "results.json")
