"""Files that are written whole or not at all, and checked when they are read."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import numpy.typing as npt
import torch

from gneg import checks

MAPPED = 2**28  # bytes from which on arrays stay in their file, mapped into memory
LEVEL = 2  # of compression; 6 makes lists of ids smaller by 2 to 7 %, in 3 to 5 times the time
DAY = 24 * 3600.0  # seconds after which a temporary file belongs to no living process


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
    if path == "":
        checks.fail(name, "a path", "''")
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


def check_file(
    name: str,
    path: str | Path,
    suffixes: Sequence[str],
    *,
    fresh: bool = False,
    replaces: str | None = None,
    inputs: Iterable[str | Path | None] = (),
) -> Path:
    """Return the path of a result, a file, if it can be written and nothing else is lost by it.

    Args:
        name: The argument, for errors.
        path: The file.
        suffixes: How its name may end.
        fresh: Whether a file that is there is replaced.
        replaces: A text that tells earlier results of the same kind, which are replaced; None: none
            are.
        inputs: Files that are read, or names that are none.

    Raises:
        ValueError: As :func:`check_output` does, if the suffix is another, or if the file is there.
    """
    path = check_suffix(name, check_output(name, path, inputs=inputs), suffixes)
    if not path.exists() or fresh:
        return path
    if replaces is None:
        hint = "--fresh (fresh=True) replaces it"
        checks.fail(name, "a file that is not there yet", str(path), hint=hint)
    if replaces.encode() not in path.read_bytes():
        allowed = "a file that is not there yet, or an earlier result of the same command"
        checks.fail(name, allowed, str(path), hint="choose another place")
    return path


def check_suffix(name: str, path: str | Path, suffixes: Sequence[str]) -> Path:
    """Return the path of a file if its name ends in one of some suffixes.

    Raises:
        ValueError: If it ends otherwise.
    """
    path = Path(path)
    if path.suffix not in suffixes:
        ends = f"one of {', '.join(suffixes)}" if len(suffixes) > 1 else suffixes[0]
        checks.fail(name, f"a name that ends in {ends}", str(path))
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
    """Write arrays as ``.npz``, quickly compressed, whole or not at all."""
    write_whole(path, lambda temporary: save_npz(temporary, arrays))


def save_npz(path: Path, arrays: dict[str, Any]) -> None:
    """Write what :func:`write_npz` does, in place: for a writer of :func:`write_whole`."""
    with archive_file(path) as file, ZipFile(file, "w", ZIP_DEFLATED, True, LEVEL) as npz:
        for name, array in arrays.items():
            with npz.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


@contextmanager
def archive_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for a writer of an archive, which may fail or be interrupted at any moment.

    Such a writer ends its archive even so: in its ``__exit__``, whose error hides what stopped
    it, or when it is freed. That has to be before the file is closed: torch's writer aborts the
    process otherwise, and a traceback holds it until then.

    Raises:
        OSError: What stopped the writer, as KeyboardInterrupt is.
    """
    handled = sys.exc_info()[1]  # when this began: where contexts end that are of the writer
    with path.open("wb") as file:
        try:
            yield file
        except BaseException as error:
            errors = [error]
            while (context := errors[-1].__context__) is not None and context is not handled:
                errors.append(context)
            for each in errors:
                traceback.clear_frames(each.__traceback__)
            stops = (each for each in errors if isinstance(each, OSError | KeyboardInterrupt))
            stopped = next(stops, error)
            if stopped is error:
                raise
            raise stopped from None
