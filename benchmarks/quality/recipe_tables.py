"""Tables of the default recipe, made from the files under ``results/recipes``."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import cache
from typing import Any

from benchmarks.format import machine, percent, table
from benchmarks.quality import jobs, recipes
from gneg.training.summary import spread

Cell = dict[str, Any]
BASE = recipes.RECIPES[0]
#: Test MRR on HeaRT's lists, %, by Li et al. (NeurIPS 2023): their split, models selected on such
#: lists.
PUBLISHED = {
    "GCN": {"Cora": 16.6, "CiteSeer": 21.1},
    "GraphSAGE": {"Cora": 14.7, "CiteSeer": 21.1},
    "GAE": {"Cora": 18.3, "CiteSeer": 25.3},
    "NCN": {"Cora": 14.7, "CiteSeer": 28.7},
}
HEADER = ["dataset", "encoder", "recipe", "easy", "hard", "best epoch", "s to uniform's best"]


@cache
def cells() -> dict[tuple[str, str, str], Cell]:
    """Return the finished cells by dataset, encoder and recipe."""
    keys = [key for dataset in recipes.SETTINGS for key in recipes.cells(dataset)]
    return jobs.finished(recipes.path, keys)


def _reached(cell: Cell, base: Cell) -> list[float]:
    """Return the seconds until the baseline's best validation figure, of runs that reach it."""
    seconds = []
    for run, base_run in zip(cell["runs"], base["runs"], strict=True):
        points = (p for p in run["curve"] if p.get("valid", 0.0) >= base_run["best_valid"])
        first = next(points, None)
        if first is not None:
            seconds.append(first["seconds"])
    return seconds


def _seconds(cell: Cell, base: Cell) -> str:
    """Return the median of :func:`_reached` and the number of runs that it counts."""
    seconds, runs = _reached(cell, base), len(cell["runs"])
    return f"{statistics.median(seconds):.0f} ({len(seconds)} of {runs})" if seconds else "-"


def _row(cell: Cell, base: Cell | None, name: str, figures: str) -> list[str]:
    """Return the row of a cell.

    Args:
        cell: The cell.
        base: The cell of the baseline; None: there is none.
        name: The name of the recipe.
        figures: Metrics to show: ``test``, or ``alone`` for those before stacking.
    """
    metric = cell["metric"]
    tests = [run[figures] for run in cell["runs"]]
    easy = percent(spread([test["easy"][metric] for test in tests]))
    hard = [test["hard"]["mrr"] for test in tests if "hard" in test]
    row = [f"{cell['dataset']} ({metric})", cell["encoder"], name, easy]
    row.append(percent(spread(hard)) if hard else "-")
    if base is None:
        return [*row, "-", "-"]
    epochs = f"{statistics.median(run['best_epoch'] for run in cell['runs']):.0f}"
    return [*row, epochs, _seconds(cell, base)]


def block() -> str:
    """Return the table of all cells; empty if nothing was run."""
    finished, rows = cells(), []
    for (dataset, encoder, recipe), cell in finished.items():
        base = finished.get((dataset, encoder, BASE))
        if base is None and recipe != recipes.FREE:
            continue
        if recipe == "auto" and cell["runs"][0]["stack"] is not None:
            rows.append(_row(cell, base, "auto, before it is weighed", "alone"))
        rows.append(_row(cell, base, recipe, "test"))
    if not rows:
        return ""
    autos = {key[0]: cell for key, cell in finished.items() if key[2] == "auto"}
    first = next(iter(autos.values()))
    seeds = {name: len(cell["runs"]) for name, cell in autos.items()}
    usual = len(first["runs"])
    exceptions = "".join(f", {count} on {name}" for name, count in seeds.items() if count != usual)
    return (
        f"{table(HEADER, rows)}\n\nTest, %, {usual} seeds{exceptions}. Easy: the metric that the "
        "dataset is judged by, against uniform negatives (MCNS's own for arxiv_mcns); hard: MRR "
        "against HeaRT-style ones. Seconds of training, median over seeds, and how many of them "
        f"got there, before heuristics are weighed. {machine(first)}, one thread a process, beside "
        "other work."
    )


