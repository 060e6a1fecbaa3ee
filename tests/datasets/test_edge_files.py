"""Edge lists as people have them: what each is read as, and what is refused."""

from __future__ import annotations

import gzip
from collections.abc import Callable

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
from gneg.datasets import LinkData, TableOptions
from tests.worlds import random_graph

N = 40
EDGES = [(int(u), int(v)) for u, v in random_graph(N, 120).edge_index.t().tolist() if u < v]
Name = Callable[[int], object]


def rows(separator: str, name: Name = int, *more: Callable[[int], object]) -> str:
    """A line for each edge: its two ends, and further values by the number of the line."""
    lines = [
        separator.join(map(str, (name(u), name(v), *(of(i) for of in more))))
        for i, (u, v) in enumerate(EDGES)
    ]
    return "\n".join(lines) + "\n"


def spaced(i: int) -> str:
    return f"New York {i}"


def named_edges(data: LinkData) -> set[frozenset[str]]:
    """All edges of the data by the user's own names."""
    ends = np.concatenate([data.positives(part).numpy() for part in ("train", "valid", "test")], 1)
    names = data.names if isinstance(data.names, tuple) else (data.names, data.names)
    return {frozenset((names[0][u], names[1][v])) for u, v in ends.T.tolist()}


def expected(name: Name) -> set[frozenset[str]]:
    return {frozenset((str(name(u)), str(name(v)))) for u, v in EDGES}


def read(folder, file: str, content: str | bytes, **options) -> LinkData:
    path = folder / file
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content, newline="")
    return datasets.load(path, **options)


@pytest.mark.parametrize(
    ("file", "content", "name", "line"),
    [
        ("a.csv", rows(","), int, "commas, without a header; source = 1, target = 2"),
        ("gaps.csv", rows(",", lambda i: 431 * i), lambda i: 431 * i, "ids are integers"),
        ("large.csv", rows(",", lambda i: 7 * 10**9 + i), lambda i: 7 * 10**9 + i, "integers"),
        ("negative.csv", rows(",", lambda i: i - 9), lambda i: i - 9, "ids are integers"),
        ("a.tsv", rows("\t", spaced), spaced, "separated by tabs, without a header"),
        ("a.txt", rows("\t", spaced), spaced, "separated by tabs"),
        ("b.txt", rows(" "), int, "separated by spaces"),
        ("c.txt", rows("   "), int, "separated by spaces"),
        ("semi.csv", rows(";", lambda i: f"a,{i}"), lambda i: f"a,{i}", "by semicolons"),
        ("bar.csv", rows("|", spaced), spaced, "separated by vertical bars"),
        ("a.dat", rows("::"), int, "separated by ::"),
        ("zeros.csv", rows(",", "{:03d}".format), "{:03d}".format, "ids are names"),
        ("float.csv", rows(",", lambda i: f"{i}.0" if i % 2 else i), int, "ids are integers"),
        ("hash.csv", rows(",", lambda i: f"c#{i}"), lambda i: f"c#{i}", "ids are names"),
        ("uri.tsv", rows("\t", "http://x.org/a#{}".format), "http://x.org/a#{}".format, "names"),
        ("comment.csv", "# a comment\n" + rows(","), int, "without a header"),
        ("na.csv", rows(",", lambda i: ("NA", "null", "nan")[i] if i < 3 else i), None, "names"),
        ("bom.csv", "\ufeffsource,target\r\n" + rows(" , ").replace("\n", " \r\n"), int, "with a"),
        ("blank.csv", rows(",").replace("\n", "\n\n") + "\n  \n", int, "commas"),
        ("quoted.csv", rows(",", '"Doe, {}"'.format), "Doe, {}".format, "ids are names"),
        ("inch.tsv", rows("\t", '5" {}'.format), '5" {}'.format, "ids are names"),
        ("utf16.csv", rows(",", "Zoë {}".format).encode("utf-16"), "Zoë {}".format, "names"),
        ("a.csv.gz", gzip.compress(rows(",").encode()), int, "commas"),
        ("gz.csv", gzip.compress(rows(",").encode()), int, "commas"),
        ("a.csv.zst", pa.compress(rows(",").encode(), "zstd", asbytes=True), int, "commas"),
        ("edges", rows("\t"), int, "separated by tabs"),
    ],
)
def test_every_text_is_read_as_it_is_meant(tmp_path, file, content, name, line):
    data = read(tmp_path, file, content)
    assert data.num_nodes == len({end for edge in EDGES for end in edge})
    if name is not None:
        assert named_edges(data) == expected(name)
    assert line in str(data.reading)


