"""Negatives where nodes have no features: ``python -m benchmarks.quality.negatives``.

The model is that of the recipe for such graphs (one layer on learned embeddings, a cosine that a
perceptron corrects, no stack); sampler, number of negatives and loss vary, in the same seconds of
training on MCNS's Arxiv and ogbl-ddi. Each cell has a JSON file under ``results/negatives/``;
finished cells are not run again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.format import machine
from benchmarks.quality import jobs
from benchmarks.quality.decoders import compared, measure
from benchmarks.quality.settings import SETTINGS, load
from gneg.training.config import LinkConfig
from gneg.training.recipe import WALKS

RESULTS = Path(__file__).parent / "results" / "negatives"
#: Seconds of training, epochs between evaluations, seeds.
DATASETS = {"arxiv_mcns": (30.0, 2, 3), "ogbl-ddi": (45.0, 1, 3)}
INFONCE: dict[str, Any] = {"loss": "infonce"}
#: Settings that differ from the recipe's; without a loss, the one that suits the sampler.
CELLS: dict[str, dict[str, Any]] = {
    "uniform + walk, logQ softmax": {"sampler": WALKS},
    "the same, on a base measure": {"sampler": WALKS, "base_measure": "sampler"},
    "uniform + walk, InfoNCE": {"sampler": WALKS, **INFONCE},
    "walk, logQ softmax": {"sampler": "walk"},
    "uniform, logQ softmax": {"sampler": "uniform"},
    "uniform, logQ softmax, k = 1": {"sampler": "uniform", "k": 1},
    "uniform, InfoNCE": {"sampler": "uniform", **INFONCE},
    "uniform, InfoNCE, k = 1": {"sampler": "uniform", "k": 1, **INFONCE},
    "uniform, InfoNCE, k = 32": {"sampler": "uniform", "k": 32, **INFONCE},
    "uniform, AUC loss, k = 3": {"sampler": "uniform", "k": 3, "loss": "auc"},
    "degree, logQ softmax": {"sampler": "degree", "loss": "softmax"},
    "in-batch, logQ softmax": {"sampler": "inbatch", "loss": "softmax"},
    "memory bank (MoCo)": {"sampler": "memorybank(momentum=0.99)", **INFONCE},
    "DNS(32, 8), InfoNCE": {"sampler": "dns(uniform, m=32, n=8)", **INFONCE},
    "hardest of uniform, InfoNCE": {"sampler": "hardest(uniform, m=32)", **INFONCE},
}
KEYS = [(dataset, name) for name in CELLS for dataset in DATASETS]


def path(dataset: str, name: str) -> Path:
    """Return the file of a cell's result."""
    words = "".join(letter if letter.isalnum() else "-" for letter in name)
    return RESULTS / f"{dataset}-{words}.json"


def config(dataset: str, name: str) -> LinkConfig:
    """Return the config of a cell."""
    seconds, eval_every, _ = DATASETS[dataset]
    options: dict[str, Any] = {"hidden": 64, "layers": 1, "decoder": "hybrid"}
    options |= {"epochs": 1000, "seconds": seconds, "eval_every": eval_every, "patience": 1000}
    return LinkConfig(encoder=SETTINGS[dataset].encoders[0], **options, **CELLS[name])


def cell(job: tuple[str, str, str]) -> str:
    """Train all seeds of a cell and write its file."""
    dataset, name, _ = job
    seeds = range(DATASETS[dataset][2])
    return measure(path(dataset, name), job, *load(dataset), config(dataset, name), seeds)


def block() -> str:
    """Return the table of all cells; empty if nothing was run."""
    cells = jobs.finished(path, KEYS)
    if not cells:
        return ""
    metrics = {dataset: cell["metric"] for (dataset, _), cell in cells.items()}
    budgets = ", ".join(
        f"{dataset} {metrics[dataset]}, {seconds:.0f} s, {seeds} seeds"
        for dataset, (seconds, _, seeds) in DATASETS.items()
    )
    return (
        f"{compared('negatives, loss', cells)}\n\nTest, %: {budgets}; in brackets the best epoch. "
        f"{machine(*cells.values())}, one thread, beside other work."
    )


def main() -> None:
    jobs.main(__doc__, "negatives", cell, path, KEYS)


if __name__ == "__main__":
    main()
