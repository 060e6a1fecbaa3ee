"""Files of features: rows by name or by position, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gneg import datasets

N = 12
EDGES = [(u, v) for u in range(N) for v in range(u + 1, N, 3)]
TABLE = pd.DataFrame({"f0": np.arange(N + 2) * 1.5, "f1": 1.0})
GAPS = TABLE.set_axis(np.arange(N + 2) * 431)


def edges(folder, step=1):
    path = folder / "e.csv"
    path.write_text("".join(f"{step * u},{step * v}\n" for u, v in EDGES))
    return path


def write(table, path, **options):
    table.to_csv(path, **options) if path.suffix == ".csv" else table.to_parquet(path)
    return path


@pytest.mark.parametrize(
    ("table", "file", "options"),
    [
        (TABLE, "index.csv", {}),
        (TABLE, "index.parquet", {}),
        (TABLE.reset_index(), "reset.csv", {"index": False}),
        (TABLE, "plain.csv", {"index": False}),
        (TABLE, "headless.csv", {"index": False, "header": False}),
    ],
)
def test_an_index_from_0_says_the_order_and_is_no_feature(tmp_path, table, file, options):
    features = write(table, tmp_path / file, **options)
    data = datasets.load(edges(tmp_path), features=features)
    assert data.x.tolist() == TABLE.to_numpy().tolist()
    assert f"{file}: 14 rows in the order of the ids" in str(data.reading)
    assert "2 nodes with features are in no edge" in str(data.reading)


@pytest.mark.parametrize(
    ("table", "file", "options", "said"),
    [
        (GAPS, "index.csv", {}, "the index"),
        (GAPS, "index.parquet", {}, "the index"),
        (GAPS.rename_axis("paper"), "named.parquet", {}, "the index"),
        (GAPS.reset_index(names="id"), "id.csv", {"index": False}, "column id"),
        (GAPS.assign(paper_id=GAPS.index), "last.csv", {"index": False}, "column paper_id"),
        (GAPS.set_axis(GAPS.index * 1.0).rename_axis("id"), "float.csv", {}, "column id"),
        (GAPS.iloc[::-1].rename_axis("id"), "reversed.csv", {}, "column id"),
    ],
)
def test_ids_with_gaps_are_matched_and_nodes_without_edges_kept(
    tmp_path, table, file, options, said
):
    features = write(table, tmp_path / file, **options)
    data = datasets.load(edges(tmp_path, 431), features=features)
    assert list(data.names) == [str(name) for name in GAPS.index]
    assert data.x.tolist() == TABLE.to_numpy().tolist()
    assert f"{file}: 14 rows by name, {said}; 2 nodes with features are in" in str(data.reading)


def test_a_reversed_index_of_pandas_is_no_order(tmp_path):
    data = datasets.load(
        edges(tmp_path), features=write(TABLE.iloc[::-1], tmp_path / "reversed.parquet")
    )
    assert data.x.tolist() == TABLE.to_numpy().tolist()


def bipartite(folder, source="u{}", target="i{}"):
    path = folder / "ui.csv"
    rows = "".join(f"{source.format(u)},{target.format(v)}\n" for u, v in EDGES)
    path.write_text("user,item\n" + rows)
    return path


def test_names_of_both_kinds_of_nodes(tmp_path):
    names = [f"u{i}" for i in range(N - 1)] + [f"i{i}" for i in range(N + 1)]
    table = pd.DataFrame({"node": names, "f": np.arange(len(names))})
    features = write(table.iloc[::-1], tmp_path / "x.csv", index=False)
    data = datasets.load(bipartite(tmp_path), features=features)
    users, items = data.names
    assert data.x[:, 0].tolist() == [names.index(name) for name in [*users, *items]]
    assert "2 rows of features are of no node and are left out" in str(data.reading)


@pytest.mark.parametrize(
    ("target", "names", "message"),
    [
        ("u{}", [f"u{i}" for i in range(N)], "one kind of node each .got 'u1' of both kinds"),
        ("i{}", [f"u{i}" for i in range(N)], "a row for each of 22 nodes .*without 'i1' and 10"),
        ("i{}", ["u0", "u0"], "one row for each node .got 'u0' twice in column node"),
    ],
)
def test_names_that_do_not_fit_are_refused(tmp_path, target, names, message):
    features = write(pd.DataFrame({"node": names, "f": 1.0}), tmp_path / "x.csv", index=False)
    with pytest.raises(ValueError, match=message):
        datasets.load(bipartite(tmp_path, target=target), features=features)


def test_every_column_that_is_no_number_is_named(tmp_path):
    table = TABLE.assign(colour="red", size=[*range(N + 1), None])
    with pytest.raises(ValueError, match="got 'red' in column colour, a gap in column size"):
        datasets.load(edges(tmp_path), features=write(table, tmp_path / "x.csv", index=False))


def test_positions_need_ids_without_gaps(tmp_path):
    np.save(tmp_path / "x.npy", TABLE.to_numpy())
    with pytest.raises(ValueError, match=r"one for each id from 0.*name the nodes in a column id"):
        datasets.load(edges(tmp_path, 431), features=tmp_path / "x.npy")
