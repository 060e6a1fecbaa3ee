"""A folder of files of negatives, one for each piece of the positives, with a manifest.

``part-000000.parquet`` and so on hold the positives in order. ``manifest.json`` comes last:
settings and versions, and rows and SHA-256 of each file. Until then ``.unfinished.json`` says by
which settings the pieces are made, so that the same settings go on and no others do.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from gneg import checks, files, records
from gneg.samplers.formats import columns
from gneg.samplers.formats.columns import ROWS, Columns

MANIFEST, UNFINISHED = "manifest.json", ".unfinished.json"
SUFFIX = ".parquet"
#: What says in a record that it is of negatives, and settings that only some have.
SETTINGS = {"graph": str, "sampler": str, "seed": int}
OPTIONAL = ("nodes", "model")
FORM = {ROWS: int, "shards": [{"file": str, ROWS: int, "sha256": str}]}


def is_folder(path: str | Path) -> bool:
    """Return whether a result at ``path`` is a folder: it is one, or the name has no suffix."""
    path = Path(path)
    return path.is_dir() or not path.suffix


def shard_path(folder: Path, piece: int, suffix: str = SUFFIX) -> Path:
    """Return the path of the file of a piece."""
    return folder / f"part-{piece:06d}{suffix}"


class Shards:
    """A folder of negatives that is being made, or made again.

    Args:
        folder: The folder, which is made.
        settings: The settings, as JSON, that decide the pieces.
        fresh: Whether pieces that exist are removed.

    Raises:
        ValueError: If the folder holds something else, or pieces by other settings.
        WriteError: If it cannot be written.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], *, fresh: bool) -> None:
        self.folder = folder
        if folder.exists():
            self._check(settings, fresh)
        files.write_json(folder / UNFINISHED, settings)

    def _check(self, settings: dict[str, Any], fresh: bool) -> None:
        """Refuse a folder of something else; with ``fresh``, remove the pieces of this."""
        headers = [self.folder / name for name in (MANIFEST, UNFINISHED)]
        present = [path for path in headers if path.exists()]
        if not present and any(self.folder.iterdir()):
            checks.fail("out", "a new folder, or one of gneg sample", str(self.folder))
        manifest: dict[str, Any] = {}
        for path in present:
            before = records.read_record("out", path, SETTINGS, remedy="choose another folder")
            names = [*settings, *(name for name in OPTIONAL if name in before)]
            changed = [name for name in names if before.get(name) != settings.get(name)]
            if changed and not fresh:
                name = changed[0]
                hint = "choose another folder, or --fresh (fresh=True) to make it anew"
                allowed = f"a folder of negatives with {name} {settings.get(name)!r}"
                checks.fail("out", allowed, f"{self.folder}: {before.get(name)!r}", hint=hint)
            manifest = before if path.name == MANIFEST else manifest
        if fresh:
            for path in (*present, *self.folder.glob(f"part-*{SUFFIX}")):
                path.unlink()
        elif manifest:
            self._remove_changed(manifest)

    def _remove_changed(self, manifest: dict[str, Any]) -> None:
        """Remove files that are no longer those of the manifest, so that they are made again."""
        if records.mismatch(manifest, FORM) is not None:
            return
        for shard in manifest["shards"]:
            path = self.folder / Path(shard["file"]).name
            if path.exists() and _sha256(path) != shard["sha256"]:
                path.unlink()

    def finish(self, info: dict[str, Any], pieces: int) -> None:
        """Write the manifest.

        Args:
            info: Settings, command and versions.
            pieces: The number of files.

        Raises:
            ValueError: If a file is missing, for example because a worker's disk is another one.
        """
        shards = []
        for piece in range(pieces):
            path = shard_path(self.folder, piece)
            if not path.exists():
                where = "on a file system that all workers share"
                checks.fail("out", where, f"{self.folder}, which lacks {path.name}")
            size = pq.read_metadata(path).num_rows
            shards.append({"file": path.name, ROWS: size, "sha256": _sha256(path)})
        manifest = {**info, ROWS: sum(shard[ROWS] for shard in shards), "shards": shards}
        files.write_json(self.folder / MANIFEST, manifest)
        (self.folder / UNFINISHED).unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def read(folder: Path) -> tuple[Columns, dict[str, Any]]:
    """Return the columns of all files of a folder, and its manifest.

    Raises:
        ValueError: If the manifest is missing, or a file is damaged or not the one it lists.
    """
    path = folder / MANIFEST
    if not path.exists():
        hint = "the command that made it goes on with it"
        checks.fail("path", f"a finished folder of gneg sample, with {MANIFEST}", folder, hint=hint)
    manifest = records.read_record("path", path, FORM, remedy=columns.REMEDY)
    parts = []
    for shard in manifest["shards"]:
        part, _ = columns.read(folder / shard["file"])
        if len(part["src"]) != shard[ROWS]:
            fault = f"{folder / shard['file']} has {len(part['src'])} rows, not {shard[ROWS]}"
            checks.fail("path", columns.KIND, fault, hint=columns.REMEDY)
        parts.append(part)
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return whole, manifest
