"""Whether runs with the same seeds differ by more than chance."""

from __future__ import annotations

import statistics
import warnings
from collections.abc import Hashable, Sequence
from typing import Any

from gneg.training.summary import spread

#: Levels of significance and their marks, the strictest first.
LEVELS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
LEAST_SEEDS = 3  # two differences leave one degree of freedom: t must exceed 12.7 for p < 0.05


def untested(seeds: int) -> str:
    """Return why differences are not tested with so few seeds; empty: they are tested."""
    if seeds >= LEAST_SEEDS:
        return ""
    few = "one run of each" if seeds == 1 else "two runs of each"
    return (
        f"differences are not tested: {few} cannot tell a difference from chance; "
        f"--seeds {LEAST_SEEDS} or more, better 5, tests them"
    )


def paired_p(values: Sequence[float], baseline: Sequence[float]) -> float | None:
    """Return the two-sided p of the paired t-test.

    None with fewer than three pairs, or where all differences are the same.

    Args:
        values: A metric of each seed.
        baseline: The same metric of the baseline, in the order of the same seeds.

    Raises:
        ValueError: If the two have different lengths.
    """
    from scipy import stats

    differences = [a - b for a, b in zip(values, baseline, strict=True)]
    if len(differences) < LEAST_SEEDS or max(differences) == min(differences):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # SciPy warns of nearly equal differences
        return float(stats.ttest_rel(values, baseline).pvalue)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values corrected by Holm's method (1979); None stays None and is not counted."""
    ordered = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    running = 0.0
    for rank, (p, i) in enumerate(ordered):
        running = max(running, min(1.0, (len(ordered) - rank) * p))
        corrected[i] = running
    return corrected


def mark(p: float | None) -> str:
    """Return ``*`` for p below 0.05, ``**`` below 0.01, ``***`` below 0.001, else nothing."""
    return next((stars for level, stars in LEVELS if p is not None and p < level), "")


def add_tests(
    rows: list[dict[str, Any]], groups: Sequence[Hashable], baseline: str
) -> list[dict[str, Any]]:
    """Return the rows with ``summary`` (mean, deviation) and ``against``, tests of all metrics.

    A row is compared with the row of the sampler ``baseline`` in its own group; a row whose group
    has none is not tested. p is corrected for the number of comparisons of each set and metric.

    Args:
        rows: One row a config, with ``sampler`` and ``metrics``: by set and metric, a value for
            each seed.
        groups: The group of each row: rows that differ in nothing but the sampler.
        baseline: The sampler that others are compared with.
    """
    references = {
        group: row for group, row in zip(groups, rows, strict=True) if row["sampler"] == baseline
    }
    pairs = [
        (row, references[group])
        for group, row in zip(groups, rows, strict=True)
        if row["sampler"] != baseline and group in references
    ]
    for row in rows:
        row["against"] = {name: {} for name in row["metrics"]}
        row["summary"] = {
            name: {metric: spread(list(values)) for metric, values in metrics.items()}
            for name, metrics in row["metrics"].items()
        }
    for name, metrics in rows[0]["metrics"].items():
        for metric in metrics:
            _test(pairs, name, metric)
    return rows


def _test(pairs: list[tuple[dict[str, Any], dict[str, Any]]], name: str, metric: str) -> None:
    """Add the tests of one set and metric to the rows."""
    values = [
        (row["metrics"][name][metric], reference["metrics"][name][metric])
        for row, reference in pairs
    ]
    p_values = [paired_p(*pair) for pair in values]
    for (row, _), pair, p, corrected in zip(pairs, values, p_values, holm(p_values), strict=True):
        row["against"][name][metric] = {
            "difference": statistics.fmean(pair[0]) - statistics.fmean(pair[1]),
            "p": p,
            "corrected_p": corrected,
            "mark": mark(corrected),
        }
