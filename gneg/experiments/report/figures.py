"""The Plotly figures of a comparison or an audit."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gneg.evaluation.audit.hardness import NAMES, unit_of
from gneg.experiments.report.style import (
    COLORS,
    DASHES,
    EASY,
    SYMBOLS,
    TIMES,
    against_set,
    best_rows,
    button,
    by_encoder,
    colors_of,
    height_of,
    labels,
    ranked_sets,
    row_colors,
    styled,
    trained_rows,
    with_menu,
    wrapped,
)


def comparison(results: Mapping[str, Any]) -> dict[str, go.Figure]:
    """Return all figures of a ``compare.json``, by name."""
    audited = [row for row in results["rows"] if row["audit"]]
    plots = {"easy-and-hard": easy_and_hard(results)}
    if audited:
        plots["risk-and-hardness"] = risk_and_hardness(results)
    plots["curves"] = curves(results)
    if audited:
        plots["hardness"] = hardness(audited)
        plots["distances"] = distances(audited)
    plots["time"] = time_split(results)
    return plots


def easy_and_hard(results: Mapping[str, Any]) -> go.Figure:
    """Plot mean and deviation of MRR against each set, a group of bars for each row."""
    rows = results["rows"]
    figure = go.Figure()
    names = ranked_sets(rows)
    heuristics = results["heuristics"]
    ticks = labels(rows) + list(heuristics)
    for i, name in enumerate(names):
        cells = [row["summary"][name]["mrr"] for row in rows]
        # Heuristics are not ranked among all targets of a large graph.
        training_free = [100 * sets[name].get("mrr", 0) for sets in heuristics.values()]
        figure.add_bar(
            name=against_set(name),
            y=ticks,
            x=[100 * cell["mean"] for cell in cells] + training_free,
            error_x={
                "type": "data",
                "array": [100 * (cell["std"] or 0) for cell in cells] + [None] * len(training_free),
                "thickness": 1.2,
            },
            orientation="h",
            marker_color=COLORS[i],
            hovertemplate="%{y}<br>MRR %{x:.2f} %<extra>" + name + "</extra>",
        )
    figure.update_xaxes(title="test MRR, %", rangemode="tozero")
    figure.update_yaxes(autorange="reversed", dtick=1)
    styled(figure, height_of(ticks))
    return figure.update_layout(barmode="group")


def drawn(
    rows: Sequence[Mapping[str, Any]], among: Sequence[Mapping[str, Any]]
) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Return the best rows by validation and their labels.

    Args:
        rows: The rows that can be drawn.
        among: All rows, among which the labels tell them apart.
    """
    texts = {id(row): text for row, text in zip(among, labels(among), strict=True)}
    best = best_rows(rows)
    return best, [texts[id(row)] for row in best]


def risk_and_hardness(results: Mapping[str, Any]) -> go.Figure:
    """Plot held-out positives per 1,000 negatives against their hardness, by any measure."""
    audited = [row for row in results["rows"] if row["audit"]]
    rows, names = drawn(audited, results["rows"])
    colors, symbols = row_colors(rows), by_encoder(rows, SYMBOLS)
    held_out = f"held-out {unit_of(rows[0]['audit'])}"
    measures = [name for name in NAMES if name in rows[0]["audit"]["hardness"]]
    measures = [name for name in measures if name not in ("degree", "pa", "score")]
    axes = [
        (
            f"mean {NAMES[name]} of negatives, relative to {held_out}",
            NAMES[name],
            [_relative_hardness(row, name) for row in rows],
        )
        for name in measures
    ]
    violating = "negatives scored above their positive, %"
    axes.append((violating, violating, [100 * row["audit"]["violating"] for row in rows]))
    hard = ranked_sets(rows)[-1]
    figure = go.Figure()
    for i, (row, label) in enumerate(zip(rows, names, strict=True)):
        risk = row["audit"]["risk"]
        figure.add_scatter(
            name=label,
            x=[axes[0][2][i]],
            y=[risk["per_1000"]],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [risk["high"] - risk["per_1000"]],
                "arrayminus": [risk["per_1000"] - risk["low"]],
                "thickness": 1.2,
            },
            mode="markers",
            marker={
                "color": colors[i],
                "symbol": symbols[row["encoder"]],
                "size": 14,
                "line": {"width": 1, "color": "rgba(128,128,128,0.8)"},
            },
            hovertemplate=(
                f"{label}<br>%{{y:.2f}} {held_out} per 1,000<br>hardness %{{x:.3g}}<br>"
                f"MRR {against_set(hard)}: {100 * row['summary'][hard]['mrr']['mean']:.2f} %"
                "<extra></extra>"
            ),
        )
    easy = rows[0]["audit"]["risk"]["uniform_per_1000"]
    figure.add_hline(y=easy, line_dash="dot", line_color="rgba(128,128,128,0.9)")
    figure.add_annotation(
        x=1, xref="paper", y=easy, text="uniform", showarrow=False, yshift=10, xanchor="right"
    )
    buttons = [
        button(name, {"x": [[value] for value in values]}, {"xaxis.title.text": title})
        for title, name, values in axes
    ]
    figure.update_xaxes(title=axes[0][0])
    figure.update_yaxes(title=f"{held_out} per 1,000 negatives")
    return with_menu(styled(figure, 520), buttons)


def _relative_hardness(row: Mapping[str, Any], name: str) -> float:
    """Return the mean of a measure over negatives, divided by that over held-out positives."""
    groups = row["audit"]["hardness"][name]
    positive: float = groups["positives"]["mean"]
    return float(groups["negatives"]["mean"]) / positive if positive else 0.0


