"""Rows are split among threads, and into calls that are short enough to be interrupted."""

import threading
import time

import pytest

from gneg.kernels import threads


@pytest.fixture(params=[1, 2])
def _num_threads(request):
    threads.set_num_threads(request.param)
    yield
    threads.set_num_threads(None)


@pytest.mark.usefixtures("_num_threads")
@pytest.mark.parametrize("work", [1, threads.MIN_WORK, 10 * threads.MAX_WORK])
@pytest.mark.parametrize("rows", [0, 1, 7, 100])
def test_every_row_is_done_once_in_calls_that_are_not_too_long(rows, work):
    calls = threads.run_rows(lambda lo, hi: (lo, hi), rows, work)
    assert [row for lo, hi in calls for row in range(lo, hi)] == list(range(rows))
    assert len(calls) >= min(rows, work // threads.MAX_WORK)


def test_what_has_not_begun_is_given_up_after_an_error():
    threads.set_num_threads(2)
    begun, failed = [], threading.Event()

    def kernel(lo: int, hi: int) -> None:
        begun.append(lo)
        if lo == 0:
            failed.set()
            raise KeyboardInterrupt
        failed.wait()
        time.sleep(0.01)

    try:
        with pytest.raises(KeyboardInterrupt):
            threads.run_rows(kernel, 1_000, 1_000 * threads.MAX_WORK)
    finally:
        threads.set_num_threads(None)
    assert len(begun) < 500
