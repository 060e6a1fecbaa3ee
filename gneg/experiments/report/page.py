"""The report page: one self-contained HTML file with sortable tables, light and dark."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import plotly.offline

from gneg import files
from gneg.datasets import Reading
from gneg.evaluation.full_ranks import sentence
from gneg.evaluation.metrics import MEAN_RANKS
from gneg.experiments.report import figures
from gneg.experiments.report.style import against_set, ranked_sets
from gneg.experiments.significance import untested

__all__ = ["page", "write_page"]

#: Title and caption of each figure.
CAPTIONS = {
    "risk-and-hardness": (
        "Hardness and risk of the negatives",
        "Each point is a configuration. Points further right have harder negatives. Points further "
        "up have more held-out edges among their negatives, which training teaches the model to "
        "reject. Lower right is best. The dotted line is the risk of uniform negatives.",
    ),
    "easy-and-hard": (
        "Easy and hard evaluation",
        "The same models and test edges, ranked against different negatives. Bars are means over "
        "seeds, error bars one standard deviation. Heuristics are training-free.",
    ),
    "curves": (
        "Learning curves",
        "Validation metric at each evaluation, one line per seed, by epoch and by training time "
        "(sampling, scoring of candidates and model).",
    ),
    "hardness": (
        "Hardness of the negatives",
        "Histograms of the negatives beside those of held-out edges and of uniform negatives. "
        "Where the histograms of negatives and held-out edges coincide, the measure cannot "
        "separate them. Pairs with a value of exactly 0, such as pairs without common neighbours, "
        "have a bin of their own.",
    ),
    "distances": (
        "Distance between the two nodes",
        "Shortest-path distance in the training graph.",
    ),
    "time": ("Training time", "Seconds per epoch, mean over seeds."),
}
ORDER = ("risk-and-hardness", "easy-and-hard", "curves", "hardness", "distances", "time")


def write_page(results: Mapping[str, Any], path: str | Path) -> None:
    """Write the page of a ``compare.json``, atomically."""
    content = page(results)
    files.write_whole(Path(path), lambda temporary: temporary.write_text(content, "utf-8"))


def page(results: Mapping[str, Any]) -> str:
    """Return the page of a ``compare.json`` as HTML."""
    plots = figures.comparison(results)
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({"page": _text("page.html")}),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    names = [name for name in ORDER if name in plots]
    return environment.get_template("page").render(
        results=results,
        verdict=verdict(results),
        graph=_graph(results["dataset"]),
        reading=_reading(results.get("reading")),
        shared=_shared(results["rows"]),
        table=main_table(results),
        figures=[(name, *CAPTIONS[name]) for name in names],
        data={name: _script(plots[name].to_json()) for name in names},
        plotly=plotly.offline.get_plotlyjs(),
        style=_text("page.css"),
        script=_text("page.js"),
        among_all=_among_all(results.get("among_all")),
        budget=_budget(results),
        total=_total(results),
        untested=_sentence(untested(results["seeds"])),
    )


def _sentence(text: str) -> str:
    return text and text[:1].upper() + text[1:] + "."


def _text(name: str) -> str:
    return (resources.files("gneg.experiments.report") / name).read_text("utf-8")


def _script(content: str) -> str:
    """Return JSON escaped for a script element."""
    return content.replace("<", "\\u003c")


def _graph(dataset: Mapping[str, Any]) -> str:
    """Return the sizes of a dataset of links or of triples."""
    if "triples" in dataset:
        unit, size = (
            "triples",
            f"{dataset['entities']:,} entities, {dataset['relations']:,} relations",
        )
    else:
        unit, size = "edges", f"{dataset['nodes']:,} nodes"
    train, valid, test = (f"{dataset[unit][part]:,}" for part in ("train", "valid", "test"))
    return f"{size}; {train} training, {valid} validation, {test} test {unit}"


def _reading(record: dict[str, Any] | None) -> str | None:
    """Return what was understood of the user's own file, without its name."""
    if record is None:
        return None
    return str(Reading.of_record(record)).removeprefix(f"{record['file']}: ")


def _among_all(ranked: Mapping[str, int] | None) -> str | None:
    """Return what was ranked among all nodes."""
    return None if ranked is None else sentence(ranked)


