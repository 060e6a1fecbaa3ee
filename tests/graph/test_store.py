"""Graphs in a folder: the same as in memory, mapped, shared, and refused if damaged."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import pickle
import shutil

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gneg import Graph, KnownEdges
from gneg.graph.rows_file import RowsFile
from gneg.graph.store import _sample
from gneg.samplers import build

GENERATOR = torch.Generator()
EDGES = torch.randint(0, 40, (2, 250), generator=GENERATOR.manual_seed(0))
KINDS = {
    "undirected": Graph.from_edge_index(EDGES, undirected=True),
    "directed": Graph.from_edge_index(EDGES, undirected=False),
    "weighted": Graph.from_edge_index(EDGES, undirected=True, weight=torch.rand(250) + 0.1),
    "bipartite": Graph.from_edge_index(EDGES, (40, 45), weight=torch.rand(250) + 0.1),
    "without edges": Graph.from_edge_index(EDGES[:, :0], 3),
}


def drawn(sampler, corrupt="dst"):
    generator = torch.Generator().manual_seed(1)
    return sampler.sample(EDGES, 6, generator=generator).index


def is_mapped(array) -> bool:
    while array is not None and not isinstance(array, np.memmap):
        array = getattr(array, "base", None)
    return array is not None


@pytest.mark.parametrize("kind", KINDS)
def test_an_opened_graph_is_the_saved_one(kind, tmp_path):
    graph = KINDS[kind]
    graph.save(tmp_path / "graph")
    opened = Graph.open(tmp_path / "graph")
    assert repr(opened) == repr(graph)
    assert opened.fingerprint() == graph.fingerprint() == Graph.fingerprint(opened)
    assert opened.reversed().fingerprint() == graph.reversed().fingerprint()
    assert all(map(np.array_equal, opened.steps()[:4], graph.steps()[:4]))
    for part in (opened, opened.reversed()) if graph.num_edges else ():
        assert is_mapped(part.indices)
        assert is_mapped(part.indptr)
        assert not part.indices.flags.writeable
    for array in opened.steps()[:4] if graph.num_edges else ():
        assert is_mapped(array)
    known = KnownEdges(opened)
    assert known.indices is opened.indices
    assert known.reversed().indices is opened.reversed().indices
    graph.save(tmp_path / "graph")  # replaces what was stored there
    assert [path.name for path in tmp_path.iterdir()] == ["graph"]


@pytest.mark.parametrize("kind", ["undirected", "directed", "weighted", "bipartite"])
def test_samplers_draw_the_same_from_a_mapped_graph_and_from_its_pickle(kind, tmp_path):
    KINDS[kind].save(tmp_path / "graph")
    opened = Graph.open(tmp_path / "graph")
    names = ["uniform", "walk", "degree", "walk(kind=ppr)", "mixture(uniform, walk)"]
    names += [] if kind == "bipartite" else ["khop", "walk(kind=cn)"]
    for name in names:
        for corrupt in ("dst", "src"):
            expected = drawn(build(name, KINDS[kind], corrupt=corrupt))
            sampler = build(name, opened, corrupt=corrupt)
            assert torch.equal(drawn(sampler), expected)
            content = pickle.dumps(sampler)
            assert len(content) < 2500  # a path, not the arrays
            assert torch.equal(drawn(pickle.loads(content)), expected)
    back = pickle.loads(pickle.dumps(opened.reversed()))
    assert back.fingerprint() == KINDS[kind].reversed().fingerprint()
    assert is_mapped(back.indices)


def _draw(sampler, queue):
    queue.put((drawn(sampler).tolist(), is_mapped(sampler.known.indices)))


@pytest.mark.slow
def test_a_spawned_process_maps_the_same_files(tmp_path):
    KINDS["undirected"].save(tmp_path / "graph")
    sampler = build("walk", Graph.open(tmp_path / "graph"))
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_draw, args=(sampler, queue))
    process.start()
    assert queue.get(timeout=60) == (drawn(sampler).tolist(), True)
    process.join()


def change(path, content):
    path.write_bytes(content(path.read_bytes()))


def swap_bytes(folder):
    """Write what a machine of the other byte order would."""
    array = np.load(folder / "indices.npy")
    np.save(folder / "indices.npy", array.astype(array.dtype.newbyteorder(">")))
    header = json.loads((folder / "graph.json").read_text())
    header["arrays"]["indices"] |= {"dtype": ">i4", "sample": _sample(folder / "indices.npy")}
    (folder / "graph.json").write_text(json.dumps(header))


DAMAGES = {
    "of another machine": swap_bytes,
    "do not fit: targets": lambda folder: change(
        folder / "graph.json", lambda text: text.replace(b'"num_dst": 40', b'"num_dst": 30')
    ),
    "do not fit: sources": lambda folder: change(
        folder / "graph.json", lambda text: text.replace(b'"num_src": 40', b'"num_src": 30')
    ),
    "without graph.json": lambda folder: (folder / "graph.json").unlink(),
    "graph.json": lambda folder: change(folder / "graph.json", lambda text: text[:-40]),
    "version 9": lambda folder: change(
        folder / "graph.json", lambda text: text.replace(b'"version": 1,', b'"version": 9,')
    ),
    "indices.npy": lambda folder: change(folder / "indices.npy", lambda data: data[:-8]),
    "which has changed": lambda folder: change(
        folder / "indices.npy", lambda data: data[:-8] + bytes(8)
    ),
    "indptr.npy: No such file": lambda folder: (folder / "indptr.npy").unlink(),
    "another type": lambda folder: np.save(folder / "indptr.npy", np.zeros(41)),
    "does not exist": shutil.rmtree,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_refused_in_one_line(damage, tmp_path):
    folder = tmp_path / "graph"
    KINDS["undirected"].save(folder)
    DAMAGES[damage](folder)
    with pytest.raises(ValueError, match=r"^'folder' must be") as error:
        Graph.open(folder)
    assert damage.split(":")[0] in str(error.value)
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_graph_is_not_reopened_as_another_and_other_folders_stay(tmp_path):
    folder = tmp_path / "graph"
    KINDS["undirected"].save(folder)
    content = pickle.dumps(Graph.open(folder))
    KINDS["directed"].save(folder)
    with pytest.raises(ValueError, match="which was opened there"):
        pickle.loads(content)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    with pytest.raises(ValueError, match="a new or empty folder"):
        KINDS["directed"].save(tmp_path / "mine")
    (tmp_path / "mine" / "graph.json").write_text('{"nodes": []}')
    (folder / "notes.txt").write_text("x")
    for other in (tmp_path / "mine", folder):
        with pytest.raises(ValueError, match="or one with a stored graph"):
            KINDS["directed"].save(other)
        assert (other / "notes.txt").exists()
    header = json.loads((folder / "graph.json").read_text())
    assert header["num_edges"] == KINDS["directed"].num_edges


pairs = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=40)


@settings(max_examples=40, deadline=None)
@given(pairs=pairs, cuts=st.lists(st.integers(0, 40), max_size=4), weighted=st.booleans())
def test_rows_are_written_from_sorted_pieces_of_any_size(pairs, cuts, weighted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    edges = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    weights = np.arange(1.0, len(edges) + 1) if weighted else None
    bounds = [0, *sorted(cut for cut in cuts if cut < len(edges)), len(edges)]
    with RowsFile(folder, "", 9, 7, weighted=weighted) as file:
        for start, stop in itertools.pairwise(bounds):
            part = None if weights is None else weights[start:stop]
            file.append(edges[start:stop, 0], edges[start:stop, 1], part)
    matrix, count = np.zeros((9, 7)), np.zeros((9, 7), int)
    np.add.at(count, tuple(edges.T), 1)
    np.add.at(matrix, tuple(edges.T), 1.0 if weights is None else weights)
    indptr, indices = np.load(folder / "indptr.npy"), np.load(folder / "indices.npy")
    assert indptr.tolist() == [0, *np.cumsum((count > 0).sum(axis=1)).tolist()]
    assert indices.tolist() == np.nonzero(count)[1].tolist()
    if weighted:
        assert np.load(folder / "weights.npy").tolist() == matrix[count > 0].tolist()
