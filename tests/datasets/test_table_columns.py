"""Columns beside the ends, features, and formats of other programs."""

from __future__ import annotations

import networkx
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
import scipy.io
import scipy.sparse

from gneg import datasets
from gneg.datasets import TableOptions
from tests.datasets.edge_rows import EDGES, N, expected, named_edges, read, rows


def test_times_split_the_edges(tmp_path):
    """Numbers, ISO dates with zones, and dates whose order of day and month can be told."""
    day = "2020-{:02d}-{:02d}T00:00:00+02:00".format
    texts = {
        "numbers": rows(",", int, lambda i: 1_600_000_000 + i),
        "iso": rows(",", int, lambda i: day(1 + i // 20, 1 + i % 20)),
        "slashed": rows(",", int, lambda i: f"{1 + i % 28:02d}/{1 + i // 28:02d}/2020"),
    }
    splits = []
    for name, text in texts.items():
        data = read(tmp_path, f"{name}.csv", "source,target,timestamp\n" + text)
        assert data.split == "by time 85/5/10"
        splits.append(data.test.pos.tolist())
    assert splits[0] == splits[1] == splits[2]
    open_order = rows(",", int, lambda i: f"{1 + i // 28:02d}/{1 + i % 12:02d}/2020")
    file = "source,target,date\n" + open_order
    with pytest.raises(ValueError, match=r"'time' must be dates .* give --day-first or --month"):
        read(tmp_path, "open.csv", file)
    first, second = (
        read(tmp_path, "open.csv", file, table=TableOptions(day_first=day_first))
        for day_first in (True, False)
    )
    assert first.test.pos.tolist() != second.test.pos.tolist()


def test_ratings_of_users_and_items(tmp_path):
    """As MovieLens has them: two kinds of ends, ids with gaps, times."""
    text = rows(",", int, lambda i: i % 5 + 1, lambda i: i)
    file = "userId,movieId,rating,timestamp\n" + text
    data = read(tmp_path, "ratings.csv", file)
    users, items = ({edge[i] for edge in EDGES} for i in (0, 1))
    assert data.size == (len(users), len(items))
    assert "every rating is an edge, see --min-rating" in str(data.reading)
    assert "ends are of two kinds" in str(data.reading)
    good = read(tmp_path, "ratings.csv", file, table=TableOptions(min_rating=4))
    liked = {frozenset(map(str, edge)) for i, edge in enumerate(EDGES) if i % 5 + 1 >= 4}
    assert named_edges(good) == liked
    one_kind = read(tmp_path, "ratings.csv", file, bipartite=False)
    assert one_kind.num_src is None


def test_labels_of_0_are_given_negatives(tmp_path):
    text = "a,b,label\n" + rows(",", int, lambda i: int(i % 4 > 0))
    data = read(tmp_path, "a.csv", text)
    given = {frozenset(map(str, edge)) for edge in EDGES[::4]}
    assert named_edges(data) == expected(int) - given
    assert {
        frozenset(str(data.names[i]) for i in pair) for pair in data.negatives.t().tolist()
    } == given
    part = ["train", "train", "val", "test"]
    text = "src,dst,split,label\n" + rows(",", int, lambda i: part[i % 4], lambda i: i // 4 % 2)
    data = read(tmp_path, "a.csv", text)
    assert data.valid.shared
    assert data.valid.neg[0].numel() == len(
        [i for i in range(len(EDGES)) if i % 4 == 2 and not i // 4 % 2]
    )
    text = "a,b,label\n" + rows(",", int, lambda i: 2)
    with pytest.raises(ValueError, match=r"'label' must be a column of 0 and 1 .got 2 in"):
        read(tmp_path, "a.csv", text, table=TableOptions(label="label"))
    data = read(tmp_path, "a.csv", "a,b,label\n" + rows(",", int, lambda i: "friend"))
    assert "'friend' is neither 0 nor 1" in str(data.reading)
    assert named_edges(data) == expected(int)
    text = "a,b,label\n" + rows(",", int, lambda i: 0)
    with pytest.raises(ValueError, match=r"'label' must be a column of which at least 1 % are 1"):
        read(tmp_path, "a.csv", text)
    data = read(tmp_path, "a.csv", text, table=TableOptions(source="a", target="b"))
    assert named_edges(data) == expected(int)


@pytest.mark.parametrize("column", ["split", "label"])
def test_splits_may_be_called_val_or_dev(tmp_path, column):
    for valid in ("val", "dev", "Validation"):
        part = ["train", "train", valid, "test"]
        text = f"src,dst,{column}\n" + rows(",", int, lambda i, part=part: part[i % 4])
        data = read(tmp_path, "a.csv", text)
        assert (data.split, data.valid.pos.size(1)) == ("given", len(EDGES[2::4]))


@pytest.mark.parametrize("cover", ["nodes", "connected"])
def test_a_split_may_keep_what_is_connected(tmp_path, cover):
    data = read(tmp_path, "a.csv", rows(","), table=TableOptions(cover=cover))
    graph = networkx.Graph(data.train.t().tolist())
    assert set(graph) == set(range(data.num_nodes))
    whole = networkx.Graph(EDGES)
    if cover == "connected":
        count = networkx.number_connected_components
        assert count(graph) == count(whole)
    assert named_edges(data) == expected(int)


def test_features_by_name_and_by_position(tmp_path):
    nodes = sorted({end for edge in EDGES for end in edge})
    (tmp_path / "x.csv").write_text("id,f,g\n" + "".join(f"n{i},{i},{-i}\n" for i in nodes[::-1]))
    data = read(tmp_path, "a.csv", rows(",", "n{}".format), features=tmp_path / "x.csv")
    assert data.x[:, 0].tolist() == [float(name[1:]) for name in data.names]
    pd.DataFrame({"node": [f"n{i}" for i in nodes] + ["n99"], "f": 1.0}).to_parquet(
        tmp_path / "x.parquet"
    )
    data = read(tmp_path, "a.csv", rows(",", "n{}".format), features=tmp_path / "x.parquet")
    assert "n99" in list(data.names)  # a node without edges
    np.savetxt(tmp_path / "p.csv", np.arange(2 * N).reshape(N, 2), delimiter=",")
    data = read(tmp_path, "b.csv", rows(","), features=tmp_path / "p.csv")
    assert data.x[3].tolist() == [6.0, 7.0]
    (tmp_path / "few.csv").write_text("id,f\n" + "".join(f"n{i},{i}\n" for i in nodes[1:]))
    with pytest.raises(ValueError, match=r"'features' must be a file with a row for each of"):
        read(tmp_path, "a.csv", rows(",", "n{}".format), features=tmp_path / "few.csv")
    (tmp_path / "word.csv").write_text("id,f\n" + "".join(f"n{i},red\n" for i in nodes))
    with pytest.raises(ValueError, match=r"columns of numbers .got 'red' in column f"):
        read(tmp_path, "a.csv", rows(",", "n{}".format), features=tmp_path / "word.csv")


def test_formats_of_other_programs(tmp_path):
    names = [f"n {i}" for i in range(N)]
    graph = networkx.Graph([(names[u], names[v]) for u, v in EDGES])
    networkx.write_graphml(graph, tmp_path / "a.graphml")
    networkx.write_gml(graph, tmp_path / "a.gml")
    table = pa.table(
        {
            "w": [1.5] * len(EDGES),
            "u": [names[u] for u, _ in EDGES],
            "v": [names[v] for _, v in EDGES],
        }
    )
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    pa.feather.write_feather(table, tmp_path / "a.arrow")
    for file in ("a.graphml", "a.gml", "a.parquet", "a.arrow"):
        assert named_edges(datasets.load(tmp_path / file)) == expected(names.__getitem__)
    ones = np.ones(len(EDGES))
    square = scipy.sparse.coo_matrix((ones, np.array(EDGES).T), (N, N))
    wide = scipy.sparse.coo_matrix((ones, np.array(EDGES).T), (N, N + 9))
    for matrix, size in ((square, N), (wide, (N, N + 9))):
        scipy.sparse.save_npz(tmp_path / "m.npz", matrix.tocsr())
        scipy.io.mmwrite(tmp_path / "m.mtx", matrix)
        for file in ("m.npz", "m.mtx"):
            assert datasets.load(tmp_path / file).size == size
    np.savez(tmp_path / "e.npz", edge_index=np.array(EDGES).T * 7)
    assert named_edges(datasets.load(tmp_path / "e.npz")) == expected(lambda i: 7 * i)


@pytest.mark.parametrize("option", [{"sep": ","}, {"header": True}, {"encoding": "latin-1"}])
def test_options_of_text_are_refused_for_other_formats(tmp_path, option):
    pd.DataFrame(EDGES, columns=["a", "b"]).to_parquet(tmp_path / "edges.parquet")
    name = next(iter(option))
    with pytest.raises(ValueError, match=f"'{name}' must be left out for .parquet"):
        datasets.load(tmp_path / "edges.parquet", table=TableOptions(**option))


@pytest.mark.parametrize(
    ("target", "rows_of", "said"), [("v{}", 9, True), ("u{}", 9, False), ("v{}", 1, False)]
)
def test_columns_that_share_no_node_may_be_users_and_items(tmp_path, target, rows_of, said):
    """Many edges between two sets of nodes; a few may be so by chance."""
    lines = [f"u{u},{target.format(20 + v)}" for u in range(20) for v in range(rows_of)]
    if target == "u{}":
        lines += ["u20,u0"]
    text = "from,to\n" + "\n".join(lines)
    data = read(tmp_path, "a.csv", text)
    assert data.num_src is None
    assert ("no node stands in both columns: see --bipartite" in str(data.reading)) == said
    named = read(tmp_path, "a.csv", text, bipartite=False)
    assert "--bipartite" not in str(named.reading)
