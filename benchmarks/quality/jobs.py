"""Cells of a benchmark, run in processes of one thread each."""

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
from gneg.experiments.parent import end_with_parent

Job = TypeVar("Job")
Key = TypeVar("Key", bound=tuple[str, ...])


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of the options that all of these benchmarks have."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--jobs", type=int, default=2, help="processes at once, one thread each")
    return options


def command(module: str) -> str:
    """Return the command that was typed to run ``module``, a name in ``benchmarks.quality``."""
    return shlex.join(["python", "-m", f"benchmarks.quality.{module}", *sys.argv[1:]])


def run(cell: Callable[[Job], str], jobs: Sequence[Job], processes: int) -> None:
    """Run all jobs and print the summary of each as it ends."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, initializer=_begin) as pool:
        for count, summary in enumerate(pool.imap_unordered(cell, jobs), 1):
            print(f"{count}/{len(jobs)} {summary}", flush=True)


def main(
    description: str | None,
    module: str,
    cell: Callable[[Any], str],
    path: Callable[..., Path],
    keys: Iterable[tuple[str, ...]],
) -> None:
    """Run ``cell((*key, command))`` of each key whose file ``path(*key)`` does not exist yet."""
    options, typed = parser(description).parse_args(), command(module)
    run(cell, [(*key, typed) for key in keys if not path(*key).exists()], options.jobs)


def finished(path: Callable[..., Path], keys: Iterable[Key]) -> dict[Key, dict[str, Any]]:
    """Return the results of finished cells, by key."""
    paths = {key: path(*key) for key in keys}
    return {key: json.loads(file.read_text()) for key, file in paths.items() if file.exists()}


def _begin() -> None:
    """Use one thread, and do not train on for nobody."""
    end_with_parent()
    torch.set_num_threads(1)
    kernels.threads.set_num_threads(1)
