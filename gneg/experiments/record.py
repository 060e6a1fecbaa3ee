"""The record of a comparison, ``compare.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gneg import checks, files
from gneg.training.record import AMONG_ALL

NAME = "compare.json"
REMEDY = "the same gneg compare makes it again"
TEST: dict[str, Any] = {"difference": float, "low": float, "high": float, "mark": str}
TEST |= dict.fromkeys(("p", "corrected_p"), (float, None))
UNTESTED = {**TEST, **dict.fromkeys(("low", "high", "p", "corrected_p"))}
TESTS = {...: {...: (TEST, UNTESTED)}}
_GROUPS = ("positives", "negatives", "uniform")
AUDIT = {
    "hardness": {...: {group: {"mean": float, "quantiles": [float]} for group in _GROUPS}},
    "histograms": {...: {key: [float] for key in ("from", *_GROUPS)}},
    "distances": {group: {...: float} for group in _GROUPS},
    "risk": {"per_1000": float, "low": float, "high": float},
}
ROW = {
    "encoder": str,
    "sampler": str,
    "loss": str,
    "config": dict,
    "metrics": {...: {...: [float]}},
    "summary": {...: {...: {"mean": float, "std": (float, None)}}},
    "against": {...: {"row": int, "tests": TESTS}},
    "valid": [float],
    "curves": [[{"epoch": int, "seconds": float, "loss": float}]],
    "best_epochs": [int],
    "seconds": [{"sampling": float, "scoring": float, "model": float, ...: float}],
    "audit": (None, AUDIT),
}
SIZES = dict.fromkeys(("train", "valid", "test"), int)
FORM = {
    "command": str,
    "dataset": (
        {"name": str, "nodes": int, "edges": SIZES},
        {"name": str, "entities": int, "relations": int, "triples": SIZES},
    ),
    "split": str,
    "metric": str,
    "seeds": int,
    "config": {"epochs": int, "seconds": (float, None), "patience": int},
    "baseline": str,
    "sets": {...: dict},
    "rows": [ROW],
    "effects": [
        {
            **{"part": str, "value": str, "baseline": str, "pairs": int, "also": [str]},
            "among": {...: str},
            "tests": TESTS,
        }
    ],
    "best": {
        **{"row": int, "heuristic": (str, None), "valid": float, "sentence": str, "advice": str},
        "command": str,
    },
    "heuristics": {...: {...: {...: float}}},
    "versions": {...: str},
    "machine": {"cpu": str, "cores": int, "gpu": (str, None)},
}


READING = {
    "file": str,
    "form": str,
    "header": (bool, None),
    "columns": {...: str},
    "unused": [str],
    "ids": str,
    "notes": [str],
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
    reading = files.mismatch(content.get("reading"), (None, READING), "reading")
    among_all = files.mismatch(content.get("among_all"), (None, AMONG_ALL), "among_all")
    fault = reading or among_all or _uneven(content)
    if fault is not None:
        checks.fail(name, f"a whole {NAME}", f"{path}: {fault}", hint=REMEDY)
    return content


def _uneven(content: dict[str, Any]) -> str | None:
    """Return where rows or heuristics have other sets, metrics or settings than the first row."""
    if not content["rows"]:
        return "no rows"
    first = content["rows"][0]
    metrics = {name: set(values) for name, values in first["metrics"].items()}
    for i, row in enumerate(content["rows"]):
        tables = {key: row[key] for key in ("metrics", "summary")}
        tables |= {f"against.{part}": tested["tests"] for part, tested in row["against"].items()}
        for key, table in tables.items():
            if {name: set(values) for name, values in table.items()} != metrics:
                return f"rows[{i}].{key} has other metrics than the first row"
        if row["config"].keys() != first["config"].keys():
            return f"rows[{i}].config has other settings than the first row"
    for i, effect in enumerate(content["effects"]):
        if {name: set(values) for name, values in effect["tests"].items()} != metrics:
            return f"effects[{i}] has other metrics than the rows"
    for kind, sets in content["heuristics"].items():
        # Heuristics are not ranked among all targets of a large graph.
        if any(set(sets.get(name, ["none"])) not in (set(), metrics[name]) for name in metrics):
            return f"heuristics.{kind} has other metrics than the rows"
    return None
