"""The figures of a comparison or an audit, as Plotly draws them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gneg.evaluation.audit.hardness import NAMES
from gneg.experiments.report.style import (
    COLORS,
    DASHES,
    EASY,
    HELD_OUT,
    SYMBOLS,
    TIMES,
    button,
    colors_of,
    short,
    styled,
    with_menu,
)


def comparison(results: Mapping[str, Any]) -> dict[str, go.Figure]:
    """All figures of ``compare.json``, by name."""
    audited = [row for row in results["rows"] if row["audit"]]
    found = {"easy-and-hard": easy_and_hard(results)}
    if audited:
        found["risk-and-hardness"] = risk_and_hardness(results)
    found["curves"] = curves(results)
    if audited:
        found["hardness"] = hardness(audited)
        found["distances"] = distances(audited)
    found["time"] = time_split(results)
    return found


def label(row: Mapping[str, Any]) -> str:
    """What a row is called."""
    return f"{row['encoder']}, {row['sampler']}, {row['loss']}"


def easy_and_hard(results: Mapping[str, Any]) -> go.Figure:
    """Mean and deviation of MRR against each set, a group of bars for each row."""
    rows = results["rows"]
    figure = go.Figure()
    names = list(rows[0]["summary"])
    heuristics = results["heuristics"]
    ticks = [short(label(row)) for row in rows] + list(heuristics)
    for i, name in enumerate(names):
        cells = [row["summary"][name]["mrr"] for row in rows]
        plain = [sets[name]["mrr"] for sets in heuristics.values()]
        figure.add_bar(
            name=f"against {name} negatives",
            y=ticks,
            x=[100 * cell["mean"] for cell in cells] + [100 * value for value in plain],
            error_x={
                "type": "data",
                "array": [100 * (cell["std"] or 0) for cell in cells] + [0] * len(plain),
                "thickness": 1.2,
            },
            orientation="h",
            marker_color=COLORS[i],
            hovertemplate="%{y}<br>MRR %{x:.2f} %<extra>" + name + "</extra>",
        )
    figure.update_xaxes(title="test MRR, %", rangemode="tozero")
    figure.update_yaxes(autorange="reversed")
    styled(figure, 120 + 34 * len(ticks))
    return figure.update_layout(barmode="group", legend={"y": 1.02, "yanchor": "bottom"})


def risk_and_hardness(results: Mapping[str, Any]) -> go.Figure:
    """Held-out edges per 1,000 negatives against how hard negatives are, by any measure."""
    rows = [row for row in results["rows"] if row["audit"]]
    colors = colors_of(rows)
    measures = [name for name in NAMES if name in rows[0]["audit"]["hardness"]]
    measures = [name for name in measures if name not in ("degree", "pa", "score")]
    offers = [(NAMES[name], [_relative(row, name) for row in rows]) for name in measures]
    violating = [100 * row["audit"]["violating"] for row in rows]
    offers.append(("share that the model scores above the positive, %", violating))
    hard = list(rows[0]["summary"])[-1]
    figure = go.Figure()
    for i, row in enumerate(rows):
        risk = row["audit"]["risk"]
        figure.add_scatter(
            name=short(label(row)),
            x=[offers[0][1][i]],
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
                "color": colors[row["sampler"]],
                "symbol": SYMBOLS.get(row["encoder"], "square"),
                "size": 14,
                "line": {"width": 1, "color": "rgba(128,128,128,0.8)"},
            },
            hovertemplate=(
                f"{label(row)}<br>%{{y:.2f}} held-out edges per 1,000<br>hardness %{{x:.3g}}<br>"
                f"MRR against {hard}: {100 * row['summary'][hard]['mrr']['mean']:.2f} %"
                "<extra></extra>"
            ),
        )
    easy = rows[0]["audit"]["risk"]["uniform_per_1000"]
    figure.add_hline(y=easy, line_dash="dot", line_color="rgba(128,128,128,0.9)")
    figure.add_annotation(
        x=1, xref="paper", y=easy, text="uniform", showarrow=False, yshift=10, xanchor="right"
    )
    buttons = [
        button(what, {"x": [[value] for value in values]}, {"xaxis.title.text": _axis(what)})
        for what, values in offers
    ]
    figure.update_xaxes(title=_axis(offers[0][0]))
    figure.update_yaxes(title="held-out edges per 1,000 negatives")
    return with_menu(styled(figure, 520), buttons)


def _axis(what: str) -> str:
    return what if what.endswith("%") else f"mean {what} of negatives, held-out edges = 1"


def _relative(row: Mapping[str, Any], name: str) -> float:
    groups = row["audit"]["hardness"][name]
    positive: float = groups["positives"]["mean"]
    return float(groups["negatives"]["mean"]) / positive if positive else 0.0


def curves(results: Mapping[str, Any]) -> go.Figure:
    """Validation metric by epochs and by seconds of training, a line for each seed."""
    rows = results["rows"]
    colors = colors_of(rows)
    figure = make_subplots(cols=2, shared_yaxes=True, horizontal_spacing=0.04)
    for row in rows:
        for seed, curve in enumerate(row["curves"]):
            points = [point for point in curve if "valid" in point]
            for column, axis in ((1, "epoch"), (2, "seconds")):
                figure.add_scatter(
                    x=[point[axis] for point in points],
                    y=[100 * point["valid"] for point in points],
                    mode="lines",
                    name=short(label(row)),
                    legendgroup=label(row),
                    showlegend=column == 1 and seed == 0,
                    line={
                        "color": colors[row["sampler"]],
                        "dash": DASHES.get(row["encoder"], "dash"),
                        "width": 1.6,
                    },
                    opacity=0.85,
                    hovertemplate=f"{label(row)}, seed {seed}<br>{axis} %{{x:.4g}}: %{{y:.2f}} %"
                    "<extra></extra>",
                    row=1,
                    col=column,
                )
    figure.update_xaxes(title="epoch", row=1, col=1)
    figure.update_xaxes(title="seconds of training", row=1, col=2)
    figure.update_yaxes(title=f"valid {results['metric']}, %", row=1, col=1)
    return styled(figure)


def hardness(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Histograms of each measure, of held-out edges, of uniform negatives and of each sampler's."""
    rows = list({row["sampler"]: row for row in rows}.values())
    colors = colors_of(rows)
    first = rows[0]["audit"]
    measures = [name for name in NAMES if all(name in row["audit"]["histograms"] for row in rows)]
    if len(rows) > 1:
        measures = [name for name in measures if name != "score"]  # each model has its own scale
    shown = [(HELD_OUT, "positives", first, "#d62728"), (EASY, "uniform", first, "#7f7f7f")]
    shown += [
        (short(row["sampler"]), "negatives", row["audit"], colors[row["sampler"]]) for row in rows
    ]

    def bars(measure: str) -> dict[str, Any]:
        every = [(one["histograms"][measure], group) for _, group, one, _ in shown]
        return {
            "x": [_bins(bins["from"]) for bins, _ in every],
            "y": [[100 * share for share in bins[group]] for bins, group in every],
        }

    figure = go.Figure()
    start = bars(measures[0])
    for i, (name, _, _, color) in enumerate(shown):
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


