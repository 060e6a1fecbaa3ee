"""Edge lists as people have them: what each is read as, and what is refused."""

from __future__ import annotations

import gzip

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from gneg import datasets
from gneg.datasets import TableOptions
from gneg.datasets.sources import delimited
from tests.datasets.edge_rows import EDGES, expected, named_edges, read, rows, spaced


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
        ("employee,manager\n" + rows(",", "n{}".format), "n{}".format, "source = employee"),
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


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n  \n"])
def test_blank_lines_are_passed_over_whatever_the_end_of_the_file(tmp_path, end):
    path = tmp_path / "edges.csv"
    path.write_text("a,b\n   \nb,c\nc,a" + end)
    columns = delimited.read(path, header=False).columns
    assert [column.to_pylist() for column in columns] == [["a", "b", "c"], ["b", "c", "a"]]
