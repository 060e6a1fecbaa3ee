"""Learning curves, and gain against risk of each strategy, from ``results/strategies``."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.quality import tables

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
INK = "#1c2430"
CROWDED = -15  # change of MRR, %, above which points on the right have no names
#: Colour and line style of the strategies whose curves are drawn.
CURVES = {
    "uniform": ("#8a929e", "-"),
    "uniform, InfoNCE, cosine": (GREEN, "--"),
    "uniform + walk, logQ softmax, cosine": (BLUE, "-"),
    "hardest of uniform, InfoNCE, cosine": (ORANGE, "-"),
    "walk": (RED, "-."),
}
#: Offset, in points, of the names of strategies in the picture of risk.
NAMES = {
    "uniform": (6, -12),
    "uniform, InfoNCE, cosine": (6, 2),
    "uniform + walk, logQ softmax, cosine": (-110, 8),
    "hardest of uniform, InfoNCE, cosine": (6, 4),
    "memory bank (MoCo), cosine": (6, 4),
    "hardest of uniform": (6, 2),
    "uniform + walk": (-6, 7),
    "2-hop shell": (-62, -4),
    "uniform + hardest of walk": (-136, -4),
    "walk": (-28, 4),
    "hardest of walk": (-92, -4),
    "uniform, positive-unlabelled": (6, -10),
}


def curves(plt: Any) -> Any:
    """Draw validation MRR over seconds of training: the mean while all seeds train."""
    columns = [column for column in tables.columns() if column[1] == "gcn"]
    figure, axes = plt.subplots(1, len(columns), figsize=(12, 3.8), layout="constrained")
    for ax, (dataset, encoder) in zip(axes, columns, strict=True):
        for name, (color, style) in CURVES.items():
            runs = [
                np.array(run["curve"]) for run in tables.cells()[dataset, encoder, name]["runs"]
            ]
            length = min(map(len, runs))
            mean = np.mean([run[:length] for run in runs], axis=0)
            ax.plot(mean[:, 1], 100 * mean[:, 2], style, color=color, label=name, linewidth=2)
        ax.set_title(dataset, fontsize=11)
        ax.set_xlabel("seconds of training")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("validation MRR, %")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, fontsize=9, loc="outside lower center", ncols=3)
    return figure


def risk(plt: Any) -> Any:
    """Draw the change of MRR relative to uniform negatives over the rate of false negatives."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.6), layout="constrained", sharex=True)
    for ax, (part, title) in zip(
        axes,
        {"hard": "against hard negatives", "test": "against uniform negatives"}.items(),
        strict=True,
    ):
        for name in tables.ranked():
            x, y = tables.risk(name), tables.gain(name, part)
            color = GREEN if min(tables.gain(name, kind) for kind in ("hard", "test")) > 2 else INK
            color = RED if tables.gain(name, part) < -2 else color
            ax.plot(x, y, "o", color=color, markersize=6, alpha=0.8)
            if name in NAMES and (part == "hard" or y < CROWDED):  # other names would overlap
                ax.annotate(
                    name, (x, y), NAMES[name], textcoords="offset points", fontsize=8, color=INK
                )
        ax.axhline(0, color="#c9ced6", linewidth=1, zorder=0)
        ax.set_xscale("log")
        ax.set_title(title, fontsize=11)
        ax.set_xlabel("held-out edges per 1,000 negatives")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("change of test MRR, %, median of six")
    return figure
