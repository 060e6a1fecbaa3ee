"""Decoders that see the pair, by easy and hard negatives: ``python -m benchmarks.quality.pairs``.

Scores of growing knowledge of the pair, each trained on uniform negatives and on the hardest of 32
candidates, half of which are uniform and half ends of PageRank walks: a cosine of GCN embeddings,
the same with common neighbours (``ncn``), a perceptron on both ends' product and on pair features,
and a perceptron on pair features alone, without a GNN. Cora and CiteSeer, tested against uniform
negatives and against lists like those of HeaRT's own generator. Validation edges, ranked against
both kinds of negatives, choose the best epoch and nothing else, but for the stack, which is fitted
on them. Each cell has a JSON file under ``results/pairs/``; finished cells are not run again.
"""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from functools import cache, partial, reduce
from operator import getitem
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from benchmarks import record
from benchmarks.format import machine, percent, table
from benchmarks.quality import heart, jobs
from benchmarks.quality.settings import DATA
from gneg import datasets
from gneg.datasets import EvalEdges, LinkData
from gneg.evaluation.ranking import Score, evaluate_edges
from gneg.nn import PairInputs
from gneg.rng import generator_from
from gneg.training.config import LinkConfig
from gneg.training.link import LinkRun
from gneg.training.summary import spread

