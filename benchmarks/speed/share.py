"""Share of an epoch that sampling takes: ``python -m benchmarks.speed.share``.

GraphSAGE with the default configuration and with the plainest one; ``log_q`` counts as sampling
where the loss needs it. Writes ``results/share.json``.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import torch

from gneg import datasets, record
from gneg.config import TrainConfig
from gneg.trainer import Trainer

HERE = Path(__file__).parent
DATA = HERE.parent.parent.parent / "shared" / "data"
CONFIGS = {
    "default (hard mixture, softmax, 8 negatives)": TrainConfig(),
    "uniform, otherwise the same": TrainConfig(sampler="uniform"),
    "walk, BCE, 1 negative": TrainConfig(sampler="walk", loss="bce", k=1),
}


def measure(data: datasets.LinkData, config: TrainConfig, epochs: int) -> dict[str, float]:
    """Seconds of the epochs after the first, which compiles and fills caches."""
    with torch.random.fork_rng(devices=[]):
        trainer = Trainer(data, config, seed=0)
        trainer.epoch()
        trainer.progress.seconds.update(sampling=0.0, model=0.0)
        for _ in range(epochs):
            trainer.epoch()
    sampling, model = trainer.progress.seconds["sampling"], trainer.progress.seconds["model"]
    return {
        "epochs": epochs,
        "sampling_s_per_epoch": sampling / epochs,
        "epoch_s": (sampling + model) / epochs,
        "share": sampling / (sampling + model),
    }


def main() -> None:
    rows: list[dict[str, Any]] = []
    for name, epochs in (("Cora", 10), ("ogbl-ddi", 1)):
        data = datasets.load(name, root=DATA)
        for label, config in CONFIGS.items():
            rows.append({"dataset": name, "config": label, **measure(data, config, epochs)})
            print(rows[-1], flush=True)
    record.write_json(
        HERE / "results" / "share.json",
        {
            "command": shlex.join(["python", "-m", "benchmarks.speed.share", *sys.argv[1:]]),
            "seed": 0,
            "rows": rows,
            "machine": record.machine(),
            "versions": record.versions(),
        },
    )


if __name__ == "__main__":
    main()
