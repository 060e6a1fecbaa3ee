"""Files that may mean two things: refused with the remedy, or read and said."""

from __future__ import annotations

import networkx
import numpy as np
import pandas as pd
import pytest
import torch
from torch_geometric.data import Data

from gneg import datasets
from gneg.datasets import TableOptions
from tests.datasets.edge_rows import EDGES, N, expected, named_edges, read, rows, spaced


@pytest.mark.parametrize("header", ["a,b,interaction\n", "", "drug,protein,active\n"])
def test_a_third_column_of_0_and_1_is_asked_about(tmp_path, header):
    text = header + rows(",", int, lambda i: int(i % 3 > 0))
    name = header.strip().rpartition(",")[2] or "3"
    with pytest.raises(
        ValueError, match=f"'label' must be named .* --label {name} if 0 is no edge"
    ):
        read(tmp_path, "a.csv", text)
    data = read(tmp_path, "a.csv", text, table=TableOptions(label=name))
    assert data.negatives.size(1) == len(EDGES[::3])
    every = read(tmp_path, "a.csv", text, table=TableOptions(source="1", target="2"))
    assert named_edges(every) == expected(int)


def test_a_header_of_words_is_told_by_what_comes_again(tmp_path):
    text = "person,friend\n" + rows(",", spaced)
    data = read(tmp_path, "a.csv", text)
    assert data.reading.columns == {"source": "person", "target": "friend"}
    assert named_edges(data) == expected(spaced)
    lonely = text + "x,y\n"  # another row whose ends come once
    said = "the first row (person, friend) is read as an edge: see --header"
    assert said in str(read(tmp_path, "a.csv", lonely).reading)


def test_a_header_that_comes_again_is_left_out(tmp_path):
    whole = "source,target\n" + rows(",", spaced)
    half = whole.split("\n")[60:]
    data = read(tmp_path, "a.csv", whole.replace(half[0], "source,target\n" + half[0], 1))
    assert named_edges(data) == expected(spaced)
    assert "1 further rows repeat the header and are left out" in str(data.reading)


def test_an_index_of_pandas_keeps_its_header(tmp_path):
    pd.DataFrame(EDGES).to_csv(tmp_path / "a.csv")
    data = datasets.load(tmp_path / "a.csv", table=TableOptions(source="2", target="3"))
    assert named_edges(data) == expected(int)
    pd.DataFrame(EDGES, columns=["person", "friend"]).to_csv(tmp_path / "a.csv", index_label="idx")
    assert datasets.load(tmp_path / "a.csv").reading.columns["source"] == "person"


def test_a_named_column_shows_the_header(tmp_path):
    text = "alpha,beta\n" + rows(",", "n{}".format) + "x,y\n"
    data = read(tmp_path, "a.csv", text, table=TableOptions(source="beta", target="alpha"))
    assert data.reading.header


def test_comments_between_rows_are_counted(tmp_path):
    lines = rows(" ", int).splitlines()
    text = "\n".join([*lines[:9], "#7 9", "# a remark", *lines[9:]])
    data = read(tmp_path, "a.txt", text)
    assert named_edges(data) == expected(int)
    assert "2 lines between rows begin with # and are left out as comments" in str(data.reading)
    tags = "".join(f"#tag{u} user{v}\n" for u, v in EDGES)
    assert {name[0] for name in read(tmp_path, "a.txt", tags).names} == {"#", "u"}


DAY = "{:02d}/{:02d}/2020".format


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (lambda i: "nan" if i == 3 else f"2020-01-{1 + i % 28:02d}", "'time' .*'nan'"),
        (lambda i: "today" if i == 3 else f"2020-01-{1 + i % 28:02d}", "'time' .*'today'"),
        (lambda i: f"2020-W{1 + i % 28:02d}", "'time' must be .*2020-W01"),
        (lambda i: DAY(13 + i % 9, 1) if i else "2020-01-02", "'time' must be .*01/2020"),
        (lambda i: DAY(13 + i % 9, 1) if i < 50 else "2020-01-02", "'time' .* of one form"),
        (lambda i: 1.6e9 + i if i % 2 else 1.6e12 + i, "of seconds or of milliseconds"),
        (lambda i: int(1.6e15) + i if i % 2 else int(1.6e18) + i, "microseconds or of nano"),
        (lambda i: int(1.6e9) + i if i else -1, "0 or -1 stands for an unknown time"),
        (lambda i: f"2020-01-01T00:{i % 60:02d}:00{'Z' * (i % 2)}", "all have a zone or none"),
    ],
)
def test_times_of_two_forms_are_refused(tmp_path, times, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, "a.csv", "source,target,time\n" + rows(",", int, times))


