"""Trainings: of ``test_distributed.py``, in its process and under ``torchrun``."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import gneg
from gneg.training.distributed import joined
from tests.worlds import toy

BUDGET = {"encoder": "sage", "epochs": 3, "eval_every": 1, "dropout": 0.0, "batch_size": 256}
WHOLE = {**BUDGET, "sampler": "memorybank", "loss": "infonce"}
SAMPLED = {**BUDGET, "fanout": "5,3", "sampler": "walk", "loss": "ntxent"}
TRAININGS = {"whole": (WHOLE, torch.float64), "sampled": (SAMPLED, torch.float32)}


@contextmanager
def default_dtype(dtype: torch.dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def train(name: str, folder: Path, report: Callable[..., object] | None = None) -> dict[str, Any]:
    """Train into a subfolder; return the record of the seed."""
    settings, dtype = TRAININGS[name]
    with default_dtype(dtype):
        data = replace(toy(n=200, edges=1500), x=None)
        config = gneg.LinkConfig(**settings)
        result = gneg.train(data, config, out=folder / name, keep_data=False, report=report)
    return result["runs"][0]


def main(folder: Path) -> None:
    """Train all; the second process is killed in the first training, whose files are copied."""
    mark, second = folder / "killed", folder / "second"

    def report(seed: int, state: dict[str, Any]) -> None:
        if not mark.exists() and state["epoch"] == 2:
            mark.touch()
            shutil.copytree(folder / "whole", folder / "left" / "whole")
            os.kill(int(second.read_text()), 9)

    with joined("cpu") as processes:
        if processes.rank == 1:
            second.write_text(str(os.getpid()))
        for name in TRAININGS:
            train(name, folder, report if name == "whole" else None)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
