"""Texts as other programs write them: short headers, counts, footers, encodings, odd quotes."""

from __future__ import annotations

import pytest

from gneg.datasets import TableOptions, load_triples
from tests.datasets.edge_rows import EDGES, N, expected, named_edges, read, rows, spaced

E = len(EDGES)
JODIE = "user_id,item_id,timestamp,state_label,comma_separated_list_of_features\n"


MATRIX = "".join(",".join(str(int(abs(i - j) == 1)) for j in range(6)) + "\n" for i in range(6))
NAMED = [f'"p{i}"' for i in range(6)]


def named_matrix() -> str:
    lines = zip(NAMED, MATRIX.splitlines(), strict=True)
    return "".join(f"{name},{line}\n" for name, line in lines)


def value(i: int) -> float:
    return i + 0.5


def zero(_: int) -> int:
    return 0


def numbered(separator: str, name) -> str:
    """Rows after their number in quotes, as R writes them."""
    lines = rows(separator, name).splitlines()
    return "".join(f'"{i + 1}"{separator}{line}\n' for i, line in enumerate(lines))


@pytest.mark.parametrize("features", [1, 2, 5])
def test_the_last_name_of_jodie_stands_for_all_features(tmp_path, features):
    text = JODIE + rows(",", int, value, zero, *[value] * features)
    data = read(tmp_path, "wikipedia.csv", text)
    assert data.num_src == len({u for u, _ in EDGES})
    assert data.reading.columns == {
        "source": "user_id", "target": "item_id", "time": "timestamp",
    }  # fmt: skip
    assert data.reading.unused == tuple(JODIE.strip().split(",")[3:])
    said = f"columns not used: {features - 1} after comma_separated_list_of_features"
    assert (said in str(data.reading)) == (features > 1)


def test_labels_of_states_in_tgb_are_no_labels_of_edges(tmp_path):
    lines = [f"{i},{u},{v},{i}.0,{i % 2},{i + 1}" for i, (u, v) in enumerate(EDGES)]
    data = read(tmp_path, "ml_wiki.csv", ",u,i,ts,label,idx\n" + "\n".join(lines))
    assert data.reading.columns == {"source": "u", "target": "i", "time": "ts"}
    assert data.reading.unused == ("one without a name", "label", "idx")
    assert "labels beside ts and idx are those of a state" in str(data.reading)
    assert data.negatives is None


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ('"from" "to"\n' + numbered(" ", '"New York {}"'.format), spaced),
        ('"from"\t"to"\n' + numbered("\t", '"New York {}"'.format), spaced),
        ('"","from","to"\n' + numbered(",", '"New York {}"'.format), spaced),
        ("from to\n" + numbered(" ", int).replace('"', ""), int),
        ("from,to\n" + rows(",", int, lambda i: ""), int),
    ],
)
def test_row_names_of_r_are_no_ends(tmp_path, content, name):
    data = read(tmp_path, "a.txt", content)
    assert data.reading.columns == {"source": "from", "target": "to"}
    assert named_edges(data) == expected(name)


@pytest.mark.parametrize("more", [[value], [value, value]])
def test_headers_that_lack_a_name_somewhere_are_refused(tmp_path, more):
    with pytest.raises(ValueError, match=r"a name in its header for each of \d columns .*with 2"):
        read(tmp_path, "a.csv", "source,target\n" + rows(",", int, *more))


@pytest.mark.parametrize(
    ("content", "name", "unused"),
    [
        ("source,target\n" + rows(",", '"New\nYork {}"'.format), "New\nYork {}".format, ()),
        (rows(";", '"New\nYork {}"'.format), "New\nYork {}".format, ()),
        (
            "source,target,text\n" + rows(",", int, '"{}: a ""b"",\n\n# c"'.format),
            int, ("text",),
        ),
        ("source\ttarget\ttext\n" + rows("\t", int, '"{}\nx"'.format), int, ("text",)),
        (rows("\t", '"Weird {}" Al'.format), '"Weird {}" Al'.format, ()),
        (rows("\t", '"a ""{}"" b"'.format), 'a "{}" b'.format, ()),
        (rows("\t", '{} inch"'.format), '{} inch"'.format, ()),
        (rows("\t", '"{} open'.format), '"{} open'.format, ()),
    ],
)  # fmt: skip
def test_quotes_hold_line_ends_or_are_text(tmp_path, content, name, unused):
    data = read(tmp_path, "a.csv", content)
    assert named_edges(data) == expected(name)
    assert data.reading.unused == unused


def test_a_value_of_two_lines_leaves_the_other_quotes_of_a_file_alone(tmp_path):
    odd = '"New\nYork"\t"Al"\n"Al" x\tn1\nn0\t6"\nn1\t"7\nn0\tn1\n'
    names = set(read(tmp_path, "a.tsv", rows("\t", "n{}".format) + odd).names)
    assert names - {f"n{i}" for i in range(N)} == {"New\nYork", "Al", '"Al" x', '6"', '"7'}


