"""Decoders where nodes have no features: ``python -m benchmarks.quality.decoders``.

GCN on learned embeddings of Cora and CiteSeer without their features, where neighbours are alike,
and of CoDEx-S's entities, where they are not; three seeds. What the recipe's rule for such graphs
rests on. One JSON file a cell under ``results/decoders/``; finished ones are kept.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.format import machine, percent, table
from benchmarks.quality import jobs
from benchmarks.quality.recipes import DATA, figures, trained
from gneg import Graph, datasets, files, hardset
from gneg.datasets import EvalEdges, LinkData, make_split
from gneg.training.config import LinkConfig
from gneg.training.driver import spread
from gneg.training.recipe import WALKS

RESULTS = Path(__file__).parent / "results" / "decoders"
SEEDS = range(3)
DATASETS = ("Cora", "CiteSeer", "CoDEx-S")
BUDGET: dict[str, Any] = {
    **{"encoder": "gcn", "hidden": 128, "layers": 1},
    **{"epochs": 40, "eval_every": 5, "patience": 3},
}
UNIFORM: dict[str, Any] = {"sampler": "uniform", "decoder": "mlp", "k": 3}
CELLS: dict[str, dict[str, Any]] = {
    "uniform, cross-entropy, mlp": {**UNIFORM, "loss": "bce", "lr": 0.003},
    "uniform, AUC loss, mlp": {**UNIFORM, "loss": "auc", "lr": 0.01},
    **{f"uniform + walk, logQ softmax, {one}": {"decoder": one} for one in ("mlp", "cosine")},
    "uniform + walk, logQ softmax, hybrid": {"decoder": "hybrid"},
}
KEYS = [(dataset, name) for name in CELLS for dataset in DATASETS]


@cache
def load(name: str) -> tuple[LinkData, dict[str, EvalEdges]]:
    """A graph without features, and its hard test set."""
    if name == "CoDEx-S":
        triples = datasets.load_triples("codex-s", root=DATA).train
        graph = Graph.from_edge_index(triples[[0, 2]], undirected=True)
        data = make_split(name, graph, None)
    else:
        data = replace(datasets.load(name, root=DATA), x=None)
    return data, {"hard": hardset(data).edges()}


def path(dataset: str, name: str) -> Path:
    """Where the result of a cell is."""
    return RESULTS / f"{dataset}-{name.replace(', ', '-').replace(' ', '-')}.json"


def measure(
    file: Path,
    job: tuple[str, str, str],
    data: LinkData,
    harder: dict[str, EvalEdges],
    config: LinkConfig,
    seeds: Iterable[int],
) -> str:
    """Run all seeds of a job (dataset, name, command) and write its file."""
    dataset, name, command = job
    runs = []
    for seed in seeds:
        run = trained(data, config, seed)
        found = figures(data, run.scorer(), harder)
        runs.append({"seed": seed, "best_epoch": run.progress.best_epoch, **found})
    result = {
        **{"command": command, "dataset": dataset, "name": name, "metric": data.metric},
        **{"config": asdict(config), "runs": runs},
        **{"machine": files.machine(), "versions": files.versions()},
    }
    files.write_json(file, result)
    return f"{dataset} {name}"


def cell(job: tuple[str, str, str]) -> str:
    """Run one cell."""
    dataset, name, _ = job
    config = LinkConfig(**{"sampler": WALKS, **BUDGET, **CELLS[name]})
    return measure(path(dataset, name), job, *load(dataset), config, SEEDS)


def compared(corner: str, cells: dict[tuple[str, str], dict[str, Any]]) -> str:
    """A row a name, two columns a dataset, by (dataset, name)."""
    datasets = {dataset: one.get("metric", "mrr") for (dataset, _), one in cells.items()}
    rows = []
    for name in dict.fromkeys(name for _, name in cells):
        row = [name]
        for dataset, metric in datasets.items():
            one = cells.get((dataset, name))
            if one is None:
                row += ["-"] * 2
                continue
            easy = spread([run["easy"][metric] for run in one["runs"]])
            epoch = statistics.median(run["best_epoch"] for run in one["runs"])
            hard = spread([run["hard"]["mrr"] for run in one["runs"]])
            row += [f"{percent(easy)} ({epoch:.0f})", percent(hard)]
        rows.append(row)
    return table([corner, *(f"{d}, {kind}" for d in datasets for kind in ("easy", "hard"))], rows)


def block() -> str:
    """The table; empty if nothing was run."""
    found = jobs.finished(path, KEYS)
    if not found:
        return ""
    return (
        f"{compared('GCN, one layer', found)}\n\nTest MRR, %, {len(SEEDS)} seeds, no "
        "features; in brackets the best epoch. "
        f"{machine(next(iter(found.values())))}, one thread a process."
    )


def main() -> None:
    jobs.main(__doc__, "decoders", cell, path, KEYS)


if __name__ == "__main__":
    main()