def _bins(edges: Sequence[float]) -> list[str]:
    """Names of bins: their lower ends, but 0 where it stands alone."""
    names = [f"{low:.2g}+" for low in edges]
    if len(edges) > 1 and edges[0] == 0.0 < edges[1]:
        names[0] = "0"
    return names


def distances(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Share of pairs at each distance in the training graph."""
    rows = list({row["sampler"]: row for row in rows}.values())
    colors = colors_of(rows)
    first = rows[0]["audit"]["distances"]
    figure = go.Figure()
    bars = [(HELD_OUT, first["positives"], "#d62728"), (EASY, first["uniform"], "#7f7f7f")]
    bars += [
        (short(row["sampler"]), row["audit"]["distances"]["negatives"], colors[row["sampler"]])
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
    """Mean seconds an epoch that go to each part of the work."""
    rows = results["rows"]
    figure = go.Figure()
    for i, (part, name) in enumerate(TIMES.items()):
        figure.add_bar(
            name=name,
            y=[short(label(row)) for row in rows],
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
    figure.update_xaxes(title="seconds an epoch")
    figure.update_yaxes(autorange="reversed")
    styled(figure, 140 + 30 * len(rows))
    return figure.update_layout(barmode="stack", legend={"y": 1.02, "yanchor": "bottom"})


def audit(results: Mapping[str, Any]) -> dict[str, go.Figure]:
    """Figures of one audit, by name."""
    row = {"sampler": results["sampler"], "audit": results}
    return {"hardness": hardness([row]), "distances": distances([row])}
