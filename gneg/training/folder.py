"""The folder that a run or a comparison is written to."""

from __future__ import annotations

from pathlib import Path

from gneg import checks, files
from gneg.datasets.sources import part_files


def check_folder(path: str | Path) -> Path:
    """Return the folder of a run if it can be written and is no dataset's.

    Raises:
        ValueError: If it is no path, cannot be written, or holds the files of a split: it would be
            read as the run from then on, no longer as the dataset.
    """
    out = files.check_output("out", path, folder=True)
    if out.is_dir() and all(part_files.by_part(out).values()):
        allowed = "another folder than that of a dataset"
        checks.fail("out", allowed, str(out), hint="choose another place")
    return out
