"""A grid of training runs, in separate processes, and what can be said about their differences."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from gneg import checks, files
from gneg.datasets import LinkData
from gneg.evaluation import scorers
from gneg.evaluation.hardset import HardSet
from gneg.experiments.processes import Cell, Cells, Event, Report, processes, ranked
from gneg.experiments.search import Search
from gneg.experiments.significance import table
from gneg.graph.heuristics import KINDS as HEURISTICS
from gneg.training.config import TrainConfig

__all__ = ["Event", "compare"]


def compare(
    data: LinkData,
    *,
    samplers: Sequence[str],
    encoders: Sequence[str] = ("sage",),
    losses: Sequence[str | None] = (None,),
    seeds: int = 5,
    base: TrainConfig | None = None,
    sets: Mapping[str, HardSet] | None = None,
    baselines: Sequence[str] = HEURISTICS,
    out: str | Path,
    jobs: int = 1,
    search: int = 0,
    report: Report | None = None,
    command: str = "gneg.compare()",
) -> dict[str, Any]:
    """Train every combination of sampler, encoder and loss with every seed, and compare.

    Cells run in separate processes. A finished cell stays in ``out``, so that the same call goes
    on where it was interrupted, within a cell from its last checkpoint.

    Differences from the first sampler (with the same encoder, loss and seeds) are tested by paired
    t-tests over seeds, corrected for their number by Holm's method.

    Args:
        data: The dataset.
        samplers: Expressions; the first is what the others are compared with.
        encoders: ``sage``, ``gcn``, ``lightgcn``, ``heuristics``.
        losses: Names; None is the one that suits the sampler.
        seeds: Runs of each combination, with seeds 0, 1, ...
        base: Everything else, the budget in epochs or seconds included.
        sets: Hard sets for the test positives, by name, beside the dataset's own negatives.
        baselines: Training-free heuristics to rank beside; ``cosine`` only with features,
            those that count common neighbours not in a bipartite graph.
        out: Folder of the results.
        jobs: Processes at once; each has its share of the cores.
        search: Trials of a search over learning rate, temperature and mixture weight for each
            combination, by the validation metric of seed 0, before its runs; 0: none.
        report: Called with an :class:`Event` as cells go on.
        command: What was typed, for the record.

    Returns:
        The content of ``out/compare.json``: ``rows``, one a combination, with ``metrics`` by set,
        curves, times, ``audit`` and ``against`` (difference, p, corrected p) the first sampler.

    Raises:
        ValueError: If an argument is out of range, or a sampler or model cannot be made.
    """
    base = base or TrainConfig()
    checks.integer("seeds", seeds, 1)
    checks.integer("jobs", jobs, 1)
    checks.integer("search", search, 0)
    for name, given in (("samplers", samplers), ("encoders", encoders), ("losses", losses)):
        if not given or len(set(given)) < len(given):
            checks.fail(name, "one or more, each once", list(given))
    for sampler in samplers:
        data.sampler(sampler, z=torch.zeros(data.num_nodes, 2))  # a mistake shows at once
    out, sets = Path(out), dict(sets or {})
    ranked_in = {name: zlib.crc32(one.index.numpy().tobytes()) for name, one in sets.items()}
    mark = _mark([data.name, data.split, data.graph.fingerprint(), ranked_in])
    grid = [
        replace(base, encoder=encoder, loss=loss, sampler=sampler)
        for encoder in encoders
        for loss in losses
        for sampler in samplers
    ]
    with processes(data, sets, jobs) as cells:
        tuned = [Search(config, search) for config in grid]
        for one in tuned if search else ():
            _tune(one, cells, out / "search", mark, jobs, report)
        runs = [
            Cell(one.best, seed, out / "cells" / _slug(one.best, mark), audited=seed == 0)
            for one in tuned
            for seed in range(seeds)
        ]
        finished = cells.run(runs, report)
    rows = []
    for i, one in enumerate(tuned):
        mine = finished[i * seeds : (i + 1) * seeds]
        rows.append({"searched": one.record(), **_row(grid[i], one.best, mine)})
    results = {
        "command": command,
        "dataset": data.name,
        "split": data.split,
        "nodes": data.num_nodes,
        "edges": [data.train.size(1), data.valid.pos.size(1), data.test.pos.size(1)],
        "metric": data.metric,
        "seeds": seeds,
        "config": asdict(base),
        "baseline": samplers[0],
        "sets": {name: one.info for name, one in sets.items()},
        "rows": table(rows, samplers[0]),
        "heuristics": _heuristics(data, sets, baselines),
        "versions": files.versions(),
        "machine": files.machine(),
    }
    files.write_json(out / "compare.json", results)
    return results


def _mark(what: Any) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:8]


def _slug(config: TrainConfig, mark: str) -> str:
    words = [config.encoder, config.sampler, config.loss or ""]
    text = "-".join(re.sub(r"\W+", "-", word).strip("-") for word in words if word)
    return f"{text[:80]}-{_mark([asdict(config), mark])}"


def _tune(
    search: Search, cells: Cells, folder: Path, mark: str, jobs: int, report: Report | None
) -> None:
    """Ask for as many trials as there are processes, run them, tell how they went."""
    while not search.finished:
        trials = [
            Cell(config, 0, folder / _slug(config, mark), ranked=False)
            for config in search.ask(jobs)
        ]
        search.tell([one["best_valid"] for one in cells.run(trials, report)])


def _row(asked: TrainConfig, config: TrainConfig, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """One combination over its seeds."""
    trained = [one["run"] for one in runs]
    return {
        "encoder": asked.encoder,
        "sampler": asked.sampler,
        "loss": trained[0]["loss"],
        "config": asdict(config),
        "metrics": {
            name: {
                metric: [one["sets"][name][metric] for one in runs]
                for metric in runs[0]["sets"][name]
            }
            for name in runs[0]["sets"]
        },
        "valid": [one["best_valid"] for one in runs],
        "curves": [run["curve"] for run in trained],
        "epochs": [run["epochs"] for run in trained],
        "best_epochs": [run["best_epoch"] for run in trained],
        "seconds": [run["seconds"] for run in trained],
        "collapse": [run["collapse"] for run in trained],
        "base_weights": [run["base_weight"] for run in trained],
        "audit": runs[0].get("audit"),
    }


def _heuristics(
    data: LinkData, sets: dict[str, HardSet], baselines: Sequence[str]
) -> dict[str, dict[str, dict[str, float]]]:
    """What needs no training, ranked against the same sets."""
    found = {}
    for kind in baselines:
        checks.choice("baselines", kind, HEURISTICS)
        apart = data.num_src is not None and kind in ("cn", "aa", "ra")  # no common neighbours
        if apart or (kind == "cosine" and data.x is None):
            continue
        found[kind] = ranked(data, scorers.heuristic(data, kind), sets)
    return found
