"""Whether runs with the same seeds differ by more than chance."""

from __future__ import annotations

import statistics
import warnings
from collections.abc import Sequence
from typing import Any

LEVELS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))


def paired_p(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """Two-sided p of the paired t-test; None with fewer than two pairs or without any spread.

    Raises:
        ValueError: If there are not as many of one as of the other.
    """
    from scipy import stats

    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    if len(differences) < 2 or max(differences) == min(differences):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nearly equal differences
        return float(stats.ttest_rel(ours, theirs).pvalue)


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Holm's correction (1979) of several p; None stays and does not count."""
    there = sorted((p, i) for i, p in enumerate(values) if p is not None)
    corrected: list[float | None] = [None] * len(values)
    running = 0.0
    for rank, (p, i) in enumerate(there):
        running = max(running, min(1.0, (len(there) - rank) * p))
        corrected[i] = running
    return corrected


def mark(p: float | None) -> str:
    """``*`` below 0.05, ``**`` below 0.01, ``***`` below 0.001."""
    return next((stars for level, stars in LEVELS if p is not None and p < level), "")


def table(rows: list[dict[str, Any]], baseline: str) -> list[dict[str, Any]]:
    """The rows with ``summary`` (mean, deviation) and ``against``, the tests of all metrics.

    A row is compared with the one of the sampler ``baseline`` and the same encoder and loss (as
    asked for). p is corrected for the number of rows that are compared, for each set and metric.
    """
    of_baseline = {
        (row["encoder"], row["config"]["loss"]): row for row in rows if row["sampler"] == baseline
    }
    for row in rows:
        row["against"] = {name: {} for name in row["metrics"]}
        row["summary"] = {
            name: {
                metric: {
                    "mean": statistics.fmean(values),
                    "std": statistics.stdev(values) if len(values) > 1 else None,
                }
                for metric, values in one.items()
            }
            for name, one in row["metrics"].items()
        }
    others = [row for row in rows if row["sampler"] != baseline]
    for name, one in rows[0]["metrics"].items():
        for metric in one:
            pairs = [
                (
                    row["metrics"][name][metric],
                    of_baseline[row["encoder"], row["config"]["loss"]]["metrics"][name][metric],
                )
                for row in others
            ]
            found = [paired_p(*pair) for pair in pairs]
            for row, pair, p, corrected in zip(others, pairs, found, holm(found), strict=True):
                difference = statistics.fmean(pair[0]) - statistics.fmean(pair[1])
                told = {"difference": difference, "p": p, "corrected_p": corrected}
                row["against"][name][metric] = {**told, "mark": mark(corrected)}
    return rows
