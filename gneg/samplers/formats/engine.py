"""Engines: what makes the pieces of long work, here or on many machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

Key = TypeVar("Key")


class Engine(Protocol):
    """Makes the pieces of long work in any order.

    A piece is a function of its key alone, so that its bytes depend neither on the engine nor on
    the number of workers or retries.
    """

    def run(self, make: Callable[[Key], Any], keys: Sequence[Key]) -> Iterator[tuple[Key, Any]]:
        """Call ``make`` with each key; yield keys with what it returned, as they are finished.

        Args:
            make: Makes a piece; it may be called in another process, and again if that one dies.
            keys: The keys of the pieces.
        """
        ...


class Local:
    """Makes one piece after the other in this process; kernels use its threads."""

    def run(self, make: Callable[[Key], Any], keys: Sequence[Key]) -> Iterator[tuple[Key, Any]]:
        """Call ``make`` with each key, in order."""
        for key in keys:
            yield key, make(key)
