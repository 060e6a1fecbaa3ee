"""Versions and hardware of a result; files that are written whole or not at all, and checked."""

from __future__ import annotations

import functools
import glob
import hashlib
import json
import os
import platform
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from gneg import checks

PACKAGES = ("gneg", "torch", "torch-geometric", "numpy", "numba", "ogb")
MAPPED = 2**28  # bytes from which on arrays stay in their file, mapped into memory
DAY = 24 * 3600.0  # seconds after which a temporary file belongs to no living process
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


@contextmanager
def reading(name: str, path: Path, kind: str, remedy: str) -> Iterator[None]:
    """Turn every failure to read a file into one error that names it and says what to do.

    For blocks that do nothing but read: NumPy, pandas, pyarrow and torch raise nearly anything on
    a damaged file (zip, pickle, decoding and memory errors), so that every exception is taken.

    Args:
        name: The argument that the file belongs to.
        path: The file.
        kind: What the file should be.
        remedy: What to do about a damaged one.

    Raises:
        ValueError: If the block raises anything.
    """
    try:
        yield
    except FileNotFoundError:
        checks.fail(name, "an existing file", str(path))
    except Exception as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        reason = f"no {reason}" if isinstance(error, KeyError) else reason
        line = " ".join(reason.split())[:200] or type(error).__name__
        checks.fail(name, kind, f"{path}: {line}", hint=remedy)


def read_npy(name: str, path: Path, kind: str, remedy: str) -> npt.NDArray[Any]:
    """Return the array of an ``.npy``, a large one mapped; arguments as in :func:`reading`."""
    with reading(name, path, kind, remedy):
        mode: Any = "c" if path.stat().st_size >= MAPPED else None
        array = np.load(path, mmap_mode=mode, allow_pickle=False)
        checks.instance("array", array, (np.ndarray,))
    return np.asarray(array)


def read_npz(
    name: str, path: Path, kind: str, remedy: str, keys: Collection[str] | None = None
) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an ``.npz``.

    Args:
        name: The argument that the file belongs to.
        path: The file.
        kind: What the file should be.
        remedy: What to do about a damaged one.
        keys: Names of the arrays to read, as far as the file has them; None: all.

    Raises:
        ValueError: As in :func:`reading`.
    """
    # NumPy leaves the file of a damaged archive open if it opens it itself.
    with (
        reading(name, path, kind, remedy),
        path.open("rb") as file,
        np.load(file, allow_pickle=False) as archive,
    ):
        return {key: archive[key] for key in archive if keys is None or key in keys}


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


def digest(header: object, *tensors: torch.Tensor) -> str:
    """Return a hash of the text of ``header`` and the content of tensors, 16 hexadecimal digits."""
    content = hashlib.sha256(str(header).encode())
    for tensor in tensors:
        content.update(tensor.contiguous().cpu().numpy().data)
    return content.hexdigest()[:16]


class WriteError(OSError):
    """A file could not be written; what stood there before is unchanged."""


def check_output(
    name: str, path: str | Path, *, folder: bool = False, inputs: Iterable[str | Path | None] = ()
) -> Path:
    """Return the path of a result if it can be written; folders that are missing are made later.

    Args:
        name: The argument, for errors.
        path: The file or folder.
        folder: Whether it is a folder.
        inputs: Files that are read, or names that are none; the result must not replace one.

    Raises:
        ValueError: If it is no path, or nothing can be written there.
    """
    checks.instance(name, path, (str, Path))
    path = Path(path)
    for source in inputs:
        if source is not None and path.exists() and path.resolve() == Path(source).resolve():
            checks.fail(name, "another file than those that are read", str(path))
    kind = "a folder" if folder else "a file"
    try:
        if path.exists() and not (path.is_dir() if folder else path.is_file()):
            checks.fail(name, f"{kind} to write", f"{path}, which is something else")
        parent = path if folder else path.parent
        while not parent.exists() and parent != parent.parent:
            parent = parent.parent
        probe = _temporary(parent / ("probe" if folder else path.name))
        try:
            probe.write_bytes(b"\n")
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        reason = f"{path}: {error.strerror or error}"
        checks.fail(name, f"{kind} that can be written", reason, hint="choose another place")
    return path


def _temporary(path: Path) -> Path:
    """Return the name that a file has while this process writes it."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def remove_leftovers(folder: Path, pattern: str) -> None:
    """Remove temporary files that processes left which were killed while they wrote.

    Files of living processes stay, unless they are so old that the process is another one.

    Args:
        folder: The folder, which need not exist.
        pattern: The names, as in ``glob``, of the files that were to be written.
    """
    for path in folder.glob(f".{pattern}.*.tmp"):
        process = re.search(r"\.(\d+)\.tmp$", path.name)
        try:
            old = time.time() - path.stat().st_mtime > DAY
            if process and (old or not is_running(int(process[1]))):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError:  # another process removed it, or it is not ours to remove
            continue


def is_running(process: int) -> bool:
    """Return whether there is a process of this number; True where that cannot be asked."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def write_whole(path: Path, write: Callable[[Path], object], place: Any = Path.replace) -> None:
    """Write a temporary file or folder beside ``path``, then rename it in one step.

    Args:
        path: The file or folder.
        write: Writes to the path that it is given.
        place: Puts what is written at its place.

    Raises:
        WriteError: If it cannot be written, for example because the disk is full.
    """
    remove_leftovers(path.parent, glob.escape(path.name))
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(temporary)
            place(temporary, path)
        finally:
            if temporary.is_dir():
                shutil.rmtree(temporary)
            temporary.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise WriteError(
            f"{path} cannot be written: {reason}; make room or choose another place, what is "
            "finished is kept"
        ) from error


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as JSON, whole or not at all."""
    write_whole(path, lambda temporary: temporary.write_text(json.dumps(value, indent=2) + "\n"))


def write_npz(path: Path, arrays: dict[str, Any]) -> None:
    """Write arrays as compressed ``.npz``, whole or not at all."""

    def save(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)

    write_whole(path, save)