def _shared(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the settings that all rows share."""
    first = rows[0]["config"]
    return {
        name: value
        for name, value in first.items()
        if all(row["config"][name] == value for row in rows)
    }


def _budget(results: Mapping[str, Any]) -> str:
    config = results["config"]
    parts = [f"at most {config['epochs']} epochs"]
    if config["seconds"] is not None:
        parts.append(f"at most {config['seconds']:g} s of training")
    parts.append(f"early stopping after {config['patience']} evaluations without improvement")
    density = config.get("base_measure", "none")
    if density != "none":
        source = "each sampler" if density == "sampler" else density
        parts.append(f"the log density of {source} added to scores, its weight set on validation")
    return ", ".join(parts)


def _total(results: Mapping[str, Any]) -> str:
    seconds = sum(sum(run.values()) for row in results["rows"] for run in row["seconds"])
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 3600:.1f} h" if seconds > 5400 else f"{seconds / 60:.0f} min"


def main_table(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns and rows of the main table: cells have a text, a sort value and a tooltip."""
    first = results["rows"][0]
    sets = list(first["summary"])
    metrics = list(dict.fromkeys(metric for name in sets for metric in first["summary"][name]))
    measured_on = [
        (metric, name) for metric in metrics for name in sets if metric in first["summary"][name]
    ]
    columns = [{"name": name, "kind": "text"} for name in ("encoder", "sampler", "loss")]
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
    rows = []
    for row in results["rows"]:
        cells: list[dict[str, Any]] = [
            {"text": row[name], "value": row[name]} for name in ("encoder", "sampler", "loss")
        ]
        cells += [_metric_cell(row, name, metric) for metric, name in measured_on]
        cells += _cost_cells(row)
        if measured:
            weight = statistics.fmean(row["base_weights"])
            cells.append({"text": f"{weight:.2f}", "value": weight})
        rows.append({"cells": cells, "baseline": row["sampler"] == results["baseline"]})
    for kind, values in results["heuristics"].items():
        cells = [{"text": text, "value": text} for text in (kind, "training-free", "-")]
        cells += [
            {"text": f"{100 * value:.2f}", "value": 100 * value}
            if (value := values[name].get(metric)) is not None
            else {"text": "-", "value": ""}
            for metric, name in measured_on
        ]
        cells += [{"text": "-", "value": ""}] * (3 + measured)
        rows.append({"cells": cells, "baseline": False})
    return {
        "columns": columns,
        "rows": rows,
        "metrics": metrics,
        "visible": _visible_metrics(results, metrics),
    }


def _visible_metrics(results: Mapping[str, Any], metrics: list[str]) -> list[str]:
    """Return the metrics whose columns are visible when the page opens."""
    names = dict.fromkeys((results["metric"], "mrr", "hits@10", "accuracy"))
    return [name for name in names if name in metrics]


def _metric_cell(row: Mapping[str, Any], name: str, metric: str) -> dict[str, Any]:
    cell = row["summary"][name].get(metric)
    if cell is None:
        return {"text": "-", "value": ""}
    ranks = metric in MEAN_RANKS
    scale, unit = (1, "") if ranks else (100, " points")
    text = f"{scale * cell['mean']:.2f}"
    text += f" ± {scale * cell['std']:.2f}" if cell["std"] is not None else ""
    against = row["against"][name].get(metric)
    tip = ""
    if against is not None and against["corrected_p"] is not None:
        tip = (
            f"difference {scale * against['difference']:+.2f}{unit}, p = {against['p']:.2g}, "
            f"Holm-corrected p = {against['corrected_p']:.2g}"
        )
    mark = against["mark"] if against else ""
    better = against is not None and (against["difference"] < 0) == ranks
    return {
        "text": text,
        "mark": ("\u2191" if better else "\u2193") + mark if mark else "",
        "kind": ("better" if better else "worse") if mark else "",
        "value": scale * cell["mean"],
        "tip": tip,
    }


def _cost_cells(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    audited = row["audit"]
    risk = None if audited is None else audited["risk"]["per_1000"]
    epoch = statistics.fmean(row["best_epochs"])
    seconds = statistics.fmean(
        sum(run[part] for part in ("sampling", "scoring", "model")) for run in row["seconds"]
    )
    return [
        {"text": "-", "value": ""} if risk is None else {"text": f"{risk:.2f}", "value": risk},
        {"text": f"{epoch:.0f}", "value": epoch},
        {"text": f"{seconds:.1f}", "value": seconds},
    ]


def verdict(results: Mapping[str, Any]) -> list[str]:
    """Return the main findings as sentences."""
    rows, baseline = results["rows"], results["baseline"]
    sets = ranked_sets(rows)
    metric, reason = "mrr", untested(results["seeds"])
    sentences = []
    for name in sets:
        means = [row["summary"][name][metric]["mean"] for row in rows]
        mean, best = 100 * max(means), rows[means.index(max(means))]
        sentences.append(
            f"The highest mean MRR {against_set(name)} is {mean:.2f} %, by the sampler "
            f"{best['sampler']} with {best['encoder']} and {best['loss']} loss."
        )
    compared = [row for row in rows if row["sampler"] != baseline and not reason]
    for name in sets if compared else []:
        better = [row for row in compared if _is_significant(row, name, metric, 1)]
        worse = [row for row in compared if _is_significant(row, name, metric, -1)]
        sentences.append(
            f"By MRR {against_set(name)}, {len(better)} of {len(compared)} configurations are "
            f"significantly better than the baseline {baseline}, {len(worse)} significantly worse."
        )
    if reason:
        sentences.append(_sentence(reason))
    heuristics = results["heuristics"]
    if heuristics:
        name = sets[-1]
        kind = max(heuristics, key=lambda kind: float(heuristics[kind][name][metric]))
        sentences.append(
            f"The best training-free heuristic {against_set(name)} is {kind}, with an MRR of "
            f"{100 * heuristics[kind][name][metric]:.2f} %."
        )
    return sentences


def _is_significant(row: Mapping[str, Any], name: str, metric: str, sign: int) -> bool:
    against = row["against"][name][metric]
    return bool(against["mark"]) and sign * against["difference"] > 0
