"""Triples where edges are expected, edges where triples are, and files that are neither."""

from __future__ import annotations

import pytest

from gneg import datasets
from gneg.datasets import TableOptions
from tests.cli.invoke import run
from tests.datasets.edge_rows import EDGES

RELATIONS = ("likes", "knows", "works at")
FACTS = [(f"e {u}", RELATIONS[(u + v) % 3], f"e {v}") for u, v in EDGES]


def lines(rows, separator="\t", header=None):
    rows = [header, *rows] if header else rows
    return "".join(separator.join(row) + "\n" for row in rows)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "facts.tsv"


@pytest.mark.parametrize("header", [None, ("subject", "predicate", "object"), ("h", "r", "t")])
def test_clear_triples_are_no_edge_list(file, header):
    file.write_text(lines(FACTS, header=header))
    assert datasets.is_triples(file)
    with pytest.raises(ValueError, match=r"a knowledge graph: load_triples.*--source 1 --target 3"):
        datasets.load(file)
    table = TableOptions(source="1", target="3")
    assert not datasets.is_triples(file, table)
    data = datasets.load(file, table=table)
    assert data.reading.columns == {"source": (header or "123")[0], "target": (header or "123")[2]}
    assert data.num_nodes == len({end for edge in EDGES for end in edge})


@pytest.mark.parametrize(
    ("rows", "header", "note"),
    [
        ([(f"drug {h}", r, f"disease {t}") for h, r, t in FACTS], None, "column 2 looks like rel"),
        (
            [(h, t, r) for h, r, t in FACTS],
            ("source", "target", "type"),
            "column type looks",
        ),
        ([(h, t, r) for h, r, t in FACTS], None, "column 3 looks like relations"),
        ([(h, t, f"note {i}") for i, (h, _, t) in enumerate(FACTS)], None, ""),
        ([(h, t, "same") for h, _, t in FACTS], ("source", "target", "kind"), ""),
    ],
)
def test_what_may_be_either_is_read_as_edges_and_said(file, rows, header, note):
    file.write_text(lines(rows, header=header))
    assert not datasets.is_triples(file)
    data = datasets.load(file)
    assert note in str(data.reading)
    assert ("looks like relations" in str(data.reading)) == bool(note)


@pytest.mark.parametrize(
    "content",
    [
        lines([(h, t) for h, _, t in FACTS]),
        lines([(h, t, str(i)) for i, (h, _, t) in enumerate(FACTS)]),
        lines([(str(u), str(v), f"{u}.5") for u, v in EDGES]),
        lines([(str(u), str(v), "3") for u, v in EDGES], header=("u", "v", "w")),
        lines([(h, t, "3") for h, _, t in FACTS], header=("from", "to", "weight")),
        lines([(str(u), str(v), "3") for u, v in EDGES], header=("user_id", "item_id", "rating")),
    ],
)
def test_edges_are_no_triples(file, content):
    file.write_text(content)
    with pytest.raises(ValueError, match=r"lines of head, relation and tail.*gneg train .*facts"):
        datasets.load_triples(file)


def test_ids_may_be_triples(file):
    file.write_text(lines([(str(u), str((u + v) % 3), str(v)) for u, v in EDGES]))
    assert datasets.load_triples(file).num_relations == 3


def test_commands_name_each_other(file):
    file.write_text(lines(FACTS))
    described = run("describe", str(file))
    assert described.exit_code == 0
    assert "TripleData" in described.output
    refused = run("train", str(file))
    assert refused.exit_code == 2
    assert "gneg kg" in refused.output
    file.write_text(lines([(h, t) for h, _, t in FACTS]))
    refused = run("kg", "describe", str(file))
    assert refused.exit_code == 2
    assert "gneg train" in refused.output


@pytest.mark.parametrize(
    ("suffix", "remedy"),
    [
        (".ttl", "convert it to N-Triples, with rdflib"),
        (".owl.gz", "convert it to N-Triples, with rdflib"),
        (".pt", "gneg.datasets.from_pyg"),
        (".PKL", "gneg.datasets.from_pyg"),
        (".xlsx", "export the table of edges as csv"),
        (".jsonl", "export the table of edges as csv"),
        (".db", "export the table of edges as csv"),
        (".zip", "unpack it"),
        (".tar.gz", "unpack it"),
        (".csv.xz", "compress it by gzip"),
        (".gexf", "networkx.write_graphml"),
    ],
)
def test_formats_that_are_not_read_have_a_remedy(tmp_path, suffix, remedy):
    path = tmp_path / f"graph{suffix}"
    path.write_bytes(b"\x80\x04")
    for load in (datasets.load, datasets.load_triples):
        with pytest.raises(ValueError, match=rf"'dataset' must be text in columns.*{remedy}"):
            load(path)
    (tmp_path / "e.csv").write_text("a,b\nb,c\n")
    with pytest.raises(ValueError, match=rf"'features' must be .npy, .*{remedy}"):
        datasets.load(tmp_path / "e.csv", features=path)