def curves(results: Mapping[str, Any]) -> go.Figure:
    """Plot the validation metric by epoch and by training time, a line for each seed."""
    rows, names = drawn(trained_rows(results["rows"]), results["rows"])
    colors, dashes = row_colors(rows), by_encoder(rows, DASHES)
    figure = make_subplots(cols=2, shared_yaxes=True, horizontal_spacing=0.04)
    for row, name, color in zip(rows, names, colors, strict=True):
        for seed, curve in enumerate(row["curves"]):
            points = [point for point in curve if "valid" in point]
            for column, axis in ((1, "epoch"), (2, "seconds")):
                figure.add_scatter(
                    x=[point[axis] for point in points],
                    y=[100 * point["valid"] for point in points],
                    mode="lines" if len(points) > 1 else "markers",
                    name=name,
                    legendgroup=name,
                    showlegend=column == 1 and seed == 0,
                    line={
                        "color": color,
                        "dash": dashes[row["encoder"]],
                        "width": 1.6,
                    },
                    opacity=0.85,
                    hovertemplate=f"{name}, seed {seed}<br>{axis} %{{x:.4g}}: %{{y:.2f}} %"
                    "<extra></extra>",
                    row=1,
                    col=column,
                )
    figure.update_xaxes(title="epoch", row=1, col=1)
    figure.update_xaxes(title="training time, s", row=1, col=2)
    figure.update_yaxes(title=f"validation {results['metric']}, %", row=1, col=1)
    return styled(figure)


def hardness(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Plot histograms of each measure, of held-out positives and negatives of each sampler."""
    rows = list({row["sampler"]: row for row in rows}.values())
    colors = colors_of(rows)
    first = rows[0]["audit"]
    measures = [name for name in NAMES if all(name in row["audit"]["histograms"] for row in rows)]
    if len(rows) > 1:  # each model scores on a scale of its own
        measures = [name for name in measures if name != "score"]
    held_out = f"held-out {unit_of(first)}"
    groups = [(held_out, "positives", first, "#d62728"), (EASY, "uniform", first, "#7f7f7f")]
    groups += [
        (wrapped(row["sampler"]), "negatives", row["audit"], colors[row["sampler"]]) for row in rows
    ]

    def bars(measure: str) -> dict[str, Any]:
        histograms = [(record["histograms"][measure], group) for _, group, record, _ in groups]
        return {
            "x": [_bin_names(histogram["from"]) for histogram, _ in histograms],
            "y": [[100 * share for share in histogram[group]] for histogram, group in histograms],
        }

    figure = go.Figure()
    start = bars(measures[0])
    for i, (name, _, _, color) in enumerate(groups):
        figure.add_bar(
            name=name,
            x=start["x"][i],
            y=start["y"][i],
            marker_color=color,
            hovertemplate=name + "<br>%{x}: %{y:.1f} %<extra></extra>",
        )
    figure.update_xaxes(title=NAMES[measures[0]], type="category", tickangle=0)
    figure.update_yaxes(title="share of pairs, %")
    styled(figure, 480).update_layout(barmode="group")
    buttons = [
        button(NAMES[name], bars(name), {"xaxis.title.text": NAMES[name]}) for name in measures
    ]
    return with_menu(figure, buttons)


def _bin_names(edges: Sequence[float]) -> list[str]:
    """Return the names of bins: their lower ends, such as "0.1+", and "0" for a bin of 0 alone."""
    names = [f"{low:.2g}+" for low in edges]
    if len(edges) > 1 and edges[0] == 0.0 < edges[1]:
        names[0] = "0"
    return names


def distances(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Plot the share of pairs at each distance in the training graph."""
    rows = list({row["sampler"]: row for row in rows}.values())
    colors = colors_of(rows)
    first, held_out = rows[0]["audit"]["distances"], f"held-out {unit_of(rows[0]['audit'])}"
    figure = go.Figure()
    bars = [(held_out, first["positives"], "#d62728"), (EASY, first["uniform"], "#7f7f7f")]
    bars += [
        (wrapped(row["sampler"]), row["audit"]["distances"]["negatives"], colors[row["sampler"]])
        for row in rows
    ]
    for name, shares, color in bars:
        figure.add_bar(
            name=name,
            x=list(shares),
            y=[100 * share for share in shares.values()],
            marker_color=color,
            hovertemplate=name + "<br>distance %{x}: %{y:.1f} %<extra></extra>",
        )
    figure.update_xaxes(title="distance in the training graph, edges", type="category")
    figure.update_yaxes(title="share of pairs, %")
    return styled(figure).update_layout(barmode="group")


def time_split(results: Mapping[str, Any]) -> go.Figure:
    """Plot the mean seconds per epoch that each part of training takes."""
    rows = results["rows"]
    ticks = labels(rows)
    figure = go.Figure()
    for i, (part, name) in enumerate(TIMES.items()):
        figure.add_bar(
            name=name,
            y=ticks,
            x=[
                statistics.fmean(
                    seconds.get(part, 0.0) / max(epochs, 1)
                    for seconds, epochs in zip(row["seconds"], row["epochs"], strict=True)
                )
                for row in rows
            ],
            orientation="h",
            marker_color=COLORS[i],
            hovertemplate="%{y}<br>" + name + " %{x:.3f} s<extra></extra>",
        )
    figure.update_xaxes(title="seconds per epoch")
    figure.update_yaxes(autorange="reversed", dtick=1)
    styled(figure, height_of(ticks))
    return figure.update_layout(barmode="stack")


def audit(results: Mapping[str, Any]) -> dict[str, go.Figure]:
    """Return the figures of one audit, by name."""
    row = {"sampler": results["sampler"], "audit": results}
    return {"hardness": hardness([row]), "distances": distances([row])}
