"""Names that a package imports when they are first used: torch alone takes two seconds."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any


@contextmanager
def importing() -> Iterator[None]:
    """Leave garbage alone meanwhile: torch alone makes a million objects, nearly all of which stay.

    Looking through them again and again would be up to a sixth of the time of an import.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
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
        with importing():
            module = importlib.import_module(f"{package}.{modules[name] or name}")
        return getattr(module, name) if modules[name] else module

    def listed() -> list[str]:
        special = (name for name in vars(sys.modules[package]) if name.startswith("__"))
        return sorted({*modules, *special})

    return get, listed
