"""What is on the page of answers: whole queries, those with the most probable answers; links."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from gneg.prediction.page import write, write_page
from gneg.prediction.page.answers import collect, roles
from gneg.prediction.page.known import KnownLinks
from tests.prediction.answer_worlds import (
    HOSTILE,
    NAMES,
    answers,
    answers_of,
    bipartite,
    friends,
    table_of,
)
from tests.prediction.models import link_model, named_data, triple_model


@pytest.fixture(scope="module")
def data():
    return friends()


@pytest.fixture(scope="module")
def table(data):
    return answers(data)


def test_links_of_hubs_are_cut_by_degree():
    graph = torch.tensor([[0, 0, 0, 0, 1], [1, 2, 3, 4, 2]])
    data = replace(bipartite(), num_src=None, undirected=True, train=graph, names=None)
    links = KnownLinks.of(data)
    assert links.degree.tolist() == [4, 2, 2, 1, 1]
    whole, most = links.around(np.array([0, 4]), 5)
    assert most is None
    assert np.diff(whole.starts).tolist() == [4, 0, 0, 0, 1]
    cut, most = links.around(np.array([0, 4]), 4)
    assert most == 2
    assert cut.other.tolist() == [3, 4, 0]  # node 0 with the nodes of one link


def test_the_most_probable_queries_are_kept(data, table, tmp_path, monkeypatch):
    monkeypatch.setattr(write, "ROWS", 12)
    path = tmp_path / "page.html"
    pieces = [table[low : low + 5] for low in range(0, 45, 5)] + [table[45:46], table[46:]]
    write_page(path, pieces, data, title="Part", info={}, calibration=None)
    assert "10 of 296 answers, for 2 of 60 nodes" in path.read_text("utf-8")
    best = collect(pieces, data, roles(data, None), 12)[0]
    top = sorted(range(60), key=lambda i: -max_probability(table, NAMES[i]))[:2]
    assert np.unique(best.node).tolist() == sorted(top)


def test_a_page_that_is_too_large_is_made_smaller(data, table, tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    sizes = []
    for limit in (1_000_000, 36_000, 1):
        monkeypatch.setattr(write, "SIZE", limit)
        write_page(path, [table], data, title="Small", info={}, calibration=None)
        sizes.append(path.stat().st_size)
    assert sizes[0] > 36_000
    assert sizes[2] < sizes[1] <= 36_000
    assert " for 1 of 60 nodes" in path.read_text("utf-8")


def max_probability(table: pa.Table, name: str) -> float:
    values = [a["probability"] for a in answers_of(table, name) if a["target"] and not a["known"]]
    return max(values, default=0.0)


def test_a_query_that_came_twice_is_answered_once(data, table):
    best, nodes, total = collect([table, table[:10]], data, roles(data, None), 1000)
    assert (len(best), nodes, total) == (len(table), 60, len(table) + 10)
    assert best.why.to_pylist() == table["why"].to_pylist()


def test_unknown_names_and_columns_are_refused(data, table):
    for wrong, message in (
        (table.drop_columns("known"), "a column known"),
        (table_of(["nobody"], [HOSTILE], [1.0]), "'nobody'"),
    ):
        with pytest.raises(ValueError, match=message):
            collect([wrong], data, roles(data, None), 10)
    with pytest.raises(ValueError, match="looked_for"):
        roles(data, "relation")


@pytest.mark.parametrize("side", ["source", "target"])
def test_answers_of_a_model_keep_their_places(tmp_path, side):
    model = link_model(tmp_path / "run", named_data("bipartite"))
    table = model.answers(np.arange(15), 4, side=side, keep_known=True, why=True)
    columns = roles(model.data, side)
    best = collect([table], model.data, columns, 1000)[0]
    names = [f"user {i}" for i in range(15)] + [f"item {i}" for i in range(40)]
    assert [names[i] for i in best.node] == table[columns.node].to_pylist()
    assert [names[i] for i in best.partner] == table[columns.partner].to_pylist()
    assert best.known.tolist() == table["known"].to_pylist()
    info = {"looked_for": side}
    path = tmp_path / "page.html"
    calibration = model.calibration
    write_page(path, [table], model.data, title="Shop", info=info, calibration=calibration)
    assert "60 answers for 15 nodes" in path.read_text("utf-8")


@pytest.mark.parametrize("part", ["head", "relation", "tail"])
def test_answers_of_triples_keep_their_places(tmp_path, part):
    model = triple_model(tmp_path / "run")
    query = {"head": np.array([3, 1, 1]), "relation": np.array([0, 2, 0]), "tail": np.arange(3)}
    del query[part]
    table = model.answers(query, part, 3, keep_known=True, why=True)
    columns = roles(model.data, part)
    best = collect([table], model.data, columns, 1000)[0]
    triples = {
        (f"entity {node}", f"relation {relation}", f"entity {partner}")
        for node, relation, partner in zip(best.node, best.relation, best.partner, strict=True)
    }
    named = (table[name].to_pylist() for name in (columns.node, "relation", columns.partner))
    assert triples == set(zip(*named, strict=True))
    assert len(best) == len(table)
