"""Properties that are computed when they are first read, without a lock."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class cached_property(functools.cached_property[T]):
    """The property of functools, without the lock that it has before Python 3.12.

    All objects of a class share that lock while one of them computes: threads wait for each other,
    and a process forked meanwhile waits for a thread that it does not have. Without it two threads
    may compute the same value.
    """

    def __init__(self, func: Callable[[Any], T]) -> None:
        super().__init__(func)
        self.lock = contextlib.nullcontext()