def _mean(cell: Cell, figures: str, kind: str) -> float:
    """Return the mean over seeds, in %, of the main metric against a kind of negatives."""
    name = cell["metric"] if kind == "easy" else "mrr"
    return statistics.fmean(100 * run[figures][kind][name] for run in cell["runs"])


def on_published() -> str:
    """Return the MRR on lists like those of HeaRT's generator, beside published figures."""
    finished = cells()
    names = [name for name, setting in recipes.SETTINGS.items() if setting.published]
    rows = [
        [f"{model}, published", *(f"{mrr[name]:.1f}" for name in names)]
        for model, mrr in PUBLISHED.items()
    ]
    kinds = list(dict.fromkeys(key[1:] for key in finished if key[0] in names))
    for encoder, recipe in kinds:
        row = []
        for name in names:
            cell = finished.get((name, encoder, recipe))
            tests = [] if cell is None else [run["test"] for run in cell["runs"]]
            values = [test["heart"]["mrr"] for test in tests if "heart" in test]
            row.append(percent(spread(values)) if values else "-")
        rows.append([f"{encoder}, {recipe}", *row])
    return table(["HeaRT's own lists, MRR, %", *names], rows)


def targets() -> str:
    """Return the recipe's figures relative to those of tuned uniform negatives."""
    finished, rows = cells(), []
    for dataset, encoder in dict.fromkeys(key[:2] for key in finished):
        base, auto = (finished.get((dataset, encoder, recipe)) for recipe in recipes.RECIPES)
        if base is None or auto is None:
            continue
        free = finished.get((dataset, "ra", recipes.FREE))
        easy, hard = _mean(auto, "test", "easy"), "-"
        if "hard" in auto["runs"][0]["test"]:
            hard = f"{_mean(auto, 'test', 'hard') / _mean(base, 'test', 'hard'):.2f}"
        row = [f"{dataset} {encoder}", f"{easy / _mean(base, 'test', 'easy'):.2f}"]
        row += ["-" if free is None else f"{easy / _mean(free, 'test', 'easy'):.2f}", hard]
        seconds, base_seconds = _reached(auto, base), statistics.median(_reached(base, base))
        row.append(f"{statistics.median(seconds) / base_seconds:.2f}" if seconds else "not reached")
        rows.append(row)
    header = ["", "easy", "easy, of RA", "hard", "seconds to its best validation figure"]
    if not rows:
        return ""
    title = "Relative to tuned uniform negatives (the third column: to resource allocation):"
    return f"{title}\n\n{table(header, rows)}"


def aims() -> str:
    """Return the aims that were set before anything was run, and what the best encoder reaches."""
    finished, rows = cells(), []

    def best(dataset: str, value: Callable[[Cell, Cell], float]) -> float | None:
        pairs = [
            (finished.get((dataset, encoder, "auto")), finished.get((dataset, encoder, BASE)))
            for encoder in recipes.SETTINGS[dataset].encoders
        ]
        return max((value(auto, base) for auto, base in pairs if auto and base), default=None)

    def gain(auto: Cell, base: Cell) -> float:
        return _mean(auto, "test", "easy") / _mean(base, "test", "easy")

    def over_both(auto: Cell, base: Cell) -> float:
        free = finished.get((auto["dataset"], "ra", recipes.FREE))
        rivals = [_mean(auto, "alone", "easy"), _mean(base, "test", "easy")]
        rivals += [] if free is None else [_mean(free, "test", "easy")]
        return _mean(auto, "test", "easy") / max(rivals)

    def ranked(kind: str) -> Callable[[Cell, Cell], float]:
        return lambda auto, base: _mean(auto, "test", kind)

    goals = [
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
    for text, dataset, value, least in goals:
        reached = best(dataset, value)
        if reached is not None:
            rows.append([text, f"{least:g}", f"{reached:.2f}", "yes" if reached >= least else "no"])
    return table(["aim (best encoder)", "at least", "reached", ""], rows) if rows else ""


def reasons() -> str:
    """Return the recipe's reasons for its choice on each dataset."""
    # Records of the first measurements call them "why".
    autos = {key[0]: cell for key, cell in cells().items() if key[2] == "auto"}
    texts = {name: cell.get("reasons") or cell["why"] for name, cell in autos.items()}
    return "\n".join(f"* **{dataset}**: {text}" for dataset, text in texts.items())
