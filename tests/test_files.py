"""Files are written whole or not at all, checked when they are read, and leave nothing behind."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from gneg import files, records
from gneg.samplers.formats.parts import OWNER, Parts

FORM = {"runs": [{"seed": int}], "best": (float, None), "counts": {...: int}, "note?": str}
WHOLE = {"runs": [{"seed": 1}], "best": None, "counts": {"a": 2}}


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (WHOLE, None),
        ({**WHOLE, "best": 1}, None),
        ([], "its content is of type list, not dict"),
        ({**WHOLE, "runs": 3}, "runs is of type int, not list"),
        ({**WHOLE, "runs": [{"seed": True}]}, "runs[0].seed is of type bool, not int"),
        ({**WHOLE, "runs": [{}]}, "runs[0] has no seed"),
        ({**WHOLE, "counts": {"a": 1.5}}, "counts.a is of type float, not int"),
        ({"runs": []}, "its content has no best"),
        ({**WHOLE, "note": "a"}, None),
        ({**WHOLE, "note": None}, "note is of type NoneType, not str"),
    ],
)
def test_the_first_fault_of_a_record_is_named(value, fault):
    assert records.mismatch(value, FORM) == fault


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe{}", b"[" * 100_000, b'{"runs": 3}'])
def test_a_damaged_record_is_named_with_a_remedy(tmp_path, content):
    path = tmp_path / "r.json"
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match=r"^'out' must be a whole r.json of gneg \(got /.*; again$"
    ):
        records.read_record("out", path, FORM, remedy="again")


@pytest.mark.parametrize("kind", ["file", "parent", "proc", "device", "long"])
def test_what_cannot_be_written_is_refused_before_the_work(tmp_path, kind):
    (tmp_path / "file").write_text("mine")
    path = {
        "file": tmp_path / "file",
        "parent": tmp_path / "file" / "x",
        "proc": "/proc/x",
        "device": "/dev/null",
        "long": tmp_path / ("a" * 300) / "x",
    }[kind]
    with pytest.raises(ValueError, match="'out' must be a folder "):
        files.check_output("out", path, folder=True)
    with pytest.raises(ValueError, match="'out' must be a file "):
        files.check_output("out", tmp_path if kind == "file" else path)
    assert (tmp_path / "file").read_text() == "mine"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_missing_folders_are_no_fault(tmp_path):
    files.check_output("out", tmp_path / "a" / "b" / "c.json")
    assert list(tmp_path.iterdir()) == []
    files.write_json(tmp_path / "a" / "b" / "c.json", {})


def test_a_full_disk_leaves_what_was_there(tmp_path):
    path = tmp_path / "r.json"
    files.write_json(path, {"old": 1})

    def write(temporary):
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(files.WriteError, match=r"r.json cannot be written: No space left.*make"):
        files.write_whole(path, write)
    assert path.read_text() == '{\n  "old": 1\n}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_of_dead_processes_are_removed(tmp_path, dead):
    living, foreign = tmp_path / f".a.json.{os.getppid()}.tmp", tmp_path / f".b.json.{dead}.tmp"
    ancient = tmp_path / f".a.json.{os.getppid()}0.tmp"
    for path in (living, foreign, tmp_path / f".a.json.{dead}.tmp", ancient):
        path.write_text("")
    os.utime(ancient, (0, 0))
    files.write_json(tmp_path / "a.json", {})
    assert {path.name for path in tmp_path.iterdir()} == {living.name, foreign.name, "a.json"}


def test_pieces_of_dead_processes_are_removed(tmp_path, dead):
    out = tmp_path / "h[1].npz"
    for settings, process in ((1, dead), (2, os.getppid()), (3, dead)):
        files.write_json(Parts(out, settings, fresh=False).path(OWNER), process)
    parts = Parts(out, 3, fresh=False)
    folders = {path.name for path in tmp_path.iterdir()}
    assert folders == {parts.folder.name, Parts(out, 2, fresh=False).folder.name}
    parts.remove()
    assert not parts.folder.exists()


def test_a_result_does_not_replace_what_is_read(tmp_path):
    source = tmp_path / "edges.csv"
    source.write_text("a,b")
    with pytest.raises(ValueError, match="'out' must be another file than those that are read"):
        files.check_output("out", tmp_path / "." / "edges.csv", inputs=("Cora", None, source))
    files.check_output("out", tmp_path / "other.csv", inputs=("Cora", None, source))
