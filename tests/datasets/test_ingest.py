"""Graphs built from files, piece by piece, against those built in memory."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gneg import Graph
from gneg.datasets import TableOptions, load
from gneg.datasets.graph_data import GraphData
from gneg.datasets.ingest import ingest
from gneg.datasets.ingest.build import Build

pytest.importorskip("duckdb")
RANDOM = np.random.default_rng(0)
PAIRS = RANDOM.integers(0, 30, (200, 2))


def lines(rows, separator=",", header=""):
    return header + "".join(separator.join(map(str, row)) + "\n" for row in rows)


def in_memory(pairs, size=None, **options):
    edges = torch.as_tensor(np.asarray(pairs).reshape(-1, 2).T.copy())
    return Graph.from_edge_index(edges, size, **options)


def test_text_ids_are_numbered_as_in_memory_and_repeats_and_loops_are_counted(tmp_path):
    rows = [(f"n{u:02d}", f"n{v:02d}") for u, v in PAIRS]
    for i, part in enumerate((rows[:120], rows[120:])):
        with gzip.open(tmp_path / f"{i}.csv.gz", "wt") as file:
            file.write(lines(part, header="source,target\n"))
    said = []
    header = ingest(
        [tmp_path / "0.csv.gz", tmp_path / "1.csv.gz"],
        tmp_path / "graph",
        undirected=True,
        say=said.append,
    )
    opened, expected = GraphData.open(tmp_path / "graph"), in_memory(PAIRS, undirected=True)
    assert opened.graph.fingerprint() == expected.fingerprint() == header["hash"]
    assert opened.names[:3] == ["n00", "n01", "n02"]
    loops = int((PAIRS[:, 0] == PAIRS[:, 1]).sum())
    counts = {"rows": 200, "self_loops": loops}
    counts["repeats"] = 200 - loops - expected.num_edges // 2
    assert header["origin"]["counts"] == counts
    assert said[0] == (
        "0.csv.gz: text separated by commas, with a header; source = source, target = target"
    )
    names = {path.name for path in (tmp_path / "graph").iterdir()}
    assert names == {"graph.json", "indptr.npy", "indices.npy", "nodes.parquet"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.csv.gz", "1.csv.gz", "graph"]


def test_what_is_finished_is_not_redone_and_half_a_graph_is_none(tmp_path, monkeypatch):
    np.save(tmp_path / "edges.npy", PAIRS.T)
    write_rows = Build._write_rows

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Build, "_write_rows", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ingest(tmp_path / "edges.npy", tmp_path / "graph")
    with pytest.raises(ValueError, match="which does not exist"):
        Graph.open(tmp_path / "graph")
    monkeypatch.setattr(Build, "_write_rows", write_rows)
    stages = []
    report = lambda stage, *_: stages.append(stage)  # noqa: E731
    header = ingest(tmp_path / "edges.npy", tmp_path / "graph", report=report)
    assert "edges read" not in stages
    assert header["hash"] == in_memory(PAIRS).fingerprint()
    stages.clear()
    assert ingest(tmp_path / "edges.npy", tmp_path / "graph", report=report) == header
    assert not stages


KILLED = """
import os, signal, sys
from gneg.datasets.ingest import arrays, database, ingest
arrays.BATCH = 64
def report(stage, done, total):
    if stage == sys.argv[3] and done > 64:
        os.kill(os.getpid(), signal.SIGKILL)
