"""Comparisons whose files are damaged, or whose processes are killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from gneg import compare
from gneg.experiments import processes, record
from gneg.experiments.report import page
from tests.cli.invoke import run
from tests.damage import damaged
from tests.experiments.conftest import SMALL
from tests.worlds import toy

TABLE = "source,target\n" + "".join(f"{u},{(7 * u + j) % 40}\n" for u in range(40) for j in (1, 5))


@pytest.mark.parametrize("content", ["", "[]", '{"run": {}, "best_valid": 1}'])
def test_a_damaged_cell_is_named(tmp_path, content):
    compare(toy(), [SMALL], seeds=1, out=tmp_path, baselines=())
    (cell,) = tmp_path.glob("cells/*/cell-0.json")
    cell.write_text(content)
    with pytest.raises(ValueError, match=r"'out' must be a whole cell-0.json .*; --fresh"):
        compare(toy(), [SMALL], seeds=1, out=tmp_path, baselines=())


CHANGES = [
    ("rows", []),
    ("rows", [{}]),
    ("rows", 3),
    ("seeds", 7),
    ("dataset", {}),
    ("heuristics", {"ra": {"hard": {"mrr": "x"}}}),
    ("heuristics", {"ra": {"hard": {}}}),
    ("recipe", 3),
    ("metric", None),
]


@pytest.mark.parametrize(("key", "value"), CHANGES)
def test_a_damaged_comparison_is_named(tmp_path, compared, key, value):
    results = json.loads((compared[2] / "compare.json").read_text())
    path = tmp_path / "compare.json"
    path.write_text(json.dumps({**results, key: value}))
    with pytest.raises(ValueError, match=r"'results' must be .*compare.json"):
        record.read("results", path)
    assert record.read("results", compared[2]) == results


def test_a_comparison_of_an_earlier_version_has_a_page(tmp_path, compared):
    results = json.loads((compared[2] / "compare.json").read_text())
    for key in ("reading", "among_all", "recipe"):
        del results[key]
    (tmp_path / "compare.json").write_text(json.dumps(results))
    assert "<html" in page(record.read("results", tmp_path))


def test_heuristics_that_are_not_ranked_are_not_named_as_the_best(compared):
    results = json.loads((compared[2] / "compare.json").read_text())
    best = "The best training-free heuristic"
    assert best in page(results)
    for kind, sets in results["heuristics"].items():
        results["heuristics"][kind] = {name: {} for name in sets}
    assert best not in page(results)


@pytest.mark.slow
def test_a_comparison_is_refused_or_has_a_page(tmp_path, compared):
    results = json.loads((compared[2] / "compare.json").read_text())
    path, refused = tmp_path / "compare.json", 0
    for changed in damaged(results, 60):
        path.write_text(json.dumps(changed))
        try:
            content = record.read("results", path)
        except ValueError:
            refused += 1
        else:
            assert "<html" in page(content)
    assert refused > 20


@pytest.mark.slow
def test_a_hard_set_is_reused_for_the_same_data_only(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.csv").write_text(TABLE)
    words = ["compare", "e.csv", "--samplers", "uniform", "--seeds", "1", "--epochs", "1"]
    words += ["--hidden", "4", "-k", "1", "--out", "grid"]
    assert run(*words).exit_code == 0
    path, times = tmp_path / "grid" / "hard.npz", []
    for more in ([], ["--fresh"]):
        before = path.stat().st_mtime_ns
        result = run(*words, *more)
        assert result.exit_code == 0, result.output
        times.append(path.stat().st_mtime_ns > before)
    assert times == [False, True]
    before = path.read_bytes()
    other = run(*words, "--split-seed", "1").output
    assert "'out' must be a folder whose hard.npz a comparison of this data made" in other
    assert path.read_bytes() == before
    assert run("hardset", "e.csv", "-k", "2", "--out", "own/hard.npz").exit_code == 0
    own = run(*words[:-1], "own").output
    assert "own/hard.npz: k 2 (here 500)); --fresh" in own
    path.write_bytes(path.read_bytes()[:300])
    assert "'hardset' must be a whole file of gneg hardset (got grid/hard.npz" in run(*words).output
    assert run(*words, "--fresh").exit_code == 0


@pytest.mark.slow
def test_a_process_that_is_killed_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "_run", _killed)
    with pytest.raises(ValueError, match=r"'jobs' must be processes that last.* goes on from"):
        compare(toy(), [SMALL], seeds=1, out=tmp_path, jobs=2, baselines=())


def _killed(cell) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


ENDLESS = """
if __name__ == "__main__":  # the queue's manager needs none of these
    import sys
    from dataclasses import replace
    from gneg import compare
    from tests.experiments.conftest import SMALL
    from tests.worlds import toy

    config = replace(SMALL, epochs=10**6, patience=10**6)
    compare(toy(), [config], seeds=2, jobs=2, out=sys.argv[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="reads /proc")
def test_workers_end_when_their_parent_is_killed(tmp_path):
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS)
    out = tmp_path / "out"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([".", *sys.path])}
    parent = subprocess.Popen([sys.executable, str(script), str(out)], env=environment)
    deadline = time.monotonic() + 120
    while not list(out.glob("cells/*/checkpoint-*.pt")):
        assert parent.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.2)
    workers = _children(parent.pid)
    assert len(workers) >= 3  # two workers and the manager of the queue
    parent.kill()
    parent.wait()
    while any(_state(worker) not in ("", "Z") for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _state(process: int) -> str:
    """Return the state of a process, ``""`` if there is none."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def _children(process: int) -> list[int]:
    with open(f"/proc/{process}/task/{process}/children") as file:
        return [int(child) for child in file.read().split()]


CHANGES_OF_CELLS = [
    (("sets",), None, "it has no sets"),
    (("sets", "uniform", "extra"), 0.5, "with the metrics of the others"),
    (("sets", "uniform", "mrr"), "x", "sets.uniform.mrr is of type str"),
    (("run", "valid"), None, "run has no valid"),
    (("run", "decoder"), None, "has no decoder"),
    (("run", "base_weight"), None, "has no base_weight"),
    (("run", "curve"), [1], "run.curve.0. is of type int"),
    (("run", "stack"), {"chosen": "zzz"}, "stack has no zzz"),
    (("audit",), 3, "audit is of type int"),
]


@pytest.fixture(scope="module")
def two_cells(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cells")
    compare(toy(), [SMALL], seeds=2, out=folder, baselines=())
    return folder


@pytest.mark.parametrize(("place", "value", "fault"), CHANGES_OF_CELLS)
def test_a_cell_that_lacks_what_a_row_needs_is_named(two_cells, tmp_path, place, value, fault):
    folder = tmp_path / "again"
    shutil.copytree(two_cells, folder)
    (cell,) = folder.glob("cells/*/cell-1.json")
    entry = content = json.loads(cell.read_text())
    for key in place[:-1]:
        entry = entry[key]
    entry.pop(place[-1], None)
    if value is not None:
        entry[place[-1]] = value
    cell.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=rf"'out' must be .*cell-1.json.*{fault}|{fault}.*cell-1"):
        compare(toy(), [SMALL], seeds=2, out=folder, baselines=())


def test_the_comparison_of_other_data_is_not_replaced(two_cells, tmp_path):
    folder = tmp_path / "again"
    shutil.copytree(two_cells, folder)
    path = folder / "compare.json"
    before = path.read_bytes()
    with pytest.raises(
        ValueError, match=r"'out' must be a new folder, .* nodes 60 .here 90.*fresh"
    ):
        compare(toy(n=90), [SMALL], seeds=1, out=folder, baselines=())
    assert path.read_bytes() == before
    compare(toy(n=90), [SMALL], seeds=1, out=folder, baselines=(), fresh=True)
    path.write_text("{")
    compare(toy(n=90), [SMALL], seeds=1, out=folder, baselines=())
