"""What `gneg ingest` refuses, and what it does with a damaged graph."""

from __future__ import annotations

import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gneg.datasets import TableOptions
from gneg.datasets.graph_data import GraphData
from gneg.datasets.ingest import ingest
from tests.datasets.test_ingest import PAIRS, lines

pytest.importorskip("duckdb")


def test_bad_files_and_arguments_are_refused_in_one_line(tmp_path):
    for name, text in (("s.txt", '"New York" Boston\n'), ("t.tsv", '"New\nYork"\tBoston\n')):
        (tmp_path / name).write_text(3 * text)
        with pytest.raises(ValueError, match=r"a table without blanks or line ends .* as csv"):
            ingest(tmp_path / name, tmp_path / "graph")
    (tmp_path / "header.csv").write_text("source,target\n")
    with pytest.raises(ValueError, match="at least one edge"):
        ingest(tmp_path / "header.csv", tmp_path / "graph")
    texts = {
        "3,": "without missing ends",
        "1,2,3": "2 columns in each row",
    }
    for i, (row, message) in enumerate(texts.items()):
        path = tmp_path / f"{i}.csv"
        path.write_text(lines(PAIRS, header="source,target\n") + row + "\n")
        with pytest.raises(ValueError, match=message):
            ingest(path, tmp_path / "graph")
    np.save(tmp_path / "edges.npy", PAIRS.T - 1)
    with pytest.raises(ValueError, match="'keep_ids' must be left out for ids below 0"):
        ingest(tmp_path / "edges.npy", tmp_path / "graph", keep_ids=True)
    assert not (tmp_path / "graph").exists()
    with pytest.raises(ValueError, match="'keep_ids' must be for ids whose rows fit"):
        ingest(path_of(tmp_path, f"0,{10**14}\n1,2\n"), tmp_path / "graph", keep_ids=True)
    for text in ("500MB", "2 apples", "-1GB"):
        with pytest.raises(ValueError, match="an amount of 1000MB or more"):
            ingest(tmp_path / "edges.npy", tmp_path / "graph", memory=text)
    assert not list(tmp_path.glob(".graph*"))  # no stage of a refused file stays


def path_of(folder, content):
    path = folder / "table.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_errors_name_the_argument_and_the_file(tmp_path):
    pq.write_table(pa.table({"a": [b"\xff"], "b": [b"c"]}), tmp_path / "bytes.parquet")
    pq.write_table(pa.table({"a": [1.0, float("nan")], "b": [1.0, 2.0]}), tmp_path / "nan.parquet")
    np.save(tmp_path / "short.npy", PAIRS)
    os.truncate(tmp_path / "short.npy", 2000)
    np.savez(tmp_path / "crc.npz", edge_index=PAIRS)
    content = bytearray((tmp_path / "crc.npz").read_bytes())
    content[1000] ^= 1
    (tmp_path / "crc.npz").write_bytes(content)
    path_of(tmp_path, "a,b\n" * 3 + "a,b,c\n")
    names = ("bytes.parquet", "nan.parquet", "short.npy", "crc.npz", "table.csv", "absent.csv")
    for path in (tmp_path / name for name in names):
        with pytest.raises(ValueError, match=r"^'edges' must be") as error:
            ingest(path, tmp_path / "graph")
        assert str(path) in str(error.value)
        assert str(error.value).count(" must be ") == 1
    np.save(tmp_path / "edges.npy", PAIRS)
    with pytest.raises(ValueError, match="'sep' must be left out for arrays"):
        ingest(tmp_path / "edges.npy", tmp_path / "graph", table=TableOptions(sep=","))


def test_a_damaged_graph_is_built_again_and_other_files_in_its_folder_stay(tmp_path):
    folder, path = tmp_path / "graph", path_of(tmp_path, lines([(f"n{u}", v) for u, v in PAIRS]))
    header = ingest(path, folder)
    for name in ("nodes.parquet", "indices.npy", "graph.json"):
        os.truncate(folder / name, 30)
        assert ingest(path, folder)["hash"] == header["hash"]
        assert len(GraphData.open(folder).names) == header["num_src"]
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"'out' must be .* and nothing else \(got .*notes.txt"):
        ingest(path, folder, undirected=True, fresh=True)
    assert (folder / "notes.txt").exists()
