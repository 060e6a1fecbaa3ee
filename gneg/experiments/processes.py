"""Train the cells of a grid, one after another or in a pool of processes."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.managers import SyncManager
from pathlib import Path
from queue import Empty
from typing import Any, Protocol

import torch

from gneg import checks, kernels, registry
from gneg.datasets import LinkData, TripleData
from gneg.evaluation.hardset import HardSet
from gneg.experiments.cell import Cell, read_cell, run_cell
from gneg.experiments.parent import end_with_parent
from gneg.experiments.record import metrics_of
from gneg.training.record import FRESH

POLL = 0.2  # seconds between two reads of the progress of the processes


@dataclass(frozen=True)
class Event:
    """A step of the progress of a grid.

    Attributes:
        cell: Name of the cell.
        completed: Number of finished cells.
        total: Number of all cells.
        epoch: Number of epochs trained; None at the end of the cell.
        best: Best validation figure.
    """

    cell: str
    completed: int
    total: int
    epoch: int | None = None
    best: float | None = None


Report = Callable[[Event], object]


class Runner(Protocol):
    """Runs cells; made by :func:`runner`."""

    def run(self, cells: Sequence[Cell], report: Report | None) -> list[dict[str, Any]]:
        """Return the records of all cells, in their order; finished cells are not run again.

        Args:
            cells: The cells.
            report: Called as cells progress and end.

        Raises:
            Exception: If a cell raises it; cells that have not started are then left out.
        """


def read_records(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """Return the records of finished cells.

    Raises:
        ValueError: If one is damaged, or was ranked by other metrics than the first.
    """
    records = [read_cell(each) for each in cells]
    measured = [metrics_of(record.get("sets", {})) for record in records]
    for each, metrics in zip(cells, measured, strict=True):
        if each.ranked and metrics != measured[0]:
            allowed = f"a {each.path.name} with the metrics of the others"
            checks.fail("out", allowed, str(each.path), hint=FRESH)
    return records


class Serial:
    """Runs cells one after another in this process, on the threads that it has."""

    def __init__(self, data: LinkData | TripleData, sets: dict[str, HardSet]) -> None:
        self.data, self.sets = data, sets

    def run(self, cells: Sequence[Cell], report: Report | None) -> list[dict[str, Any]]:
        """Run the cells, see :class:`Runner`."""
        missing = list({cell.path: cell for cell in cells if not cell.path.exists()}.values())
        finished = len(cells) - len(missing)
        for completed, cell in enumerate(missing, finished):
            start = Event(cell.name, completed, len(cells))
            run_cell(cell, self.data, self.sets, report and partial(_report_epoch, report, start))
            if report is not None:
                report(Event(cell.name, completed + 1, len(cells)))
        return read_records(cells)


def _report_epoch(report: Report, start: Event, seed: int, state: dict[str, Any]) -> None:
    """Report an epoch of a running cell."""
    report(replace(start, epoch=state["epoch"], best=state["best"]))


class Pool:
    """A pool of processes that run cells."""

    def __init__(self, executor: ProcessPoolExecutor, progress: Any) -> None:
        self._executor, self._progress = executor, progress

    def run(self, cells: Sequence[Cell], report: Report | None) -> list[dict[str, Any]]:
        """Run the cells, see :class:`Runner`."""
        missing = {cell.path: cell for cell in cells if not cell.path.exists()}
        waiting: dict[Future[None], Cell] = {}
        for cell in missing.values():
            with _interrupts_later():  # a process starts, which takes a second
                waiting[self._executor.submit(_run, cell)] = cell
        completed = len(cells) - len(waiting)
        while waiting:
            finished, _ = wait(waiting, timeout=POLL, return_when=FIRST_COMPLETED)
            for name, epoch, best in self._messages():
                if report is not None:
                    report(Event(name, completed, len(cells), epoch, best))
            for future in finished:
                cell = waiting.pop(future)
                try:
                    future.result()
                except BrokenProcessPool:
                    allowed = "processes that last: fewer, if memory was short"
                    hint = "the same call goes on from what is finished"
                    checks.fail("jobs", allowed, f"one that was killed at {cell.name}", hint=hint)
                completed += 1
                if report is not None:
                    report(Event(cell.name, completed, len(cells)))
        return read_records(cells)

    def _messages(self) -> Iterator[tuple[str, int, float]]:
        """Yield what running cells have reported since the last call."""
        while True:
            try:
                yield self._progress.get_nowait()
            except Empty:
                return


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Hold Ctrl-C back until the end of the block; processes that start meanwhile never get it.

    A terminal sends Ctrl-C to all processes; the parent alone handles it and ends the others. They
    inherit the mask of signals, and would inherit no handler.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def runner(data: LinkData | TripleData, sets: dict[str, HardSet], jobs: int) -> Iterator[Runner]:
    """Yield what runs cells: this process, or a pool that an interruption ends at once.

    Args:
        data: The dataset, which is copied to every process of a pool.
        sets: Hard sets by name, which are copied as well.
        jobs: Processes at once, each with its share of the cores; 1: this process alone.
    """
    if jobs == 1:
        yield Serial(data, sets)
        return
    context = multiprocessing.get_context("spawn")
    threads = max(1, (os.cpu_count() or 1) // jobs)
    sources = registry.sources()
    resource_tracker.ensure_running()  # by itself it would let Ctrl-C through when it starts
    manager = SyncManager(ctx=context)
    with _interrupts_later():
        manager.start(end_with_parent)
    with manager, tempfile.TemporaryDirectory() as folder:
        # Pickled once: torch would share sparse tensors one by one, with a warning for each. As a
        # file: this process would wait until a new one has started and read its arguments.
        path = Path(folder) / "data"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path.write_bytes(pickle.dumps((data, sets)))
        unrelated = set(multiprocessing.active_children())
        progress = manager.Queue()
        executor = ProcessPoolExecutor(jobs, context, _start, (path, progress, threads, sources))
        try:
            yield Pool(executor, progress)
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - unrelated:
                child.terminate()
            raise
        executor.shutdown()


_worker: dict[str, Any] = {}  # dataset, hard sets and progress queue of this process


def _start(path: Path, progress: Any, threads: int, sources: list[str]) -> None:
    """Set up a new process, with the classes that users registered in its parent."""
    end_with_parent()
    for source in sources:
        registry.load(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of sparse features
        data, sets = pickle.loads(path.read_bytes())
    torch.set_num_threads(threads)
    kernels.threads.set_num_threads(threads)
    _worker.update(data=data, sets=sets, progress=progress)


def _run(cell: Cell) -> None:
    """Run a cell in a process of the pool."""
    progress = _worker["progress"]

    def report(seed: int, state: dict[str, Any]) -> None:
        progress.put((cell.name, state["epoch"], state["best"]))

    run_cell(cell, _worker["data"], _worker["sets"], report)
