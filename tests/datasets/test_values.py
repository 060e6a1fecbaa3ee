"""Values of columns: times and ratings without names, both directions, signs, decimal commas."""

from __future__ import annotations

import pytest

from gneg.datasets import TableOptions
from tests.datasets.edge_rows import EDGES, expected, named_edges, read, rows

BOTH = [pair for edge in EDGES for pair in (edge, edge[::-1])]
DAY = 86_400
START = 874_724_710  # 1997-09-20


def day(i: int) -> int:
    return START + i * DAY


def stars(i: int) -> int:
    return i % 5 + 1


def sign(i: int) -> int:
    return 1 - 2 * (i % 2)


@pytest.mark.parametrize(
    ("file", "content", "time"),
    [
        ("ratings.dat", rows("::", int, stars, day), "4"),
        ("u.data", rows("\t", int, stars, day), "4"),
        ("out.x", "% bip weighted\n" + rows(" ", int, lambda i: 1, day), "4"),
        ("out.tabs", rows(" ", int, lambda i: f"1\t{day(i)}"), "4"),
        ("ms.csv", rows(",", int, lambda i: 1000 * day(i)), "3"),
        ("float.csv", rows(",", int, lambda i: day(i) + 0.25), "3"),
    ],
)
def test_times_without_a_name_are_known_by_their_values(tmp_path, file, content, time):
    data = read(tmp_path, file, content)
    assert data.split == "by time 85/5/10"
    assert data.reading.columns == {"source": "1", "target": "2", "time": time}
    assert f"column {time} holds times (1997-09-20 to 199" in str(data.reading)
    ratings = "column 3 holds ratings; every rating is an edge, see --min-rating"
    assert (ratings in str(data.reading)) == (file in ("ratings.dat", "u.data"))
    two_kinds = file in ("out.x", "ratings.dat", "u.data")
    assert (data.num_src is not None) == two_kinds


def test_ratings_without_a_name_have_a_threshold(tmp_path):
    text = rows("::", int, stars, day)
    data = read(tmp_path, "ratings.dat", text, table=TableOptions(min_rating=4))
    assert named_edges(data) == {
        frozenset(map(str, edge)) for i, edge in enumerate(EDGES) if stars(i) >= 4
    }


def test_a_leading_column_of_growing_times_is_no_end(tmp_path):
    lines = [f"{day(i)} {u} {v}" for i, (u, v) in enumerate(EDGES)]
    data = read(tmp_path, "a.txt", "\n".join(lines))
    assert data.reading.columns == {"source": "2", "target": "3", "time": "1"}


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (rows(" ", int, stars), None),
        (rows(" ", int, lambda i: i * DAY), None),
        (rows(" ", day), None),
        (rows(" ", day, day), None),
        (rows(" ", int, day, day), "column 3 and 4 may hold times, see --time 3"),
        (rows(" ", int, lambda i: day(i % 3)), "column 3 may hold times, see --time 3"),
        ("\n".join(f"{day(u)} {v} 5" for u, v in EDGES), "column 1 may hold times, see --time 1"),
    ],
)
def test_what_may_be_times_is_said_and_not_taken(tmp_path, content, note):
    data = read(tmp_path, "a.txt", content)
    assert data.reading.columns == {"source": "1", "target": "2"}
    assert data.reading.notes == (() if note is None else (note,))


def mirrored(*more, separator: str = ",") -> str:
    lines = ([u, v, *(of(u, v) for of in more)] for u, v in BOTH)
    return "".join(separator.join(map(str, line)) + "\n" for line in lines)


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (mirrored(), "every edge is"),
        ("protein1,protein2,combined_score\n" + mirrored(lambda u, v: u * v + 1), "every edge is"),
        ("a,b,time\n" + mirrored(lambda u, v: u + v), "every edge is"),
        ("a,b,w\n" + mirrored(lambda u, v: u + v).rsplit("\n", 2)[0], "119 of 120 edges are"),
    ],
)
def test_edges_listed_in_both_directions_are_taken_once(tmp_path, content, note):
    note = note.replace("119 of 120", f"{len(EDGES) - 1} of {len(EDGES)}")
    data = read(tmp_path, "a.csv", content)
    assert named_edges(data) == expected(int)
    assert f"{note} listed in both directions and taken once" in str(data.reading)
    assert "repeat" not in str(data.reading)


def test_weights_of_both_directions_count_once_if_they_are_equal(tmp_path):
    header = "source,target,weight\n"
    equal = read(tmp_path, "a.csv", header + mirrored(lambda u, v: u + v))
    single = read(tmp_path, "a.csv", header + "".join(f"{u},{v},{u + v}\n" for u, v in EDGES))
    assert equal.weight.tolist() == single.weight.tolist()
    different = read(tmp_path, "a.csv", header + mirrored(lambda u, v: u + 1))
    assert different.weight.min() == min(u + v + 2 for u, v in EDGES if u + v)
    assert f"{len(EDGES)} rows repeat an edge, whose weights add up" in str(different.reading)
    directed = read(tmp_path, "a.csv", header + mirrored(lambda u, v: u + v), undirected=False)
    assert sum(directed.positives(part).size(1) for part in ("train", "valid", "test")) == len(BOTH)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("source,target,rating,time\n" + rows(",", int, sign, day), "'rating' must be >= 0 .*-1 "),
        (rows(",", int, lambda i: i % 21 - 10, day), "got -10 in row 1 of .*--min-rating 1 takes"),
        (rows(",", int, sign), "'rating' must be >= 0 .*row 2 of"),
        ("# FromNodeId\tToNodeId\tSign\n" + rows("\t", int, sign), "'rating' must be >= 0"),
        ("a,b,label\n" + rows(",", int, sign), "'label' must be .* 0 and 1 .*--min-rating"),
        ("a,b,sign\n" + rows(",", int, lambda i: "+-"[i % 2]), "'rating' .*got - in .*1 and -1"),
        ("a,b,weight\n" + rows(",", int, lambda i: i % 3), "'weight' .*> 0 .*0 in row 1 of"),
        ("a,b,weight,time\n" + rows(",", int, sign, day), "'weight' .*> 0 .*got -1 in row 2 of"),
        ("a;b;weight\n" + rows(";", int, lambda i: f"{i + 1},500"), "commas between thousands"),
    ],
)  # fmt: skip
def test_what_is_below_0_is_no_edge_in_silence(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, "a.csv", content)


@pytest.mark.parametrize("header", ["source,target,sign\n", "source,target,weight\n", ""])
def test_positive_signs_are_edges(tmp_path, header):
    column = header.strip()[14:] or "3"
    options = TableOptions(rating=column, min_rating=1)
    data = read(tmp_path, "a.csv", header + rows(",", int, sign), table=options)
    assert named_edges(data) == {frozenset(map(str, edge)) for edge in EDGES[::2]}


def test_decimal_commas(tmp_path):
    text = "von;nach;weight\n" + rows(";", "n{}".format, lambda i: f"{i},5")
    data = read(tmp_path, "a.csv", text)
    assert data.reading.header
    assert data.weight.min() == 0.5
    assert "0,5 is read as 0.5" in str(data.reading)
    pairs = read(tmp_path, "b.csv", rows(";", "3,{}".format))
    assert named_edges(pairs) == expected("3,{}".format)
