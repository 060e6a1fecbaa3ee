"""The default recipe against tuned uniform negatives: ``python -m benchmarks.quality.recipes``.

Cora, CiteSeer and MCNS's Arxiv, GCN and GraphSAGE, five seeds. The baseline is the strong one:
three uniform negatives a positive, its loss (AUC or binary cross-entropy), learning rate and
depth picked on validation with one seed. Both recipes choose their epoch on validation by the
dataset's metric and are tested against uniform negatives and against HeaRT-style ones (``gneg
hardset``). One JSON file a cell under ``results/recipes/``; finished ones are kept.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import shlex
import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import torch

from benchmarks.quality import mcns
from gneg import datasets, hardset, kernels, recipes, record
from gneg.config import TrainConfig
from gneg.datasets import EvalEdges, LinkData
from gneg.trainer import Trainer

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "recipes"
DATA = HERE.parent.parent.parent / "shared" / "data"
SEEDS = range(5)
DATASETS = ("Cora", "CiteSeer", "arxiv_mcns")
ENCODERS = ("gcn", "sage")
RECIPES = ("uniform, tuned", "auto")
BUDGET = {"epochs": 100, "eval_every": 5, "patience": 6}
#: Of the baseline.
GRID = {"loss": ("auc", "bce"), "lr": (0.003, 0.01), "layers": (1, 2)}


@cache
def load(name: str) -> tuple[LinkData, EvalEdges]:
    """The data and its hard test set."""
    data = mcns.load() if name == "arxiv_mcns" else datasets.load(name, root=DATA)
    return data, hardset(data).edges()


def trained(data: LinkData, config: TrainConfig, seed: int) -> Trainer:
    """A run with its best weights, not stacked yet."""
    with torch.random.fork_rng():
        run = Trainer(data, config, seed)
        run.train(seed, None, True, None)
    run.model.load_state_dict(run.best_state)
    return run


def tuned(data: LinkData, encoder: str) -> tuple[TrainConfig, list[dict[str, Any]]]:
    """The baseline's config, and what was tried."""
    tried = []
    for values in itertools.product(*GRID.values()):
        given = dict(zip(GRID, values, strict=True))
        config = TrainConfig(
            encoder=encoder,
            sampler="uniform",
            decoder="mlp",
            k=3,
            **BUDGET,
            **given,  # type: ignore[arg-type]
        )
        run = trained(data, config, 0)
        tried.append({**given, "valid": run.progress.best, "config": config})
    best = max(tried, key=lambda one: one["valid"])["config"]
    return best, [{key: one[key] for key in (*GRID, "valid")} for one in tried]


def figures(run: Trainer, hard: EvalEdges) -> dict[str, dict[str, float]]:
    """Test figures against both kinds of negatives."""
    scorer = run.scorer()
    return {"easy": run.test.evaluate(scorer), "hard": hard.evaluate(scorer)}


def cell(job: tuple[str, str, str, str]) -> str:
    """Run all seeds of one cell and write its file."""
    name, encoder, recipe, command = job
    torch.set_num_threads(1)
    kernels.threads.set_num_threads(1)
    data, hard = load(name)
    told: dict[str, Any] = {}
    if recipe == "auto":
        found = recipes.auto(data, encoder=encoder, **BUDGET)
        config, told["why"], told["reading"] = found.config, found.why, asdict(found.reading)
    else:
        config, told["tried"] = tuned(data, encoder)
    runs = []
    for seed in SEEDS:
        run = trained(data, config, seed)
        alone = figures(run, hard)
        stack = run.stack()
        seconds = dict(run.progress.seconds)
        runs.append(
            {
                "seed": seed,
                "epochs": run.progress.epoch,
                "best_epoch": run.progress.best_epoch,
                "best_valid": run.progress.best,
                "curve": run.progress.curve,
                "seconds": seconds,
                "alone": alone,
                "stack": stack,
                "test": alone if stack is None else figures(run, hard),
            }
        )
    result = {
        "command": command,
        "dataset": name,
        "encoder": encoder,
        "recipe": recipe,
        "metric": data.metric,
        "split": data.split,
        "ranked": data.test.pos.size(1),
        "config": asdict(config),
        **told,
        "runs": runs,
        "machine": record.machine(),
        "versions": record.versions(),
    }
    record.write_json(path(name, encoder, recipe), result)
    return f"{name} {encoder} {recipe}"


def path(dataset: str, encoder: str, recipe: str) -> Path:
    """Where the result of a cell is."""
    return RESULTS / f"{dataset}-{encoder}-{recipe.split(',')[0]}.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", nargs="+", default=DATASETS, choices=DATASETS)
    parser.add_argument("--jobs", type=int, default=2, help="processes at once, one thread each")
    options = parser.parse_args()
    command = shlex.join(["python", "-m", "benchmarks.quality.recipes", *sys.argv[1:]])
    jobs = [
        (dataset, encoder, recipe, command)
        for dataset in options.dataset
        for encoder in ENCODERS
        for recipe in reversed(RECIPES)
        if not path(dataset, encoder, recipe).exists()
    ]
    with multiprocessing.get_context("spawn").Pool(options.jobs, maxtasksperchild=1) as pool:
        for done in pool.imap_unordered(cell, jobs):
            print(done, flush=True)


if __name__ == "__main__":
    main()
