"""The record of a comparison, ``compare.json``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from gneg import checks, records
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
    "violating": float,
    "risk": dict.fromkeys(("per_1000", "low", "high", "uniform_per_1000"), float),
}
POINT = {"epoch": int, "seconds": float, "loss": float, "valid?": float}  # of a curve
READING = {
    "file": str,
    "form": str,
    "header": (bool, None),
    "columns": {...: str},
    "unused": [str],
    "ids": str,
    "notes": [str],
}
ROW = {
    "encoder": str,
    "sampler": str,
    "loss": str,
    **{"decoder?": str, "pair_features?": str, "stack?": str},  # of links alone
    "config": dict,
    "metrics": {...: {...: [float]}},
    "summary": {...: {...: {"mean": float, "std": (float, None)}}},
    "against": {...: {"row": int, "tests": TESTS}},
    "valid": [float],
    "curves": [[POINT]],
    "epochs": [int],
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
    # What comparisons of earlier versions lack.
    "reading?": (None, READING),
    "among_all?": (None, AMONG_ALL),
    "recipe?": (None, str),
    "heuristics_valid?": {...: float},
    "best": {
        **{"row": int, "heuristic": (str, None), "valid": float, "sentence": str, "advice": str},
        "command": str,
    },
    "heuristics": {...: {...: {...: float}}},
    "versions": {...: str},
    "machine": {"cpu": str, "cores": int, "gpu": (str, None)},
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
    content: dict[str, Any] = records.read_record(name, path, FORM, fault_of=_uneven, remedy=REMEDY)
    return content


def metrics_of(table: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """Return the names of the metrics of each set in a table of metrics by set."""
    return {name: set(values) for name, values in table.items()}


def _uneven(content: dict[str, Any]) -> str | None:
    """Return where entries that belong together differ: in sets, metrics, settings or seeds."""
    if not content["rows"]:
        return "no rows"
    first = content["rows"][0]
    metrics = metrics_of(first["metrics"])
    for i, row in enumerate(content["rows"]):
        if fault := _uneven_row(row, first, metrics, content["seeds"]):
            return f"rows[{i}]{fault}"
    for i, effect in enumerate(content["effects"]):
        if metrics_of(effect["tests"]) != metrics:
            return f"effects[{i}] has other metrics than the rows"
    for kind, sets in content["heuristics"].items():
        for name, of_rows in metrics.items():
            # Heuristics are not ranked among all targets of a large graph.
            skipped = name == "all" and sets.get(name) == {}
            if not skipped and set(sets.get(name, ())) != of_rows:
                return f"heuristics.{kind}.{name} has other metrics than the rows"
    return None


def _uneven_row(
    row: dict[str, Any], first: dict[str, Any], metrics: dict[str, set[str]], seeds: int
) -> str | None:
    runs = {name: row[name] for name in ("valid", "curves", "epochs", "best_epochs", "seconds")}
    for name, values in row["metrics"].items():
        runs |= {f"metrics.{name}.{metric}": values[metric] for metric in values}
    for name, values in runs.items():
        if len(values) != seeds:
            return f".{name} has {len(values)} entries for {seeds} seeds"
    tables = {name: row[name] for name in ("metrics", "summary")}
    tables |= {f"against.{part}": tested["tests"] for part, tested in row["against"].items()}
    for name, table in tables.items():
        if metrics_of(table) != metrics:
            return f".{name} has other metrics than the first row"
    if row["config"].keys() != first["config"].keys():
        return ".config has other settings than the first row"
    if (row.keys() ^ first.keys()) & {"decoder", "pair_features", "stack"}:
        return " has other parts than the first row"
    return None
