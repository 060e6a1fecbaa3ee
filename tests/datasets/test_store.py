"""A dataset comes back from its folder as it was, and a damaged folder is named."""

from __future__ import annotations

import errno
import io
import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from gneg import datasets, files
from gneg.datasets import Names, Reading, TripleData, store
from tests import forking
from tests.triple_worlds import sparse_data
from tests.worlds import random_graph, toy


def named():
    data = toy()
    names = Names([f"node {i}" for i in range(data.num_nodes)])
    reading = Reading("a.csv", "text", True, {"source": "u"}, ("note",), "names", ("said",))
    return replace(data, names=names, reading=reading, weight=torch.rand(data.train.size(1)))


def users():
    graph = random_graph(30, 200)
    rows = "\n".join(f"{u},{100 * v}" for u, v in graph.edge_index.t().tolist())
    return "user_id,item_id\n" + rows


def triples():
    data = sparse_data()
    verified = {"valid": data.valid[:, :2]}
    negatives = {"test": {"tail": torch.randint(5, (data.test.size(1), 3))}}
    types = [[i % 3] for i in range(data.num_entities)]
    return replace(data, verified=verified, negatives=negatives, types=types)


@pytest.mark.parametrize("make", [toy, named, triples, lambda: datasets.load("digits")])
def test_a_dataset_comes_back(tmp_path, make):
    data = make()
    store.save(data, tmp_path)
    back = store.load(tmp_path)
    assert back.describe() == data.describe()
    assert back.reading == data.reading
    for part in ("train", "valid", "test"):
        assert torch.equal(back.positives(part), data.positives(part))


def test_users_and_items_come_back(tmp_path):
    (tmp_path / "a.csv").write_text(users())
    data = datasets.load(tmp_path / "a.csv")
    store.save(data, tmp_path / "data")
    back = store.load(tmp_path / "data")
    assert (back.names, back.size, back.describe()) == (data.names, data.size, data.describe())
    pairs = data.test.pos
    for mine, theirs in ((data.test.known, back.test.known), (data.valid.known, back.valid.known)):
        assert torch.equal(mine.contains(*pairs), theirs.contains(*pairs))
        assert mine.num_edges == theirs.num_edges


@pytest.mark.parametrize("file", [store.TENSORS, store.HEADER, store.NAMES])
@pytest.mark.parametrize("content", [b"", b"garbage", "half", None])
def test_a_damaged_folder_is_named(tmp_path, file, content):
    store.save(named(), tmp_path)
    path = tmp_path / file
    if content is None:
        path.unlink()
    else:
        path.write_bytes(
            path.read_bytes()[: path.stat().st_size // 2] if content == "half" else content
        )
    with pytest.raises(ValueError, match=f"'data' must be .*{file}"):
        store.load(tmp_path)


def test_other_edges_are_noticed(tmp_path):
    store.save(named(), tmp_path)
    tensors = torch.load(tmp_path / store.TENSORS, weights_only=True)
    tensors["train"][0, 0] += 1
    torch.save(tensors, tmp_path / store.TENSORS)
    with pytest.raises(ValueError, match=r"other data than data\.json describes"):
        store.load(tmp_path)


def test_other_names_are_noticed(tmp_path):
    data = named()
    store.save(data, tmp_path)
    table = pq.read_table(tmp_path / store.NAMES).to_pydict()
    for names in (table["name"][::-1], table["name"][:5]):
        changed = {"side": table["side"][: len(names)], "name": names}
        pq.write_table(pa.table(changed), tmp_path / store.NAMES)
        with pytest.raises(ValueError, match=r"other data than data\.json describes"):
            store.load(tmp_path)


def test_unseen_triples_are_counted_anew(tmp_path):
    train, held_out = torch.tensor([[0, 1], [0, 0], [1, 2]]), torch.tensor([[3], [0], [1]])
    data = TripleData("ids", train, held_out, held_out, 4, 1)
    store.save(data, tmp_path)
    header = json.loads((tmp_path / store.HEADER).read_text())
    assert header["description"]["unseen"] == 2
    header["fields"]["unseen"] = header["description"]["unseen"] = 0  # as earlier versions did
    (tmp_path / store.HEADER).write_text(json.dumps(header))
    assert store.load(tmp_path).unseen == 2


@pytest.mark.parametrize("stopped", [1, 3, 8])
def test_ctrl_c_while_tensors_are_written_is_ctrl_c(tmp_path, monkeypatch, stopped):
    """Torch closes its archive, which fails, and that hides what stopped it."""
    path, values = tmp_path / "a.pt", {"a": torch.zeros(30_000), "b": torch.ones(3)}
    store.write_tensors(path, values)
    before = path.read_bytes()
    writes = iter(range(1, stopped + 1))

    class Stopped(io.FileIO):
        def write(self, data):
            if next(writes, stopped) == stopped:
                raise KeyboardInterrupt
            return super().write(data)

    monkeypatch.setattr("pathlib.Path.open", lambda path, mode: Stopped(path, mode))
    with pytest.raises(KeyboardInterrupt):
        store.write_tensors(path, values)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def stopped_at_the_end(path):
    """Write tensors; Ctrl-C comes when all of them are in the archive, which is still open."""

    def stop(*_):
        raise KeyboardInterrupt

    torch.serialization._open_zipfile_writer_buffer.__exit__ = stop
    with pytest.raises(KeyboardInterrupt):
        store.write_tensors(path, {"a": torch.zeros(3)})


def test_ctrl_c_before_the_archive_is_closed_is_ctrl_c(tmp_path):
    """Torch's writer then closes it when it is freed, and aborts the process if it cannot."""
    output = tmp_path / "output"
    process = forking.start(stopped_at_the_end, tmp_path / "a.pt", output=output)
    process.join()
    assert process.exitcode == 0, output.read_text()
    assert list(tmp_path.iterdir()) == [output]


def test_a_failure_to_write_after_ctrl_c_is_named(tmp_path, monkeypatch):
    """As where a training writes its best state because it was interrupted."""

    class Full(io.FileIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.open", lambda path, mode: Full(path, mode))
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        with pytest.raises(files.WriteError, match="No space left"):
            store.write_tensors(tmp_path / "a.pt", {"a": torch.zeros(3)})
