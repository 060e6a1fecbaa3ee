"""Processes that are forks of the test's: they need not import torch again, which takes seconds."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch

import gneg.training.driver  # noqa: F401  what a fork of a training would import otherwise


def start(call: Callable[..., object], *args: object, output: Path) -> BaseProcess:
    """Call a function in a fork, which writes into a file and answers Ctrl-C as a command does.

    Args:
        call: The function.
        args: Its arguments.
        output: File of all that it prints, tracebacks too.
    """
    output.touch()
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_call, args=(call, args, output))
    process.start()
    return process


def _call(call: Callable[..., object], args: tuple[object, ...], output: Path) -> None:
    with output.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout, sys.stderr = (os.fdopen(end, "w", buffering=1, closefd=False) for end in (1, 2))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.set_num_threads(1)  # those of the parent are not here
    call(*args)
