"""The report page: one self-contained HTML file with sortable tables, light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import plotly.offline

from gneg import files
from gneg.datasets import Reading
from gneg.evaluation.audit.hardness import unit_of
from gneg.evaluation.full_ranks import sentence
from gneg.experiments import parts
from gneg.experiments.parts import marked_part
from gneg.experiments.report import figures
from gneg.experiments.report.style import against_set, best_rows, ranked_sets, trained_rows
from gneg.experiments.report.tables import effects_table, main_table
from gneg.experiments.significance import untested

__all__ = ["page", "write_page"]

#: Title and caption of each figure.
CAPTIONS = {
    "risk-and-hardness": (
        "Hardness and risk of the negatives",
        "Each point is a configuration. Points further right have harder negatives. Points further "
        "up have more held-out edges among their negatives, which training teaches the model to "
        "reject. Lower right are hard negatives at little risk; whether models learn more from "
        "them, the table says. The dotted line is the risk of uniform negatives.",
    ),
    "easy-and-hard": (
        "Easy and hard evaluation",
        "The same models and test edges, ranked against different negatives. Bars are means over "
        "seeds, error bars one standard deviation.",
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
LEVELS = "* p < 0.05, ** p < 0.01, *** p < 0.001 (paired t-test over seeds, Holm-corrected)"
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
        same=parts.shared_parts(results["rows"]),
        table=main_table(results),
        figures=[(name, *_caption(name, results["rows"])) for name in names],
        data={name: _script(plots[name].to_json()) for name in names},
        plotly=plotly.offline.get_plotlyjs(),
        style=_text("page.css"),
        script=_text("page.js"),
        among_all=_among_all(results.get("among_all")),
        budget=_budget(results),
        total=_total(results),
        untested=_sentence(untested(results["seeds"])),
        title=_title(results["effects"]),
        effects=effects_table(results),
        levels=LEVELS,
        marked=marked_part(results["rows"]),
    )


def _caption(name: str, rows: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Return title and caption of a figure, which says so if it leaves rows out."""
    title, caption = CAPTIONS[name]
    if any(row["audit"] and unit_of(row["audit"]) == "triples" for row in rows):
        title = title.replace("nodes", "entities")
        caption = caption.replace("edges", "triples")
    if name == "risk-and-hardness":
        rows = [row for row in rows if row["audit"]]
    elif name == "curves":
        rows = trained_rows(rows)
    else:
        return title, caption
    best = len(best_rows(rows))
    if best < len(rows):
        caption += f" Drawn are the best {best} of {len(rows)} configurations by validation."
    return title, caption


def _title(effects: Sequence[Mapping[str, Any]]) -> str:
    only_negatives = {effect["part"] for effect in effects} <= {parts.PARTS["sampler"]}
    return "Negative samplers compared" if only_negatives else "What each part is worth"


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
    seconds, curves = 0.0, []
    for row in results["rows"]:
        again = row["curves"] in curves  # a stack of a model that stands in another row
        curves.append(row["curves"])
        for run in row["seconds"]:
            seconds += run.get("stacking", 0.0) if again else sum(run.values())
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 3600:.1f} h" if seconds > 5400 else f"{seconds / 60:.0f} min"


def verdict(results: Mapping[str, Any]) -> list[str]:
    """Return the main findings as sentences."""
    rows, reason = results["rows"], untested(results["seeds"])
    sentences = [_sentence(results["best"]["sentence"]), _sentence(results["best"]["advice"])]
    for name in ranked_sets(rows):
        means = [row["summary"][name]["mrr"]["mean"] for row in rows]
        best = parts.row_name(rows[means.index(max(means))], rows)
        sentences.append(
            f"On test, the highest mean MRR {against_set(name)} is {100 * max(means):.2f} %, by "
            f"{best}."
        )
        if not reason and results["effects"]:
            sentences.append(_significant(results["effects"], name))
    sentences += [parts.mixed(results["effects"]), _sentence(reason)]
    heuristics = results["heuristics"]
    # They are not ranked among all targets of a large graph.
    ranked = [
        name
        for name in ranked_sets(rows)
        if all("mrr" in sets[name] for sets in heuristics.values())
    ]
    if heuristics and ranked:
        name = ranked[-1]
        kind = max(heuristics, key=lambda kind: float(heuristics[kind][name]["mrr"]))
        sentences.append(
            f"The best training-free heuristic {against_set(name)} is {kind}, with an MRR of "
            f"{100 * heuristics[kind][name]['mrr']:.2f} %."
        )
    return [sentence for sentence in sentences if sentence]


def _significant(effects: Sequence[Mapping[str, Any]], name: str) -> str:
    """Return the parts whose effect on MRR is significant, in a sentence."""
    texts = [
        f"{parts.measured(effect)} {parts.change(effect)} "
        f"({100 * effect['tests'][name]['mrr']['difference']:+.2f} points)"
        for effect in effects
        if effect["tests"][name]["mrr"]["mark"]
    ]
    by = f"By MRR {against_set(name)}"
    if not texts:
        return f"{by}, no part makes a difference that is significant over these seeds."
    return f"{by}, what makes a significant difference is: {'; '.join(texts)}."
