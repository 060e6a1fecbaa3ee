"""A grid of training runs, in separate processes, and what can be said about their differences."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import pickle
import re
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from queue import Empty
from typing import Any

import torch

from gneg import checks, kernels, record, scorers
from gneg.auditing import audit
from gneg.config import HEURISTICS, TrainConfig
from gneg.datasets import LinkData
from gneg.evaluation import evaluate
from gneg.hardsets import HardSet
from gneg.search import Search
from gneg.significance import table
from gneg.train import train

__all__ = ["Event", "compare"]

AUDITED = 50_000  # negatives that hardness and risk of a row are measured on
POLL = 0.2  # seconds between two looks at what the processes tell


@dataclass(frozen=True)
class Event:
    """What became of a cell.

    Attributes:
        cell: Its name.
        done: Cells finished.
        total: Cells to run.
        epoch: Epochs trained; None at the end of the cell.
        best: Best validation figure.
    """

    cell: str
    done: int
    total: int
    epoch: int | None = None
    best: float | None = None


@dataclass(frozen=True)
class _Cell:
    """One training run; ``audited`` if hardness and risk are measured with its model."""

    config: TrainConfig
    seed: int
    folder: Path
    audited: bool = False
    ranked: bool = True

    @property
    def name(self) -> str:
        loss = f", {self.config.loss}" if self.config.loss else ""
        return f"{self.config.encoder}, {self.config.sampler}{loss}, seed {self.seed}"

    @property
    def path(self) -> Path:
        return self.folder / f"cell-{self.seed}.json"


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
    report: Callable[[Event], object] | None = None,
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
        encoders: ``sage``, ``gcn``.
        losses: Names; None is the one that suits the sampler.
        seeds: Runs of each combination, with seeds 0, 1, ...
        base: Everything else, the budget in epochs or seconds included.
        sets: Hard sets for the test positives, by name, beside the dataset's own negatives.
        baselines: Training-free heuristics to rank beside; ``cosine`` only where there are features.
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
    out, sets = Path(out), dict(sets or {})
    mark = _mark([data.name, data.split, data.train.size(1), sorted(sets)])
    grid = [
        replace(base, encoder=encoder, loss=loss, sampler=sampler)
        for encoder in encoders
        for loss in losses
        for sampler in samplers
    ]
    with _processes(data, sets, jobs) as run:
        tuned = [Search(config, search) for config in grid]
        for one in tuned if search else ():
            _tune(one, run, out / "search", mark, jobs, report)
        cells = [
            _Cell(one.best, seed, out / "cells" / _slug(one.best, mark), audited=seed == 0)
            for one in tuned
            for seed in range(seeds)
        ]
        finished = run(cells, report)
    rows = []
    for i, one in enumerate(tuned):
        runs = finished[i * seeds : (i + 1) * seeds]
        rows.append({"searched": one.record(), **_row(grid[i], one.best, runs)})
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
        "versions": record.versions(),
        "machine": record.machine(),
    }
    record.write_json(out / "compare.json", results)
    return results


def _mark(what: Any) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:8]


def _slug(config: TrainConfig, mark: str) -> str:
    words = [config.encoder, config.sampler, config.loss or ""]
    text = "-".join(re.sub(r"\W+", "-", word).strip("-") for word in words if word)
    return f"{text[:80]}-{_mark([asdict(config), mark])}"


def _tune(
    search: Search,
    run: Callable[..., list[dict[str, Any]]],
    folder: Path,
    mark: str,
    jobs: int,
    report: Callable[[Event], object] | None,
) -> None:
    """Ask for as many trials as there are processes, run them, tell how they went."""
    while not search.finished:
        configs = search.ask(jobs)
        cells = [
            _Cell(config, 0, folder / _slug(config, mark), ranked=False) for config in configs
        ]
        search.tell([one["best_valid"] for one in run(cells, report)])


@contextmanager
def _processes(
    data: LinkData, sets: dict[str, HardSet], jobs: int
) -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """Yield a function that runs cells in processes and returns their records in order."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        told = manager.Queue()
        threads = max(1, (os.cpu_count() or 1) // jobs)
        # As bytes: torch would share sparse tensors one by one, with a warning each.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            given = pickle.dumps((data, sets))
        pool = context.Pool(jobs, _start, (given, told, threads))

        def run(
            cells: list[_Cell], report: Callable[[Event], object] | None
        ) -> list[dict[str, Any]]:
            waiting = [cell for cell in cells if not cell.path.exists()]
            done = len(cells) - len(waiting)
            results = pool.imap_unordered(_run, waiting)
            while done < len(cells):
                try:
                    name = results.next(timeout=POLL)
                except multiprocessing.TimeoutError:
                    pass
                else:
                    done += 1
                    _tell(report, Event(name, done, len(cells)))
                while report is not None:
                    try:
                        name, epoch, best = told.get_nowait()
                    except Empty:
                        break
                    _tell(report, Event(name, done, len(cells), epoch, best))
            return [json.loads(cell.path.read_text()) for cell in cells]

        try:
            yield run
            pool.close()
        finally:
            pool.terminate()
            pool.join()


def _tell(report: Callable[[Event], object] | None, event: Event) -> None:
    if report is not None:
        report(event)


_here: dict[str, Any] = {}  # what a process was started with


def _start(given: bytes, told: Any, threads: int) -> None:
    """In a new process; an interruption is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sparse features
        data, sets = pickle.loads(given)
    torch.set_num_threads(threads)
    kernels.threads.set_num_threads(threads)
    _here.update(data=data, sets=sets, told=told)


def _run(cell: _Cell) -> str:
    """Train a cell, rank with its best weights, write its record."""
    data, told = _here["data"], _here["told"]

    def report(seed: int, state: dict[str, Any]) -> None:
        told.put((cell.name, state["epoch"], state["best"]))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # kept in the record, as "collapse"
        results = train(data, cell.config, seeds=(cell.seed,), out=cell.folder, report=report)
    run = results["runs"][0] if len(results["runs"]) == 1 else _of(results, cell.seed)
    found: dict[str, Any] = {
        "config": asdict(cell.config),
        "run": run,
        "best_valid": run["valid"][data.metric],
    }
    if cell.ranked:
        score = scorers.model(data, cell.folder / f"model-{cell.seed}.pt")
        ranked = evaluate(data, score, sets=_here["sets"], resamples=0)
        found["sets"] = {
            name: {metric: value["value"] for metric, value in one["metrics"].items()}
            for name, one in ranked["sets"].items()
        }
        if cell.audited:
            found["audit"] = _audited(cell, score)
    record.write_json(cell.path, found)
    return cell.name


def _of(results: dict[str, Any], seed: int) -> dict[str, Any]:
    run: dict[str, Any]
    (run,) = [run for run in results["runs"] if run["seed"] == seed]
    return run


def _audited(cell: _Cell, score: Any) -> dict[str, Any]:
    """Hardness and risk, as far as a report shows them."""
    config = cell.config
    found = audit(
        _here["data"],
        config.sampler,
        k=config.k,
        negatives=AUDITED,
        score=score,
        known=config.known,
        corrupt=config.corrupt,
    )
    kept = ("at", "hardness", "distances", "violating", "risk", "cost", "guards", "negatives")
    return {name: found[name] for name in kept}


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
        "audit": runs[0].get("audit"),
    }


def _heuristics(
    data: LinkData, sets: dict[str, HardSet], baselines: Sequence[str]
) -> dict[str, dict[str, dict[str, float]]]:
    """What needs no training, ranked against the same sets."""
    found = {}
    for kind in baselines:
        checks.choice("baselines", kind, HEURISTICS)
        if kind == "cosine" and data.x is None:
            continue
        ranked = evaluate(data, scorers.heuristic(data, kind), sets=sets, resamples=0)
        found[kind] = {
            name: {metric: value["value"] for metric, value in one["metrics"].items()}
            for name, one in ranked["sets"].items()
        }
    return found
