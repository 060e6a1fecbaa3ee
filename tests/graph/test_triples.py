"""Triples and their queries against sets."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from gneg import KnownEdges, datasets
from gneg.datasets import TripleData
from gneg.graph import KnownTriples, Triples
from tests.triple_worlds import WORLDS

triple = st.tuples(st.integers(0, 6), st.integers(0, 2), st.integers(0, 6))


def tensor(rows) -> torch.Tensor:
    return torch.tensor(list(rows), dtype=torch.long).view(-1, 3).t()


@settings(max_examples=80, deadline=None)
@given(st.lists(triple, max_size=40), st.lists(triple, max_size=20), st.booleans())
def test_known_triples_are_the_given_set(train, held_out, loops):
    triples = Triples(tensor(train), 7, 3)
    known = KnownTriples(triples, tensor(held_out), loops=loops)
    candidates = tensor([(h, r, t) for h in range(7) for r in range(3) for t in range(7)])
    expected = {*train, *held_out}
    contained = known.contains(candidates).tolist()
    for row, value in zip(candidates.t().tolist(), contained, strict=True):
        assert value == (tuple(row) in expected or (loops and row[0] == row[2]))
    # From the other end the same.
    queries, edges = known.side("head")
    rows = queries.rows(candidates[2].numpy(), candidates[1].numpy())
    assert edges.contains(torch.from_numpy(rows), candidates[0]).tolist() == contained
    assert (queries.entity(rows) == candidates[2].numpy()).all()
    known_rows = rows < len(queries.keys)
    assert (queries.relation(rows)[known_rows] == candidates[1].numpy()[known_rows]).all()
    assert (queries.relation(rows)[~known_rows] == -1).all()


@pytest.mark.parametrize("world", WORLDS)
def test_graphs_of_entities(world):
    triples = WORLDS[world]()
    joined = {frozenset((h, t)) for h, _, t in triples.triples.t().tolist() if h != t}
    assert {frozenset(edge) for edge in triples.entities.edge_index.t().tolist()} == joined
    size = triples.num_entities
    layered = {(r * size + h, r * size + t) for h, r, t in triples.triples.t().tolist() if h != t}
    edges = set(map(tuple, triples.by_relation.edge_index.t().tolist()))
    assert edges == layered | {(b, a) for a, b in layered}


def test_triples_from_everywhere():
    rows = tensor([(0, 0, 1), (1, 1, 2), (2, 0, 0)])
    multi = networkx.MultiDiGraph()
    multi.add_nodes_from(range(3))
    for h, r, t in rows.t().tolist():
        multi.add_edge(h, t, relation=f"r{r}")
    data = Data(edge_index=rows[[0, 2]], edge_type=rows[1], num_nodes=3)
    for source in (rows, Triples(rows), data, multi):
        converted = datasets.as_triples(source)
        assert converted.fingerprint() == Triples(rows).fingerprint()
        assert (converted.num_entities, converted.num_relations, converted.num_triples) == (3, 2, 3)
    with pytest.raises(ValueError, match="'triples' must be a"):
        datasets.as_triples([1, 2])


def test_pykeen_factories_are_read():
    factory = pytest.importorskip("pykeen.triples").CoreTriplesFactory
    rows = tensor([(0, 0, 1), (1, 1, 2)])
    triples = datasets.as_triples(factory(rows.t(), num_entities=4, num_relations=3))
    assert (triples.num_entities, triples.num_relations) == (4, 3)


def test_a_random_split_leaves_everyone_a_training_triple():
    whole = WORLDS["sparse"]()
    data = datasets.from_triples(whole, shares=(0.2, 0.2))
    together = torch.cat([data.train, data.valid, data.test], dim=1)
    assert Triples(together, 30, 3).fingerprint() == whole.fingerprint()
    assert data.train.size(1) + data.valid.size(1) + data.test.size(1) == whole.num_triples
    trained = set(data.train[[0, 2]].flatten().tolist())
    assert set(data.test[[0, 2]].flatten().tolist()) <= trained
    assert data.test.size(1) > 10


def test_unseen_entities_are_kept_or_dropped_and_said(tmp_path):
    files = {"train": "a\tr\tb\nb\tr\tc\n", "valid": "a\tr\tc\n", "test": "d\tr\ta\nb\ts\ta\n"}
    for part, text in files.items():
        (tmp_path / f"{part}.txt").write_text(text)
    complete = datasets.load_triples(tmp_path)
    assert (complete.num_entities, complete.num_relations, complete.unseen) == (4, 2, 2)
    assert "2 of them with what is not in training" in repr(complete)
    dropped = datasets.load_triples(tmp_path, unseen="drop")
    assert (dropped.num_entities, dropped.test.size(1), dropped.unseen) == (3, 0, 0)
    ids = TripleData("ids", complete.train, complete.valid, complete.test, 4, 2)
    assert (ids.unseen, ids.describe()["unseen"]) == (2, 2)
    assert "triples 2 / 1 / 2, 2 of them with what is not in training" in repr(ids)
    (tmp_path / "test.txt").write_text("a r b\n")
    with pytest.raises(ValueError, match=r"test\.txt, line 1"):
        datasets.load_triples(tmp_path)


def test_ogb_splits_number_types_one_after_the_other():
    from types import SimpleNamespace

    from gneg.datasets.sources.ogb import from_ogb_split

    graph = SimpleNamespace(num_nodes_dict={"protein": 3, "drug": 2})
    part = {
        "head": np.array([0, 1]),
        "tail": np.array([2, 0]),
        "relation": np.array([0, 1]),
        "head_type": ["drug", "drug"],
        "tail_type": ["protein", "drug"],
        "head_neg": np.array([[1, 0], [0, 0]]),
        "tail_neg": np.array([[1, 0], [1, 1]]),
    }
    split = dict.fromkeys(("train", "valid", "test"), part)
    data = from_ogb_split("ogbl-biokg", split, graph)
    assert data.train.t().tolist() == [[0, 0, 4], [1, 1, 0]]
    assert data.types == [[0], [0], [1], [1], [1]]
    assert data.num_entities == 5
    # Negatives have the type of what they replace.
    assert data.negatives["test"]["head"].tolist() == [[1, 0], [0, 0]]
    assert data.negatives["test"]["tail"].tolist() == [[3, 2], [1, 1]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("fb15k237", (14_541, 237, 272_115, 17_535, 20_466)),
        ("wn18rr", (40_943, 11, 86_835, 3_034, 3_134)),
        ("codex-s", (2_034, 42, 32_888, 1_827, 1_828)),
        ("nations", (14, 55, 1_592, 199, 201)),
    ],
)
def test_real_graphs(name, sizes, shared):
    data = datasets.load_triples(name, root=shared)
    parts = [part.size(1) for part in (data.train, data.valid, data.test)]
    assert (data.num_entities, data.num_relations, *parts) == sizes
    if name == "codex-s":
        everything = data.known("all")
        assert len(data.types) == data.num_entities
        for part in ("valid", "test"):
            assert data.verified[part].size(1) == data.positives(part).size(1)
            assert not everything.contains(data.verified[part]).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Triples(torch.zeros(4, 3).long()), r"did you mean its transpose"),
        (lambda: Triples(torch.zeros(3, 2)), r"'triples' must be an integer tensor"),
        (lambda: Triples(tensor([(0, 0, 9)]), 5), r"'triples\[2\]' must be entity ids in \[0, 5\)"),
        (lambda: Triples(tensor([(0, 3, 1)]), 5, 2), r"'triples\[1\]' must be relation ids"),
        (lambda: datasets.load_triples("freebase"), "'dataset' must be a folder with train.txt"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_memory_is_shared_between_calls():
    known = KnownTriples(WORLDS["sparse"]())
    assert known.side("tail")[1] is known.side("tail")[1]
    assert isinstance(known.side("head")[1], KnownEdges)
