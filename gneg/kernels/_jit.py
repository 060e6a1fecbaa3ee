"""The compile options and the inlined building blocks that all kernels share."""

from __future__ import annotations

import functools
import time
import warnings
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba.core import event

from gneg import kernels
from gneg.kernels._cache import KernelCache

# numba infers the types of a kernel for each dtype it meets.
Kernel = Callable[..., Any]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
LOW = np.uint64(0xFFFFFFFF)
AT_ONCE = 8  # entries that are compared at once: of 32 bits, a vector of 256


class _Clock(event.TimingListener):
    """The time that compiling takes, and calls before it begins."""

    def __init__(self, before: list[Callable[[], None]]) -> None:
        super().__init__()
        self.before = before

    def on_start(self, event: Any) -> None:
        if self._depth == 0 and not self.done:
            for call in self.before:
                call()
        super().on_start(event)


_clock = _Clock(kernels.before_compiling)
event.register("numba:compile", _clock)


def compile_seconds() -> float:
    """Return the seconds that this process has spent on compiling kernels."""
    return float(_clock.duration) if _clock.done else 0.0


def working_seconds() -> float:
    """Return a time in seconds that work is measured by: compiling, done once, does not count.

    It steps back when another thread has compiled.
    """
    return time.perf_counter() - compile_seconds()


def jit(function: Kernel) -> Kernel:
    """Compile lazily, release the GIL, cache on disk.

    Without ``fastmath``: LLVM then neither reorders sums nor fuses products with them, whatever
    the processor offers, so that floats which decide a rank are the same everywhere.
    """
    return compiled(function)


def vector_jit(function: Kernel) -> Kernel:
    """Compile with sums in any (fixed) order and fused products: vector units."""
    return compiled(function, fastmath={"reassoc", "contract"})


def compiled(function: Kernel, **options: Any) -> Kernel:
    """Compile with numba, cached on disk where there is a folder that can be written.

    Args:
        function: The kernel.
        options: Further options of ``numba.njit``.
    """
    kernel: Any = numba.njit(function, nogil=True, error_model="numpy", **options)
    try:
        kernel._cache = KernelCache(function)  # as with the option cache=True
    except RuntimeError as error:  # neither the package nor the user's cache folder is writable
        if "no locator" not in str(error):
            raise
        _warn_of_no_cache()
    return kernel  # type: ignore[no-any-return]


@functools.cache
def _warn_of_no_cache() -> None:
    """Say once that kernels are not cached."""
    warnings.warn(
        "no folder for compiled kernels can be written, so that each process compiles them anew; "
        "set NUMBA_CACHE_DIR to one",
        stacklevel=4,
    )


@jit
def mix(z):
    """Finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@jit
def stream(seed, row):
    """Start of the counter-based stream of one row: the i-th draw is mix(start + i * GOLDEN)."""
    return mix(np.uint64(seed) ^ mix((np.uint64(row) + np.uint64(1)) * GOLDEN))


@jit
def below(state, n):
    """Map the draw at ``state`` to [0, n), 0 < n < 2**32 (Lemire 2019; bias at most n / 2**64)."""
    x = mix(state)
    m = np.uint64(n) & LOW  # as is known to be: products of 32 bits are cheaper
    low = ((x & LOW) * m) >> np.uint64(32)
    return np.int64(((x >> np.uint64(32)) * m + low) >> np.uint64(32))


@jit
def unit(state):
    """Map the draw at ``state`` to a double in [0, 1)."""
    return np.float64(mix(state) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@jit
def lower_bound(indices, start, stop, value):
    """First position in the sorted range ``indices[start:stop]`` that is not below ``value``."""
    base = start
    length = stop - start
    while length > 1:
        half = length >> 1
        base += half if indices[base + half - 1] < value else 0
        length -= half
    if length == 1 and indices[base] < value:
        base += 1
    return base


@jit
def upper_bound(sums, size, value):
    """First position in the ascending ``sums[:size]`` that is above ``value``."""
    low, high = 0, size
    while low < high:
        middle = (low + high) >> 1
        if sums[middle] <= value:
            low = middle + 1
        else:
            high = middle
    return low


@jit
def has(indices, start, stop, value):
    """Return whether the sorted range ``indices[start:stop]`` holds ``value``.

    ``value`` is in the range of the entries' type. The last steps of a binary search would each
    wait for the one before; entries are compared at once there.
    """
    sought = indices.dtype.type(value)  # as wide as the entries, so that more fit into a vector
    present = False
    if stop - start < AT_ONCE:
        for e in range(np.uint64(start), np.uint64(stop)):
            present |= indices[e] == sought
        return present
    base, length = start, stop - start
    while length > AT_ONCE:
        half = length >> 1
        base += half if indices[np.uint64(base + half - 1)] < sought else 0
        length -= half
    first = np.uint64(min(base, stop - AT_ONCE))
    for e in range(np.uint64(AT_ONCE)):
        present |= indices[first + e] == sought
    return present
