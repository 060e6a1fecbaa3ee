"""Tables of strategies, MCNS's Arxiv and Gowalla, made from the files under ``results/``."""

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
    """Return the finished cells by dataset, encoder and strategy."""
    records = [json.loads(path.read_text()) for path in sorted(strategies.RESULTS.glob("*.json"))]
    return {(cell["dataset"], cell["encoder"], cell["strategy"]): cell for cell in records}


def columns() -> list[tuple[str, str]]:
    """Return dataset and encoder of each column of results."""
    return sorted(
        {key[:2] for key in cells()}, key=lambda c: (list(strategies.BUDGETS).index(c[0]), c[1])
    )


def mrr(cell: Cell, part: str) -> list[float]:
    """Return the MRR of each seed, in %; ``part`` is ``test`` (uniform negatives) or ``hard``."""
    return [100 * run[part]["mrr"] for run in cell["runs"]]


def changes(strategy: str, part: str) -> list[float]:
    """Return the change of mean MRR relative to uniform, in %, in each column that was run."""
    gains = []
    for dataset, encoder in columns():
        if (dataset, encoder, strategy) in cells():
            base = statistics.fmean(mrr(cells()[dataset, encoder, BASE], part))
            mean = statistics.fmean(mrr(cells()[dataset, encoder, strategy], part))
            gains.append(100 * (mean / base - 1))
    return gains


def gain(strategy: str, part: str) -> float:
    """Return the median of the changes, so that no dataset decides alone."""
    return statistics.median(changes(strategy, part))


def risk(strategy: str) -> float:
    """Return the held-out edges per 1,000 negatives, the mean over all runs."""
    runs = [run for key, cell in cells().items() if key[2] == strategy for run in cell["runs"]]
    return statistics.fmean(run["false_negatives_per_1000"] for run in runs)


def ranked() -> list[str]:
    """Return the strategies by the sum of both gains, best first."""
    names = dict.fromkeys(key[2] for key in cells())
    return sorted(names, key=lambda name: -(gain(name, "hard") + gain(name, "test")))


def reached(strategy: str) -> tuple[int, int, str, str]:
    """Return how often and when a strategy reaches uniform's best validation MRR of the same seed.

    Returns:
        The number of runs that reach it, the number of runs, and of those that reach it the median
        epochs and seconds, relative to uniform's.
    """
    runs = 0
    epochs: list[float] = []
    seconds: list[float] = []
    for dataset, encoder in columns():
        cell, base = cells().get((dataset, encoder, strategy)), cells()[dataset, encoder, BASE]
        for run, base_run in zip(cell["runs"] if cell else [], base["runs"], strict=False):
            runs += 1
            best = max(base_run["curve"], key=lambda point: point[2])  # the first of equals
            hit = next((point for point in run["curve"] if point[2] >= best[2]), None)
            if hit is not None:
                epochs.append(hit[0] / best[0])
                seconds.append(hit[1] / best[1])
    return len(epochs), runs, _median(epochs), _median(seconds)


def _median(values: list[float]) -> str:
    return f"{statistics.median(values):.2f}" if values else "-"


def _spread(values: list[float]) -> str:
    return f"{statistics.fmean(values):.1f} ± {statistics.stdev(values):.1f}"


def summary_rows(names: list[str]) -> list[list[str]]:
    """Return strategy, gains, cost and risk of each name."""
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
    """Return which strategies help or hurt on both metrics in nearly all columns."""
    good, bad = [], []
    for name in ranked():
        row = changes(name, "hard") + changes(name, "test")
        if sum(change > 0 for change in row) >= 5 / 6 * len(row):
            good.append(name)
        if sum(change < 0 for change in row) >= 5 / 6 * len(row):
            bad.append(name)
    return (
        "Of the figures of a row (hard and easy MRR in each column), at least five in six are "
        f"better than uniform's for: {'; '.join(good) or 'none'}. "
        f"At least five in six are worse for: {'; '.join(bad) or 'none'}."
    )


def detail_rows(dataset: str) -> list[list[str]]:
    """Return strategy, sampler, loss, and hard and easy MRR of each encoder."""
    rows = []
    for name in ranked():
        by_encoder = [cells().get((dataset, encoder, name)) for encoder in ("gcn", "sage")]
        config = next((cell["config"] for cell in by_encoder if cell), None)
        if config is None:
            continue
        row = [name, f"`{config['sampler']}`", config["loss"]]
        for cell in by_encoder:
            row += [_spread(mrr(cell, "hard")), _spread(mrr(cell, "test"))] if cell else ["-", "-"]
        rows.append(row)
    return rows


def mcns_rows() -> list[list[str]]:
    """Return the test AUC, %, of each sampler on MCNS's Arxiv, beside the paper's."""
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
    """Return sampler, loss and test figures of each strategy on Gowalla, best Recall@20 first."""
    records = [json.loads(path.read_text()) for path in sorted(recommend.RESULTS.glob("*.json"))]
    records.sort(key=lambda record: -record["summary"]["test"]["recall@20"]["mean"])
    rows = []
    for record in records:
        config, run = record["config"], record["runs"][0]
        figures = [
            f"{100 * record['summary']['test'][name]['mean']:.2f}"
            for name in ("recall@20", "ndcg@20", "mrr", "hits@20")
        ]
        sampler = f"`{config['sampler']}`, {config['k']}"
        rows.append([sampler, config["loss"], *figures, f"{run['best_epoch']} of {run['epochs']}"])
    return rows
