"""The folder that a run or a comparison is written to."""

from __future__ import annotations

from pathlib import Path

from gneg import checks, files
from gneg.datasets.sources import openke, part_files
from gneg.graph.folder import is_stored


def check_folder(path: str | Path) -> Path:
    """Return the folder of a run if it can be written and is no dataset's.

    Raises:
        ValueError: If it is no path, cannot be written, or holds a dataset: the files of a split,
            OpenKE's, or a graph of ``gneg ingest``.
    """
    out = files.check_output("out", path, folder=True)
    split = out.is_dir() and all(part_files.by_part(out).values())
    if split or openke.is_openke(out) or is_stored(out):
        allowed = "another folder than that of a dataset"
        checks.fail("out", allowed, str(out), hint="choose another place")
    return out
