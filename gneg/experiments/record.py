"""The record of a comparison, ``compare.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gneg import checks, files

NAME = "compare.json"
REMEDY = "the same gneg compare makes it again"
ROW = {
    "encoder": str,
    "sampler": str,
    "loss": str,
    "config": dict,
    "metrics": {...: {...: [float]}},
    "summary": {...: {...: {"mean": float, "std": (float, None)}}},
    "against": {...: {...: {"difference": float, "mark": str}}},
    "curves": [[{"epoch": int, "seconds": float, "loss": float}]],
    "best_epochs": [int],
    "seconds": [{"sampling": float, "scoring": float, "model": float}],
    "audit": (dict, None),
}
FORM = {
    "dataset": {"name": str},
    "metric": str,
    "seeds": int,
    "config": dict,
    "baseline": str,
    "sets": dict,
    "rows": [ROW],
    "heuristics": {...: {...: {...: float}}},
}


def read(name: str, path: Path) -> dict[str, Any]:
    """Return the content of a ``compare.json``.

    Args:
        name: The argument that it belongs to, for errors.
        path: The file, or its folder.

    Raises:
        ValueError: If it is not a whole record of a comparison.
    """
    path = path / NAME if path.is_dir() else path
    if not path.exists():
        checks.fail(name, f"a {NAME} of gneg compare, or its folder", str(path))
    content: dict[str, Any] = files.read_record(name, path, FORM, remedy=REMEDY)
    if not content["rows"]:
        checks.fail(name, f"a {NAME} with rows", f"{path} without", hint=REMEDY)
    return content
