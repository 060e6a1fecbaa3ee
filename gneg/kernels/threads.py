"""A small pool that runs row ranges of GIL-free kernels, safe after fork and in loader workers.

numba's own threading layers are avoided on purpose: GNU OpenMP dies in forked processes and
workqueue is not thread-safe.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

# Waking another thread costs about 100 microseconds; below this much work it does not pay.
MIN_WORK = 16_384
CHUNKS_PER_THREAD = 8
MAX_BITS = 2**23  # a megabyte
# Python sees Ctrl-C between two calls of kernels only: this much work takes less than a second.
MAX_WORK = 2**22

_local = threading.local()
_pool: ThreadPoolExecutor | None = None
_num_threads: int | None = None
_given_up: list[Future[Any]] = []  # calls that nobody waits for any more


def get_num_threads() -> int:
    """Return the number of threads the kernels use.

    The number is that of :func:`set_num_threads`, else ``$GNEG_NUM_THREADS``, else 1 in a worker
    process and up to 8 in the main process.
    """
    return _num_threads if _num_threads is not None else _default_threads()


@functools.cache
def _default_threads() -> int:
    if os.environ.get("GNEG_NUM_THREADS", "").isdigit():
        return max(1, int(os.environ["GNEG_NUM_THREADS"]))
    if multiprocessing.parent_process() is not None:
        return 1
    return min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4)


def set_num_threads(num_threads: int | None) -> None:
    """Use ``num_threads`` threads in the kernels; ``None`` restores the default."""
    global _num_threads
    _num_threads = num_threads
    _forget_pool()


def _forget_pool() -> None:
    global _pool
    _pool = None
    _default_threads.cache_clear()


# A forked child inherits the pool object but none of its threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def _executor(num_threads: int) -> ThreadPoolExecutor:
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(num_threads, thread_name_prefix="gneg")
    return _pool


def run_rows(kernel: Callable[..., Any], num_rows: int, work: int, *args: Any) -> list[Any]:
    """Call ``kernel(lo, hi, *args)`` over ``[0, num_rows)`` and return the chunks' results.

    ``work`` is the number of elementary draws or tests; small jobs stay on the calling thread.
    The result of a kernel must not depend on how the rows are split. The calling thread takes
    chunks, too, so that it need not wait for another one to wake up.
    """
    num_threads = get_num_threads() if work >= MIN_WORK else 1
    chunks = max(num_threads * CHUNKS_PER_THREAD if num_threads > 1 else 1, work // MAX_WORK)
    chunks = max(1, min(num_rows, chunks))
    if chunks == 1:  # with none of what threads need, several microseconds less
        return [kernel(0, num_rows, *args)]
    results: list[Any] = [None] * chunks
    waiting = deque(range(chunks))

    def run_some() -> None:
        while True:
            try:
                i = waiting.popleft()
            except IndexError:
                return
            try:
                results[i] = kernel(num_rows * i // chunks, num_rows * (i + 1) // chunks, *args)
            except BaseException:
                waiting.clear()
                raise

    futures = []
    if num_threads > 1 and chunks > 1:
        pool = _executor(num_threads)
        futures = [pool.submit(run_some) for _ in range(min(num_threads, chunks) - 1)]
    try:
        run_some()
        for future in futures:
            if not future.cancel():  # it has begun
                future.result()
    except BaseException:  # Ctrl-C: Python waits at its end for what the pool has left to do
        waiting.clear()
        _given_up[:] = [future for future in futures if not future.cancel()]
        raise
    return results


def are_busy() -> bool:
    """Return whether threads still run kernels that were given up, after Ctrl-C."""
    return not all(future.done() for future in _given_up)


def scratch(num_nodes: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return this thread's ``mark`` and ``queue`` arrays, ``[>= num_nodes + 1]`` each.

    ``mark`` holds stamps of earlier calls; its last entry is the highest stamp in use, so a kernel
    continues from there instead of clearing the array. They are kept per thread: clearing or
    allocating N entries for every small batch would dominate it.
    """
    arrays: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]] | None
    arrays = getattr(_local, "arrays", None)
    if arrays is None or len(arrays[1]) <= num_nodes or arrays[0][-1] > 2**30:
        arrays = np.zeros(num_nodes + 1, np.int32), np.empty(num_nodes + 1, np.int32)
        _local.arrays = arrays
    return arrays


def bits(size: int) -> npt.NDArray[np.uint64]:
    """Return this thread's bitmap of at least ``size`` zeros; kernels leave it as zeros.

    Of more than :data:`MAX_BITS` it is empty: it would not stay in the caches.
    """
    if size > MAX_BITS:
        return np.empty(0, np.uint64)
    array: npt.NDArray[np.uint64] | None = getattr(_local, "bits", None)
    if array is None or 64 * len(array) < size:
        array = _local.bits = np.zeros(-(-size // 64), np.uint64)
    return array


def balls(
    num_nodes: int,
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
    """Return this thread's two bitmaps of all nodes, zeros, and ``queue [>= num_nodes + 1]``.

    Kernels leave the bitmaps as zeros.
    """
    arrays: tuple[Any, Any, Any] | None = getattr(_local, "balls", None)
    if arrays is None or len(arrays[2]) <= num_nodes:
        words = num_nodes // 64 + 1
        bitmaps = np.zeros(words, np.uint64), np.zeros(words, np.uint64)
        arrays = _local.balls = *bitmaps, np.empty(num_nodes + 1, np.int32)
    return arrays


def with_bits(kernel: Callable[..., Any], size: int) -> Callable[..., Any]:
    """Return ``kernel`` with :func:`bits` of the thread that calls it as its last argument."""
    return lambda *args: kernel(*args, bits(size))


def integers(num_nodes: int) -> npt.NDArray[np.int64]:
    """Return this thread's array of at least ``num_nodes`` integers, of any value."""
    array: npt.NDArray[np.int64] | None = getattr(_local, "integers", None)
    if array is None or len(array) < num_nodes:
        array = _local.integers = np.empty(num_nodes, np.int64)
    return array


def places(num_nodes: int) -> npt.NDArray[np.int32]:
    """Return this thread's array of at least ``num_nodes`` 32-bit integers, of any value."""
    array: npt.NDArray[np.int32] | None = getattr(_local, "places", None)
    if array is None or len(array) < num_nodes:
        array = _local.places = np.zeros(num_nodes, np.int32)
    return array


def zeros(num_nodes: int) -> npt.NDArray[np.float64]:
    """Return this thread's array of at least ``num_nodes`` zeros; kernels leave it as zeros."""
    array: npt.NDArray[np.float64] | None = getattr(_local, "zeros", None)
    if array is None or len(array) < num_nodes:
        array = _local.zeros = np.zeros(num_nodes)
    return array
