"""Whether runs with the same seeds differ by more than chance."""

from __future__ import annotations

import statistics
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from gneg.experiments.parts import PARTS, among, counterparts, value_name
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


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean of values by Student's t; None of fewer than three."""
    from scipy import stats

    if len(values) < LEAST_SEEDS:
        return None
    width = float(stats.t.ppf(0.975, len(values) - 1)) * statistics.stdev(values)
    mean, width = statistics.fmean(values), width / len(values) ** 0.5
    return mean - width, mean + width


def add_tests(
    rows: list[dict[str, Any]], settings: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Add ``summary`` (mean, deviation) and ``against`` to rows; return what each part is worth.

    Each row is tested against its fair counterparts, see
    :func:`gneg.experiments.parts.counterparts`: ``against`` holds for each part the number of the
    counterpart's ``row`` and the ``tests`` by set and metric. p is corrected for the number of rows
    that are tested for the same part, by the same set and metric.

    What a part is worth is the mean difference of all rows with one value of it to their
    counterparts, which hold the first one: in each seed their mean, over seeds a paired test. It is
    measured apart for each stack and for each of the pair features in the grid, see
    :func:`gneg.experiments.parts.among`. Its p is corrected for the number of all such lines, by
    the same set and metric.

    Args:
        rows: One row a config, with the values of parts that its runs used by name, and
            ``metrics``: by set and metric, a value for each seed.
        settings: The values of each config, by name.

    Returns:
        One entry for each value of a part but its first, and for each combination of additions
        beside it: ``part``, ``value``, ``baseline`` (the first value), ``among`` (the additions
        that all its rows share, by name; empty where the grid does not vary them), the number of
        ``pairs`` of rows, ``tests`` by set and metric, and ``also``: the losses that differ with it
        where the loss follows from the negatives.
    """
    for row, places in zip(rows, counterparts(settings), strict=True):
        row["summary"] = {
            name: {metric: spread(list(values)) for metric, values in metrics.items()}
            for name, metrics in row["metrics"].items()
        }
        row["against"] = {
            PARTS[part]: {"row": place, "tests": {}} for part, place in places.items()
        }
    for name in PARTS.values():
        tested = [row for row in rows if name in row["against"]]
        _test([row["against"][name] for row in tested], [_pairs(rows, name, [r]) for r in tested])
    return _effects(rows, settings)


def _effects(
    rows: list[dict[str, Any]], settings: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return what each value of a part is worth beside its first one, by the additions."""
    groups: dict[tuple[str, str | None, tuple[tuple[str, str], ...]], list[dict[str, Any]]] = {}
    for part, name in PARTS.items():
        for row, values in zip(rows, settings, strict=True):
            if name in row["against"]:
                beside = among(part, values, settings)
                groups.setdefault((part, values[part], beside), []).append(row)
    order = {key: i for i, key in enumerate(dict.fromkeys(key[:2] for key in groups))}
    groups = {key: groups[key] for key in sorted(groups, key=lambda key: order[key[:2]])}
    effects = []
    for (part, value, beside), group in groups.items():
        used = [(values[part], row[part]) for row, values in zip(rows, settings, strict=True)]
        effects.append(
            {
                "part": PARTS[part],
                "value": value_name(value, used),
                "baseline": value_name(settings[0][part], used),
                "among": dict(beside),
                "pairs": len(group),
                "also": [] if part == "loss" else _losses(rows, PARTS[part], group),
                "tests": {},
            }
        )
    _test(effects, [_pairs(rows, PARTS[part], group) for (part, *_), group in groups.items()])
    return effects


def _losses(rows: list[dict[str, Any]], part: str, group: list[dict[str, Any]]) -> list[str]:
    """Return how the losses of rows differ from those of their counterparts."""
    pairs = [(row["loss"], rows[row["against"][part]["row"]]["loss"]) for row in group]
    return list(
        dict.fromkeys(f"{loss} instead of {other}" for loss, other in pairs if loss != other)
    )


#: By set and metric, the values of rows and those of their counterparts, one a seed.
Pairs = dict[tuple[str, str], tuple[list[float], list[float]]]


def _pairs(rows: list[dict[str, Any]], part: str, group: list[dict[str, Any]]) -> Pairs:
    """Return means over a group of rows, and over their counterparts, of each seed."""
    firsts = [rows[row["against"][part]["row"]] for row in group]

    def means(members: list[dict[str, Any]], name: str, metric: str) -> list[float]:
        values = [row["metrics"][name][metric] for row in members]
        return [statistics.fmean(seed) for seed in zip(*values, strict=True)]

    return {
        (name, metric): (means(group, name, metric), means(firsts, name, metric))
        for name, metrics in rows[0]["metrics"].items()
        for metric in metrics
    }


def _test(records: list[dict[str, Any]], pairs: list[Pairs]) -> None:
    """Add tests of the same sets and metrics to records, corrected for their number."""
    for name, metric in pairs[0] if pairs else ():
        values = [pair[name, metric] for pair in pairs]
        p_values = [paired_p(*pair) for pair in values]
        tests = zip(records, values, p_values, holm(p_values), strict=True)
        for record, pair, p, corrected in tests:
            differences = [a - b for a, b in zip(*pair, strict=True)]
            low, high = interval(differences) or (None, None)
            record["tests"].setdefault(name, {})[metric] = {
                "difference": statistics.fmean(differences),
                "low": low,
                "high": high,
                "p": p,
                "corrected_p": corrected,
                "mark": mark(corrected),
            }
