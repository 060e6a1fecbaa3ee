"""Tables of the default recipe, from the files under ``results/recipes``."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import cache
from typing import Any

from benchmarks.format import machine, percent, table
from benchmarks.quality import jobs, recipes
from gneg.training.driver import spread

Cell = dict[str, Any]
BASE = recipes.RECIPES[0]
#: MRR on HeaRT's lists, %, by Li et al. (NeurIPS 2023); their split, choice on such lists.
PUBLISHED = {
    "GCN": {"Cora": 16.6, "CiteSeer": 21.1},
    "GraphSAGE": {"Cora": 14.7, "CiteSeer": 21.1},
    "GAE": {"Cora": 18.3, "CiteSeer": 25.3},
    "NCN": {"Cora": 14.7, "CiteSeer": 28.7},
}
HEADER = ["dataset", "encoder", "recipe", "easy", "hard", "best epoch", "s to uniform's best"]


@cache
def cells() -> dict[tuple[str, str, str], Cell]:
    """Every finished cell."""
    every = [one for dataset in recipes.SETTINGS for one in recipes.cells(dataset)]
    return jobs.finished(recipes.path, every)


def _reached(cell: Cell, base: Cell) -> list[float]:
    """Seconds of training until the baseline's best validation figure, of runs that get there."""
    took = []
    for run, other in zip(cell["runs"], base["runs"], strict=True):
        points = (p for p in run["curve"] if p.get("valid", 0.0) >= other["best_valid"])
        first = next(points, None)
        if first is not None:
            took.append(first["seconds"])
    return took


def _seconds(cell: Cell, base: Cell) -> str:
    """The median of them, and how often."""
    took = _reached(cell, base)
    return f"{statistics.median(took):.0f} ({len(took)} of {len(cell['runs'])})" if took else "-"


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
        base = found.get((dataset, encoder, BASE))
        if base is None and recipe != recipes.FREE:
            continue
        if recipe == "auto" and cell["runs"][0]["stack"] is not None:
            rows.append(_row(cell, base, "auto, before it is weighed", "alone"))
        rows.append(_row(cell, base, recipe, "test"))
    if not rows:
        return ""
    autos = {key[0]: cell for key, cell in found.items() if key[2] == "auto"}
    one = next(iter(autos.values()))
    seeds = {name: len(cell["runs"]) for name, cell in autos.items()}
    usual = len(one["runs"])
    more = "".join(f", {count} on {name}" for name, count in seeds.items() if count != usual)
    return (
        f"{table(HEADER, rows)}\n\nTest, %, {usual} seeds{more}. Easy: the metric that the "
        "dataset is judged by, against uniform negatives (MCNS's own for arxiv_mcns); hard: MRR "
        "against HeaRT-style ones. Seconds of training, median over seeds, and how many of them "
        f"got there, before heuristics are weighed. {machine(one)}, one thread a process, beside "
        "other work."
    )


def _mean(cell: Cell, figures: str, kind: str) -> float:
    name = cell["metric"] if kind == "easy" else "mrr"
    return statistics.fmean(100 * run[figures][kind][name] for run in cell["runs"])


def on_published() -> str:
    """MRR on lists as HeaRT's generator makes them, beside published figures."""
    found = cells()
    names = [name for name, setting in recipes.SETTINGS.items() if setting.published]
    rows = [
        [f"{name}, published", *(f"{one[d]:.1f}" for d in names)] for name, one in PUBLISHED.items()
    ]
    kinds = list(dict.fromkeys(key[1:] for key in found if key[0] in names))
    for encoder, recipe in kinds:
        row = []
        for name in names:
            cell = found.get((name, encoder, recipe))
            values = [] if cell is None else [run["test"].get("heart") for run in cell["runs"]]
            there = [one["mrr"] for one in values if one is not None]
            row.append(percent(spread(there)) if there else "-")
        rows.append([f"{encoder}, {recipe}", *row])
    return table(["HeaRT's own lists, MRR, %", *names], rows)


