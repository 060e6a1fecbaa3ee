"""Decoders where nodes have no features: ``python -m benchmarks.quality.decoders``.

GCN on learned embeddings, three seeds: of Cora and CiteSeer without their features, where
neighbours are alike, and of CoDEx-S's entities, where they are not. The recipe's rule for such
graphs rests on these figures. Each cell has a JSON file under ``results/decoders/``; finished cells
are not run again.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks import record
from benchmarks.format import machine, percent, table
from benchmarks.quality import jobs
from benchmarks.quality.ablation import figures, trained
from benchmarks.quality.settings import DATA
from gneg import Graph, datasets, hardset
from gneg.datasets import EvalEdges, LinkData, make_split
from gneg.training.config import LinkConfig
from gneg.training.recipe import WALKS
from gneg.training.summary import spread

RESULTS = Path(__file__).parent / "results" / "decoders"
SEEDS = range(3)
DATASETS = ("Cora", "CiteSeer", "CoDEx-S")
BUDGET: dict[str, Any] = {
    "encoder": "gcn",
    "hidden": 128,
    "layers": 1,
    "epochs": 40,
    "eval_every": 5,
    "patience": 3,
}
UNIFORM: dict[str, Any] = {"sampler": "uniform", "decoder": "mlp", "k": 3}
CELLS: dict[str, dict[str, Any]] = {
    "uniform, cross-entropy, mlp": {**UNIFORM, "loss": "bce", "lr": 0.003},
    "uniform, AUC loss, mlp": {**UNIFORM, "loss": "auc", "lr": 0.01},
    "uniform + walk, logQ softmax, mlp": {"decoder": "mlp"},
    "uniform + walk, logQ softmax, cosine": {"decoder": "cosine"},
    "uniform + walk, logQ softmax, hybrid": {"decoder": "hybrid"},
}
KEYS = [(dataset, name) for name in CELLS for dataset in DATASETS]


@cache
def load(name: str) -> tuple[LinkData, dict[str, EvalEdges]]:
    """Return a dataset without features and its hard test set."""
    if name == "CoDEx-S":
        triples = datasets.load_triples("codex-s", root=DATA).train
        graph = Graph.from_edge_index(triples[[0, 2]], undirected=True)
        data = make_split(name, graph, None)
    else:
        data = replace(datasets.load(name, root=DATA), x=None)
    return data, {"hard": hardset(data).edges()}


def path(dataset: str, name: str) -> Path:
    """Return the file of a cell's result."""
    return RESULTS / f"{dataset}-{name.replace(', ', '-').replace(' ', '-')}.json"


def measure(
    file: Path,
    job: tuple[str, str, str],
    data: LinkData,
    harder: dict[str, EvalEdges],
    config: LinkConfig,
    seeds: Iterable[int],
) -> str:
    """Train all seeds of a cell and write its file; return its name for the progress display.

    Args:
        file: The file to write.
        job: Dataset, name and command of the cell.
        data: The dataset.
        harder: Further test sets, by name.
        config: The config.
        seeds: The seeds.
    """
    dataset, name, command = job
    runs = []
    for seed in seeds:
        run = trained(data, config, seed)
        metrics = figures(data.test, run.scorer(), harder)
        runs.append({"seed": seed, "best_epoch": run.progress.best_epoch, **metrics})
    result = {
        "dataset": dataset,
        "name": name,
        "metric": data.metric,
        "config": asdict(config),
        "runs": runs,
    }
    record.write(file, command, result)
    return f"{dataset} {name}"


def cell(job: tuple[str, str, str]) -> str:
    """Train all seeds of a cell and write its file."""
    dataset, name, _ = job
    config = LinkConfig(**{"sampler": WALKS, **BUDGET, **CELLS[name]})
    return measure(path(dataset, name), job, *load(dataset), config, SEEDS)


def compared(corner: str, cells: dict[tuple[str, str], dict[str, Any]]) -> str:
    """Return a table with a row for each name and two columns for each dataset.

    Args:
        corner: Header of the column of names.
        cells: Results by dataset and name.
    """
    datasets = {dataset: cell.get("metric", "mrr") for (dataset, _), cell in cells.items()}
    rows = []
    for name in dict.fromkeys(name for _, name in cells):
        row = [name]
        for dataset, metric in datasets.items():
            cell = cells.get((dataset, name))
            if cell is None:
                row += ["-"] * 2
                continue
            easy = spread([run["easy"][metric] for run in cell["runs"]])
            epoch = statistics.median(run["best_epoch"] for run in cell["runs"])
            hard = spread([run["hard"]["mrr"] for run in cell["runs"]])
            row += [f"{percent(easy)} ({epoch:.0f})", percent(hard)]
        rows.append(row)
    return table([corner, *(f"{d}, {kind}" for d in datasets for kind in ("easy", "hard"))], rows)


def block() -> str:
    """Return the table of all cells; empty if nothing was run."""
    cells = jobs.finished(path, KEYS)
    if not cells:
        return ""
    return (
        f"{compared('GCN, one layer', cells)}\n\nTest MRR, %, {len(SEEDS)} seeds, no "
        "features; in brackets the best epoch. "
        f"{machine(*cells.values())}, one thread a process."
    )


def main() -> None:
    jobs.main(__doc__, "decoders", cell, path, KEYS)


if __name__ == "__main__":
    main()
