"""Finished pieces of a file that takes long to make."""

from __future__ import annotations

import glob
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from gneg import files

MARK = 12  # characters of the hash in the name of a folder
OWNER = "process"  # file in a folder of pieces: the number of the process that makes them


class Parts:
    """Finished pieces of long work, in a folder beside the file that they will become.

    Pieces that a killed process left for the same file under other settings are removed.

    Args:
        out: The file that the pieces will become.
        settings: The settings, as JSON, that decide the pieces: other settings have another folder.
        fresh: Whether pieces that exist are removed.
    """

    def __init__(self, out: Path, settings: Any, *, fresh: bool) -> None:
        mark = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:MARK]
        self.folder = out.with_name(f".{out.name}.{mark}.parts")
        for folder in _folders(out):
            if folder != self.folder and not _is_used(folder):
                _remove_folder(folder)
        if fresh:
            self.remove()
        files.write_json(self.path(OWNER), os.getpid())

    def path(self, name: str) -> Path:
        """Return the path of a piece, which need not exist."""
        return self.folder / name

    def remove(self) -> None:
        """Remove all pieces."""
        if self.folder.exists():
            _remove_folder(self.folder)


def in_use(out: Path) -> bool:
    """Return whether another living process makes the pieces of a file."""
    return any(_is_used(folder) and not _is_ours(folder) for folder in _folders(out))


def _folders(out: Path) -> list[Path]:
    """Return the folders of pieces of a file, under any settings."""
    return list(out.parent.glob(f".{glob.escape(out.name)}.{'[0-9a-f]' * MARK}.parts"))


def _is_ours(folder: Path) -> bool:
    return (folder / OWNER).read_text().strip() == str(os.getpid())


def _is_used(folder: Path) -> bool:
    """Return whether a living process makes the pieces of a folder."""
    try:
        return files.is_running(int((folder / OWNER).read_text()))
    except (OSError, ValueError):
        return False


def _remove_folder(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