def value(i: int) -> str:
    return f"{i + 0.5}"


@pytest.mark.parametrize(
    ("header", "columns", "unused"),
    [
        ("source,target", {"source": "source", "target": "target"}, ()),
        ("from,to", {"source": "from", "target": "to"}, ()),
        ("to,from", {"source": "from", "target": "to"}, ()),
        ("protein1,protein2", {"source": "protein1", "target": "protein2"}, ()),
        ("author_a,author_b", {"source": "author_a", "target": "author_b"}, ()),
        (":START_ID(P),:END_ID(P)", {"source": ":START_ID(P)", "target": ":END_ID(P)"}, ()),
        ("FromNodeId,ToNodeId", {"source": "FromNodeId", "target": "ToNodeId"}, ()),
        ("u,v,w", {"source": "u", "target": "v", "weight": "w"}, ()),
        ("note,src,dst", {"source": "src", "target": "dst"}, ("note",)),
        ("w,gene_x,gene_y", {"source": "gene_x", "target": "gene_y", "weight": "w"}, ()),
        ("Person,Friend,distance", {"source": "Person", "target": "Friend"}, ("distance",)),
    ],
)
def test_headers_name_the_columns(tmp_path, header, columns, unused):
    """Ends stand where the header says; values beside them are used or said not to be."""
    names = header.split(",")
    place = [names.index(columns[end]) for end in ("source", "target")]
    table = pd.DataFrame("", index=range(len(EDGES)), columns=range(len(names)))
    for i in range(len(names)):
        table[i] = [value(row) for row in range(len(EDGES))]
    table[place[0]], table[place[1]] = ([f"n{edge[i]}" for edge in EDGES] for i in (0, 1))
    data = read(tmp_path, "a.csv", header + "\n" + table.to_csv(index=False, header=False))
    assert data.reading.header
    assert data.reading.columns == columns
    assert data.reading.unused == unused
    assert named_edges(data) == expected("n{}".format)
    assert (data.weight is not None) == ("weight" in columns)


def test_a_first_row_that_comes_again_is_an_edge(tmp_path):
    data = read(tmp_path, "a.csv", "u,v\nv,u2\nu2,u\n" + rows(",", "p{}".format))
    assert not data.reading.header
    assert frozenset(("u", "v")) in named_edges(data)


def test_the_index_of_pandas_and_comments_of_snap(tmp_path):
    table = pd.DataFrame(EDGES, columns=["source", "target"])
    table.to_csv(tmp_path / "a.csv")
    data = datasets.load(tmp_path / "a.csv")
    assert (named_edges(data), data.reading.unused) == (expected(int), ("one without a name",))
    data = read(tmp_path, "a.txt", "# Nodes: 40\n# ToNodeId\tFromNodeId\n" + rows("\t"))
    assert data.reading.columns == {"source": "FromNodeId", "target": "ToNodeId"}
    data = read(tmp_path, "out.konect", "% sym unweighted\n% 60 40 40\n" + rows(" "))
    assert (named_edges(data), data.reading.header) == (expected(int), False)


