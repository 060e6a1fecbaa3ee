"""Negatives where nodes have no features: ``python -m benchmarks.quality.negatives``.

What the recipe for such graphs (one layer on learned embeddings, a cosine that a perceptron
corrects, no stack) makes of other negatives, numbers of them and losses, in the same seconds of
training on MCNS's Arxiv and ogbl-ddi. One JSON file a cell under ``results/negatives/``;
finished ones are kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.format import machine
from benchmarks.quality import jobs
from benchmarks.quality.decoders import compared, measure
from benchmarks.quality.recipes import SETTINGS, load
from gneg.training.config import LinkConfig
from gneg.training.recipe import WALKS

RESULTS = Path(__file__).parent / "results" / "negatives"
#: Seconds of training, epochs between evaluations, seeds.
DATASETS = {"arxiv_mcns": (30.0, 2, 3), "ogbl-ddi": (45.0, 1, 3)}
INFONCE: dict[str, Any] = {"loss": "infonce"}
#: What differs from the recipe; the loss follows from the sampler where none is given.
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
    """Where the result of a cell is."""
    plain = "".join(one if one.isalnum() else "-" for one in name)
    return RESULTS / f"{dataset}-{plain}.json"


def config(dataset: str, name: str) -> LinkConfig:
    """How a cell is trained."""
    seconds, every, _ = DATASETS[dataset]
    options: dict[str, Any] = {"hidden": 64, "layers": 1, "decoder": "hybrid"}
    options |= {"epochs": 1000, "seconds": seconds, "eval_every": every, "patience": 1000}
    return LinkConfig(encoder=SETTINGS[dataset].encoders[0], **options, **CELLS[name])


def cell(job: tuple[str, str, str]) -> str:
    """Run one cell."""
    dataset, name, _ = job
    seeds = range(DATASETS[dataset][2])
    return measure(path(dataset, name), job, *load(dataset), config(dataset, name), seeds)


def block() -> str:
    """The table; empty if nothing was run."""
    found = jobs.finished(path, KEYS)
    if not found:
        return ""
    metrics = {d: one["metric"] for (d, _), one in found.items()}
    told = ", ".join(f"{d} {metrics[d]}, {s:.0f} s, {n} seeds" for d, (s, _, n) in DATASETS.items())
    return (
        f"{compared('negatives, loss', found)}\n\nTest, %: {told}; in brackets the best epoch. "
        f"{machine(next(iter(found.values())))}, one thread, beside other work."
    )


def main() -> None:
    jobs.main(__doc__, "negatives", cell, path, KEYS)


if __name__ == "__main__":
    main()
