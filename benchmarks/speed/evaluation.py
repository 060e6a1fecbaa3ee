"""What evaluation costs in training: ``python -m benchmarks.speed.evaluation``.

Each of the smaller datasets is trained for a few epochs as ``--recipe fast`` would train it, with
its own interval of evaluations. Writes ``results/evaluation.json``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks import record
from benchmarks.format import load, machine, table
from benchmarks.quality.settings import SETTINGS
from gneg import datasets
from gneg.training import recipe
from gneg.training.link import LinkRun

DATASETS = ("digits", "hyperbolic", "CiteSeer", "Cora", "arxiv_mcns", "Photo")
INTERVALS = 2  # epochs up to this many evaluations are trained
RESULT = Path(__file__).parent / "results" / "evaluation.json"


def measure(name: str) -> dict[str, Any]:
    """Return the seconds of training and of evaluation of a dataset, and the recipe's settings."""
    data = SETTINGS[name].load() if name in SETTINGS else datasets.load(name)
    config = recipe.fast(data).config
    with torch.random.fork_rng():
        run = LinkRun(data, replace(config, epochs=INTERVALS * config.eval_every), 0)
        run.train(None)
    seconds = dict(run.progress.seconds)
    evaluation = seconds.pop("evaluation")
    return {
        "dataset": name,
        "encoder": config.encoder,
        "decoder": config.decoder,
        "eval_every": config.eval_every,
        "epochs": run.progress.epoch,
        "training_s": sum(seconds.values()),
        "evaluation_s": evaluation,
    }


def block() -> str:
    """Return the table of all datasets; empty if nothing was measured."""
    if not RESULT.exists():
        return ""
    result = load(RESULT)
    rows = [
        [
            row["dataset"],
            f"{row['encoder']}, {row['decoder']}",
            str(row["eval_every"]),
            f"{row['training_s'] / row['epochs']:.2f}",
            f"{100 * row['evaluation_s'] / row['training_s']:.0f} %",
        ]
        for row in result["rows"]
    ]
    header = ["dataset", "model", "epochs between evaluations", "epoch, s", "evaluation / training"]
    return f"{table(header, rows)}\n\n{machine(result)}."


def main() -> None:
    torch.set_num_threads(1)
    rows = []
    for name in DATASETS:
        rows.append(measure(name))
        print(rows[-1], flush=True)
    record.write(RESULT, "python -m benchmarks.speed.evaluation", {"rows": rows})


if __name__ == "__main__":
    main()
