"""Pages of the API: one for each module with ``__all__``, after a list of the names of ``gneg``."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections import Counter
from functools import cache
from types import ModuleType
from typing import Any

import gneg

#: Packages that are not for use in programs.
INTERNAL = ("gneg.kernels", "gneg.cli")


@cache
def modules() -> dict[str, tuple[ModuleType, list[str]]]:
    """Return the modules by name, packages first, each with the names that it alone documents."""
    documented: set[int] = set()
    documented_by = {}
    names = [module.name for module in pkgutil.walk_packages(gneg.__path__, "gneg.")]
    public = [name for name in names if "._" not in name and not name.startswith(INTERNAL)]
    for name in sorted(public, key=lambda name: (name.count("."), name)):
        module = importlib.import_module(name)
        members = {member: getattr(module, member) for member in getattr(module, "__all__", ())}
        new = [
            member
            for member, value in members.items()
            if id(value) not in documented and not inspect.ismodule(value)
        ]
        documented |= {id(members[member]) for member in new if callable(members[member])}
        if new or (name.count(".") == 1 and hasattr(module, "__path__")):
            documented_by[name] = module, new
    return dict(sorted(documented_by.items()))


def pages() -> dict[str, str]:
    """Return the pages."""
    lines = [
        f"* [`gneg.{name}`][{identifier(f'gneg.{name}')}]: {headline(getattr(gneg, name))}"
        for name in sorted(gneg.__all__, key=str.lower)
    ]
    front = ["# API", "", "After `import gneg`:", "", *lines, ""]
    pages = {"api/index.md": "\n".join(front)}
    for name, (_, members) in modules().items():
        listed = "".join(f"\n        - {member}" for member in members) or " false"
        options = f"    options:\n      members:{listed}"
        pages[f"api/{name}.md"] = f"---\ntitle: {name}\n---\n\n::: {name}\n{options}\n"
    return pages


def headline(value: Any) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(value) or "").split("\n")[0].replace(":class:", "")


@cache
def classes() -> dict[str, str]:
    """Return the full names of classes whose short name is the only one of its kind."""
    every = [
        getattr(module, name)
        for module, names in modules().values()
        for name in names
        if inspect.isclass(getattr(module, name))
    ]
    times = Counter(cls.__name__ for cls in every)
    return {
        cls.__name__: f"{cls.__module__}.{cls.__qualname__}"
        for cls in every
        if times[cls.__name__] == 1
    }


def identifier(name: str) -> str | None:
    """Return the full name by which mkdocstrings knows what a name leads to; None: internal."""
    if name.startswith(INTERNAL):
        return None
    value: Any = gneg
    for part in name.split(".")[1:]:
        value = getattr(value, part)
    if inspect.ismodule(value):
        return value.__name__
    return f"{value.__module__}.{value.__qualname__}" if callable(value) else name


def page_of(path: str) -> str:
    """Return the page of a file of the package: that of its module or of the nearest package."""
    name = path.removesuffix(".py").replace("/", ".")
    while name not in modules():
        name = name.rpartition(".")[0]
    return f"api/{name}.md"
