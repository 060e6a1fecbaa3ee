"""Cells of a benchmark, in processes that have one thread each."""

from __future__ import annotations

import argparse
import multiprocessing
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from gneg import kernels

Job = TypeVar("Job")


def parser(description: str | None) -> argparse.ArgumentParser:
    """Options of every such benchmark."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--jobs", type=int, default=2, help="processes at once, one thread each")
    return made


def command(module: str) -> str:
    """What was typed to run ``module``, its name below ``benchmarks.quality``."""
    return shlex.join(["python", "-m", f"benchmarks.quality.{module}", *sys.argv[1:]])


def run(cell: Callable[[Job], str], jobs: Sequence[Job], processes: int) -> None:
    """Run all jobs and tell of each that is done."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, initializer=_one_thread) as pool:
        for done, told in enumerate(pool.imap_unordered(cell, jobs), 1):
            print(f"{done}/{len(jobs)} {told}", flush=True)


def _one_thread() -> None:
    torch.set_num_threads(1)
    kernels.threads.set_num_threads(1)
