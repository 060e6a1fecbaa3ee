"""Options that several commands share, and options that are made from configs.

A command names a group of options once, as the default of one parameter: ``settings =
ConfigOptions(LinkConfig)`` stands for an option for each field of the config.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import typer

from gneg import checks, files, records
from gneg.cli.app import say
from gneg.cli.groups import Group, parameter
from gneg.cli.values import at_least
from gneg.graph.devices import check_usable
from gneg.training import record
from gneg.training.config import LinkConfig, TripleConfig
from gneg.training.options import Setting, check_values, settings
from gneg.training.parts import check_registered

Config = TypeVar("Config", LinkConfig, TripleConfig)
RUN = "Run"
RUNS = Path("runs")  # folder of the results of commands without --out

Dataset = Annotated[
    str,
    typer.Argument(
        help="A name (see gneg datasets), the path of an edge list, or a folder of gneg ingest."
    ),
]
EitherDataset = Annotated[
    str,
    typer.Argument(
        help="A name (see gneg datasets), the path of an edge list, a folder of gneg ingest, "
        "or a folder of triples."
    ),
]
TripleDataset = Annotated[
    str,
    typer.Argument(
        help="A name (see gneg datasets), such as fb15k237 or umls, a file of triples, or a folder "
        "with train, valid and test."
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        help="Settings that were tuned on validation, see gneg kg presets; options override them.",
        rich_help_panel="Model",
    ),
]
Seeds = Annotated[
    int, typer.Option(help="Number of runs, with seeds 0, 1, ...", rich_help_panel=RUN), at_least(1)
]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder of the results; without it one under runs/.", rich_help_panel=RUN),
]
Fresh = Annotated[
    bool,
    typer.Option(
        "--fresh",
        help="Start again instead of resuming, and replace an earlier result.",
        rich_help_panel=RUN,
    ),
]


Track = Annotated[
    list[str] | None,
    typer.Option(
        "--track",
        help="Trackers that log settings and metrics as it trains: tensorboard, wandb, mlflow; "
        "several separated by commas (each needs the extra of its name, such as "
        "gneg\\[tensorboard]).",
        rich_help_panel=RUN,
    ),
]


def trackers(names: list[str] | None) -> list[Any]:
    """Return the callbacks of ``--track``."""
    from gneg.integrations import tracking

    return list(tracking.trackers(names or ()))


@dataclass(frozen=True)
class Settings(Generic[Config]):
    """Values of a config from a file and from the command line.

    Attributes:
        config_class: The class of the config.
        typed: Values that were typed.
        preset: Values of a preset.
        file: Values of ``--config``.
        earlier: The whole content of ``--config`` if it is the record of an earlier run.
        path: The file of ``--config``.
    """

    config_class: type[Config]
    typed: dict[str, Any]
    file: dict[str, Any] = field(default_factory=dict)
    earlier: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None
    preset: dict[str, Any] = field(default_factory=dict)

    @property
    def given(self) -> dict[str, Any]:
        """Values of the preset, of the file and what was typed; the latter count."""
        return {**self.preset, **self.file, **self.typed}

    def with_preset(self, name: str | None, dataset: str | None) -> Settings[Config]:
        """Return the settings over those of a preset of knowledge-graph models, and say which.

        Args:
            name: The name of the preset; None: no preset.
            dataset: The name of the dataset; some have settings of their own.

        Raises:
            ValueError: If there is no preset of this name, or a file of settings as well.
        """
        if name is None:
            return self
        if self.path is not None:
            checks.fail("preset", "none with --config", name)
        from gneg.training.presets import preset

        settings = replace(self, preset=preset(name, dataset, self.typed))
        say_preset(name, dataset)
        return settings

    def config(self) -> Config:
        """Return the config, with defaults for what is not given.

        Raises:
            ValueError: If a value is not allowed, or torch lacks the device here.
        """
        untyped = {name: value for name, value in self.file.items() if name not in self.typed}
        check_values(self.config_class, untyped, str(self.path))
        config = self.config_class(**self.given)
        check_usable("device", config.device)
        return config


class ConfigOptions(Group):
    """An option for each field of a config, and ``--config`` for a file of them.

    Args:
        config: The config class.
        leave_out: Fields that the command sets by itself.
    """

    def __init__(
        self, config: type[LinkConfig] | type[TripleConfig], leave_out: Collection[str] = ()
    ) -> None:
        self.config, self.leave_out = config, leave_out

    @property
    def settings(self) -> dict[str, Setting]:
        """The fields by name, with the choices that are registered by now."""
        fields_by_name = settings(self.config).items()
        return {name: entry for name, entry in fields_by_name if name not in self.leave_out}

    def parameters(self) -> list[inspect.Parameter]:
        """Return an option for each field, in the order of the config."""
        parameters = []
        for name, entry in self.settings.items():
            flag = f"--{name.replace('_', '-')}"
            names = [flag] if entry.option.short is None else [flag, entry.option.short]
            if entry.kind is bool:
                names = [f"{flag}/--no-{name.replace('_', '-')}" if entry.default else flag]
            kind = entry.kind | None if entry.optional else entry.kind
            option: dict[str, Any] = {"help": entry.help, "rich_help_panel": entry.option.group}
            parameters.append(parameter(name, kind, entry.default, *names, **option))
        parameters.append(
            parameter(
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
        described = self.settings
        named = {
            name: described[name].checked(value) for name, value in values.items() if name in typed
        }
        if path is None:
            return Settings(self.config, named)
        content = read_config(path)
        earlier = content if {"config", "runs"} & set(content) else {}
        fault = records.mismatch(earlier, record.FORM) if earlier else None
        if fault is not None:
            checks.fail("config", "settings, or a whole results.json", f"{path}: {fault}")
        check_registered(earlier)
        file = dict(earlier["config"] if earlier else content)
        return Settings(self.config, named, file, earlier, path)


def read_config(path: Path) -> dict[str, Any]:
    """Return the content of a file of settings.

    Raises:
        ValueError: If it is no file of settings.
    """
    if path.suffix not in (".yaml", ".yml", ".json"):
        checks.fail("config", "a .yaml or .json file", str(path))
    import yaml

    with files.reading("config", path, "a file of settings", "a line of YAML is 'name: value'"):
        text = path.read_text("utf-8")
        content = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    if not isinstance(content, dict):
        checks.fail(
            "config", "a mapping of settings to values", f"{path}: {type(content).__name__}"
        )
    return content


def in_words(settings: dict[str, Any]) -> str:
    """Return settings in a line."""
    return " ".join(f"{name}={value}" for name, value in settings.items())


def say_preset(name: str, dataset: str | None) -> None:
    """Say whether a preset has settings of its own for a dataset."""
    from gneg.training.presets import PRESETS, tuned_for

    known, own = tuned_for(name, dataset), PRESETS[name].on
    if known is not None:
        say(f"preset {name}, with its settings for {known}: {in_words(own[known])}")
    elif own:
        say(f"preset {name}: its settings for any graph; it has others for {', '.join(own)}")
