"""Tables of the default recipe, from the files under ``results/recipes``."""

from __future__ import annotations

import json
import statistics
from functools import cache
from typing import Any

from benchmarks.format import machine, percent, table
from benchmarks.quality import recipes
from gneg.runs import spread

Cell = dict[str, Any]
HEADER = ["dataset", "encoder", "recipe", "easy", "hard", "best epoch", "s to uniform's best"]


@cache
def cells() -> dict[tuple[str, str, str], Cell]:
    """Every finished cell."""
    every = [one for dataset in recipes.SETTINGS for one in recipes.cells(dataset)]
    there = {one: recipes.path(*one) for one in every}
    return {one: json.loads(path.read_text()) for one, path in there.items() if path.exists()}


def _seconds(cell: Cell, base: Cell) -> str:
    """Median seconds of training until the baseline's best validation figure, and how often."""
    took = []
    for run, other in zip(cell["runs"], base["runs"], strict=True):
        points = (p for p in run["curve"] if p.get("valid", 0.0) >= other["best_valid"])
        first = next(points, None)
        if first is not None:
            took.append(first["seconds"])
    if not took:
        return "-"
    return f"{statistics.median(took):.0f} ({len(took)} of {len(cell['runs'])})"


def _row(cell: Cell, base: Cell | None, name: str, figures: str) -> list[str]:
    metric = cell["metric"]
    tests = [run[figures] for run in cell["runs"]]
    easy = percent(spread([one["easy"][metric] for one in tests]))
    ranked = [one["hard"]["mrr"] for one in tests if "hard" in one]
    hard = percent(spread(ranked)) if ranked else "-"
    shown = [f"{cell['dataset']} ({metric})", cell["encoder"], name, easy, hard]
    if base is None:
        return [*shown, "-", "-"]
    epochs = f"{statistics.median(run['best_epoch'] for run in cell['runs']):.0f}"
    return [*shown, epochs, _seconds(cell, base)]


def block() -> str:
    """The table; empty if nothing was run."""
    found, rows = cells(), []
    for (dataset, encoder, recipe), cell in found.items():
        base = found.get((dataset, encoder, recipes.RECIPES[0]))
        if base is None and recipe != recipes.FREE:
            continue
        if recipe == "auto" and cell["runs"][0]["stack"] is not None:
            rows.append(_row(cell, base, "auto, before it is weighed", "alone"))
        rows.append(_row(cell, base, recipe, "test"))
    if not rows:
        return ""
    one = next(cell for (_, _, recipe), cell in found.items() if recipe == "auto")
    return (
        f"{table(HEADER, rows)}\n\nTest, %, {len(one['runs'])} seeds. Easy: the metric that the "
        "dataset is judged by, against uniform negatives (MCNS's own for arxiv_mcns); hard: MRR "
        "against HeaRT-style ones. Seconds of training, median over seeds, and how many of them "
        f"got there, before heuristics are weighed. {machine(one)}, one thread a process, beside "
        "other work."
    )


def reasons() -> str:
    """What the recipe says of each dataset."""
    told = {one["dataset"]: one["why"] for one in cells().values() if "why" in one}
    return "\n".join(f"* **{dataset}**: {why}" for dataset, why in told.items())
