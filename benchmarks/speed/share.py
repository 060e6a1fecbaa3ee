"""What sampling costs in training: ``python -m benchmarks.speed.share``.

GraphSAGE in several configurations, the same number of steps of each in turn, in several rounds;
the fastest round counts. The time of ``log_q`` counts as sampling where the loss needs it, that of
scores that a sampler asks the model for as scoring. Writes ``results/share.json``.
"""

from __future__ import annotations

import math
import shlex
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks import record
from gneg import datasets
from gneg.cli.app import keep_freed_memory
from gneg.training.config import LinkConfig
from gneg.training.link import LinkRun

HERE = Path(__file__).parent
DATA = HERE.parent.parent.parent / "shared" / "data"
ROUNDS = 4
UNIFORM = "uniform"
CONFIGS = {
    UNIFORM: LinkConfig(sampler="uniform"),
    "default": LinkConfig(),
    "walk": LinkConfig(sampler="walk"),
    "walk and uniform, logQ softmax": LinkConfig(
        sampler="mixture(uniform:0.75, walk:0.25)", loss="softmax"
    ),
    "hardest(walk, m=64)": LinkConfig(sampler="hardest(walk, m=64)"),
}


def measure(data: datasets.LinkData, steps: int) -> list[dict[str, Any]]:
    """Return the epoch time of each configuration and the shares of sampling and scoring.

    The first round, which compiles kernels and fills caches, does not count.

    Args:
        data: The dataset.
        steps: Batches of each round.
    """
    with torch.random.fork_rng():
        runs = {label: LinkRun(data, config, seed=0) for label, config in CONFIGS.items()}
        rounds: dict[str, list[dict[str, float]]] = {label: [] for label in CONFIGS}
        for _ in range(ROUNDS):
            for label, run in runs.items():
                edges = steps * run.batch_size
                run.positives = run.positives[:, :edges]
                run.progress.seconds = dict.fromkeys(run.progress.seconds, 0.0)
                run.epoch()
                rounds[label].append(run.progress.seconds)
    batch_size, num_edges = runs[UNIFORM].batch_size, data.train.size(1)
    scale = num_edges / min(steps * batch_size, num_edges)  # to a whole epoch
    rows: list[dict[str, Any]] = []
    for label, seconds_by_round in rounds.items():
        best = min(seconds_by_round[1:], key=lambda seconds: sum(seconds.values()))
        total = sum(best.values())
        rows.append(
            {
                "dataset": data.name,
                "config": label,
                "steps_measured": min(steps, math.ceil(num_edges / batch_size)),
                "epoch_s": total * scale,
                "sampling_share": best["sampling"] / total,
                "scoring_share": best["scoring"] / total,
            }
        )
    base = next(row["epoch_s"] for row in rows if row["config"] == UNIFORM)
    return [{**row, "times_uniform": row["epoch_s"] / base} for row in rows]


def main() -> None:
    keep_freed_memory()  # as the command line does
    rows: list[dict[str, Any]] = []
    for name, steps in (("Cora", 100), ("ogbl-ddi", 3)):
        rows += measure(datasets.load(name, root=DATA), steps)
        for row in rows[-len(CONFIGS) :]:
            print(row, flush=True)
    command = shlex.join(["python", "-m", "benchmarks.speed.share", *sys.argv[1:]])
    record.write(HERE / "results" / "share.json", command, {"seed": 0, "rows": rows})


if __name__ == "__main__":
    main()
