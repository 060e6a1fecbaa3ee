"""LightGCN on nearly all training interactions of Gowalla: ``python -m benchmarks.quality.refit``.

Published figures are of models that see all training interactions. Here the settings, and the
number of epochs, are those that the ablation chose with a tenth of them held out; then one is
trained, for that many epochs, with 99 of 100 of them. Each has a file under ``results/refit/``.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks import record
from benchmarks.format import machine, table
from benchmarks.quality import ablation, jobs
from benchmarks.quality.ablation import HARD, UNIFORM
from benchmarks.quality.settings import SETTINGS
from gneg import Graph
from gneg.datasets import LinkData, make_split
from gneg.training.config import LinkConfig
from gneg.training.driver import train

RESULTS = Path(__file__).parent / "results" / "refit"
KEPT = 10  # one validation edge in so many stays one
#: Recall@20 and NDCG@20, %, and epochs, by He et al. (SIGIR 2020), table 4, three layers.
PUBLISHED = ("LightGCN, published: uniform, BPR", 18.23, 15.55, 1000)


def path(model: str) -> Path:
    """Return the file of a model's result."""
    return RESULTS / f"{model.replace(' ', '-')}.json"


def whole(data: LinkData) -> LinkData:
    """Return the dataset with most of its validation edges among those of training."""
    kept = torch.arange(data.valid.pos.size(1)) % KEPT == 0
    parts = (
        torch.cat([data.train, data.valid.pos[:, ~kept]], dim=1),
        data.valid.pos[:, kept],
        data.test.pos,
    )
    assert data.num_src is not None
    sizes = data.num_src, data.num_nodes - data.num_src
    graph = Graph.from_edge_index(torch.cat(parts, dim=1), sizes)
    split = "official test, 1 % of training held out"
    return make_split(data.name, graph, None, parts=parts, split=split)


def cell(job: tuple[str, str]) -> str:
    """Train a model for as many epochs as the ablation found best, and write its file."""
    model, command = job
    chosen = json.loads(ablation.path("gowalla", "lightgcn", model).read_text())
    epochs = int(statistics.median(run["best_epoch"] for run in chosen["runs"]))
    config = LinkConfig(**chosen["config"])
    config = replace(config, epochs=epochs, eval_every=epochs, patience=epochs)
    result = train(whole(SETTINGS["gowalla"].load()), config, seeds=(0,), command=command)
    record.write(path(model), command, {"model": model, **result})
    return f"{model} {result['summary']['test']['recall@20']['mean']:.4f}"


def block() -> str:
    """Return the table; empty if nothing was run."""
    results = jobs.finished(path, [(UNIFORM,), (HARD,)])
    if not results:
        return ""
    name, recall, ndcg, epochs = PUBLISHED
    rows = [[name, f"{recall:.2f}", f"{ndcg:.2f}", f"{epochs:,}", "-"]]
    for (model,), result in results.items():
        test, run = result["summary"]["test"], result["runs"][0]
        figures = [f"{100 * test[metric]['mean']:.2f}" for metric in ("recall@20", "ndcg@20")]
        rows.append(
            [
                f"{model}: `{result['config']['sampler']}`, {result['config']['loss']}",
                *figures,
                str(run["epochs"]),
                f"{run['curve'][-1]['seconds']:,.0f}",
            ]
        )
    header = ["negatives", "Recall@20, %", "NDCG@20, %", "epochs", "seconds"]
    return f"{table(header, rows)}\n\nOne seed, one thread. {machine(*results.values())}."


if __name__ == "__main__":
    jobs.main(__doc__, "refit", cell, path, [(HARD,), (UNIFORM,)])
