"""Mining on Ray: the same bytes as in one process, whatever dies."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gneg
from gneg.datasets import negatives, positives
from tests.isolation import isolated

pytest.importorskip("ray")
HERE = Path(__file__).parent


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_and_a_node_mines_the_same_bytes(tmp_path, shared):
    environment = os.environ | {
        "RAY_USAGE_STATS_ENABLED": "0",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = isolated(sys.executable, str(HERE / "ray_cluster.py"), str(tmp_path), str(shared))
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads((tmp_path / "result.json").read_text())
    data = gneg.datasets.load("Cora", root=shared)
    pieces = -(-data.train.size(1) // 64)
    assert (told["nodes"], told["alive"], told["pieces"]) == (2, 1, pieces)
    assert told["repeated"] >= 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(positives, "ROWS", 64)
        negatives.sample(data, "walk", k=5, out=tmp_path / "local")
    for path in sorted((tmp_path / "local").glob("part-*")):
        assert path.read_bytes() == (tmp_path / "ray" / path.name).read_bytes()
    hard = gneg.hardset(data, k=20, out=tmp_path / "hard-local.npz")
    assert told["hard"] == hard.index.sum().item()
    assert told["risk"] == gneg.audit(data, "walk", negatives=5_000)["risk"]


@pytest.mark.slow
def test_a_task_that_this_machine_cannot_hold_is_refused(monkeypatch):
    from gneg.integrations.ray import RayEngine

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(ValueError, match="'cpus' must be at most"):
        list(RayEngine(cpus=10_000).run(str, [1]))


@pytest.mark.parametrize(("address", "reason"), [("127.0.0.1:1", "refused"), ("a:99999", "beyond")])
def test_an_address_without_a_cluster_is_refused_at_once(address, reason, monkeypatch):
    from gneg.integrations.ray import RayEngine

    for engine in (RayEngine(address), RayEngine()):
        with pytest.raises(ValueError, match=rf"'address' must be .* \(got {address}: .*{reason}"):
            list(engine.run(str, [1]))
        monkeypatch.setenv("RAY_ADDRESS", address)
