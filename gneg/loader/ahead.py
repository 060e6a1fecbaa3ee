"""Making batches ahead of their use, in threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Batch = TypeVar("Batch")


def ahead(
    make: Callable[[Item], Batch],
    items: Iterable[Item],
    workers: int,
    depth: Callable[[Batch], int] = lambda batch: 2,
    waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Iterator[Batch]:
    """Yield ``make(item)`` for each item in order, made ahead by threads.

    Threads, not processes: kernels and torch release the interpreter's lock, and nothing is copied.

    Args:
        make: Makes a batch; it must not depend on the order in which batches are made.
        items: What batches are made of.
        workers: Number of threads; 0: each batch is made when it is asked for.
        depth: Number of batches that may be ready or in the making, >= 1, by the first one.
        waiting: A context that measures the time for which the caller waits.

    Yields:
        The batches.
    """
    if not workers:
        for item in items:
            with waiting():
                batch = make(item)
            yield batch
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="gneg-batches")
    pending: deque[Future[Batch]] = deque()
    limit, upcoming = 1, iter(items)

    def fill() -> None:
        for item in islice(upcoming, max(0, limit - len(pending))):
            pending.append(pool.submit(make, item))

    try:
        while True:
            fill()
            if not pending:
                return
            with waiting():
                batch = pending.popleft().result()
            limit = max(1, depth(batch))
            fill()
            yield batch
            del batch  # before the next one is waited for
    finally:
        pool.shutdown(cancel_futures=True)
