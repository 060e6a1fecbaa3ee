"""The tables of the report page: cells with a text, a sort value, a mark and a tooltip."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from gneg.evaluation.metrics import MEAN_RANKS
from gneg.experiments import parts
from gneg.experiments.parts import marked_part
from gneg.experiments.significance import untested

MOST_COLUMNS = 6  # of metrics, that fit beside the others on a screen of 1,366 pixels
NONE = {"text": "-", "value": ""}  # a cell without a figure


def main_table(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns and rows of the main table: cells have a text, a sort value and a tooltip."""
    first = results["rows"][0]
    sets = list(first["summary"])
    metrics = list(dict.fromkeys(metric for name in sets for metric in first["summary"][name]))
    measured_on = [
        (metric, name) for metric in metrics for name in sets if metric in first["summary"][name]
    ]
    named, part = parts.columns(results["rows"]), marked_part(results["rows"])
    columns = [{"name": head, "kind": "text"} for head in named.values()]
    columns.append({"name": f"{results['metric']} (valid)", "kind": "number"})
    columns += [
        {"name": f"{metric} ({name})", "kind": "number", "metric": metric}
        for metric, name in measured_on
    ]
    columns += [
        {"name": "held-out per 1,000", "kind": "number"},
        {"name": "best epoch", "kind": "number"},
        {"name": "time, s", "kind": "number"},
    ]
    measured = all(None not in row.get("base_weights", [None]) for row in results["rows"])
    if measured:
        columns.append({"name": "weight of log q", "kind": "number"})
    rows: list[dict[str, Any]] = []
    for row in results["rows"]:
        cells = [_text_cell(parts.cell(name, row)) for name in named]
        cells.append(_percent_cell(statistics.fmean(row["valid"])))
        cells += [_metric_cell(row, name, metric, part) for metric, name in measured_on]
        cells += _cost_cells(row)
        if measured:
            weight = statistics.fmean(row["base_weights"])
            cells.append({"text": f"{weight:.2f}", "value": weight})
        rows.append({"cells": cells, "baseline": not row["against"]})
    for kind, values in results["heuristics"].items():
        texts = [kind, "training-free", *["-"] * len(named)][: len(named)]
        cells = [_text_cell(text) for text in texts]
        cells.append(_percent_cell(results.get("heuristics_valid", {}).get(kind)))
        cells += [_percent_cell(values[name].get(metric)) for metric, name in measured_on]
        cells += [NONE] * (3 + measured)
        rows.append({"cells": cells, "baseline": False})
    return {
        "columns": columns,
        "rows": rows,
        "metrics": metrics,
        "visible": _visible_metrics(results, metrics, len(sets)),
    }


def _visible_metrics(results: Mapping[str, Any], metrics: list[str], sets: int) -> list[str]:
    """Return the metrics whose columns are visible when the page opens, as many as it has room."""
    names = dict.fromkeys((results["metric"], "mrr", "hits@10", "accuracy"))
    return [name for name in names if name in metrics][: max(1, MOST_COLUMNS // max(sets, 1))]


def _text_cell(text: str) -> dict[str, Any]:
    return {"text": text, "value": text}


def _percent_cell(value: float | None) -> dict[str, Any]:
    if value is None:
        return NONE
    return {"text": f"{100 * value:.2f}", "value": 100 * value}


def _metric_cell(
    row: Mapping[str, Any], name: str, metric: str, part: str | None
) -> dict[str, Any]:
    """Return mean and deviation, the tests in a tooltip, and a mark if one part alone is tested."""
    cell = row["summary"][name].get(metric)
    if cell is None:
        return NONE
    scale = _scale(metric)
    text = f"{scale * cell['mean']:.2f}"
    text += f" ± {scale * cell['std']:.2f}" if cell["std"] is not None else ""
    tests = {key: tested["tests"][name][metric] for key, tested in row["against"].items()}
    marked = tests.get(part or "")
    return {
        "text": text,
        "value": scale * cell["mean"],
        "tip": "; ".join(
            f"{key}: {_difference(test, metric)}, p = {test['p']:.2g}, Holm-corrected p = "
            f"{test['corrected_p']:.2g}"
            for key, test in tests.items()
            if test["corrected_p"] is not None
        ),
        **(_mark(marked, metric) if marked is not None else {}),
    }


def _scale(metric: str) -> int:
    return 1 if metric in MEAN_RANKS else 100


def _mark(test: Mapping[str, Any], metric: str) -> dict[str, str]:
    """Return the arrow and the stars of a significant difference, and whether it is better."""
    if not test["mark"]:
        return {"mark": "", "kind": ""}
    better = (test["difference"] < 0) == (metric in MEAN_RANKS)
    arrow = "\u2191" if better else "\u2193"
    return {"mark": arrow + test["mark"], "kind": "better" if better else "worse"}


def _difference(test: Mapping[str, Any], metric: str) -> str:
    """Return a difference with its interval, if there is one: ``+1.20 (+0.88 to +1.52)``."""
    values = [test[key] for key in ("difference", "low", "high")]
    texts = [f"{_scale(metric) * value:+.2f}" for value in values if value is not None]
    return texts[0] + (f" ({texts[1]} to {texts[2]})" if len(texts) > 1 else "")


def effects_table(results: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return heads and rows of the table of what each part is worth; None without tests."""
    if untested(results["seeds"]) or not results["effects"]:
        return None
    metrics = dict.fromkeys((results["metric"], "mrr"))
    tests = results["effects"][0]["tests"]
    columns = [(metric, name) for metric in metrics for name in tests if metric in tests[name]]
    rows = []
    for effect in results["effects"]:
        measured = [(effect["tests"][name][metric], metric) for metric, name in columns]
        cells = [{"text": _difference(*pair), **_mark(*pair)} for pair in measured]
        named = {"part": parts.measured(effect), "change": parts.change(effect)}
        rows.append({**effect, **named, "cells": cells})
    heads = [f"{metric} ({name})" for metric, name in columns]
    return {"heads": heads, "rows": rows, "apart": parts.apart(results["effects"])}


def _cost_cells(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    audited = row["audit"]
    risk = None if audited is None else audited["risk"]["per_1000"]
    epoch = statistics.fmean(row["best_epochs"])
    seconds = parts.mean_seconds(row)
    return [
        NONE if risk is None else {"text": f"{risk:.2f}", "value": risk},
        {"text": f"{epoch:.0f}", "value": epoch},
        {"text": f"{seconds:.1f}", "value": seconds},
    ]