def targets() -> str:
    """What was aimed at in each column, what came of it."""
    found, rows = cells(), []
    for dataset, encoder in dict.fromkeys(key[:2] for key in found):
        both = [found.get((dataset, encoder, recipe)) for recipe in recipes.RECIPES]
        if None in both:
            continue
        base, auto = both
        free = found.get((dataset, "ra", recipes.FREE))
        easy, hard = _mean(auto, "test", "easy"), "-"
        if "hard" in auto["runs"][0]["test"]:
            hard = f"{_mean(auto, 'test', 'hard') / _mean(base, 'test', 'hard'):.2f}"
        row = [f"{dataset} {encoder}", f"{easy / _mean(base, 'test', 'easy'):.2f}"]
        row += ["-" if free is None else f"{easy / _mean(free, 'test', 'easy'):.2f}", hard]
        took, own = _reached(auto, base), statistics.median(_reached(base, base))
        row.append(f"{statistics.median(took) / own:.2f}" if took else "not reached")
        rows.append(row)
    header = ["", "easy", "easy, of RA", "hard", "seconds to its best validation figure"]
    if not rows:
        return ""
    told = "Relative to tuned uniform negatives (the third column: to resource allocation):"
    return f"{told}\n\n{table(header, rows)}"


def aims() -> str:
    """What was aimed at before anything was run, and whether the best encoder gets there."""
    found, rows = cells(), []

    def best(dataset: str, value: Callable[[Cell, Cell], float]) -> float | None:
        pairs = [
            (found.get((dataset, encoder, "auto")), found.get((dataset, encoder, BASE)))
            for encoder in recipes.SETTINGS[dataset].encoders
        ]
        there = [value(auto, base) for auto, base in pairs if auto and base]
        return max(there, default=None)

    def gain(auto: Cell, base: Cell) -> float:
        return _mean(auto, "test", "easy") / _mean(base, "test", "easy")

    def over_both(auto: Cell, base: Cell) -> float:
        free = found.get((auto["dataset"], "ra", recipes.FREE))
        others = [_mean(auto, "alone", "easy"), _mean(base, "test", "easy")]
        others += [] if free is None else [_mean(free, "test", "easy")]
        return _mean(auto, "test", "easy") / max(others)

    def ranked(kind: str) -> Callable[[Cell, Cell], float]:
        return lambda auto, base: _mean(auto, "test", kind)

    asked = [
        ("Cora, MRR on HeaRT's own lists, %", "Cora", ranked("heart"), 20.0),
        ("CiteSeer, MRR on HeaRT's own lists, %", "CiteSeer", ranked("heart"), 30.0),
        ("Cora, MRR against `gneg hardset`'s negatives, %", "Cora", ranked("hard"), 20.0),
        ("CiteSeer, MRR against `gneg hardset`'s negatives, %", "CiteSeer", ranked("hard"), 30.0),
        ("Cora, MRR of tuned uniform's", "Cora", gain, 1.2),
        ("CiteSeer, MRR of tuned uniform's", "CiteSeer", gain, 1.2),
        ("MCNS's Arxiv, AUC, %", "arxiv_mcns", ranked("easy"), 83.5),
        ("dblp2010, Hits@50 of the best of RA, GCN and tuned uniform", "dblp2010", over_both, 1.0),
        ("ogbl-ddi, Hits@20 of tuned uniform's", "ogbl-ddi", gain, 1.0),
    ]
    for text, dataset, value, least in asked:
        reached = best(dataset, value)
        if reached is not None:
            rows.append([text, f"{least:g}", f"{reached:.2f}", "yes" if reached >= least else "no"])
    return table(["aim (best encoder)", "at least", "reached", ""], rows) if rows else ""


def reasons() -> str:
    """What the recipe says of each dataset."""
    told = {one["dataset"]: one["why"] for one in cells().values() if "why" in one}
    return "\n".join(f"* **{dataset}**: {why}" for dataset, why in told.items())
