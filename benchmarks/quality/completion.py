"""Tables of knowledge-graph completion, made from the files under ``results/kg``."""

from __future__ import annotations

import itertools
import json
from functools import cache
from typing import Any

from benchmarks.format import machine, table
from benchmarks.quality import kg

Cell = dict[str, Any]
BASE = "Bernoulli"
HEADER = ["strategy", "negatives", "MRR", "Hits@10", "epochs", "s", "held-out per 1,000"]
VERIFIED = ["accuracy", "F1"]
#: MRR, %, of Bernoulli's and of NSCaching's negatives in NSCaching's paper, table 4.
PUBLISHED = {
    ("fb15k237", "transe"): (25.6, 29.9),
    ("wn18rr", "transe"): (17.8, 20.0),
    ("fb15k237", "complex"): (26.0, 30.2),
}


@cache
def cells() -> list[Cell]:
    """Return the finished cells, by dataset and model in the order of the settings."""
    records = [json.loads(path.read_text()) for path in sorted(kg.RESULTS.glob("*.json"))]
    order = list(kg.SETTINGS)
    return sorted(
        records,
        key=lambda cell: (order.index(_column(cell)), -cell["summary"]["test"]["mrr"]["mean"]),
    )


def _column(cell: Cell) -> tuple[str, str]:
    """Return dataset and model of a cell."""
    return cell["dataset"]["name"], cell["config"]["model"]


def _reached(cell: Cell, best: float) -> list[str]:
    """Return the epochs and the seconds until a validation MRR of ``best``."""
    for point in cell["runs"][0]["curve"]:
        if point.get("valid", 0.0) >= best:
            return [str(point["epoch"]), f"{point['seconds']:.0f}"]
    return ["-", "-"]


def block(dataset: str, model: str) -> str:
    """Return the table of a dataset and model; empty if nothing was run."""
    column = [cell for cell in cells() if _column(cell) == (dataset, model)]
    if not column:
        return ""
    base = next((cell for cell in column if cell["strategy"] == BASE), column[-1])
    best = max(point.get("valid", 0.0) for point in base["runs"][0]["curve"])
    verified = all("classification" in cell["summary"] for cell in column)
    tried = max((list(cell.get("tried", ())) for cell in column), key=len)
    several = len(tried) > 1
    rows = []
    for cell in column:
        test = cell["summary"]["test"]
        sampler = cell["config"]["sampler"].replace("|", "\\|")  # else it would end the cell
        row = [cell["strategy"], f"`{sampler}`"]
        row += [f"{100 * test[name]['mean']:.1f}" for name in ("mrr", "hits@10")]
        row += [*_reached(cell, best), f"{cell['runs'][0]['false_negatives_per_1000']:.2f}"]
        if several:
            row.append(f"{cell['config']['n3']:g}")
        if verified:
            classification = cell["summary"]["classification"]
            row += [f"{100 * classification[name]['mean']:.1f}" for name in ("accuracy", "f1")]
        rows.append(row)
    config, sizes = column[0]["config"], column[0]["dataset"]
    published = ""
    if (dataset, model) in PUBLISHED:
        low, high = PUBLISHED[dataset, model]
        published = f" NSCaching's paper: {BASE} {low}, NSCaching {high}."
    weights = f"of {' or '.join(tried)} by validation" if several else f"{config['n3']:g}"
    note = (
        f"Epochs and s: until the best validation MRR of {base['strategy']} (seconds of training, "
        f"one thread). Width {config['dim']}, {config['k']} negative a positive, batches of "
        f"{config['batch_size']:,}, loss {config['loss']}, Adam with {config['lr']}, N3 "
        f"{weights}, {config['epochs']} epochs, {len(column[0]['runs'])} seed; both ends ranked "
        f"among all {sizes['entities']:,} entities, known triples filtered.{published} "
        f"{machine(*column)}."
    )
    header = HEADER + ["N3"] * several + VERIFIED * verified
    return f"**{model} on {dataset}**, test, %\n\n{table(header, rows)}\n\n{note}"


def blocks() -> str:
    """Return the tables of all datasets and models."""
    datasets, models = (list(dict.fromkeys(key[i] for key in kg.SETTINGS)) for i in (0, 1))
    texts = [block(*column) for column in itertools.product(datasets, models)]
    return "\n\n".join(text for text in texts if text)
