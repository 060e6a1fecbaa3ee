"""Tables of the ablation, made from the files under ``results/ablation``."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator
from functools import cache
from typing import Any

from benchmarks.format import load, machine, percent, table
from benchmarks.quality import ablation, jobs
from benchmarks.quality.ablation import HARD, HARD_PAIRS, PLAIN, UNIFORM, UNIFORM_PAIRS
from benchmarks.quality.settings import SETTINGS
from gneg.experiments.significance import interval
from gneg.training.summary import spread

Key = tuple[str, str, str]
#: A model and, after it is stacked, the edges that its stack is fitted on; None: alone.
State = tuple[str, str | None]
#: What is compared with what.
PARTS: dict[str, tuple[State, State]] = {
    "decoder and loss": ((PLAIN, None), (UNIFORM, None)),
    "negatives": ((UNIFORM, None), (HARD, None)),
    "pair features": ((UNIFORM, None), (UNIFORM_PAIRS, None)),
    "stack": ((UNIFORM, None), (UNIFORM, "valid")),
    "all three": ((UNIFORM, None), (HARD_PAIRS, "valid")),
    "negatives, beside a stack": ((UNIFORM, "valid"), (HARD, "valid")),
    "negatives, beside pair features": ((UNIFORM_PAIRS, None), (HARD_PAIRS, None)),
    "negatives, beside both": ((UNIFORM_PAIRS, "valid"), (HARD_PAIRS, "valid")),
}
SETS = {"easy": "easy", "hard": "hard", "all": "among all nodes"}
STACKED_ON = {"train": "training edges", "valid": "validation edges", "both": "both"}
#: Test MRR on HeaRT's lists, %, by Li et al. (NeurIPS 2023): their split, models selected on such
#: lists.
PUBLISHED = {
    "GCN": {"Cora": 16.6, "CiteSeer": 21.1},
    "GraphSAGE": {"Cora": 14.7, "CiteSeer": 21.1},
    "GAE": {"Cora": 18.3, "CiteSeer": 25.3},
    "NCN": {"Cora": 14.7, "CiteSeer": 28.7},
}


@cache
def cells() -> dict[Key, dict[str, Any]]:
    """Return the finished cells by dataset, encoder and model."""
    return jobs.finished(ablation.path, [key for name in SETTINGS for key in ablation.cells(name)])


def pairs() -> list[tuple[str, str]]:
    """Return the datasets and encoders with a finished baseline."""
    return list(dict.fromkeys(key[:2] for key in cells() if key[2] == UNIFORM))


def values(dataset: str, encoder: str, state: State, kind: str) -> list[float] | None:
    """Return the test figures of a model over seeds; None: they were not measured.

    Args:
        dataset: The dataset.
        encoder: The encoder.
        state: The model, alone or stacked.
        kind: Key of :data:`SETS`, or ``heart``. Easy: the dataset's own metric; else MRR.
    """
    cell = cells().get((dataset, encoder, state[0]))
    if cell is None:
        return None
    figures = []
    for run in cell["runs"]:
        tested = run["alone"] if state[1] is None else run["stacked"].get(state[1], {})
        if kind not in tested:
            return None
        figures.append(float(tested[kind][cell["metric"] if kind == "easy" else "mrr"]))
    return figures


def _difference(first: list[float] | None, second: list[float] | None) -> str:
    """Return the mean paired difference in points, with a 95 % t-interval from three seeds on."""
    if first is None or second is None:
        return "-"
    points = [100 * (b - a) for a, b in zip(first, second, strict=True)]
    mean, ends = statistics.fmean(points), interval(points)
    if ends is None:
        return f"{mean:+.2f}"
    half = (ends[1] - ends[0]) / 2
    text = f"{mean:+.2f} ± {half:.2f}"
    return f"**{text}**" if abs(mean) > half else text


def _effects(parts: list[str]) -> Iterator[list[str]]:
    """Yield the rows of what parts are worth."""
    for dataset, encoder in pairs():
        metric = cells()[dataset, encoder, UNIFORM]["metric"]
        for part in parts:
            before, after = PARTS[part]
            differences = [
                _difference(*(values(dataset, encoder, state, kind) for state in (before, after)))
                for kind in SETS
            ]
            if any(text != "-" for text in differences):
                models = [cells()[dataset, encoder, state[0]] for state in (before, after)]
                changed = len({cell["config"]["loss"] for cell in models}) > 1
                name = part.replace("negatives", "negatives and loss") if changed else part
                yield [f"{dataset} ({metric}), {encoder}", name, *differences]


def effects() -> str:
    """Return the table of all parts."""
    rows = list(_effects(list(PARTS)))
    if not cells():
        return ""
    counts = {
        (name, encoder): len(cells()[name, encoder, UNIFORM]["runs"]) for name, encoder in pairs()
    }
    seeds = ", ".join(f"{name} ({encoder}) {count}" for (name, encoder), count in counts.items())
    return (
        f"{table(['dataset, encoder', 'part', *SETS.values()], rows)}\n\nPoints of the test metric "
        "(easy: the dataset's own; else MRR), mean paired difference over seeds ± half of its 95 % "
        f"t-interval (from three seeds on; bold: 0 is outside). Seeds: {seeds}. "
        f"{machine(*cells().values())}, one thread a process, beside other work."
    )


def short() -> str:
    """Return the net effect of negatives, and of the other parts, for the front page."""
    parts = ["negatives", "negatives, beside a stack", "negatives, beside pair features"]
    rows = list(_effects([*parts, "pair features", "stack"]))
    text = (
        "Points, mean paired difference over seeds ± half of its 95 % interval (bold: 0 is "
        "outside). Easy: the dataset's own metric against uniform negatives; hard: MRR against "
        "HeaRT-style ones; among all nodes: filtered MRR."
    )
    return f"{table(['dataset, encoder', 'part', *SETS.values()], rows)}\n\n{text}" if rows else ""


def levels() -> str:
    """Return the test figures of all models."""
    rows = []
    for dataset, encoder in pairs():
        states: list[State] = [(model, None) for model in ablation.MODELS]
        states += [(model, "valid") for model in ablation.MODELS[1:]]
        for model, stack in states:
            row = [values(dataset, encoder, (model, stack), kind) for kind in SETS]
            if any(row):
                name = f"{model}, stack" if stack else model
                figures = ["-" if value is None else percent(spread(value)) for value in row]
                rows.append([f"{dataset}, {encoder}", name, *figures])
    return table(["dataset, encoder", "model", *SETS.values()], rows) if rows else ""


def _reached(cell: dict[str, Any], base: dict[str, Any]) -> tuple[str, str]:
    """Return the median epochs, and seconds, to the baseline's best validation figure.

    The seconds are those epochs times the median epoch of all seeds: runs are paused at times.
    """
    reached, epochs = [], []
    for run, base_run in zip(cell["runs"], base["runs"], strict=True):
        points = (p for p in run["curve"] if p.get("valid", 0.0) >= base_run["best_valid"])
        point = next(points, None)
        if point is not None:
            reached.append(float(point["epoch"]))
        ends = [0.0, *(p["seconds"] for p in run["curve"])]
        epochs += [after - before for before, after in itertools.pairwise(ends)]
    if not reached:
        return "not reached", "-"
    some = f" ({len(reached)} of {len(cell['runs'])})" if len(reached) < len(cell["runs"]) else ""
    median = statistics.median(reached)
    return f"{median:.0f}{some}", f"{median * statistics.median(epochs):.3g}"


def learning() -> str:
    """Return the epochs and seconds of training until uniform's best validation figure."""
    rows = []
    for dataset, encoder in pairs():
        base = cells()[dataset, encoder, UNIFORM]
        hard = cells().get((dataset, encoder, HARD))
        if hard is not None:
            (epochs, seconds), (hard_epochs, hard_seconds) = (
                _reached(c, base) for c in (base, hard)
            )
            row = [f"{dataset}, {encoder}", f"`{hard['config']['sampler']}`"]
            rows.append([*row, epochs, hard_epochs, seconds, hard_seconds])
    header = ["dataset, encoder", "hard negatives", "epochs, uniform", "epochs, hard"]
    return table([*header, "seconds, uniform", "seconds, hard"], rows) if rows else ""


