"""Answers as files: the same in every form, resumed, never lost."""

from __future__ import annotations

import json
import os

import pandas as pd
import pyarrow.parquet as pq
import pytest

from gneg.prediction import export
from gneg.prediction.writing import write_completions, write_links
from gneg.samplers.formats import parts
from tests.prediction.models import link_model, named_data, triple_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return link_model(tmp_path_factory.mktemp("run"), named_data("bipartite"))


@pytest.fixture
def pieces_of_three(monkeypatch):
    monkeypatch.setattr(export, "ROWS", 3)


def read(path) -> pd.DataFrame:
    if path.suffix == ".csv":
        return pd.read_csv(path)
    if path.suffix == ".jsonl":
        return pd.DataFrame([json.loads(line) for line in path.read_text().splitlines()])
    return pd.read_parquet(path)


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_files_hold_the_table(model, tmp_path, suffix, pieces_of_three):
    path = tmp_path / f"links{suffix}"
    header = write_links(model, path, model.ids(None, "source"), 4, why=True)
    expected = model.recommend(None, 4, why=True)
    table = read(path)
    pd.testing.assert_frame_equal(table, expected, check_dtype=False, rtol=1e-5)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert header["recall"] == 1
    if suffix == ".parquet":
        stored = json.loads(pq.read_schema(path).metadata[b"gneg"])
        assert stored["model"] == model.fingerprint
        assert (stored["k"], stored["side"]) == (4, "target")


def test_an_interrupted_file_goes_on(model, tmp_path, pieces_of_three):
    path, ids = tmp_path / "links.parquet", model.ids(None, "source")
    seen = []

    def stop(done, total):
        seen.append(done)
        if done == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_links(model, path, ids, 4, report=stop)
    assert not path.exists()
    (folder,) = tmp_path.iterdir()
    times = {piece: piece.stat().st_mtime_ns for piece in folder.glob("*.parquet")}
    assert len(times) == 3
    write_links(
        model,
        path,
        ids,
        4,
        report=lambda done, total: seen.append(done) or [piece.stat() for piece in times],
    )
    assert seen == [3, 6, 9, 3, 6, 9, 12, 15]
    pd.testing.assert_frame_equal(read(path), model.recommend(None, 4), check_dtype=False)
    other = tmp_path / "other.parquet"
    write_links(model, other, ids, 4)
    assert other.read_bytes() != b""
    assert pq.read_table(other).equals(pq.read_table(path))


def test_a_file_that_exists_is_replaced_on_request_only(model, tmp_path):
    path, ids = tmp_path / "links.csv", model.ids(None, "source")
    path.write_text("mine")
    with pytest.raises(ValueError, match=r"'out' must be a file that is not there yet .*--fresh"):
        write_links(model, path, ids, 2)
    assert path.read_text() == "mine"
    write_links(model, path, ids, 2, fresh=True)
    assert len(read(path)) == 2 * len(ids)
    with pytest.raises(ValueError, match=r"ends in one of \.parquet, \.csv, \.jsonl"):
        write_links(model, tmp_path / "links.txt", ids, 2)


def test_two_processes_do_not_write_one_file(model, tmp_path, monkeypatch):
    """The folder of pieces names the process that makes them."""
    path = tmp_path / "links.parquet"
    parts.Parts(path, {"other": 1}, fresh=False).path(parts.OWNER).write_text(str(os.getppid()))
    with pytest.raises(ValueError, match="'out' must be a file that no other process writes"):
        write_links(model, path, model.ids(None, "source"), 2)


def test_a_damaged_piece_says_what_to_do(model, tmp_path, pieces_of_three):
    path, ids = tmp_path / "links.csv", model.ids(None, "source")

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_links(model, path, ids, 2, report=stop)
    other = parts.Parts(tmp_path / "links.csv.jsonl", {}, fresh=False)
    (folder,) = tmp_path.glob(".links.csv.????????????.parts")
    next(folder.glob("*.parquet")).write_bytes(b"cut off")
    with pytest.raises(ValueError, match=r"'out' must be beside whole pieces .*--fresh"):
        write_links(model, path, ids, 2)
    assert other.folder.exists()


def test_completions_are_files_too(tmp_path):
    model = triple_model(tmp_path / "run")
    query = {"head": model.ids(None, "head"), "relation": model.ids(None, "head") % 3}
    write_completions(model, tmp_path / "a.parquet", query, "tail", 3)
    table = read(tmp_path / "a.parquet")
    assert table.equals(model.answers(query, "tail", 3).to_pandas())
