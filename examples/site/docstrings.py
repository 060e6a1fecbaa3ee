"""What our docstrings hold beyond Google's style, for mkdocstrings: roles, generated settings."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

import griffe

from gneg.training.options import settings

ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):`(~?)([\w.]+)`")


class OurDocstrings(griffe.Extension):
    """Turns Sphinx's roles into links, and shows the settings of configs."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Change the docstrings of a package that has been read."""
        for entry in list(objects(pkg)):
            if entry.is_class and any("documented" in d.callable_path for d in entry.decorators):
                show_settings(entry)
            if entry.docstring is not None:
                text = ROLE.sub(lambda role, entry=entry: link(entry, role), entry.docstring.value)
                entry.docstring.value = re.sub("^Example:$", "Examples:", text, flags=re.MULTILINE)
            if entry.is_module:
                show_functions(entry)
        for entry in objects(pkg):
            if entry.docstring is not None:
                # Warns of faults, also where no page shows them; kernels have no types.
                entry.docstring.parse("google", warn_missing_types=False)


def show_settings(entry: griffe.Class) -> None:
    """Give a config the docstring and the defaults that are made from its descriptions."""
    config = getattr(importlib.import_module(entry.module.path), entry.name)
    entry.docstring.value = inspect.getdoc(config)
    for name, described in settings(config).items():
        entry[name].value = repr(described.default)


def show_functions(package: griffe.Module) -> None:
    """Have the name of a module stand for its function of that name where the package says so."""
    for name, path in package.imports.items():
        module = package.members.get(name)
        if module is not None and module.path == path.rpartition(".")[0]:
            package.set_member(name, griffe.Alias(name, module[name], parent=package))


def objects(parent: griffe.Object) -> Iterator[griffe.Object]:
    """Yield an object and everything that is defined in it."""
    yield parent
    for member in parent.members.values():
        if not member.is_alias:
            yield from objects(member)


def link(entry: griffe.Object, role: re.Match[str]) -> str:
    """Return a link to an object that a docstring names, which need not have a page."""
    short, name = role.groups()
    try:
        path = name if name.startswith("gneg.") else entry.resolve(name)
    except griffe.NameResolutionError:
        path = f"{entry.path}.{name}"
    shown = name.rsplit(".", 1)[-1] if short else name
    return f'<autoref identifier="{path}" optional>`{shown}`</autoref>'