def chosen() -> str:
    """Return what the tuning chose."""
    rows = []
    for dataset, encoder in pairs():
        configs = load(ablation.path(dataset, encoder, ablation.TUNING))["configs"]
        best, hard = configs[UNIFORM], configs[HARD]
        row = [f"{dataset}, {encoder}", f"{best['decoder']}, {best['loss']}"]
        row += [f"`{hard['sampler']}`, {hard['loss']}"]
        paired = configs.get(HARD_PAIRS)
        row.append(f"`{paired['sampler']}`, {paired['loss']}" if paired else "-")
        rows.append(row)
    header = ["dataset, encoder", "decoder, loss of uniform", "hard negatives"]
    return table([*header, "hard negatives with pair features"], rows) if rows else ""


def published() -> str:
    """Return the MRR on lists like those of HeaRT's generator, beside published figures.

    Without a stack on validation edges no figure owes anything to validation labels but the choice
    of epochs and settings.
    """
    names = [name for name, setting in SETTINGS.items() if setting.published]
    rows = [
        [f"{model}, published", *(f"{mrr[name]:.1f}" for name in names)]
        for model, mrr in PUBLISHED.items()
    ]
    states: list[tuple[str, State]] = [(model, (model, None)) for model in ablation.MODELS]
    states += [(f"{UNIFORM}, stack on {text}", (UNIFORM, on)) for on, text in STACKED_ON.items()]
    for text, state in states:
        row = [values(name, "gcn", state, "heart") for name in names]
        if any(row):
            figures = ["-" if value is None else percent(spread(value)) for value in row]
            rows.append([f"gcn, {text}", *figures])
    return table(["HeaRT's own lists, MRR, %", *names], rows)