def test_columns_can_be_named_or_numbered(tmp_path):
    text = rows(",", int, lambda i: i, value)
    options = TableOptions(source="2", target="1", weight="4", header=False)
    data = read(tmp_path, "a.csv", text, table=options)
    assert data.reading.columns == {"source": "2", "target": "1", "weight": "4"}
    assert data.reading.unused == ("3",)
    with pytest.raises(ValueError, match="'source' must be a column: 1, 2, 3, 4, or its number"):
        read(tmp_path, "a.csv", text, table=TableOptions(source="from"))


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
    for label, said in [("friend", "'friend' is neither 0 nor 1"), (0, "no label is 1")]:
        data = read(tmp_path, "a.csv", "a,b,label\n" + rows(",", int, lambda i, of=label: of))
        assert said in str(data.reading)
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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "got .*bad.csv, which is empty"),
        ("# only\n\n", "which is empty"),
        ("one\ntwo\n", "got .*bad.csv with the line 'one'.; give the separator with --sep"),
        (rows(",") + "3,4,5\n", r"2 columns in each row as in its first .* row \d+: '3,4,5'"),
        (rows(",") + "3,\n", r"a table without missing ends .got .*bad.csv, row \d+"),
        (b"\x00\x01\x02,\x00\n", "NUL characters"),
        (b"caf\xe9,b\n", "codec can't decode .* save it as UTF-8 text"),
        ("a,b,weight\n" + rows(",", int, lambda i: "x"), "'weight' must be a column of numbers"),
        ("a,b,time\n" + rows(",", int, lambda i: "soon"), "'time' must be a column of numbers or"),
        ("a,b,split\n" + rows(",", int, lambda i: "some"), "'split' must be train, valid"),
    ],
)
def test_what_cannot_be_understood_is_refused(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, "bad.csv", content)


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        ("u,v\n" + rows(",", "#{}".format), "#{}".format, "with a header"),
        (rows(",", "#{}".format), "#{}".format, "without a header"),
        (rows("\t", lambda i: f"#{i}" if i % 3 else i), lambda i: f"#{i}" if i % 3 else i, "names"),
        ("sep=;\r\nsource;target\r\n" + rows(";"), int, "source = source, target = target"),
        (
            "user_id:token\titem_id:token\trating:float\n" + rows("\t", int, value),
            None,
            "two kinds",
        ),
        (":START_ID(P),:END_ID(M)\n" + rows(","), None, "ends are of two kinds"),
        ("% bip unweighted\n" + rows(" "), None, "ends are of two kinds"),
        (rows(",", int).replace("\n", ",x\n", 9**9), int, "columns not used: 3"),
        ("ts,src_ip,src_port,dst_ip\n", None, None),
        (rows(",") + rows(",") + "3,3\n", int, "1 rows join a node with itself"),
        (rows(",") + rows(","), int, f"{len(EDGES)} rows repeat an edge"),
        ("employee,manager\n" + rows(",", "n{}".format), None, "employee, manager, does not come"),
        ("1,28," + "x" * 200_000 + "\n" + rows(",", int, value), None, "columns not used: 3"),
    ],
)
def test_what_an_attacker_brought(tmp_path, content, name, said):
    if said is None:
        lines = [f"{1.6e9 + i:.0f},n{u},{i % 9},n{v}\n" for i, (u, v) in enumerate(EDGES)]
        data = read(tmp_path, "a.csv", content + "".join(lines))
        assert data.reading.columns["target"] == "dst_ip"
        return
    data = read(tmp_path, "a.csv", content)
    assert said in str(data.reading)
    if name is not None:
        assert named_edges(data) == expected(name)


def test_dates_fractions_and_row_numbers_are_no_ends(tmp_path):
    lines = {
        "index": [f"{i},n{u},n{v}" for i, (u, v) in enumerate(EDGES)],
        "dates": [f"2020-01-0{1 + i % 9} 00:00:00,n{u},n{v}" for i, (u, v) in enumerate(EDGES)],
        "fractions": [f"{i / 7 + 0.01:.3f},n{u},n{v}" for i, (u, v) in enumerate(EDGES)],
    }
    for rows_of_kind in lines.values():
        data = read(tmp_path, "a.csv", "\n".join(rows_of_kind))
        assert data.reading.columns == {"source": "2", "target": "3"}


def test_mixed_units_of_time_are_refused(tmp_path):
    text = "u,v,time\n" + rows(",", int, lambda i: 1_600_000_000 * (1000 if i % 2 else 1))
    with pytest.raises(ValueError, match="'time' must be a column of seconds or of milliseconds"):
        read(tmp_path, "a.csv", text)


@pytest.mark.parametrize("line", ['{"source": 1, "target": 2}', "(1, 2)", "[1, 2]"])
def test_other_notations_are_refused(tmp_path, line):
    with pytest.raises(ValueError, match=r"text in columns, Parquet, .* with the line"):
        read(tmp_path, "a.txt", f"{line}\n" * 30)
