"""A training: run by ``test_distributed.py``, alone and under ``torchrun``."""

import json
import os
import sys
from pathlib import Path

import torch

import gneg
from gneg.datasets import hyperbolic
from gneg.training.distributed import joined

out, settings = sys.argv[1], json.loads(sys.argv[2])
torch.set_default_dtype(getattr(torch, settings.pop("dtype", "float64")))
kills = settings.pop("kills", None)


def kill_once(seed: int, state: dict) -> None:
    """Kill the second process after an epoch, the first time."""
    mark = Path(f"{out}.killed")
    if kills == state["epoch"] and not mark.exists():
        mark.touch()
        os.kill(int(Path(f"{out}.second").read_text()), 9)


with joined("cpu") as processes:
    if processes.rank == 1 and kills:
        Path(f"{out}.second").write_text(str(os.getpid()))
    data = hyperbolic(0)
    gneg.train(data, gneg.LinkConfig(**settings), out=out, keep_data=False, report=kill_once)
