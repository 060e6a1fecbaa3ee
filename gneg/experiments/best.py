"""The best model or heuristic of a grid by validation, and what to do about it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from gneg.experiments.parts import ADDITIONS, row_name
from gneg.training.baselines import LONGER, still_improving


def best_of(
    rows: Sequence[Mapping[str, Any]],
    heuristics: Mapping[str, Mapping[str, Mapping[str, float]]],
    valid: Mapping[str, float],
    metric: str,
) -> dict[str, Any]:
    """Return the best model or training-free heuristic by the validation metric.

    Where a simpler model is behind the best by no more than the standard error of their difference,
    paired over seeds, it is the one to train.

    Args:
        rows: One row a config, with ``valid``, its validation metric of each seed.
        heuristics: Test metrics of heuristics, by name and set.
        valid: Their validation metric, by name.
        metric: The metric of the dataset.

    Returns:
        ``row``, the number of the row of the model to train; ``heuristic``, the name of a heuristic
        that is better than every model, or None; ``valid``, the figure of the better of both;
        ``sentence``, which says so with test figures; and ``advice``, empty if there is none.
    """
    means = [statistics.fmean(row["valid"]) for row in rows]
    place = max(range(len(rows)), key=means.__getitem__)
    simpler = _simplest(rows, place)
    model, figure = row_name(rows[place], rows), _figure(rows[place], metric)
    kind = max(valid, key=lambda kind: valid[kind], default=None)
    wins = kind is not None and valid[kind] > means[place]
    sentence = f"best by validation {metric}: {model}, {figure}"
    if kind is not None:
        tested = {name: cells[metric] for name, cells in _with(heuristics[kind], metric)}
        score = f"{100 * valid[kind]:.2f} % ({_test(tested)})"
        sentence = (
            f"no model beats a training-free score: {kind} has a validation {metric} of {score}, "
            f"the best model, {model}, {figure}"
            if wins
            else f"{sentence}; of training-free scores {kind}, {score}"
        )
    if simpler != place and not wins:
        name, other = row_name(rows[simpler], rows), _figure(rows[simpler], metric)
        sentence += f"; {name} is simpler, and no worse within the noise of seeds, {other}"
    runs = [
        {"epochs": epochs, "best_epoch": best}
        for row in rows
        for epochs, best in zip(row["epochs"], row["best_epochs"], strict=True)
    ]
    return {
        "row": simpler,
        "heuristic": kind if wins else None,
        "valid": valid[kind] if kind is not None and wins else means[place],
        "sentence": sentence,
        "advice": LONGER if still_improving(runs) else "",
    }


def _simplest(rows: Sequence[Mapping[str, Any]], best: int) -> int:
    """Return the row of the fewest parts that the validation metric cannot tell from the best.

    Stack, pair features, and negatives other than the baseline's count; of as many, the row with
    the best validation metric is taken.
    """

    def near(row: Mapping[str, Any]) -> bool:
        gaps = [a - b for a, b in zip(rows[best]["valid"], row["valid"], strict=True)]
        return len(gaps) > 1 and statistics.fmean(gaps) <= statistics.stdev(gaps) / len(gaps) ** 0.5

    def order(place: int) -> tuple[int, float]:
        row = rows[place]
        used = [row.get(name, "none") != "none" for name in ADDITIONS]
        return sum(used) + (row["sampler"] != rows[0]["sampler"]), -statistics.fmean(row["valid"])

    return min((i for i, row in enumerate(rows) if i == best or near(row)), key=order)


def _figure(row: Mapping[str, Any], metric: str) -> str:
    """Return validation and test figures of a row."""
    figures = {name: cells[metric]["mean"] for name, cells in _with(row["summary"], metric)}
    stacked = " out of fold" if row.get("stack", "none") != "none" else ""
    return f"{100 * statistics.fmean(row['valid']):.2f} %{stacked} ({_test(figures)})"


def _with(sets: Mapping[str, Mapping[str, Any]], metric: str) -> list[tuple[str, Any]]:
    return [(name, cells) for name, cells in sets.items() if metric in cells]


def _test(figures: Mapping[str, float]) -> str:
    return "test: " + ", ".join(f"{name} {100 * value:.2f}" for name, value in figures.items())