ingest(sys.argv[1], sys.argv[2], undirected=True, report=report)
"""


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["edges read", "writing edges"])
def test_a_killed_process_leaves_no_graph_and_another_finishes_it(stage, tmp_path):
    np.save(tmp_path / "edges.npy", PAIRS)
    paths = [str(tmp_path / "edges.npy"), str(tmp_path / "graph")]
    run = subprocess.run([sys.executable, "-c", KILLED, *paths, stage], check=False)
    assert run.returncode == -signal.SIGKILL
    assert not (tmp_path / "graph").exists()
    assert len(list(tmp_path.glob(".graph.*.parts"))) == 1
    stages = []
    header = ingest(*paths, undirected=True, report=lambda stage, *_: stages.append(stage))
    assert ("edges read" in stages) == (stage == "edges read")
    assert header["hash"] == in_memory(PAIRS, undirected=True).fingerprint()
    assert sorted(os.listdir(tmp_path)) == ["edges.npy", "graph"]


FORMS = {
    "csv": lambda rows, path: path.write_text(lines(rows)),
    "spaces": lambda rows, path: path.write_text("# pairs\n" + lines(rows, "  ")),
    "parquet": lambda rows, path: pq.write_table(
        pa.table({"src": [row[0] for row in rows], "dst": [row[1] for row in rows]}), path
    ),
}
# Integers are larger than the number of rows, so that no first row looks like counts.
NAMES = {
    "integers": lambda i: 3 * i + 100,
    "text": lambda i: f"ö{i:02d}",
    "mixed": lambda i: f"{i:03d}",
}


@pytest.mark.slow
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=3, max_size=60),
    undirected=st.sampled_from([None, True, False]),
    form=st.sampled_from(list(FORMS)),
    names=st.sampled_from(list(NAMES)),
    bipartite=st.booleans(),
)
@example(pairs=[(1, 3), *3 * [(0, 0)]], undirected=True, form="csv", names="mixed", bipartite=False)
def test_any_edges_make_the_graph_that_they_make_in_memory(
    pairs, undirected, form, names, bipartite, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("ingest")
    path = folder / ("edges.parquet" if form == "parquet" else "edges.csv")
    FORMS[form]([tuple(map(NAMES[names], pair)) for pair in pairs], path)
    undirected = None if bipartite else undirected
    ends = np.array(pairs)
    if bipartite:
        parts = [np.unique(ends[:, side], return_inverse=True) for side in (0, 1)]
        dense, size = np.stack([part[1] for part in parts]).T, tuple(len(p[0]) for p in parts)
    else:
        occurring, dense = np.unique(ends, return_inverse=True)
        dense, size = dense.reshape(-1, 2), len(occurring)
    expected = in_memory(dense, size, undirected=undirected)
    options = TableOptions(header=False) if form != "parquet" else TableOptions()
    ingest(path, folder / "graph", undirected=undirected, bipartite=bipartite, table=options)
    opened = Graph.open(folder / "graph")
    assert repr(opened) == repr(expected)
    assert opened.fingerprint() == expected.fingerprint()
    assert opened.reversed().fingerprint() == expected.reversed().fingerprint()


@pytest.mark.slow
def test_files_of_all_kinds_are_read_as_they_are_in_memory(tmp_path):
    weight = RANDOM.integers(1, 9, len(PAIRS)) / 4
    rows = [(u, v, w) for (u, v), w in zip(PAIRS, weight, strict=True)]
    files = {
        "a.tsv": "# FromNodeId\tToNodeId\n" + lines(PAIRS, "\t") + "# a note\n" + "3\t4\n",
        "b.dat": "".join(f"{u}::{v}::5::978300760\n" for u, v in PAIRS),
        "c.csv": lines([(f"{u}.0", f"{v}.0") for u, v in PAIRS]),
        "d.csv": "source,target\n" + lines(PAIRS) + "source,target\n" + lines(PAIRS[:5]),
        "e.txt": lines(PAIRS, " \t "),
        "f.csv": "src,dst,weight\n" + lines(rows),
        "g.csv": "user_id,item_id,rating\n" + lines([(*pair, 4) for pair in PAIRS]),
        "h.csv": "a,b\n" + "".join(f'"x, {u}", y{v}\n' for u, v in PAIRS),
        "h.tsv": "".join(f'"x {u}"\ty{v}\n' for u, v in PAIRS) + 'the "x 1" of y\t"a ""b"" c"\n',
        "j.csv": lines([(f"x{u}", f"y{v}") for u, v in PAIRS]) + '"#a",b\n# a note\n"#a",x1\n',
        "k.csv": lines([(f"x{u}", f'"y\n{v}"') for u, v in PAIRS]) + '"#a","b\n#c"\n#,a note\n',
        "i.csv": "source,target,label\n" + lines([(u, v, (u + v) % 2) for u, v in PAIRS]),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        undirected = None if name == "g.csv" else True
        ingest(tmp_path / name, tmp_path / "graph", undirected=undirected, fresh=True)
        data, known = GraphData.open(tmp_path / "graph"), load(tmp_path / name).known("all")
        assert np.array_equal(data.graph.indices, known.indices), name
        assert np.array_equal(data.graph.indptr, known.indptr), name
        assert data.names is None or data.names == load(tmp_path / name).names, name
        if name == "f.csv":
            whole = in_memory(PAIRS, undirected=True, weight=torch.from_numpy(weight))
            assert np.allclose(data.graph.weights, whole.weights)


def test_ids_that_stay_keep_nodes_without_edges(tmp_path):
    np.savez(tmp_path / "edges.npz", edge_index=2 * PAIRS.T)
    options = {"undirected": False, "keep_ids": True, "num_nodes": 70}
    ingest(tmp_path / "edges.npz", tmp_path / "graph", **options)
    opened, expected = Graph.open(tmp_path / "graph"), in_memory(2 * PAIRS, 70, undirected=False)
    assert opened.fingerprint() == expected.fingerprint()
    with pytest.raises(ValueError, match="'num_nodes' must be at least"):
        ingest(tmp_path / "edges.npz", tmp_path / "other", **{**options, "num_nodes": 5})
    with pytest.raises(ValueError, match=r"'out' must be a new folder, or .*; .* --fresh"):
        ingest(tmp_path / "edges.npz", tmp_path / "graph", undirected=False)
    assert Graph.open(tmp_path / "graph").fingerprint() == expected.fingerprint()


def test_features_of_a_stored_graph_are_by_id_or_by_name(tmp_path):
    edges = np.random.default_rng(0).integers(0, 30, (80, 2))
    edges = 3 * edges[edges[:, 0] != edges[:, 1]]  # ids with gaps
    ids = np.unique(edges)
    (tmp_path / "edges.csv").write_text("".join(f"{u},{v}\n" for u, v in edges))
    ingest(tmp_path / "edges.csv", tmp_path / "graph", undirected=True)
    of_id = np.random.default_rng(1).random((91, 2), np.float32)
    np.save(tmp_path / "by_id.npy", of_id)
    shuffled = np.random.default_rng(2).permutation(ids)
    rows = "".join(f"{i},{of_id[i, 0]},{of_id[i, 1]}\n" for i in shuffled)
    (tmp_path / "by_name.csv").write_text("id,a,b\n" + rows)
    (tmp_path / "likely.csv").write_text(rows)
    for name in ("by_id.npy", "by_name.csv", "likely.csv"):
        data = load(tmp_path / "graph", features=tmp_path / name)
        assert torch.equal(data.x, torch.from_numpy(of_id[ids])), name
    np.save(tmp_path / "few.npy", of_id[: len(ids)])
    with pytest.raises(ValueError, match=f"'features' must be {len(ids)} rows, with names"):
        load(tmp_path / "graph", features=tmp_path / "few.npy")

    ingest(tmp_path / "edges.csv", tmp_path / "kept", undirected=True, keep_ids=True, num_nodes=91)
    data = load(tmp_path / "kept", features=tmp_path / "by_id.npy")
    assert torch.equal(data.x, torch.from_numpy(of_id))
    with pytest.raises(ValueError, match="'features' must be 91 rows, one for each node"):
        load(tmp_path / "kept", features=tmp_path / "few.npy")
