"""``gneg describe`` and ``gneg kg describe``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gneg.cli.app import app, kg, say
from gneg.cli.groups import expand_groups
from gneg.cli.options import Dataset, TripleDataset
from gneg.cli.output import print_json
from gneg.cli.sources import DataOptions, DataSource
from gneg.cli.tables import print_table

EXAMPLES = 5  # edges that are shown


@app.command("describe")
@expand_groups
def describe(
    dataset: Dataset,
    source: DataSource = DataOptions(),  # type: ignore[assignment]
) -> None:
    """Say what is understood of a file, and stop.

    [bold]gneg describe edges.csv[/]

    [bold]gneg describe ratings.csv --min-rating 4[/]
    """
    _print(source.load_any(dataset))


@kg.command("describe")
@expand_groups
def describe_triples(
    dataset: TripleDataset,
    source: DataSource = DataOptions(triples=True),  # type: ignore[assignment]
) -> None:
    """Say what is understood of a file or folder of triples, and stop.

    [bold]gneg kg describe facts.tsv[/]

    [bold]gneg kg describe FOLDER[/]
    """
    _print(source.load_triples(dataset))


def _print(data: Any) -> None:
    """Print the sizes of a dataset, its split and some edges or triples by their names."""
    triples = data.positives("train").size(0) == 3
    kind = "triples" if triples else "edges"
    parts = [(part, f"{data.positives(part).size(1):,}") for part in ("train", "valid", "test")]
    if getattr(data, "undirected", False):
        say("edges have no direction: --directed reads them as directed")
    say(f"split: {data.split}; models are selected by {data.metric}")
    print_table(f"{kind} by part", ("part", kind), parts)
    if triples and data.backwards:
        total = data.ranked.test.size(1)
        say(
            f"{data.backwards:,} of {total:,} test triples join entities that a training triple "
            "joins the other way round: their answers may be read off it"
        )
    examples = _examples(data)
    say(f"the first {kind} of training: {'; '.join(' - '.join(row) for row in examples)}")
    reading = None if data.reading is None else data.reading.record()
    more = {"repeated": data.repeated, "backwards": data.backwards} if triples else {}
    print_json(
        {**data.describe(), **more, "split": data.split, "reading": reading, "examples": examples}
    )


def _examples(data: Any) -> list[Sequence[str]]:
    """Return the first training edges or triples by the user's own names."""
    from gneg.datasets.names import spoken

    return list(spoken(data.end_names, data.positives("train")[:, :EXAMPLES]))
