"""Options that several commands share, and options that are made from configs.

A command names a group of options once, as the default of one parameter: ``settings =
ConfigOptions(LinkConfig)`` stands for an option for each field of the config, ``source =
DataOptions()`` for what a dataset is loaded with.
"""

from __future__ import annotations

import functools
import inspect
import json
import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import typer

from gneg import checks
from gneg.cli.app import say
from gneg.training.config import LinkConfig, TripleConfig
from gneg.training.options import from_mapping, settings

Config = TypeVar("Config", LinkConfig, TripleConfig)
DATA, RUN = "Data", "Run"

Dataset = Annotated[
    str, typer.Argument(help="A name (see gneg datasets) or the path of an edge list.")
]
Seeds = Annotated[
    int, typer.Option(min=1, help="Number of runs, with seeds 0, 1, ...", rich_help_panel=RUN)
]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder of the results; without it one under runs/.", rich_help_panel=RUN),
]
Fresh = Annotated[
    bool,
    typer.Option("--fresh", help="Start again instead of resuming.", rich_help_panel=RUN),
]


class Group(ABC):
    """A group of options behind one parameter of a command."""

    @abstractmethod
    def parameters(self) -> list[inspect.Parameter]:
        """Return the options."""

    @abstractmethod
    def collect(self, values: dict[str, Any], typed: Collection[str]) -> Any:
        """Return the value of the command's parameter.

        Args:
            values: Values by the names of the options.
            typed: Names of all options that were typed, not left at their defaults.
        """


Command = TypeVar("Command", bound=Callable[..., None])


def expand_groups(command: Command) -> Command:
    """Decorate a command whose parameters may default to groups of options."""
    hints = typing.get_type_hints(command, include_extras=True)
    groups: dict[str, Group] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if isinstance(parameter.default, Group):
            groups[name] = parameter.default
            parameters += parameter.default.parameters()
        else:
            keyword = inspect.Parameter.KEYWORD_ONLY
            parameters.append(parameter.replace(annotation=hints[name], kind=keyword))
    owner = {option.name: name for name, group in groups.items() for option in group.parameters()}

    context_parameter = inspect.Parameter(
        "context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context
    )

    @functools.wraps(command)
    def run(context: typer.Context, **values: Any) -> None:
        typed = {
            name
            for name in values
            if getattr(context.get_parameter_source(name), "name", "") != "DEFAULT"
        }
        arguments = {name: value for name, value in values.items() if name not in owner}
        for name, group in groups.items():
            options = {option: values[option] for option in values if owner.get(option) == name}
            arguments[name] = group.collect(options, typed)
        command(**arguments)

    expanded: Any = run
    parameters = [context_parameter, *parameters]
    expanded.__signature__ = inspect.Signature(parameters)
    expanded.__annotations__ = {entry.name: entry.annotation for entry in parameters}
    del expanded.__wrapped__
    return typing.cast(Command, expanded)


def _parameter(name: str, kind: Any, default: Any, *names: str, **option: Any) -> inspect.Parameter:
    annotation = Annotated[kind, typer.Option(*names, **option)]
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


# -- configs ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings(Generic[Config]):
    """Values of a config from a file and from the command line.

    Attributes:
        config_class: The class of the config.
        typed: Values that were typed.
        file: Values of ``--config``.
        earlier: The whole content of ``--config`` if it is the record of an earlier run.
    """

    config_class: type[Config]
    typed: dict[str, Any]
    file: dict[str, Any] = field(default_factory=dict)
    earlier: dict[str, Any] = field(default_factory=dict)

    @property
    def given(self) -> dict[str, Any]:
        """Values that were typed or stand in the file; what is typed counts."""
        return {**self.file, **self.typed}

    def config(self) -> Config:
        """Return the config, with defaults for what is not given.

        Raises:
            ValueError: If a value is not allowed.
        """
        return from_mapping(self.config_class, self.given, "--config")


class ConfigOptions(Group):
    """An option for each field of a config, and ``--config`` for a file of them.

    Args:
        config: The config class.
        leave_out: Fields that the command sets by itself.
    """

    def __init__(
        self, config: type[LinkConfig] | type[TripleConfig], leave_out: Collection[str] = ()
    ) -> None:
        self.config = config
        self.settings = {
            name: entry for name, entry in settings(config).items() if name not in leave_out
        }

    def parameters(self) -> list[inspect.Parameter]:
        """Return an option for each field, in the order of the config."""
        parameters = []
        for name, entry in self.settings.items():
            flag = f"--{name.replace('_', '-')}"
            names = [flag] if entry.option.short is None else [flag, entry.option.short]
            if entry.kind is bool:
                names = [f"{flag}/--no-{name.replace('_', '-')}" if entry.default else flag]
            kind = entry.kind | None if entry.optional else entry.kind
            option = {"help": entry.help, "rich_help_panel": entry.option.group}
            parameters.append(_parameter(name, kind, entry.default, *names, **option))
        parameters.append(
            _parameter(
                "config",
                Path | None,
                None,
                "--config",
                help="File of settings, .yaml or .json, or the results.json of an earlier run, "
                "which is then repeated; options override it.",
                rich_help_panel=RUN,
            )
        )
        return parameters

    def collect(self, values: dict[str, Any], typed: Collection[str]) -> Settings[Any]:
        """Return what was typed and what stands in the file."""
        path = values.pop("config")
        named = {name: value for name, value in values.items() if name in typed}
        if path is None:
            return Settings(self.config, named)
        content = read_config(path)
        earlier = content if isinstance(content.get("config"), dict) else {}
        file = dict(earlier["config"] if earlier else content)
        return Settings(self.config, named, file, earlier)


