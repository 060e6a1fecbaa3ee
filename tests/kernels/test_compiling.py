"""What is told of the compiling of kernels."""

from __future__ import annotations

import os
import subprocess
import sys

import numba
import pytest
from numba.core import event

from gneg.kernels import _jit


def test_the_first_compiling_is_announced_and_all_of_it_is_timed():
    calls = []
    clock = _jit._Clock([lambda: calls.append("now")])
    with event.install_listener("numba:compile", clock):
        for value in (1, 1.5):
            assert numba.njit(lambda x: x + 1)(value) == value + 1
        first = clock.duration
        numba.njit(lambda x: x + 2)(1)
    assert calls == ["now"]
    assert clock.duration > first > 0


@pytest.mark.slow
def test_a_command_says_that_kernels_are_compiled_the_first_time(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    rows = "".join(f"{i},{i + 1}\n" for i in range(60))
    (tmp_path / "edges.csv").write_text(f"source,target\n{rows}")
    command = [sys.executable, "-m", "gneg", "sample", str(tmp_path / "edges.csv"), "-k", "1"]
    command += ["--sampler", "uniform"]  # which has few kernels
    told = []
    for name in ("first.csv", "second.csv"):
        words = [*command, "--out", str(tmp_path / name)]
        run = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        told.append("compiling kernels" in run.stderr)
    assert told == [True, False]
