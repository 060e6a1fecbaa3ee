"""Training by several processes: the result of one, whatever dies."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import gneg
from gneg import Graph
from gneg.samplers import build
from gneg.training.distributed import World
from tests.isolation import isolated
from tests.training.torchrun_job import train

JOB = Path(__file__).parent / "torchrun_job.py"
EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "torchrun_training.py"
LAUNCH = ["-m", "torch.distributed.run", "--rdzv-backend", "c10d"]
LAUNCH += ["--rdzv-endpoint", "127.0.0.1:0", "--monitor-interval", "0.2"]


def start(*words: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a network of its own."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    command = isolated(sys.executable, *words)
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What two processes left of two trainings, one of which was killed in the first."""
    folder = tmp_path_factory.mktemp("trainings")
    launch = [*LAUNCH, "--nproc-per-node", "2", "--max-restarts", "1"]
    done = start(*launch, str(JOB), str(folder))
    assert done.returncode == 0, done.stderr[-3000:]
    assert (folder / "killed").exists()
    return folder


def record(path: Path) -> dict:
    return json.loads((path / "results.json").read_text())["runs"][0]


def curve(record: dict, name: str) -> list[float]:
    return [row[name] for row in record["curve"]]


@pytest.mark.slow
def test_two_processes_train_as_one_even_if_one_is_killed(folder, tmp_path):
    alone = train("whole", tmp_path)
    assert (folder / "left" / "whole" / "checkpoint-0.pt").exists()
    resumed = train("whole", folder / "left")  # in another number of processes
    for other in (record(folder / "whole"), resumed):
        assert curve(other, "loss") == pytest.approx(curve(alone, "loss"), rel=1e-9)
        assert curve(other, "valid") == pytest.approx(curve(alone, "valid"), rel=1e-9)
        assert other["test"] == pytest.approx(alone["test"], rel=1e-9)


@pytest.mark.slow
def test_mini_batches_of_two_processes_are_those_of_one(folder, tmp_path):
    one, two = (curve(r, "loss") for r in (train("sampled", tmp_path), record(folder / "sampled")))
    assert two[0] == pytest.approx(one[0], rel=1e-4)
    assert two == pytest.approx(one, rel=1e-2)  # Adam enlarges the noise of single precision


@pytest.mark.slow
def test_the_example_runs_in_two_processes():
    done = start(*LAUNCH, "--nproc-per-node", "2", str(EXAMPLE))
    assert "2 processes: valid MRR" in done.stdout, done.stderr[-3000:]


def test_knowledge_graphs_are_trained_by_one_process(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    rows = [("a", "r", "b"), ("b", "r", "c"), ("c", "r", "a")]
    data = gneg.datasets.from_named_triples(rows, rows[:1], rows[1:2])
    with pytest.raises(ValueError, match="a LinkConfig in several processes"):
        gneg.train(data, gneg.TripleConfig(epochs=1))


@pytest.mark.slow
def test_a_bad_file_ends_both_processes_without_a_traceback(tmp_path):
    words = [*LAUNCH, "--nproc-per-node", "2", "-m", "gneg", "train", "none.csv"]
    done = start(*words, "--out", str(tmp_path / "run"))
    assert "'dataset' must be an existing file" in done.stderr
    assert "[rank1]" not in done.stderr  # as torch marks the traceback of a process


def test_shares_of_processes_are_all_and_each_once():
    for size in (0, 1, 2, 7):
        shares = [World(rank, 3).share(size) for rank in range(3)]
        rows = [row for share in shares for row in range(size)[share]]
        assert rows == list(range(size))


def test_what_the_first_process_cannot_make_the_others_do_not_wait_for(monkeypatch):
    waits = []
    monkeypatch.setattr(World, "wait", lambda self: waits.append(self.rank))
    for rank in range(2):
        with pytest.raises(ZeroDivisionError):
            World(rank, 2).in_turn(lambda: 1 / 0)
    assert waits == [0, 1]


def test_negatives_of_some_queries_are_rows_of_all():
    graph = Graph.from_edge_index(torch.randint(50, (2, 200)), 50, undirected=True)
    pos = torch.stack([torch.arange(20), torch.arange(20) + 20])
    whole = build("walk", graph, corrupt="both").sample(pos, 4)
    part = whole.take(slice(5, 9))
    assert torch.equal(part.index, whole.index[5:9])
    assert torch.equal(part.side, whole.side[5:9])
    assert torch.equal(part.log_q, whole.log_q[5:9])
    assert torch.equal(part.positives(), pos[:, 5:9])
