"""Imports, and garbage collection meanwhile."""

from __future__ import annotations

import gc
import threading

import pytest

from gneg import lazy


def state_inside() -> bool:
    with lazy.importing():
        return gc.isenabled()


def test_garbage_is_left_alone_while_the_main_thread_imports():
    assert not state_inside()
    assert gc.isenabled()
    with pytest.raises(ImportError), lazy.importing():
        raise ImportError
    assert gc.isenabled()


def test_what_the_user_has_switched_off_stays_off():
    gc.disable()
    try:
        assert not state_inside()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_other_threads_change_nothing():
    states = []
    thread = threading.Thread(target=lambda: states.append(state_inside()))
    thread.start()
    thread.join()
    assert states == [True]