def test_an_order_of_day_and_month_that_the_file_contradicts_is_refused(tmp_path):
    text = "source,target,date\n" + rows(",", int, lambda i: DAY(1 + i % 12, 13 + i % 9))
    for order, name in ((True, "the day"), (False, "the month")):
        options = TableOptions(day_first=order)
        if order:
            with pytest.raises(ValueError, match=f"'day_first' .* do not begin with {name}"):
                read(tmp_path, "a.csv", text, table=options)
        else:
            assert read(tmp_path, "a.csv", text, table=options).split == "by time 85/5/10"


def test_nanoseconds_are_not_rounded(tmp_path):
    text = "source,target,time\n" + rows(",", int, lambda i: 1_600_000_000_000_000_000 + i)
    data = read(tmp_path, "a.csv", text)
    assert data.test.pos.size(1) > 5


def test_what_a_split_of_the_file_cannot_keep_is_refused(tmp_path):
    text = "source,target,time\n" + rows(",", int, lambda i: i)
    with pytest.raises(ValueError, match="'cover' must be none where it is by time"):
        read(tmp_path, "a.csv", text, table=TableOptions(cover="nodes"))


def test_other_columns_that_may_be_times_are_said(tmp_path):
    text = "source,target,when\n" + rows(",", int, lambda i: f"2020-01-{1 + i % 28:02d}")
    assert "column when may hold times: see --time when" in str(
        read(tmp_path, "a.csv", text).reading
    )


def test_a_file_that_calls_itself_directed_is_said(tmp_path):
    text = "# Directed graph (each unordered pair of nodes is saved once)\n" + rows(" ", int)
    assert "edges have a direction, see --directed" in str(read(tmp_path, "a.txt", text).reading)


@pytest.mark.parametrize("form", ["index and id", "no header", "paper"])
def test_features_find_their_nodes_by_ids(tmp_path, form):
    """Shuffled rows whose first column holds the ids, whatever it is called."""
    order = np.random.default_rng(0).permutation(N)
    table = pd.DataFrame({"id": order, "f": 2.0 * order, "g": 1.5})
    path = tmp_path / "x.csv"
    if form == "index and id":
        table.to_csv(path)
    else:
        table.rename(columns={"id": "paper"}).to_csv(path, index=False, header=form == "paper")
    data = read(tmp_path, "a.csv", rows(",", int), features=path)
    ids = torch.tensor([int(name) for name in data.names])
    assert torch.equal(data.x[:, 0], 2.0 * ids)
    assert data.x.size(1) == 2


def test_graphml_and_networkx_keep_two_kinds_and_names(tmp_path):
    graph = networkx.Graph()
    graph.add_nodes_from((f"u{u}" for u in range(N)), bipartite=0)
    graph.add_nodes_from((f"i{v}" for v in range(N)), bipartite=1)
    graph.add_edges_from((f"i{v}", f"u{u}") for u, v in EDGES)
    networkx.write_graphml(graph, tmp_path / "a.graphml")
    by_hand = {frozenset((f"u{u}", f"i{v}")) for u, v in EDGES}
    for data in (datasets.load(tmp_path / "a.graphml"), datasets.from_networkx(graph)):
        assert data.num_src is not None
        assert named_edges(data) == by_hand
    plain = networkx.relabel_nodes(networkx.Graph(EDGES), spaced)
    assert named_edges(datasets.from_networkx(plain)) == expected(spaced)


def test_weights_of_pyg_count_and_other_attributes_are_named():
    edges = torch.tensor(EDGES).t()
    data = Data(edge_index=edges, edge_weight=torch.rand(len(EDGES)) + 1, num_nodes=N)
    data.edge_attr = torch.rand(len(EDGES), 2)
    with pytest.warns(UserWarning, match="not used of the edges: edge_attr"):
        links = datasets.from_pyg(data)
    place = {tuple(edge): i for i, edge in enumerate(edges.t().tolist())}
    weights = data.edge_weight[[place[tuple(edge)] for edge in links.train.t().tolist()]]
    assert torch.allclose(links.weight, weights.double())


def test_rows_that_span_lines_because_of_a_stray_quote_are_said(tmp_path):
    lines = ["source,target", *(f"e{i},e{7 * i % 60}" for i in range(1, 61))]
    lines[9], lines[29] = '"e9,e3', 'e29",e23'
    data = read(tmp_path, "a.csv", "\n".join(lines))
    (said,) = [note for note in data.reading.notes if "quote" in note]
    assert "1 rows have line ends inside quotes, up to 20 each" in said
    assert "'\"e9,e3\\ne10,e10" in said
