"""The best model or heuristic of a grid by validation, and what to do about it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from gneg.experiments.parts import row_name
from gneg.training.baselines import LONGER, still_improving


def best_of(
    rows: Sequence[Mapping[str, Any]],
    heuristics: Mapping[str, Mapping[str, Mapping[str, float]]],
    valid: Mapping[str, float],
    metric: str,
) -> dict[str, Any]:
    """Return the best model or training-free heuristic by the validation metric.

    Args:
        rows: One row a config, with ``valid``, its validation metric of each seed.
        heuristics: Test metrics of heuristics, by name and set.
        valid: Their validation metric, by name.
        metric: The metric of the dataset.

    Returns:
        ``row``, the number of the best model's row; ``heuristic``, the name of a heuristic that is
        better than every model, or None; ``valid``, the figure of the better of both;
        ``sentence``, which says so with test figures; and ``advice``, empty if there is none.
    """
    means = [statistics.fmean(row["valid"]) for row in rows]
    place = max(range(len(rows)), key=means.__getitem__)
    model = row_name(rows[place], rows)
    figures = {name: cells[metric]["mean"] for name, cells in _with(rows[place]["summary"], metric)}
    stacked = rows[place].get("stack", "none") != "none"
    figure = f"{100 * means[place]:.2f} %{' out of fold' if stacked else ''} ({_test(figures)})"
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
    runs = [
        {"epochs": epochs, "best_epoch": best}
        for row in rows
        for epochs, best in zip(row["epochs"], row["best_epochs"], strict=True)
    ]
    return {
        "row": place,
        "heuristic": kind if wins else None,
        "valid": valid[kind] if kind is not None and wins else means[place],
        "sentence": sentence,
        "advice": LONGER if still_improving(runs) else "",
    }


def _with(sets: Mapping[str, Mapping[str, Any]], metric: str) -> list[tuple[str, Any]]:
    return [(name, cells) for name, cells in sets.items() if metric in cells]


def _test(figures: Mapping[str, float]) -> str:
    return "test: " + ", ".join(f"{name} {100 * value:.2f}" for name, value in figures.items())
