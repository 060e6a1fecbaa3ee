"""Decoders that see the pair, by easy and hard negatives: ``python -m benchmarks.quality.pairs``.

Scores of growing knowledge of the pair, each trained on uniform negatives and on the hardest of 32
candidates, half of which are uniform and half ends of PageRank walks: a cosine of GCN embeddings,
the same with common neighbours (``ncn``), a perceptron on both ends' product and on pair features,
and a perceptron on pair features alone, without a GNN. Cora and CiteSeer, tested against uniform
negatives and against lists like those of HeaRT's own generator, before and after the stack. The
stack is fitted on validation edges, which otherwise choose the best epoch only. Each cell has a
JSON file under ``results/pairs/``; finished cells are not run again.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.format import machine, percent, table
from benchmarks.quality import heart, jobs
from benchmarks.quality.recipes import DATA, train_seed
from gneg import datasets, files
from gneg.datasets import EvalEdges, LinkData
from gneg.training.config import LinkConfig
from gneg.training.summary import spread

RESULTS = Path(__file__).parent / "results" / "pairs"
SEEDS = range(3)
DATASETS = ("CiteSeer", "Cora")
HARDEST = "hardest(mixture(uniform:0.5, walk(kind=ppr):0.5), m=32)"
BUDGET: dict[str, Any] = {
    "encoder": "gcn",
    "layers": 1,
    "lr": 0.003,
    "epochs": 60,
    "eval_every": 5,
    "patience": 4,
    "stack": "all",
}
DECODERS: dict[str, dict[str, Any]] = {
    "pair features alone": {"encoder": "heuristics"},
    "cosine": {"decoder": "cosine"},
    "ncn": {"decoder": "ncn"},
    "perceptron, pair features": {"decoder": "mlp", "pair_features": "all"},
}
NEGATIVES: dict[str, dict[str, Any]] = {
    "uniform": {"sampler": "uniform"},
    "uniform, 32 each": {"sampler": "uniform", "k": 32},  # as many pairs scored as for hardest
    "half uniform, half hardest": {"sampler": f"mixture(uniform:0.5, {HARDEST}:0.5)"},
    "hardest": {"sampler": HARDEST},
}
# All negatives for the score that is best and cheapest, the extremes for the others.
KEYS = [
    (dataset, decoder, negatives)
    for decoder in DECODERS
    for negatives in NEGATIVES
    for dataset in DATASETS
    if decoder == "pair features alone" or negatives in ("uniform", "hardest")
]


@cache
def load(name: str) -> tuple[LinkData, dict[str, EvalEdges]]:
    """Return a dataset and its test set against HeaRT's lists."""
    data = datasets.load(name, root=DATA)
    return data, {"hard": heart.published(data)}


def path(dataset: str, decoder: str, negatives: str) -> Path:
    """Return the file of a cell's result."""
    name = f"{dataset}-{decoder}-{negatives}"
    return RESULTS / f"{name.replace(', ', '-').replace(' ', '-')}.json"


def cell(job: tuple[str, str, str, str]) -> str:
    """Train all seeds of a cell and write its file."""
    dataset, decoder, negatives, command = job
    config = LinkConfig(
        **{**BUDGET, "loss": "infonce", **DECODERS[decoder], **NEGATIVES[negatives]}
    )
    data, harder = load(dataset)
    runs = [train_seed(data, config, seed, harder) for seed in SEEDS]
    result = {
        "command": command,
        "dataset": dataset,
        "decoder": decoder,
        "negatives": negatives,
        "config": asdict(config),
        "runs": runs,
        "machine": files.machine(),
        "versions": files.versions(),
    }
    files.write_json(path(dataset, decoder, negatives), result)
    return f"{dataset} {decoder}, {negatives}"


def block() -> str:
    """Return the table of all cells; empty if nothing was run."""
    cells = jobs.finished(path, KEYS)
    if not cells:
        return ""
    header = ["score", "negatives"]
    for dataset in DATASETS:
        header += [f"{dataset}, easy / hard", "stacked"]
    rows = []
    for decoder in DECODERS:
        for negatives in NEGATIVES:
            row = [decoder, negatives]
            if not any((dataset, decoder, negatives) in cells for dataset in DATASETS):
                continue
            for dataset in DATASETS:
                cell = cells.get((dataset, decoder, negatives))
                row += ["-"] * 2 if cell is None else [_both(cell, "alone"), _both(cell, "test")]
            rows.append(row)
    return (
        f"{table(header, rows)}\n\nTest MRR, %, {len(SEEDS)} seeds, against uniform negatives / "
        f"lists like HeaRT's. {machine(next(iter(cells.values())))}, one thread a process."
    )


def _both(cell: dict[str, Any], stage: str) -> str:
    """Return the figures of a stage, ``alone`` or ``test`` (after the stack), easy / hard."""
    figures = (
        spread([run[stage][kind]["mrr"] for run in cell["runs"]]) for kind in ("easy", "hard")
    )
    return " / ".join(percent(figure) for figure in figures)


def main() -> None:
    jobs.main(__doc__, "pairs", cell, path, KEYS)


if __name__ == "__main__":
    main()
