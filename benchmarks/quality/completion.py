"""Tables of knowledge-graph completion, from the files under ``results/kg``."""

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
#: MRR of Bernoulli's negatives and of NSCaching's in its paper, table 4.
PUBLISHED = {
    ("fb15k237", "transe"): (25.6, 29.9),
    ("wn18rr", "transe"): (17.8, 20.0),
    ("fb15k237", "complex"): (26.0, 30.2),
}


@cache
def cells() -> list[Cell]:
    """Every finished cell, by dataset and model in the order of the settings."""
    found = [json.loads(path.read_text()) for path in sorted(kg.RESULTS.glob("*.json"))]
    order = list(kg.SETTINGS)
    return sorted(
        found,
        key=lambda one: (order.index(_column(one)), -one["summary"]["test"]["mrr"]["mean"]),
    )


def _column(one: Cell) -> tuple[str, str]:
    return one["dataset"]["name"], one["config"]["model"]


def _reached(one: Cell, best: float) -> list[str]:
    """Epochs and seconds until a validation MRR of ``best``."""
    for point in one["runs"][0]["curve"]:
        if point.get("valid", 0.0) >= best:
            return [str(point["epoch"]), f"{point['seconds']:.0f}"]
    return ["-", "-"]


def block(dataset: str, model: str) -> str:
    """The table of a dataset and model; empty if nothing was run."""
    mine = [one for one in cells() if _column(one) == (dataset, model)]
    if not mine:
        return ""
    base = next((one for one in mine if one["strategy"] == BASE), mine[-1])
    best = max(point.get("valid", 0.0) for point in base["runs"][0]["curve"])
    verified = all("classification" in one["summary"] for one in mine)
    tried = max((list(one.get("tried", ())) for one in mine), key=len)
    several = len(tried) > 1
    rows = []
    for one in mine:
        test = one["summary"]["test"]
        sampler = one["config"]["sampler"].replace("|", "\\|")  # else it would end the cell
        row = [one["strategy"], f"`{sampler}`"]
        row += [f"{100 * test[name]['mean']:.1f}" for name in ("mrr", "hits@10")]
        row += [*_reached(one, best), f"{one['runs'][0]['false_negatives_per_1000']:.2f}"]
        if several:
            row.append(f"{one['config']['n3']:g}")
        if verified:
            told = one["summary"]["classification"]
            row += [f"{100 * told[name]['mean']:.1f}" for name in ("accuracy", "f1")]
        rows.append(row)
    config, sizes = mine[0]["config"], mine[0]["dataset"]
    published = ""
    if (dataset, model) in PUBLISHED:
        low, high = PUBLISHED[dataset, model]
        published = f" NSCaching's paper: {BASE} {low}, NSCaching {high}."
    weights = f"of {' or '.join(tried)} by validation" if several else f"{config['n3']:g}"
    note = (
        f"Epochs and s: until the best validation MRR of {base['strategy']} (seconds of training, "
        f"one thread). Width {config['dim']}, {config['k']} negative a positive, batches of "
        f"{config['batch_size']:,}, loss {config['loss']}, Adam with {config['lr']}, N3 "
        f"{weights}, {config['epochs']} epochs, {len(mine[0]['runs'])} seed; both ends ranked "
        f"among all {sizes['entities']:,} entities, known triples filtered.{published} "
        f"{machine(mine[0])}."
    )
    header = HEADER + ["N3"] * several + VERIFIED * verified
    return f"**{model} on {dataset}**, test, %\n\n{table(header, rows)}\n\n{note}"


def blocks() -> str:
    """All tables."""
    datasets, models = (list(dict.fromkeys(key[i] for key in kg.SETTINGS)) for i in (0, 1))
    found = [block(*column) for column in itertools.product(datasets, models)]
    return "\n\n".join(one for one in found if one)
