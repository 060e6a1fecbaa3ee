"""JSON records of results: versions and hardware, and the form that a file must have."""

from __future__ import annotations

import functools
import json
import os
import platform
import re
from collections.abc import Callable
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from gneg import checks
from gneg.files import reading

PACKAGES = ("gneg", "torch", "torch-geometric", "numpy", "numba", "ogb")
_version = functools.cache(metadata.version)  # which reads a file


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on."""
    installed = {"python": platform.python_version(), **dict.fromkeys(PACKAGES, "not installed")}
    for package in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            installed[package] = _version(package)
    return installed


def machine() -> dict[str, Any]:
    """Return the names of processor and accelerator, and the numbers of cores and threads."""
    model = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        match = re.search(r"^model name\s*:\s*(.*)$", info.read_text(), re.MULTILINE)
        model = match[1].strip() if match else model
    return {
        "cpu": model or platform.machine(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


#: The form of a JSON value: a type; a tuple of possible forms (None stands for itself); a list with
#: the form of its items; a dict of forms by key (``...``: all keys; ``"a?"``: a may be missing).
Form = Any


def read_record(
    name: str,
    path: Path,
    form: Form,
    *,
    fault_of: Callable[[Any], str | None] = lambda content: None,
    remedy: str = "make it anew",
    kind: str | None = None,
) -> Any:
    """Return the content of a JSON file of a given form.

    Args:
        name: The argument that the file belongs to, for errors.
        path: The file.
        form: The form that the content must have.
        fault_of: Returns in words what a content of this form lacks, or None: nothing.
        remedy: What to do about a damaged file.
        kind: What it should be, for errors; None: one that this library wrote.

    Raises:
        ValueError: If the file cannot be read, is not JSON, has another form or lacks something.
    """
    kind = kind or f"a whole {path.name} of gneg"
    with reading(name, path, kind, remedy):
        content = json.loads(path.read_text("utf-8"))
    if fault := mismatch(content, form) or fault_of(content):
        checks.fail(name, kind, f"{path}: {fault}", hint=remedy)
    return content


def mismatch(value: Any, form: Form, place: str = "") -> str | None:
    """Return the first place where a value lacks a form, in words; None: it has the form.

    Args:
        value: The content of a JSON file.
        form: Its form.
        place: What the value is called; empty: it is the whole content.
    """
    if isinstance(form, tuple):
        faults = [mismatch(value, option, place) for option in form]
        return None if None in faults else faults[0]
    kind: Any = type(form) if isinstance(form, dict | list) or form is None else form
    allowed: Any = (int, float) if kind is float else kind
    if not isinstance(value, allowed) or (isinstance(value, bool) and kind is not bool):
        named = f"{place or 'its content'} is of type {type(value).__name__}"
        return f"{named}, not {kind.__name__}"
    entries: list[tuple[Any, Any, str]] = []
    if isinstance(form, list):
        entries = [(item, form[0], f"{place}[{i}]") for i, item in enumerate(value)]
    elif isinstance(form, dict):
        forms = {key.removesuffix("?"): form[key] for key in form if key is not ...}
        forms = {**dict.fromkeys(value, form[...]), **forms} if ... in form else forms
        if missing := [key for key in forms if key not in value and f"{key}?" not in form]:
            return f"{place or 'its content'} has no {missing[0]}"
        names = {key: f"{place}.{key}".removeprefix(".") for key in forms if key in value}
        entries = [(value[key], forms[key], name) for key, name in names.items()]
    return next((fault for entry in entries if (fault := mismatch(*entry)) is not None), None)