def test_other_encodings_are_named(tmp_path):
    text = rows(",", "Zoë {}".format).encode("cp1252")
    with pytest.raises(ValueError, match=r"can't decode .*; give its encoding, such as latin-1, "):
        read(tmp_path, "a.csv", text)
    data = read(tmp_path, "a.csv", text, table=TableOptions(encoding="cp1252"))
    assert named_edges(data) == expected("Zoë {}".format)
    assert "separated by commas in cp1252" in str(data.reading)
    marked = TableOptions(encoding="utf-8")
    data = read(tmp_path, "a.csv", "\ufeffsource,target\n" + rows(","), table=marked)
    assert data.reading.columns["source"] == "source"
    (tmp_path / "facts.tsv").write_bytes(b"Zo\xeb\tlikes\tAnn\nAnn\tlikes\tZo\xeb\n" * 2)
    triples = load_triples(tmp_path / "facts.tsv", table=TableOptions(encoding="latin-1"))
    assert list(triples.entities) == ["Ann", "Zoë"]


@pytest.mark.parametrize("encoding", ["latin1x", "base64", "a\0b"])
def test_an_unknown_encoding_is_refused(encoding):
    with pytest.raises(ValueError, match="'encoding' must be an encoding of text, such as utf-8"):
        TableOptions(encoding=encoding)


def bars(*head: str) -> str:
    """Rows between bars, below some lines."""
    return "\n".join([*head, *(f"| {u} | {v} |" for u, v in EDGES)]) + "\n"


@pytest.mark.parametrize(
    ("content", "note", "header"),
    [
        (rows(" ") + f"{E} rows\n", f"the last line, '{E} rows', is left out", False),
        ("source|target\n" + rows("|") + f"({E} rows)\n\n", f"'({E} rows)'", True),
        (rows("\t") + "\\.\n", "the last line, '\\\\.', is left out", False),
        (" person | friend\n--------+-----\n" + rows(" | ") + f"({E} rows)", "rows)'", True),
        (bars("| person | friend |", "|---|:--|"), "person", True),
        (bars("+---+---+", "| person | friend |", "+---+---+") + "+---+---+\n", "friend", True),
        (f"{N} {E}\n" + rows(" "), f"the first line, '{N} {E}', holds counts", False),
        (f"{N},{N},{E}\n" + rows(",", int, value), "holds counts and is left out", False),
        (f"{E}\n" + rows(" "), "holds counts", False),
        (f"{N}\n" + rows(" "), "holds counts", False),
        (f"% sym\n% {E} {N} {N}\n" + rows(" ", int, value), "columns not used: 3", False),
        (f"{N} {E}\nsource target\n" + rows(" "), "source = source", True),
    ],
)
def test_what_stands_around_the_rows_is_left_out(tmp_path, content, note, header):
    data = read(tmp_path, "a.txt", content)
    assert named_edges(data) == expected(int)
    assert note in str(data.reading)
    assert data.reading.header == header


def test_a_line_of_totals_is_said(tmp_path):
    data = read(tmp_path, "a.csv", rows(",") + "Total,7\n")
    assert f"1 of {2 * E + 2} ends are no integers, such as 'Total'" in str(data.reading)


def test_a_row_that_is_nearly_counts_is_an_edge(tmp_path):
    data = read(tmp_path, "a.txt", f"3 {E}\n" + rows(" "))
    assert named_edges(data) == expected(int) | {frozenset(("3", str(E)))}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("source,target\n", r"at least one edge .*a.csv of 0 rows below the header, 2 columns"),
        (rows("|") + "(7 rows)\n", rf"as its last line says .*a.csv of {E} lines above '\(7 rows"),
        (f"{N} 9999\n" + rows(" ", int, value), r"begin row 1, .* with # if it is no row"),
        (MATRIX, r"a row for each edge .*a.csv, a matrix of 6 rows"),
        ("," + ",".join(NAMED) + "\n" + named_matrix(), "a row for each edge .*a matrix of 6 rows"),
        (" ".join(NAMED) + "\n" + named_matrix().replace(",", " "), "a matrix of 6 rows"),
        ("4 5\n2 3\n1 3 4\n1 2\n2\n", "lists of neighbours are not read: write a line for each"),
    ],
)
def test_what_is_no_table_of_edges_is_refused_by_line(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, "a.csv", content)


def test_errors_of_triples_speak_of_triples(tmp_path):
    (tmp_path / "a.tsv").write_text("a\tr\tb\nb\tr\tc\nc\tr\ta\na\tr\n")
    with pytest.raises(ValueError, match=r"must be a file of triples, 3 columns in each row .*row"):
        load_triples(tmp_path / "a.tsv")
    (tmp_path / "a.tsv").write_bytes(b"\xe9\tr\tb\n")
    with pytest.raises(ValueError, match=r"must be a file of triples .*--encoding"):
        load_triples(tmp_path / "a.tsv")
