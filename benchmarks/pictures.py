"""The pictures of the guide: ``python -m benchmarks.pictures`` writes ``examples/pictures``."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import matplotlib as mpl
import networkx as nx
import numpy as np
import torch

import gneg
from benchmarks.quality import ablation_tables, plots
from benchmarks.quality.ablation import HARD, HARD_PAIRS, UNIFORM, UNIFORM_PAIRS
from gneg.samplers import build

HERE = Path(__file__).parent
TARGET = HERE.parent / "examples" / "pictures"
QUERY, QUERIES = 8, 4000  # a node between the two halves of the club, and how often it is asked
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
GREY, INK = "#c9ced6", "#1c2430"


def shares(sampler: gneg.samplers.Sampler) -> np.ndarray:
    """Return the share ``[N]`` of each node in the negatives of the query."""
    pos = torch.full((2, QUERIES), QUERY)
    pos[1] = int(sampler.graph.indices[sampler.graph.indptr[QUERY]])
    neg = sampler.sample(pos, 4, generator=torch.Generator().manual_seed(0))
    count = np.bincount(neg.index[neg.mask].numpy(), minlength=sampler.graph.num_nodes)
    return count / count.sum()


def proposals(plt: Any) -> Any:
    """Draw how often samplers propose each node of the karate club for one of them."""
    club = nx.karate_club_graph()
    graph = gneg.from_networkx(club)
    layout = nx.spring_layout(club, seed=4)
    panels = {
        "uniform": "uniform: any node without an edge",
        "khop(hops=2)": "khop(hops=2): two steps away, all alike",
        "walk": "walk: by resource allocation",
        "walk(kind=ppr)": "walk(kind=ppr): by PageRank",
    }
    figure, axes = plt.subplots(1, 4, figsize=(15, 4), layout="constrained")
    for ax, (expression, title) in zip(axes, panels.items(), strict=True):
        share = shares(build(expression, graph))
        known = set(graph.indices[graph.indptr[QUERY] : graph.indptr[QUERY + 1]].tolist())
        nx.draw_networkx_edges(club, layout, ax=ax, edge_color=GREY, width=0.7)
        non_edges = [v for v in club if v != QUERY and v not in known]
        # The area shows the share; nodes that are hardly ever drawn stay visible as dots.
        common = {"ax": ax, "linewidths": 0}
        nx.draw_networkx_nodes(
            club,
            layout,
            non_edges,
            node_size=8 + 6000 * share[non_edges],
            node_color=ORANGE,
            **common,
        )
        nx.draw_networkx_nodes(club, layout, sorted(known), node_size=45, node_color=BLUE, **common)
        nx.draw_networkx_nodes(club, layout, [QUERY], node_size=150, node_color=INK, **common)
        ax.set_title(title, fontsize=11)
        ax.set_axis_off()
    figure.supxlabel(
        "black: the query; blue: known edges, never returned; orange: negatives, by how often they "
        "are drawn",
        fontsize=10,
    )
    return figure


def selectors(plt: Any) -> Any:
    """Draw the share of candidates among the selected negatives by their rank under the model."""
    size = 400
    graph = gneg.Graph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), size, undirected=True)
    logit = torch.linspace(3, -3, size)

    def score(src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        return logit[torch.maximum(src, dst)]

    figure, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
    styles = {
        "uniform": ":",
        "tempered(uniform, m=16, temperature=1)": "-.",
        "dns(uniform, m=16, n=8)": "--",
        "hardest(uniform, m=16)": "-",
    }
    pos = torch.zeros(2, 20_000, dtype=torch.long)
    pos[1] = 1
    for (expression, style), color in zip(
        styles.items(), ("#666666", GREEN, ORANGE, BLUE), strict=True
    ):
        generator = torch.Generator().manual_seed(0)
        neg = build(expression, graph).sample(pos, 1, score=score, generator=generator)
        count = np.histogram(neg.index.numpy(), bins=20, range=(0, size))[0]
        share = 100 * count / count.sum()
        ax.plot(np.arange(20) * 5 + 2.5, share, style, color=color, label=expression, linewidth=2)
    ax.set_xlabel("rank of a candidate by the model, % of all nodes (0: hardest)")
    ax.set_ylabel("share of the negatives, %")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    return figure


def bargain(plt: Any) -> Any:
    """Draw hardness and risk of samplers, as measured by ``benchmarks.speed.audit``."""
    rows = json.loads((HERE / "speed" / "results" / "audit.json").read_text())["rows"]
    figure, ax = plt.subplots(figsize=(8, 3.8), layout="constrained")
    colors = dict(
        zip(dict.fromkeys(row["graph"] for row in rows), (BLUE, ORANGE, GREEN), strict=False)
    )
    marks = dict(zip(dict.fromkeys(row["sampler"] for row in rows), "osD^", strict=False))
    for row in rows:
        style = {"color": colors[row["graph"]], "marker": marks[row["sampler"]]}
        ax.plot(row["relative_ra"], row["risk"]["per_1000"], markersize=9, **style)
    for name, color in colors.items():
        ax.plot([], [], "-", color=color, linewidth=5, label=name)
    for name, mark in marks.items():
        ax.plot([], [], mark, color="#666666", label=name)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("hardness: mean resource allocation of negatives (held-out edges: 1)")
    ax.set_ylabel("risk: held-out edges\nper 1,000 negatives")
    ax.spines[["top", "right"]].set_visible(False)
    ax.margins(0.15)
    ax.legend(frameon=False, loc="upper left", fontsize=9)
    return figure


def parts(plt: Any) -> Any:
    """Draw uniform and hard negatives alone, with pair features and with a stack as well."""
    measured = ablation_tables.pairs()
    paired = UNIFORM_PAIRS, HARD_PAIRS
    bars: list[tuple[str, ablation_tables.State, str, str]] = [
        ("uniform", (UNIFORM, None), "#b8bec8", ""),
        ("hard", (HARD, None), BLUE, ""),
        ("uniform, pair features", (paired[0], None), "#b8bec8", "//"),
        ("hard, pair features", (paired[1], None), BLUE, "//"),
        ("uniform, pair features and a stack", (paired[0], "valid"), "#b8bec8", "xx"),
        ("hard, pair features and a stack", (paired[1], "valid"), BLUE, "xx"),
    ]
    figure, axes = plt.subplots(3, 1, figsize=(11, 8.4), layout="constrained")
    for ax, (kind, label) in zip(axes, ablation_tables.SETS.items(), strict=True):
        for i, (name, state, color, hatch) in enumerate(bars):
            style = {"color": color, "hatch": hatch, "edgecolor": "white", "label": name}
            figures = [ablation_tables.values(*column, state, kind) for column in measured]
            known = [(j, value) for j, value in enumerate(figures) if value is not None]
            places = [j + 0.14 * (i - 2.5) for j, _ in known]
            means = [100 * fmean(value) for _, value in known]
            error = [100 * stdev(value) for _, value in known]
            bar = {"ecolor": INK, "elinewidth": 1}
            ax.bar(places, means, 0.13, yerr=error, error_kw=bar, **style)
        ax.set_xticks(
            range(len(measured)), [f"{dataset}\n{encoder}" for dataset, encoder in measured]
        )
        ax.set_ylabel(f"test, {label}, %")
        ax.spines[["top", "right"]].set_visible(False)
    shown = axes[0].get_legend_handles_labels()
    figure.legend(*shown, loc="outside upper center", frameon=False, fontsize=9, ncols=3)
    return figure


def main() -> None:
    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "gneg"
    import matplotlib.pyplot as plt

    TARGET.mkdir(exist_ok=True)
    for make in (proposals, selectors, bargain, parts, plots.curves, plots.risk):
        path = TARGET / f"{make.__name__}.svg"
        make(plt).savefig(path, metadata={"Date": None}, facecolor="white")
        print(path)


if __name__ == "__main__":
    main()
