"""Ctrl-C in a process of its own: it ends soon, and what is known is written and marked."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time

import pytest

from gneg import cli
from tests import forking
from tests.cli.invoke import run


def command(*words: str) -> None:
    """Run a command, in a process of its own."""
    sys.argv = ["gneg", *words]
    cli.main()


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["epoch", "stacking", "ranking among all nodes"])
def test_ctrl_c_ends_soon_with_the_best_state(tmp_path, stage):
    out, output = tmp_path / "run", tmp_path / "output"
    words = ["train", "hyperbolic", "--rank", "all", "--out", str(out)]
    words += [] if stage == "epoch" else ["--epochs", "8"]
    process = forking.start(command, *words, output=output)
    while not re.search(rf"^seed 0.*{stage}", output.read_text(), re.M):
        assert process.is_alive(), output.read_text()
        time.sleep(0.01)
    start = time.perf_counter()
    os.kill(process.pid, signal.SIGINT)
    process.join()
    assert process.exitcode == 130, output.read_text()
    assert time.perf_counter() - start < 10  # 1 s where nothing else runs
    assert "seed 0 interrupted, valid mrr" in output.read_text()
    (record,) = json.loads((out / "results.json").read_text())["runs"]
    assert record["complete"] is False
    assert record["valid"]["mrr"] > 0.2
    assert record["test"] == {}
    assert (out / "model-0.pt").exists()
    assert stage == "epoch" or (out / "checkpoint-0.pt").exists()


@pytest.mark.slow
def test_triples_go_on_after_ctrl_c_and_after_a_kill_and_two_commands_do_no_harm(shared, tmp_path):
    words = ["kg", "train", "umls", "--root", str(shared), "--dim", "16", "--epochs", "16"]
    words += ["--eval-every", "2", "--patience", "50", "-k", "4"]
    words += ["--sampler", "cached(uniform, size=4, m=4)"]

    def start(out):
        path = tmp_path / out
        return forking.start(command, *words, "--out", str(path), output=tmp_path / f"{out}.txt")

    def metrics(out):
        """What a finished training found."""
        folder = tmp_path / out
        assert sorted(path.name for path in folder.iterdir()) == ["model-0.pt", "results.json"]
        (record,) = json.loads((folder / "results.json").read_text())["runs"]
        assert record["complete"]
        losses = [row["loss"] for row in record["curve"]]
        return [*(record[key] for key in ("test", "valid", "sampled", "best_epoch")), losses]

    assert run(*words, "--out", str(tmp_path / "whole")).exit_code == 0
    for out, number, code in (("stopped", signal.SIGINT, 130), ("killed", signal.SIGKILL, -9)):
        process = start(out)
        while not (tmp_path / out / "checkpoint-0.pt").exists():
            assert process.is_alive(), (tmp_path / f"{out}.txt").read_text()
            time.sleep(0.01)
        os.kill(process.pid, number)
        process.join()
        assert process.exitcode == code
        assert (tmp_path / out / "checkpoint-0.pt").exists()
        assert run(*words, "--out", str(tmp_path / out)).exit_code == 0
        assert metrics(out) == metrics("whole")
    for process in [start("two"), start("two")]:
        process.join()
        assert process.exitcode == 0
    assert metrics("two") == metrics("whole")


@pytest.mark.parametrize("end", [SystemExit(130), KeyboardInterrupt()])
def test_ctrl_c_once_more_ends_at_once_without_a_traceback(monkeypatch, end):
    """While Python ends, which may take seconds, or while the first is being answered."""

    def app():
        raise end

    def leave(code):
        raise InterruptedError(code)

    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr("os._exit", leave)
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(type(end) if isinstance(end, SystemExit) else InterruptedError):
            cli.main()
        if isinstance(end, SystemExit):
            with pytest.raises(InterruptedError, match="130"):
                signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
