"""Means and standard deviations over the seeds of a run."""

from __future__ import annotations

import statistics
from typing import Any

#: Entries of a run that the summary holds beside ``valid`` and ``test``.
SUMMARISED = ("all", "sampled", "classification", "false_negatives_per_1000")
#: Nested entries that the summary leaves out.
DETAILS = ("intervals", "end", "category", "relation", "one_threshold", "valid")


def summarised(results: dict[str, Any]) -> dict[str, Any]:
    """Return the record with the ``summary`` of its runs, of finished ones if there are any.

    Where models are stacked with heuristics, ``test`` is that of the stacks, and ``test_alone``
    that of the models alone, as ``valid`` is.
    """
    runs = [run for run in results["runs"] if run["complete"]] or results["runs"]
    summary = {
        part: _spread_of([run[part] for run in runs])
        for part in ("valid", "test", *SUMMARISED)
        if runs and all(part in run for run in runs)
    }
    stacks = [run.get("stack") or {} for run in runs]
    if any("alone" in stack for stack in stacks):
        alone = [stack.get("alone", run["test"]) for run, stack in zip(runs, stacks, strict=True)]
        summary["test_alone"] = _spread_of(alone)
    return {**results, "summary": summary}


def _spread_of(values: list[Any]) -> Any:
    """Return mean and standard deviation of numbers or, recursively, of each entry of dicts."""
    if not isinstance(values[0], dict):
        return spread(values)
    names = [
        name
        for name, value in values[0].items()
        if name not in DETAILS and isinstance(value, float | dict)
    ]
    return {name: _spread_of([value[name] for value in values]) for name in names}


def spread(values: list[float]) -> dict[str, float | None]:
    """Return ``mean`` and sample standard deviation ``std`` of values; None for a single one."""
    std = statistics.stdev(values) if len(values) > 1 else None
    return {"mean": statistics.fmean(values), "std": std}