RESULTS = Path(__file__).parent / "results" / "pairs"
SEEDS = range(3)
DATASETS = ("CiteSeer", "Cora")
HARDEST = "hardest(mixture(uniform:0.5, walk(kind=ppr):0.5), m=32)"
BUDGET: dict[str, Any] = {
    "encoder": "gcn",
    "layers": 1,
    "loss": "infonce",
    "lr": 0.003,
    "epochs": 100,
    "eval_every": 4,
    "patience": 6,
}
DECODERS: dict[str, dict[str, Any]] = {
    "pair features alone": {"encoder": "heuristics"},
    "cosine": {"decoder": "cosine"},
    "ncn": {"decoder": "ncn"},
    "perceptron, pair features": {"decoder": "mlp", "pair_features": "all"},
}
NEGATIVES: dict[str, dict[str, Any]] = {
    "uniform": {"sampler": "uniform"},
    # As many pairs scored as for the hardest. Stacked, to see what validation labels add.
    "uniform, 32 each": {"sampler": "uniform", "k": 32, "stack": "all"},
    "half uniform, half hardest": {"sampler": f"mixture(uniform:0.5, {HARDEST}:0.5)"},
    "hardest": {"sampler": HARDEST},
    # Laws that move from the one to the other: by epochs, by weights, by the proposal.
    "from the median of 32 to the hardest": {
        "sampler": f"curriculum({HARDEST}, setting=quantile, start=0.5, end=1)"
    },
    "uniform, 32 each, weighted by score": {"sampler": "uniform", "k": 32, "loss": "hard"},
    "a quarter walks, 32 each, logQ softmax": {
        "sampler": "mixture(uniform:0.75, walk:0.25)",
        "k": 32,
        "loss": "softmax",
    },
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
def load(name: str) -> tuple[LinkData, EvalEdges, EvalEdges]:
    """Return a dataset, and its validation and test edges against lists like HeaRT's.

    The generator makes lists of test edges after those of validation edges, and its faults depend
    on the order; for lists of validation edges a sample of training edges takes the first place.
    """
    data = datasets.load(name, root=DATA)
    order = torch.randperm(data.train.size(1), generator=generator_from(0))
    sample = data.train[:, order[: data.valid.pos.size(1)]]
    before = replace(data, valid=replace(data.valid, pos=sample), test=data.valid)
    return data, heart.published(before), heart.published(data)


@cache
def features(name: str) -> Tensor:
    """Return the pair features ``[N * N, W]`` of all pairs, not standardised.

    A training looks up most of them many times, so that they are computed once a dataset.
    """
    data = load(name)[0]
    inputs, ids = PairInputs(data.graph, x=data.x), torch.arange(data.num_nodes)
    rows = (torch.stack([node.expand(len(ids)), ids]) for node in ids)
    return torch.cat([inputs.features(row) for row in rows])


class PairRun(LinkRun):
    """A training whose best epoch has the best geometric mean of both MRR on validation."""

    hard_valid: EvalEdges

    def measure(self, part: str) -> dict[str, float]:
        """Return the metrics; of validation ``mrr`` is the geometric mean of easy and hard."""
        metrics = super().measure(part)
        if part == "valid":
            hard = evaluate_edges(self.hard_valid, self.scorer())["mrr"]
            both = (metrics["mrr"] * hard) ** 0.5
            metrics = {**metrics, "easy": metrics["mrr"], "hard": hard, "mrr": both}
        return metrics


def _look_up(table: Tensor, pairs: Tensor) -> Tensor:
    """Return the features ``[B, W]`` of ``pairs [2, B]`` from those of all pairs."""
    return table[pairs[0] * math.isqrt(len(table)) + pairs[1]]


Trained = TypeVar("Trained", bound=PairRun)


def prepared(run: Trained) -> Trained:
    """Return a run that looks pair features up and has hard validation lists."""
    _, run.hard_valid, _ = load(run.data.name)
    for part in run.model.decoder.modules():
        if isinstance(part, PairInputs):
            part.features = partial(_look_up, features(run.data.name))  # type: ignore[method-assign]
    return run


def trained(run: Trained) -> Trained:
    """Train a run and return it with its best weights."""
    prepared(run).train(None)
    run.model.load_state_dict(run.best_state)
    return run


def figures(name: str, score: Score) -> dict[str, dict[str, float]]:
    """Return the metrics of the test edges of a dataset against both kinds of lists."""
    data, _, hard_test = load(name)
    return {"easy": evaluate_edges(data.test, score), "hard": evaluate_edges(hard_test, score)}


def train_seed(name: str, config: LinkConfig, seed: int) -> dict[str, Any]:
    """Train one seed and return its record: figures on validation, on test, and stacked."""
    with torch.random.fork_rng():
        run = trained(PairRun(load(name)[0], config, seed))
    alone = figures(name, run.scorer())
    stack = run.stack()
    return {
        "seed": seed,
        "epochs": run.progress.epoch,
        "best_epoch": run.progress.best_epoch,
        "valid": {kind: run.best_metrics[kind] for kind in ("easy", "hard")},
        "alone": alone,
        "stack": stack,
        "test": alone if stack is None else figures(name, run.scorer()),
    }


def path(dataset: str, decoder: str, negatives: str) -> Path:
    """Return the file of a cell's result."""
    name = f"{dataset}-{decoder}-{negatives}"
    return RESULTS / f"{name.replace(', ', '-').replace(' ', '-')}.json"


def cell(job: tuple[str, str, str, str]) -> str:
    """Train all seeds of a cell and write its file."""
    dataset, decoder, negatives, command = job
    config = LinkConfig(**{**BUDGET, **DECODERS[decoder], **NEGATIVES[negatives]})
    runs = [train_seed(dataset, config, seed) for seed in SEEDS]
    result = {
        "dataset": dataset,
        "decoder": decoder,
        "negatives": negatives,
        "config": asdict(config),
        "runs": runs,
    }
    record.write(path(dataset, decoder, negatives), command, result)
    return f"{dataset} {decoder}, {negatives}"


def block() -> str:
    """Return the table of all cells; empty if nothing was run."""
    cells = jobs.finished(path, KEYS)
    if not cells:
        return ""
    header = ["score", "negatives"]
    for dataset in DATASETS:
        header.append(f"{dataset}, easy / hard")
    rows = []
    for decoder, negatives in dict.fromkeys(key[1:] for key in KEYS):
        of_datasets = [cells.get((dataset, decoder, negatives)) for dataset in DATASETS]
        for stage, suffix in (("alone", ""), ("test", ", stacked on validation")):
            done = [c for c in of_datasets if c is not None]
            shown = [stage == "alone" or c["config"]["stack"] != "none" for c in done]
            if any(shown):
                figures = [easy_and_hard(c, stage) for c in of_datasets]
                rows.append([decoder + suffix, negatives, *figures])
    return (
        f"{table(header, rows)}\n\nTest MRR, %, {len(SEEDS)} seeds, against uniform negatives / "
        f"lists like HeaRT's. {machine(*cells.values())}, one thread a process."
    )


def easy_and_hard(cell: dict[str, Any] | None, *entries: str) -> str:
    """Return the MRR of a cell over its seeds, easy / hard; "-" without a cell.

    Args:
        cell: The record of the cell.
        entries: Where each run has the metrics, such as ``alone``, or ``test`` after the stack.
    """
    if cell is None:
        return "-"
    runs = [reduce(getitem, entries, run) for run in cell["runs"]]
    figures = (spread([run[kind]["mrr"] for run in runs]) for kind in ("easy", "hard"))
    return " / ".join(percent(figure) for figure in figures)


def main() -> None:
    jobs.main(__doc__, "pairs", cell, path, KEYS)


if __name__ == "__main__":
    main()
