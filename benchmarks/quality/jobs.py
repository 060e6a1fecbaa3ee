"""Cells of a benchmark, in processes that have one thread each."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch

from gneg import kernels

Job = TypeVar("Job")
Key = TypeVar("Key", bound=tuple[str, ...])


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


def main(
    description: str | None,
    module: str,
    cell: Callable[[Any], str],
    place: Callable[..., Path],
    keys: Iterable[tuple[str, ...]],
) -> None:
    """Run ``cell((*key, command))`` of each key whose file is not there yet."""
    options, typed = parser(description).parse_args(), command(module)
    run(cell, [(*key, typed) for key in keys if not place(*key).exists()], options.jobs)


def finished(place: Callable[..., Path], keys: Iterable[Key]) -> dict[Key, dict[str, Any]]:
    """Results that are there, by key."""
    files = {key: place(*key) for key in keys}
    return {key: json.loads(one.read_text()) for key, one in files.items() if one.exists()}


def _one_thread() -> None:
    torch.set_num_threads(1)
    kernels.threads.set_num_threads(1)
