"""Notes on the compiling of kernels, which takes some seconds once in an installation."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.text import Text

from gneg import kernels
from gneg.cli.output import progress_console


@contextmanager
def compiling_told() -> Iterator[None]:
    """Say when kernels are compiled and, at the end, how long that took."""
    kernels.before_compiling[:] = [_begin]
    before = _seconds()
    yield
    seconds = _seconds() - before
    if seconds >= 0.5:
        note = f"{seconds:.0f} s were spent on compiling kernels, which later runs need not do"
        progress_console.print(Text(note), soft_wrap=True)


def _seconds() -> float:
    """Return the seconds of compiling in this process; 0 before any kernel is imported."""
    module = sys.modules.get("gneg.kernels._jit")
    return 0.0 if module is None else float(module.compile_seconds())


def _begin() -> None:
    note = "compiling kernels, once in an installation, for up to half a minute ..."
    progress_console.print(Text(note), soft_wrap=True)
