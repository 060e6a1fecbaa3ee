"""Training runs in separate processes, each with a record that is kept."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty
from typing import Any

import torch

from gneg import files, kernels
from gneg.datasets import LinkData
from gneg.evaluation.audit import audit
from gneg.evaluation.hardset import HardSet
from gneg.evaluation.link import evaluate
from gneg.evaluation.ranking import evaluate_edges
from gneg.training import load
from gneg.training.config import TrainConfig
from gneg.training.link import Trainer
from gneg.training.train import train

AUDIT_KEPT = ("hardness", "histograms", "distances", "violating", "risk", "cost", "guards")
AUDITED = 50_000  # negatives that hardness and risk of a row are measured on
PAIRS = 2**25  # that a heuristic scores to rank all targets
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


Report = Callable[[Event], object]


@dataclass(frozen=True)
class Cell:
    """One training run.

    Attributes:
        config: What is trained.
        seed: Of everything random.
        folder: Where its checkpoint, weights and record are.
        ranked: Whether its model is ranked against all sets.
        audited: Whether hardness and risk are measured with its model.
    """

    config: TrainConfig
    seed: int
    folder: Path
    ranked: bool = True
    audited: bool = False

    @property
    def name(self) -> str:
        """For people."""
        loss = f", {self.config.loss}" if self.config.loss else ""
        return f"{self.config.encoder}, {self.config.sampler}{loss}, seed {self.seed}"

    @property
    def path(self) -> Path:
        """Where its record is."""
        return self.folder / f"cell-{self.seed}.json"


class Cells:
    """Runs cells in processes; made by :func:`processes`."""

    def __init__(self, pool: ProcessPoolExecutor, told: Any) -> None:
        self._pool, self._told = pool, told

    def run(self, cells: Sequence[Cell], report: Report | None) -> list[dict[str, Any]]:
        """Records of all cells, in order; only those are run that have none yet.

        Raises:
            Exception: What a cell raised; the others are not started any more.
        """
        missing = {cell.path: cell for cell in cells if not cell.path.exists()}
        with _uninterrupted():  # the processes start now
            waiting: dict[Future[None], Cell] = {
                self._pool.submit(_run, cell): cell for cell in missing.values()
            }
        done = len(cells) - len(waiting)
        while waiting:
            finished, _ = wait(waiting, timeout=POLL, return_when=FIRST_COMPLETED)
            for name, epoch, best in self._news():
                if report is not None:
                    report(Event(name, done, len(cells), epoch, best))
            for future in finished:
                cell = waiting.pop(future)
                future.result()
                done += 1
                if report is not None:
                    report(Event(cell.name, done, len(cells)))
        return [json.loads(cell.path.read_text()) for cell in cells]

    def _news(self) -> Iterator[tuple[str, int, float]]:
        """What running cells told since."""
        while True:
            try:
                yield self._told.get_nowait()
            except Empty:
                return


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ignore Ctrl-C, and let processes that start meanwhile ignore it for good.

    A terminal sends it to all of them; what becomes of them is their parent's business.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def processes(data: LinkData, sets: dict[str, HardSet], jobs: int) -> Iterator[Cells]:
    """Yield what runs ``jobs`` cells at once; an interruption ends the processes at once."""
    context = multiprocessing.get_context("spawn")
    threads = max(1, (os.cpu_count() or 1) // jobs)
    # As bytes: torch would share sparse tensors one by one, with a warning each.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given = pickle.dumps((data, sets))
    with _uninterrupted():
        started = context.Manager()
    with started as manager:
        others = set(multiprocessing.active_children())
        told = manager.Queue()
        pool = ProcessPoolExecutor(jobs, context, _start, (given, told, threads))
        try:
            yield Cells(pool, told)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - others:
                child.terminate()
            raise
        pool.shutdown()


_here: dict[str, Any] = {}  # what a process was started with


def _start(given: bytes, told: Any, threads: int) -> None:
    """In a new process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sparse features
        data, sets = pickle.loads(given)
    torch.set_num_threads(threads)
    kernels.threads.set_num_threads(threads)
    _here.update(data=data, sets=sets, told=told)


def _run(cell: Cell) -> None:
    """Train a cell, rank with its best weights, write its record."""
    data, told = _here["data"], _here["told"]

    def report(seed: int, state: dict[str, Any]) -> None:
        told.put((cell.name, state["epoch"], state["best"]))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a collapse is in the record
        results = train(data, cell.config, seeds=(cell.seed,), out=cell.folder, report=report)
    run = results["runs"][0]
    found: dict[str, Any] = {
        "config": asdict(cell.config),
        "run": run,
        "best_valid": run["valid"][data.metric],
    }
    if cell.ranked:
        trained = load.trained(data, cell.folder / f"model-{cell.seed}.pt")
        found["sets"] = ranked(data, trained.scorer(), _here["sets"])
        if cell.audited:
            found["audit"] = _audited(cell, trained)
    files.write_json(cell.path, found)


def ranked(data: LinkData, score: Any, sets: dict[str, HardSet]) -> dict[str, dict[str, float]]:
    """Every metric of ``score`` against every set; in a bipartite graph all targets come first."""
    found: dict[str, dict[str, float]] = {}
    if data.test.known is not None:
        quick = hasattr(score, "matrix") or data.graph.num_src * data.graph.num_dst <= PAIRS
        found["all"] = evaluate_edges(data.test, score) if quick else {}
    results = evaluate(data, score, sets=sets, resamples=0)
    return found | {
        name: {metric: value["value"] for metric, value in one["metrics"].items()}
        for name, one in results["sets"].items()
    }


def _audited(cell: Cell, trained: Trainer) -> dict[str, Any]:
    """Hardness and risk, as far as a report shows them."""
    config = cell.config
    found = audit(
        _here["data"],
        config.sampler,
        k=config.k,
        negatives=AUDITED,
        score=trained.scorer(),
        z=trained.embed(),
        known=config.known,
        corrupt=config.corrupt,
    )
    return {name: found[name] for name in AUDIT_KEPT}
