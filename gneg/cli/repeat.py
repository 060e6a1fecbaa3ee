"""The dataset of an earlier run, for a command that repeats it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gneg import checks
from gneg.cli.sources import DataSource
from gneg.datasets.sources.known_names import from_anywhere


def repeat(
    dataset: str | None, source: DataSource, earlier: dict[str, Any]
) -> tuple[str, DataSource]:
    """Return the dataset of a run and its source; an earlier run's as far as nothing was typed.

    Args:
        dataset: The dataset that was typed; None: none was.
        source: Its options; those that were typed override those of the earlier run.
        earlier: The record of an earlier run; empty: there is none.

    Raises:
        ValueError: If there is neither, or the record is damaged.
    """
    if not earlier.get("source"):
        if dataset is None:
            checks.fail("dataset", "given, or known from the results.json of --config", None)
        return dataset, source
    recorded = DataSource.from_record(earlier["source"])
    known = earlier["source"]["dataset"]
    if from_anywhere(dataset or known) != from_anywhere(known):
        recorded = replace(recorded, features=None)  # a row for each node of the earlier data
    typed = {name: getattr(source, name) for name in source.typed}
    return dataset or known, replace(recorded, **typed)
