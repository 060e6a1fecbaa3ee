"""Folders of datasets: a user's root, local copies that are only read, the cache."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from gneg import checks


def cache_dir() -> Path:
    """Return ``$GNEG_CACHE``, or ``gneg`` in the user's cache folder.

    Raises:
        ValueError: If the user has no home folder, and neither variable is set.
    """
    if "GNEG_CACHE" in os.environ:
        return Path(os.environ["GNEG_CACHE"])
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "gneg"
    except RuntimeError:
        checks.fail("root", "given, or GNEG_CACHE set, where there is no home folder", None)


def folder_of(root: str | Path | None) -> Path:
    """Return the folder of datasets: ``root``, or the one in the cache if None."""
    return cache_dir() / "datasets" if root is None else Path(root).expanduser()


def find(root: Path, candidates: Iterable[str], needed: Iterable[str]) -> Path | None:
    """Return the first folder ``root/candidate`` that holds all ``needed`` entries, or None."""
    needed = list(needed)
    for candidate in candidates:
        folder = root / candidate
        if all((folder / name).exists() for name in needed):
            return folder
    return None


def overlay(copy: Path) -> Path:
    """Return a folder in the cache that shows the files of ``copy`` and may be written to.

    PyG and OGB write their processed files beside the raw ones; a local copy is never touched. Its
    entries are linked (copied where links are not allowed), so this costs no space.
    """
    copy = copy.resolve()
    mark = hashlib.sha256(str(copy).encode()).hexdigest()[:12]
    folder = cache_dir() / "local" / mark / copy.name
    folder.mkdir(parents=True, exist_ok=True)
    for entry in copy.iterdir():
        target = folder / entry.name
        if target.exists():
            continue
        if target.is_symlink():
            target.unlink()
        try:
            target.symlink_to(entry)
        except OSError:
            (shutil.copytree if entry.is_dir() else shutil.copy2)(entry, target)
    return folder


def place(root: Path, copy: Path | None, relative: str) -> Path:
    """Return the folder to load from: the copy itself once processed, its overlay, or a new one."""
    if copy is None:
        return root / relative
    return copy if (copy / "processed").exists() else overlay(copy)


class MissingDataError(FileNotFoundError):
    """Raised when the files of a dataset are not there and cannot be downloaded."""


def damaged(name: str, folder: Path, error: BaseException) -> NoReturn:
    """Refuse a local copy that its library cannot read.

    Args:
        name: Name of the dataset.
        folder: The copy.
        error: What its library said.

    Raises:
        ValueError: Always.
    """
    reason = f"{folder}: {type(error).__name__} {' '.join(str(error).split())[:200]}"
    checks.fail("root", f"a folder with a whole copy of {name}", reason, hint="copy it again")


def missing(name: str, root: Path, layout: str, error: BaseException) -> MissingDataError:
    """Return the error that says where to put the files.

    Args:
        name: Name of the dataset.
        root: The folder that was looked in.
        layout: Folder below ``root`` that the files belong in.
        error: The reason why the download failed.
    """
    return MissingDataError(
        f"could not download '{name}' to {root} ({type(error).__name__}: {error}). "
        f"With a network, try again; without one, copy the files to {root / layout}, or name a "
        f"folder that has them with --root (root= in Python)."
    )
