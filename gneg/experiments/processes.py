"""Training runs in separate processes, each with a record of its own."""

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
from dataclasses import dataclass
from queue import Empty
from typing import Any

import torch

from gneg import kernels
from gneg.datasets import LinkData, TripleData
from gneg.evaluation.hardset import HardSet
from gneg.experiments.cell import Cell, run_cell

POLL = 0.2  # seconds between two looks at the progress of the processes


@dataclass(frozen=True)
class Event:
    """A step of the progress of a grid.

    Attributes:
        cell: Name of the cell.
        done: Number of finished cells.
        total: Number of cells.
        epoch: Epochs trained; None at the end of the cell.
        best: Best validation figure.
    """

    cell: str
    done: int
    total: int
    epoch: int | None = None
    best: float | None = None


Report = Callable[[Event], object]


class Pool:
    """A pool of processes that run cells; made by :func:`processes`."""

    def __init__(self, executor: ProcessPoolExecutor, progress: Any) -> None:
        self._executor, self._progress = executor, progress

    def run(self, cells: Sequence[Cell], report: Report | None) -> list[dict[str, Any]]:
        """Return the records of all cells, in order; those that have one are not run again.

        Args:
            cells: The cells.
            report: Called as cells progress and end.

        Raises:
            Exception: What a cell raised; cells that have not started are not started then.
        """
        missing = {cell.path: cell for cell in cells if not cell.path.exists()}
        with _ignoring_interrupts():  # the processes start now
            waiting: dict[Future[None], Cell] = {
                self._executor.submit(_run, cell): cell for cell in missing.values()
            }
        done = len(cells) - len(waiting)
        while waiting:
            finished, _ = wait(waiting, timeout=POLL, return_when=FIRST_COMPLETED)
            for name, epoch, best in self._messages():
                if report is not None:
                    report(Event(name, done, len(cells), epoch, best))
            for future in finished:
                cell = waiting.pop(future)
                future.result()
                done += 1
                if report is not None:
                    report(Event(cell.name, done, len(cells)))
        return [json.loads(cell.path.read_text()) for cell in cells]

    def _messages(self) -> Iterator[tuple[str, int, float]]:
        """Yield what running cells have reported since the last call."""
        while True:
            try:
                yield self._progress.get_nowait()
            except Empty:
                return


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C, and let processes that start meanwhile ignore it for good.

    A terminal sends it to all of them; their parent decides what becomes of them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set signal handlers
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


@contextmanager
def processes(data: LinkData | TripleData, sets: dict[str, HardSet], jobs: int) -> Iterator[Pool]:
    """Yield a pool of ``jobs`` processes; an interruption ends the processes at once.

    Args:
        data: The dataset, a copy of which every process has.
        sets: Hard sets, likewise.
        jobs: Processes at once; each has its share of the cores.
    """
    context = multiprocessing.get_context("spawn")
    threads = max(1, (os.cpu_count() or 1) // jobs)
    # As bytes: torch would share sparse tensors one by one, with a warning each.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        payload = pickle.dumps((data, sets))
    with _ignoring_interrupts():
        manager_context = context.Manager()
    with manager_context as manager:
        unrelated = set(multiprocessing.active_children())
        progress = manager.Queue()
        executor = ProcessPoolExecutor(jobs, context, _start, (payload, progress, threads))
        try:
            yield Pool(executor, progress)
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - unrelated:
                child.terminate()
            raise
        executor.shutdown()


_worker: dict[str, Any] = {}  # what a process was started with


def _start(payload: bytes, progress: Any, threads: int) -> None:
    """Set up a new process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sparse features
        data, sets = pickle.loads(payload)
    torch.set_num_threads(threads)
    kernels.threads.set_num_threads(threads)
    _worker.update(data=data, sets=sets, progress=progress)


def _run(cell: Cell) -> None:
    """Run a cell in a process of the pool."""
    progress = _worker["progress"]

    def report(seed: int, state: dict[str, Any]) -> None:
        progress.put((cell.name, state["epoch"], state["best"]))

    run_cell(cell, _worker["data"], _worker["sets"], report)
