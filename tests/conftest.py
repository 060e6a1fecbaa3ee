"""Shared worlds, real data, and a cache folder that is not the user's."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Any

if "PYTEST_XDIST_WORKER" in os.environ:  # several processes share the cores: one thread for each
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

if sys.dont_write_bytecode:  # as in some containers: each process would compile all tests anew
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # nor would commands that a test starts

import hypothesis
import pytest
import torch

from gneg import kernels, registry
from tests.browsing import browser_path

SHARED = Path(__file__).parent.parent.parent / "shared" / "data"


# The first example may wait for a kernel to be compiled, any of them for another process.
hypothesis.settings.register_profile("no-deadline", deadline=None)
hypothesis.settings.load_profile("no-deadline")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each process one part of the list, so that few fixtures of modules are made twice."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.getoption("dist") == "load" else None


#: Files of the longest tests, from those that cannot be shared by two processes.
LONGEST = ("test_site", "test_interruption", "test_distributed", "test_ray")
LONGEST += ("test_notebooks", "test_docs")


def _place(item: pytest.Item) -> int:
    """Return when a test is run: the longest first, then the slow ones, then all others."""
    if item.get_closest_marker("slow") is None:
        return len(LONGEST) + 1
    return LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with long tests, so that no process is left alone with one of them at the end."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=_place)


def pytest_collection() -> None:
    """Leave garbage alone while modules are imported, of which nearly all stays."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Take what was imported, a million objects that stay, out of Python's garbage collection."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000)  # of objects since then: 700, the default, are those of some lines


def pytest_runtest_setup() -> None:
    """Begin each test with one state of the global source, whatever ran before it.

    Models are initialised from it: where that depends on the order of tests, one in some hundreds
    has two scores as close as a test's tolerance.
    """
    torch.default_generator.manual_seed(0)  # torch.manual_seed would keep a stack trace for CUDA


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory):
    """Keep datasets that tests process out of the user's cache."""
    os.environ["GNEG_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def _default_threads():
    yield
    kernels.threads.set_num_threads(None)


@pytest.fixture
def accelerator():
    """A simulated accelerator, the device ``tests.accelerator.KIND``."""
    from tests.accelerator import simulated

    with simulated() as device:
        yield device


@pytest.fixture
def registries(monkeypatch: pytest.MonkeyPatch):
    """Let a test register classes and import files, and forget them."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    modules, saved = {*sys.modules}, [(part, dict(part)) for part in registry.every()]
    yield
    for part, content in saved:
        part.clear()
        part.update(content)
    for name in {*sys.modules} - modules:
        if name.startswith("gneg_import_"):
            del sys.modules[name]


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.exists():
        pytest.skip("real data (../shared/data) is not here")
    return SHARED


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(7)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        yield running
        running.close()
