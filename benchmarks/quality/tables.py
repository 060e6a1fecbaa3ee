"""Tables of the strategies and of MCNS's Arxiv, from the files under ``results/``."""

from __future__ import annotations

import json
import statistics
from functools import cache
from typing import Any

from benchmarks.quality import mcns, recommend, strategies

Cell = dict[str, Any]
BASE = "uniform"


@cache
def cells() -> dict[tuple[str, str, str], Cell]:
    """Every finished cell by dataset, encoder and strategy."""
    found = [json.loads(path.read_text()) for path in sorted(strategies.RESULTS.glob("*.json"))]
    return {(one["dataset"], one["encoder"], one["strategy"]): one for one in found}


def columns() -> list[tuple[str, str]]:
    """Dataset and encoder of each column of results."""
    return sorted(
        {key[:2] for key in cells()}, key=lambda c: (list(strategies.BUDGETS).index(c[0]), c[1])
    )


def mrr(cell: Cell, part: str) -> list[float]:
    """Of each seed, in %: ``part`` is ``test`` (uniform negatives) or ``hard``."""
    return [100 * run[part]["mrr"] for run in cell["runs"]]


def changes(strategy: str, part: str) -> list[float]:
    """Change of mean MRR relative to uniform, in %, in each column that was run."""
    found = []
    for column in columns():
        if (*column, strategy) in cells():
            base = statistics.fmean(mrr(cells()[(*column, BASE)], part))
            own = statistics.fmean(mrr(cells()[(*column, strategy)], part))
            found.append(100 * (own / base - 1))
    return found


def gain(strategy: str, part: str) -> float:
    """Median of the changes: one dataset must not decide alone."""
    return statistics.median(changes(strategy, part))


def risk(strategy: str) -> float:
    """Held-out edges per 1,000 negatives, mean over all runs."""
    found = [cell for key, cell in cells().items() if key[2] == strategy]
    return statistics.fmean(run["false_negatives_per_1000"] for c in found for run in c["runs"])


def ranked() -> list[str]:
    """Strategies by both gains, best first."""
    names = dict.fromkeys(key[2] for key in cells())
    return sorted(names, key=lambda name: -(gain(name, "hard") + gain(name, "test")))


def reached(strategy: str) -> tuple[int, int, str, str]:
    """Runs that reach the best validation MRR of uniform at the same seed, of how many, and when.

    Epochs and seconds are medians over those runs, relative to what uniform took.
    """
    runs, epochs, seconds = 0, [], []
    for column in columns():
        cell, base = cells().get((*column, strategy)), cells()[(*column, BASE)]
        for run, other in zip(cell["runs"] if cell else [], base["runs"], strict=False):
            runs += 1
            best = max(point[2] for point in other["curve"])
            there = next(point for point in other["curve"] if point[2] >= best)
            hit = next((point for point in run["curve"] if point[2] >= best), None)
            if hit is not None:
                epochs.append(hit[0] / there[0])
                seconds.append(hit[1] / there[1])
    shown = [f"{statistics.median(some):.2f}" if some else "-" for some in (epochs, seconds)]
    return len(epochs), runs, shown[0], shown[1]


def _spread(values: list[float]) -> str:
    return f"{statistics.fmean(values):.1f} ± {statistics.stdev(values):.1f}"


def summary_rows(names: list[str]) -> list[list[str]]:
    """Strategy, gains, cost and risk."""
    rows = []
    for name in names:
        hit, runs, epochs, seconds = reached(name)
        rows.append(
            [
                name,
                f"{gain(name, 'hard'):+.0f} %",
                f"{gain(name, 'test'):+.0f} %",
                f"{hit} of {runs}",
                epochs,
                seconds,
                f"{risk(name):.1f}",
            ]
        )
    return rows


SUMMARY = [
    "strategy",
    "hard MRR",
    "easy MRR",
    "reach uniform's best",
    "epochs to it",
    "seconds to it",
    "false negatives per 1,000",
]


def verdict() -> str:
    """Which strategies help or hurt nearly everywhere: on both metrics in most columns."""
    good, bad = [], []
    for name in ranked():
        both = changes(name, "hard") + changes(name, "test")
        if sum(change > 0 for change in both) >= 5 / 6 * len(both):
            good.append(name)
        if sum(change < 0 for change in both) >= 5 / 6 * len(both):
            bad.append(name)
    return (
        "Of the figures of a row (hard and easy MRR in each column), at least five in six are "
        f"better than uniform's for: {'; '.join(good) or 'none'}. "
        f"At least five in six are worse for: {'; '.join(bad) or 'none'}."
    )


def detail_rows(dataset: str) -> list[list[str]]:
    """Strategy, sampler, loss, and hard and easy MRR of each encoder."""
    rows = []
    for name in ranked():
        found = [cells().get((dataset, encoder, name)) for encoder in ("gcn", "sage")]
        some = next((cell for cell in found if cell), None)
        if some is None:
            continue
        row = [name, f"`{some['config']['sampler']}`", some["config"]["loss"]]
        for cell in found:
            row += [_spread(mrr(cell, "hard")), _spread(mrr(cell, "test"))] if cell else ["-", "-"]
        rows.append(row)
    return rows


def mcns_rows() -> list[list[str]]:
    """AUC in % on MCNS's Arxiv, beside what the paper reports."""
    published = {"random": "74.7", "degree": "78.9", "DNS": "82.6", "MCNS": "83.5"}
    rows = []
    for path in sorted(mcns.RESULTS.glob("*.json")):
        result = json.loads(path.read_text())
        aucs = [100 * run["test"]["auc"] for run in result["runs"]]
        sampler = result["config"]["sampler"]
        rows.append(
            [
                result["strategy"],
                f"`{sampler}`",
                _spread(aucs),
                published.get(result["strategy"], ""),
            ]
        )
    return sorted(rows, key=lambda row: row[2], reverse=True)


def recommend_rows() -> list[list[str]]:
    """Strategy, sampler, loss, and the figures of the test, best Recall@20 first; what was run."""
    found = [json.loads(path.read_text()) for path in sorted(recommend.RESULTS.glob("*.json"))]
    found.sort(key=lambda one: -one["summary"]["test"]["recall@20"]["mean"])
    rows = []
    for one in found:
        config, run = one["config"], one["runs"][0]
        figures = [
            f"{100 * one['summary']['test'][name]['mean']:.2f}"
            for name in ("recall@20", "ndcg@20", "mrr", "hits@20")
        ]
        sampler = f"`{config['sampler']}`, {config['k']}"
        rows.append([sampler, config["loss"], *figures, f"{run['best_epoch']} of {run['epochs']}"])
    return rows