def read_config(path: Path) -> dict[str, Any]:
    """Return the content of a file of settings.

    Raises:
        ValueError: If it is no file of settings.
    """
    if not path.exists():
        checks.fail("config", "an existing file", str(path))
    if path.suffix not in (".yaml", ".yml", ".json"):
        checks.fail("config", "a .yaml or .json file", str(path))
    import yaml

    text = path.read_text()
    try:
        content = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        checks.fail("config", "a file of settings", f"{path}: {error}")
    if not isinstance(content, dict):
        checks.fail(
            "config", "a mapping of settings to values", f"{path}: {type(content).__name__}"
        )
    return content


# -- datasets --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DataSource:
    """What a dataset is loaded with, beside its name.

    Attributes:
        root: Folder with local copies, or to download to.
        features: File of features for the user's own edge list.
        directed: Whether the user's own edge list is directed.
        bipartite: Whether the ends of the user's own edge list are of two kinds.
        split_seed: Seed of the split.
        unseen: What becomes of held-out triples with entities that training lacks.
    """

    root: Path | None = None
    features: Path | None = None
    directed: bool = False
    bipartite: bool = False
    split_seed: int = 0
    unseen: str = "keep"

    def load(self, dataset: str) -> Any:
        """Load a graph and print its size."""
        from gneg.datasets import load

        data = load(
            dataset,
            root=self.root,
            seed=self.split_seed,
            features=self.features,
            undirected=not self.directed,
            bipartite=self.bipartite,
        )
        say(repr(data))
        return data

    def load_triples(self, dataset: str) -> Any:
        """Load a knowledge graph and print its size."""
        from gneg.datasets import load_triples

        data = load_triples(dataset, root=self.root, unseen=self.unseen)  # type: ignore[arg-type]
        say(repr(data))
        return data

    def load_any(self, dataset: str) -> Any:
        """Load a knowledge graph where the name or folder is one, else a graph."""
        from gneg.datasets import is_triples

        return self.load_triples(dataset) if is_triples(dataset) else self.load(dataset)

    def record(self, dataset: str) -> dict[str, Any]:
        """Return the arguments for the record of a run, JSON."""
        values = {"dataset": dataset, **asdict(self)}
        return {
            name: str(value) if isinstance(value, Path) else value for name, value in values.items()
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> DataSource:
        """Return what :meth:`record` was made of."""
        values = {name: value for name, value in record.items() if name != "dataset"}
        for name in ("root", "features"):
            values[name] = None if values.get(name) is None else Path(values[name])
        return cls(**values)


class DataOptions(Group):
    """The options that a dataset is loaded with.

    Args:
        triples: Whether it is a knowledge graph.
    """

    def __init__(self, *, triples: bool = False) -> None:
        self.triples = triples

    def parameters(self) -> list[inspect.Parameter]:
        """Return the options."""
        root = _parameter(
            "root",
            Path | None,
            None,
            help="Folder with local copies of datasets, or to download to.",
            rich_help_panel=DATA,
        )
        if self.triples:
            unseen = (
                "Held-out triples with entities or relations that training lacks: keep or drop."
            )
            return [root, _parameter("unseen", str, "keep", help=unseen, rich_help_panel=DATA)]
        return [
            root,
            _parameter(
                "features",
                Path | None,
                None,
                help="Features for your own edge list: .npy, .npz or .csv.",
                rich_help_panel=DATA,
            ),
            _parameter(
                "directed",
                bool,
                False,
                "--directed",
                help="Read your own edge list as directed.",
                rich_help_panel=DATA,
            ),
            _parameter(
                "bipartite",
                bool,
                False,
                "--bipartite",
                help="The ends of your own edge list are of two kinds, such as users and items.",
                rich_help_panel=DATA,
            ),
            _parameter(
                "split_seed",
                int,
                0,
                help="Seed of the split where there is no official one.",
                rich_help_panel=DATA,
            ),
        ]

    def collect(self, values: dict[str, Any], typed: Collection[str]) -> DataSource:
        """Return the values."""
        return DataSource(**values)


def repeat(
    dataset: str | None, source: DataSource, earlier: dict[str, Any]
) -> tuple[str, DataSource]:
    """Return the dataset of a run and what it is loaded with: those of an earlier run if not named.

    Args:
        dataset: The dataset that was typed; None: none was.
        source: The options that were typed.
        earlier: The record of an earlier run; empty: there is none.

    Raises:
        ValueError: If there is neither.
    """
    if dataset is not None:
        return dataset, source
    if not earlier.get("source"):
        checks.fail("dataset", "given, or known from the results.json of --config", None)
    return earlier["source"]["dataset"], DataSource.from_record(earlier["source"])
