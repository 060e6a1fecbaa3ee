"""Names that a package imports when they are first used: torch alone takes two seconds."""

from __future__ import annotations

import gc
import importlib
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any


@contextmanager
def importing() -> Iterator[None]:
    """Leave garbage alone meanwhile: torch alone makes a million objects, nearly all of which stay.

    Looking through them again and again would be up to a sixth of the time of an import. In other
    threads than the main one nothing changes: the switch is one of the whole process.
    """
    switched = gc.isenabled() and threading.current_thread() is threading.main_thread()
    if switched:
        gc.disable()
    try:
        yield
    finally:
        if switched:
            gc.enable()


def names(
    package: str, modules: Mapping[str, str | None]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and the ``__dir__`` of a package (PEP 562).

    Args:
        package: Its name.
        modules: By name, the module inside the package that has it; None: it is one itself.
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        full_name = f"{package}.{modules[name] or name}"
        # One that is there may be half imported by another thread, which is waited for.
        with nullcontext() if full_name in sys.modules else importing():
            module = importlib.import_module(full_name)
        return getattr(module, name) if modules[name] else module

    def listed() -> list[str]:
        special = (name for name in vars(sys.modules[package]) if name.startswith("__"))
        return sorted({*modules, *special})

    return get, listed
