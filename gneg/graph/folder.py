"""The folder of a stored graph: its files, whether it may be written, and putting it in place."""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
from pathlib import Path

from gneg import checks, files

FORMAT = "gneg graph"
HEADER = "graph.json"
#: Files of the user's own ids, by side: row i is that of node i.
NODES = "nodes.parquet"
SIDES = ("sources.parquet", "targets.parquet")
ARRAYS = re.compile(r"(in_|steps_)?(indptr|indices|weights)\.npy")
TEMPORARY = re.compile(r"\..*\.tmp")


def is_stored(folder: str | Path) -> bool:
    """Return whether there is a stored graph in a folder."""
    return (Path(folder) / HEADER).is_file()


def check_folder(name: str, folder: str | Path) -> Path:
    """Return a folder that a graph can be written to.

    Raises:
        ValueError: If it holds anything but a stored graph, or cannot be written.
    """
    path = Path(folder).expanduser().resolve()
    files.check_output(name, path.parent, folder=True)
    allowed = "a new or empty folder, or one with a stored graph"
    if not path.exists():
        return path
    entries = sorted(entry.name for entry in path.iterdir()) if path.is_dir() else [""]
    if entries and not _is_ours(path):
        checks.fail(name, allowed, str(path))
    foreign = [entry for entry in entries if not _is_of_graph(entry)]
    if foreign:
        value = f"{path} with {', '.join(foreign[:3])}"
        checks.fail(name, f"{allowed} and nothing else", value, hint="it would be removed")
    return path


def _is_ours(folder: Path) -> bool:
    """Return whether the header in a folder is a graph's, or damaged, so that it is replaced."""
    if not is_stored(folder):
        return False
    try:
        content = json.loads((folder / HEADER).read_text("utf-8"))
    except ValueError:
        return True
    return isinstance(content, dict) and content.get("format") == FORMAT


def _is_of_graph(name: str) -> bool:
    """Return whether a file belongs to a stored graph, by its name."""
    if name in (HEADER, NODES, *SIDES):
        return True
    return bool(ARRAYS.fullmatch(name) or TEMPORARY.fullmatch(name))


def place(temporary: Path, folder: Path) -> None:
    """Rename a finished folder; a stored graph that stood there is removed.

    Processes that have opened that graph keep it: its files live as long as they are mapped.
    """
    old = folder.with_name(f".{folder.name}.old.{os.getpid()}.tmp")
    if is_stored(folder):
        folder.replace(old)
    temporary.replace(folder)
    shutil.rmtree(old, ignore_errors=True)
    files.remove_leftovers(folder.parent, f"{glob.escape(folder.name)}.old")
