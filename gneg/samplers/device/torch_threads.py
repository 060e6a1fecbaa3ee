"""How many threads an operation of torch uses while the threads of kernels share a call."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_lock = threading.Lock()
_calls = 0  # that are in progress
_before = 1  # threads of torch before the first of them


@contextmanager
def one_thread() -> Iterator[None]:
    """Let operations of torch in this thread use one thread; the number before is set back.

    Torch keeps a number for each thread, which a new thread takes from whichever set it last: 1, if
    that was a call in progress, where the number before this call is meant.
    """
    global _calls, _before
    with _lock:
        before = torch.get_num_threads()
        if not _calls:
            _before = before
        elif before == 1:
            before = _before
        _calls += 1
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _lock:
            _calls -= 1
            torch.set_num_threads(before)


def share() -> None:
    """Let operations in a thread that takes part in such a call use one thread.

    Not in one that nobody waits for any more, after Ctrl-C: nothing would set the number back.
    """
    with _lock:
        if _calls and torch.get_num_threads() != 1:
            torch.set_num_threads(1)


def _forget_calls() -> None:
    """Set the number back in a forked process, which has none of the threads in such calls."""
    global _lock, _calls
    in_progress, _lock, _calls = _calls, threading.Lock(), 0
    if in_progress:
        torch.set_num_threads(_before)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_calls)
