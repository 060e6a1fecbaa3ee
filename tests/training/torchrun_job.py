"""A training: run by ``test_distributed.py``, alone and under ``torchrun``."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import gneg
from gneg.training.distributed import joined
from tests.worlds import toy


def main(out: str, settings: dict[str, Any]) -> None:
    torch.set_default_dtype(getattr(torch, settings.pop("dtype", "float64")))
    kills = settings.pop("kills", None)
    mark, second = Path(f"{out}.killed"), Path(f"{out}.second")

    def kill_once(seed: int, state: dict[str, Any]) -> None:
        """Kill the second process after an epoch, the first time."""
        if kills == state["epoch"] and not mark.exists():
            mark.touch()
            os.kill(int(second.read_text()), 9)

    with joined("cpu") as processes:
        if processes.rank == 1 and kills:
            second.write_text(str(os.getpid()))
        config = gneg.LinkConfig(**settings)
        data = replace(toy(n=200, edges=1500), x=None)
        gneg.train(data, config, out=out, keep_data=False, report=kill_once)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
