"""Where a command's dataset comes from: the options for it, and loading it."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

from rich.text import Text

from gneg import checks, records
from gneg.cli.app import say
from gneg.cli.groups import Group, parameter
from gneg.cli.output import progress_console
from gneg.cli.values import Checked, at_least, exists, one_of
from gneg.datasets.sources.known_names import from_anywhere
from gneg.datasets.table_options import HELP, Cover, TableOptions

TABLE = "Your own table, where it is not understood"
TABLE_FIELDS = {entry.name: entry for entry in fields(TableOptions)}
#: Options for a table of triples.
TRIPLE_FIELDS = ("source", "relation", "target", "encoding", "sep", "header")
#: Options of a table that are flags, with the flag for no.
FLAGS = {"header": "--header/--no-header", "day_first": "--day-first/--month-first"}
#: Options that are flags, of tables and others.
SWITCHES = {**FLAGS, "directed": "--directed", "bipartite": "--bipartite/--one-kind"}
DATA = "Data"
PLACES = ("dataset", "root", "features", "types")
OF_TRIPLES = ("root", "unseen", "types", "split_seed", "table")
#: Form of the source in a record.
FORM = {
    "dataset": str,
    "root": (str, None),
    "features": (str, None),
    "directed": bool,
    "bipartite": (bool, None),
    "split_seed": int,
    "unseen": str,
    "types": (str, None),
    "table": {...: (str, bool, float, None)},
}


@dataclass(frozen=True)
class DataSource:
    """What a dataset is loaded with, beside its name.

    Attributes:
        root: Folder with local copies, or to download to.
        features: File of features for the user's own edge list.
        directed: Whether the user's own edge list is directed.
        bipartite: Whether the ends of the user's own edge list are of two kinds; None: as it says.
        split_seed: Seed of the split.
        unseen: What becomes of held-out triples with entities that training lacks.
        types: File of the types of entities, or of what relations allow.
        table: How to read the user's own table.
        typed: Names of the options that were typed.
    """

    root: Path | None = None
    features: Path | None = None
    directed: bool = False
    bipartite: bool | None = None
    split_seed: int = 0
    unseen: str = "keep"
    types: Path | None = None
    table: TableOptions = field(default_factory=TableOptions)
    typed: frozenset[str] = frozenset()

    def load(self, dataset: str) -> Any:
        """Load a graph, or that of a run, and print its size."""
        from gneg.datasets import LinkData, load
        from gneg.datasets.graph_data import is_stored

        stored = self._of_run(dataset)
        if stored is not None:
            checks.instance("dataset", stored, (LinkData,), hint="a knowledge graph: gneg kg")
            return _said(stored)
        if self.types is not None:
            checks.fail("types", "left out for a graph of edges", str(self.types))
        checks.integer("split-seed", self.split_seed, 0)
        if is_stored(dataset):
            self._refuse_options(dataset, "a stored graph", "features", "split_seed")
        with progress_console.status(Text(f"reading {dataset}")):
            data = load(
                dataset,
                root=self.root,
                seed=self.split_seed,
                features=self.features,
                undirected=not self.directed,
                bipartite=self.bipartite,
                table=self.table,
            )
        return _said(data)

    def load_graph(self, dataset: str) -> Any:
        """Open a stored graph, whole; load anything else, edges or triples."""
        from gneg.datasets.graph_data import GraphData, is_stored

        if not is_stored(dataset):
            return self.load_any(dataset)
        self._refuse_options(dataset, "a stored graph")
        return _said(GraphData.open(dataset))

    def _refuse_options(self, dataset: str, kind: str, *but: str) -> None:
        """Refuse options that were typed and say nothing of this kind of dataset."""
        options = self.typed - {*but}
        if options:
            allowed = f"another than {kind} with the options {', '.join(sorted(options))}"
            checks.fail("dataset", allowed, dataset)

    def load_triples(self, dataset: str) -> Any:
        """Load a knowledge graph, or that of a run, and print its size."""
        from gneg.datasets import TripleData, load_triples

        stored = self._of_run(dataset)
        if stored is not None:
            checks.instance("dataset", stored, (TripleData,), hint="a graph: gneg without kg")
            return _said(stored)
        self._refuse_options(dataset, "a knowledge graph", *OF_TRIPLES)
        with progress_console.status(Text(f"reading {dataset}")):
            data = load_triples(
                dataset,
                root=self.root,
                unseen=self.unseen,  # type: ignore[arg-type]
                table=self.table,
                seed=self.split_seed,
                types=self.types,
            )
        return _said(data)

    def load_any(self, dataset: str) -> Any:
        """Load a knowledge graph where the name, folder or file is one, else a graph."""
        from gneg.datasets import is_triples

        stored = self._of_run(dataset)
        if stored is not None:
            return _said(stored)
        return self.load_triples(dataset) if is_triples(dataset, self.table) else self.load(dataset)

    def _of_run(self, dataset: str) -> Any:
        """Return the data of the run in a folder; None: it is none."""
        from gneg.training.record import NAME

        if not (Path(dataset).expanduser() / NAME).is_file():
            return None
        self._refuse_options(dataset, "a run's")
        from gneg.training.load import load_data  # it takes seconds, and most datasets are no runs

        return load_data(Path(dataset).expanduser())

    def record(self, dataset: str) -> dict[str, Any]:
        """Return the arguments for the record of a run, JSON."""
        values: dict[str, Any] = {"dataset": dataset, **asdict(self)}
        del values["typed"]
        return values | {name: from_anywhere(values[name]) for name in PLACES if values[name]}

    def words(self, dataset: str) -> list[str]:
        """Return the words of a command line that load the dataset the same way."""
        from gneg.experiments.command import option_words

        words = [dataset]
        for values, names in ((self, fields(DataSource)), (self.table, fields(TableOptions))):
            for entry in names:
                value, default = getattr(values, entry.name), entry.default
                if entry.name not in ("table", "typed") and value != default:
                    words += option_words(entry.name, value, SWITCHES.get(entry.name, ""))
        return words

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> DataSource:
        """Return what :meth:`record` was made of."""
        present = {name: FORM[name] for name in FORM if name in record or name == "dataset"}
        fault = records.mismatch(record, present, "source")
        if fault is not None or set(record) - set(FORM):
            unknown = f"source with {', '.join(set(record) - set(FORM))}"
            checks.fail("config", "a whole results.json of gneg train", fault or unknown)
        values = {name: record[name] for name in present if name != "dataset"}
        for name in ("root", "features", "types"):
            values[name] = None if values.get(name) is None else Path(values[name])
        table = values.pop("table", {})
        if set(table) - set(TABLE_FIELDS):
            checks.fail("config", "a whole results.json of gneg train", f"a table with {table}")
        return cls(**values, table=TableOptions(**table))


class DataOptions(Group):
    """The options that a dataset is loaded with.

    Args:
        triples: Whether it is a knowledge graph.
        either: Whether it may be one.
    """

    def __init__(self, *, triples: bool = False, either: bool = False) -> None:
        self.triples, self.either = triples, either

    def parameters(self) -> list[inspect.Parameter]:
        """Return the options."""
        root = parameter(
            "root",
            Path | None,
            None,
            help="Folder with local copies of datasets, or to download to.",
            rich_help_panel=DATA,
        )
        if self.triples:
            text = "Held-out triples with entities or relations that training lacks: keep or drop."
            check = one_of("keep", "drop")
            return [
                root,
                parameter("unseen", str, "keep", check=check, help=text, rich_help_panel=DATA),
                _types(),
                _split_seed(),
                *table_parameters(TRIPLE_FIELDS),
            ]
        return [
            root,
            parameter(
                "features",
                Path | None,
                None,
                check=Checked(exists),
                help="Features for your own edge list: .npy, .npz or .csv.",
                rich_help_panel=DATA,
            ),
            parameter(
                "directed",
                bool,
                False,
                SWITCHES["directed"],
                help="Read your own edge list as directed.",
                rich_help_panel=DATA,
            ),
            parameter(
                "bipartite",
                bool | None,
                None,
                SWITCHES["bipartite"],
                help="Whether the ends of your own edge list are of two kinds, such as users and "
                "items; else as the file says.",
                rich_help_panel=DATA,
            ),
            *([_types()] if self.either else []),
            _split_seed(),
            *table_parameters(n for n in TABLE_FIELDS if self.either or n != "relation"),
        ]

    def collect(self, values: dict[str, Any], typed: Collection[str]) -> DataSource:
        """Return the values."""
        table = {name: values.pop(name) for name in TABLE_FIELDS if name in values}
        names = set(values) & set(typed) | ({"table"} if set(table) & set(typed) else set())
        return DataSource(**values, table=TableOptions(**table), typed=frozenset(names))


def _types() -> inspect.Parameter:
    text = (
        "Types of entities, for typed(by=types) and typed(by=domains): JSON of lists by entity, a "
        "table (entity, type), OpenKE's type_constrain.txt, or N-Triples of an ontology."
    )
    return parameter(
        "types", Path | None, None, check=Checked(exists), help=text, rich_help_panel=DATA
    )


def _split_seed() -> inspect.Parameter:
    text = "Seed of the split where there is no official one."
    return parameter("split_seed", int, 0, check=at_least(0), help=text, rich_help_panel=DATA)


def table_parameters(names: Iterable[str]) -> list[inspect.Parameter]:
    """Return the options of a table with these names."""
    kinds: dict[str, Any] = {
        "min_rating": float | None,
        "cover": str,
        **dict.fromkeys(FLAGS, bool | None),
    }
    return [
        parameter(
            name,
            kinds.get(name, str | None),
            TABLE_FIELDS[name].default,
            *([FLAGS[name]] if name in FLAGS else []),
            check=one_of(*get_args(Cover)) if name == "cover" else None,
            help=HELP[name],
            rich_help_panel=TABLE,
        )
        for name in names
    ]


def _said(data: Any) -> Any:
    """Print what was understood of a file and the sizes of a dataset; return it."""
    if getattr(data, "reading", None) is not None:
        for line in data.reading.lines():
            say(line)
    say(repr(data))
    return data
