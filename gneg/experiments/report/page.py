"""One self-contained page: no network, light and dark, tables that sort."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import plotly.offline

from gneg import files
from gneg.experiments.report import figures

__all__ = ["page", "write_page"]

#: Title and explanation of each figure.
CAPTIONS = {
    "risk-and-hardness": (
        "Which sampler buys hardness at which risk",
        "Each point is a sampler: to the right its negatives are harder, further up more of them "
        "are held-out edges, which training then teaches the model to reject. The best place is "
        "the lower right. The dotted line is what uniform negatives hit.",
    ),
    "easy-and-hard": (
        "Easy against hard evaluation",
        "The same models and the same test edges, ranked among different negatives. Bars are means "
        "over seeds, whiskers one standard deviation; heuristics need no training.",
    ),
    "curves": (
        "Learning curves",
        "Validation after each evaluation, a line for each seed: by epochs and by seconds of "
        "training (sampling, scoring and the model).",
    ),
    "hardness": (
        "How hard the negatives are",
        "Histograms of the negatives beside those of the held-out edges and of uniform negatives. "
        "Negatives whose outline lies on that of the held-out edges cannot be told from them by "
        "this measure. What a measure does not see stands at 0.",
    ),
    "distances": (
        "How far apart the pairs are",
        "Shortest paths in the training graph.",
    ),
    "time": ("Where the time goes", "Seconds of an epoch, mean over seeds."),
}
ORDER = ("risk-and-hardness", "easy-and-hard", "curves", "hardness", "distances", "time")


def write_page(results: Mapping[str, Any], path: str | Path) -> None:
    """Write the page of a ``compare.json``, whole or not at all."""
    content = page(results)
    files.write_whole(Path(path), lambda temporary: temporary.write_text(content, "utf-8"))


def page(results: Mapping[str, Any]) -> str:
    """The page of a ``compare.json`` as HTML."""
    drawn = figures.comparison(results)
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({"page": _text("page.html")}),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    names = [name for name in ORDER if name in drawn]
    return environment.get_template("page").render(
        results=results,
        verdict=verdict(results),
        table=main_table(results),
        figures=[(name, *CAPTIONS[name]) for name in names],
        data={name: _script(drawn[name].to_json()) for name in names},
        plotly=plotly.offline.get_plotlyjs(),
        style=_text("page.css"),
        script=_text("page.js"),
        budget=_budget(results),
        total=_total(results),
    )


def _text(name: str) -> str:
    return (resources.files("gneg.experiments.report") / name).read_text("utf-8")


def _script(content: str) -> str:
    """JSON that may stand inside a script element."""
    return content.replace("<", "\\u003c")


def _budget(results: Mapping[str, Any]) -> str:
    config = results["config"]
    parts = [f"at most {config['epochs']} epochs"]
    if config["seconds"] is not None:
        parts.append(f"at most {config['seconds']:g} s of training")
    parts.append(f"stopped after {config['patience']} evaluations without progress")
    density = config.get("base_measure", "none")
    if density != "none":
        of = "each sampler" if density == "sampler" else density
        parts.append(f"scores with the log density of {of} added, weighed on validation")
    return ", ".join(parts)


def _total(results: Mapping[str, Any]) -> str:
    seconds = sum(sum(one.values()) for row in results["rows"] for one in row["seconds"])
    return f"{seconds / 3600:.1f} h" if seconds > 5400 else f"{seconds / 60:.0f} min"


def main_table(results: Mapping[str, Any]) -> dict[str, Any]:
    """Columns and rows of the main table; a cell is text, a value to sort by, and a tooltip."""
    first = results["rows"][0]
    sets = list(first["summary"])
    metrics = list(first["summary"][sets[0]])
    columns = [{"name": name, "kind": "text"} for name in ("encoder", "sampler", "loss")]
    columns += [
        {"name": f"{metric} ({name})", "kind": "number", "metric": metric}
        for metric in metrics
        for name in sets
    ]
    columns += [
        {"name": "held-out per 1,000", "kind": "number"},
        {"name": "best epoch", "kind": "number"},
        {"name": "train, s", "kind": "number"},
    ]
    measured = all(None not in row.get("base_weights", [None]) for row in results["rows"])
    if measured:
        columns.append({"name": "weight of log q", "kind": "number"})
    rows = []
    for row in results["rows"]:
        cells: list[dict[str, Any]] = [
            {"text": row[name], "value": row[name]} for name in ("encoder", "sampler", "loss")
        ]
        for metric in metrics:
            for name in sets:
                cells.append(_figure(row, name, metric))
        cells += _costs(row)
        if measured:
            weight = statistics.fmean(row["base_weights"])
            cells.append({"text": f"{weight:.2f}", "value": weight})
        rows.append({"cells": cells, "baseline": row["sampler"] == results["baseline"]})
    for kind, found in results["heuristics"].items():
        cells = [{"text": text, "value": text} for text in (kind, "training-free", "-")]
        cells += [
            {"text": f"{100 * value:.2f}", "value": 100 * value}
            if (value := found[name].get(metric)) is not None
            else {"text": "-", "value": ""}
            for metric in metrics
            for name in sets
        ]
        cells += [{"text": "-", "value": ""}] * (3 + measured)
        rows.append({"cells": cells, "baseline": False})
    return {
        "columns": columns,
        "rows": rows,
        "metrics": metrics,
        "chosen": _chosen(results, metrics),
    }


def _chosen(results: Mapping[str, Any], metrics: list[str]) -> list[str]:
    """Metrics that are shown at first."""
    return [one for one in dict.fromkeys((results["metric"], "mrr", "hits@10")) if one in metrics]


def _figure(row: Mapping[str, Any], name: str, metric: str) -> dict[str, Any]:
    cell = row["summary"][name].get(metric)
    if cell is None:
        return {"text": "-", "value": ""}
    text = f"{100 * cell['mean']:.2f}"
    text += f" ± {100 * cell['std']:.2f}" if cell["std"] is not None else ""
    against = row["against"][name].get(metric)
    tip = ""
    if against is not None and against["corrected_p"] is not None:
        tip = (
            f"{100 * against['difference']:+.2f} points, p = {against['p']:.2g}, "
            f"corrected {against['corrected_p']:.2g}"
        )
    mark = against["mark"] if against else ""
    better = against is not None and against["difference"] > 0
    return {
        "text": text,
        "mark": ("\u2191" if better else "\u2193") + mark if mark else "",
        "kind": ("better" if better else "worse") if mark else "",
        "value": 100 * cell["mean"],
        "tip": tip,
    }


def _costs(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    audited = row["audit"]
    risk = None if audited is None else audited["risk"]["per_1000"]
    epoch = statistics.fmean(row["best_epochs"])
    seconds = statistics.fmean(
        sum(one[part] for part in ("sampling", "scoring", "model")) for one in row["seconds"]
    )
    return [
        {"text": "-", "value": ""} if risk is None else {"text": f"{risk:.2f}", "value": risk},
        {"text": f"{epoch:.0f}", "value": epoch},
        {"text": f"{seconds:.1f}", "value": seconds},
    ]


def verdict(results: Mapping[str, Any]) -> list[str]:
    """What the figures say, in sentences."""
    rows = results["rows"]
    sets = list(rows[0]["summary"])
    metric = "mrr"
    told = []
    for name in sets:
        means = [row["summary"][name][metric]["mean"] for row in rows]
        mean, best = 100 * max(means), rows[means.index(max(means))]
        told.append(
            f"Against {name} negatives the best mean MRR is {mean:.2f} %: {best['sampler']} with "
            f"{best['encoder']} and {best['loss']}."
        )
    others = [row for row in rows if row["sampler"] != results["baseline"]]
    for name in sets if others else []:
        better = [row for row in others if _marked(row, name, metric, 1)]
        worse = [row for row in others if _marked(row, name, metric, -1)]
        told.append(
            f"Against {name} negatives, {len(better)} of {len(others)} rows are significantly "
            f"better than {results['baseline']} and {len(worse)} significantly worse."
        )
    free = results["heuristics"]
    if free:
        name = sets[-1]
        kind = max(free, key=lambda one: free[one][name][metric])
        told.append(
            f"The best training-free heuristic against {name} negatives is {kind} with "
            f"{100 * free[kind][name][metric]:.2f} %."
        )
    return told


def _marked(row: Mapping[str, Any], name: str, metric: str, sign: int) -> bool:
    against = row["against"][name][metric]
    return bool(against["mark"]) and sign * against["difference"] > 0
