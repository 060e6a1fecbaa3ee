"""Groups of options: one parameter of a command that stands for many options."""

from __future__ import annotations

import functools
import inspect
import os
import re
import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import typer

from gneg import checks
from gneg.cli import output
from gneg.cli.app import Imports, plain_errors
from gneg.cli.values import Checked, checked, name_of


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
    """Decorate a command whose parameters may default to groups of options.

    Every command has it, for the options ``--quiet`` and ``--json`` and because errors of the
    user, in options or in the command, are printed without a traceback.
    """
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

    annotations = {entry.name: entry.annotation for entry in parameters}
    names = {name: name_of(name, annotation) for name, annotation in annotations.items()}

    @functools.wraps(command)
    def run(context: typer.Context, **values: Any) -> None:
        typed = {
            name
            for name in values
            if getattr(context.get_parameter_source(name), "name", "") != "DEFAULT"
        }
        del values["imports"]  # which were imported as they were read
        mode = {name: values.pop(name) for name in output.OPTIONS}
        with output.output_mode(**mode), plain_errors(), _as_typed(names):
            parent = context.parent.info_name if context.parent else None
            _refuse_torchrun(f"{'kg ' if parent == 'kg' else ''}{context.info_name}")
            for name, value in values.items():
                values[name] = checked(annotations[name], names[name], value)
            arguments = {name: value for name, value in values.items() if name not in owner}
            for name, group in groups.items():
                options = {option: values[option] for option in values if owner.get(option) == name}
                arguments[name] = group.collect(options, typed)
            command(**arguments)

    expanded: Any = run
    expanded.__doc__ = _flowing(command.__doc__ or "")
    imports = inspect.Parameter(
        "imports", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Imports
    )
    parameters = [context_parameter, *parameters, imports, *output.parameters()]
    expanded.__signature__ = inspect.Signature(parameters)
    expanded.__annotations__ = {entry.name: entry.annotation for entry in parameters}
    del expanded.__wrapped__
    return typing.cast(Command, expanded)


def _refuse_torchrun(command: str) -> None:
    """Refuse a command whose processes would write the same files."""
    if "TORCHELASTIC_RUN_ID" in os.environ and command != "train":
        size = os.environ.get("WORLD_SIZE", "1")
        if size != "1":
            hint = "see --engine ray of gneg sample, hardset and audit"
            checks.fail("nproc-per-node", f"1 for gneg {command}, on one machine", size, hint=hint)


def _flowing(text: str) -> str:
    """Return a help text whose paragraphs break where the terminal ends; examples keep lines."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    examples = "[bold]"
    return "\n\n".join(
        paragraph if paragraph.startswith(examples) else paragraph.replace("\n", " ")
        for paragraph in paragraphs
    )


@contextmanager
def _as_typed(names: dict[str, str]) -> Iterator[None]:
    """Name an option in an error as it is typed, which calls it by its parameter."""
    try:
        yield
    except ValueError as error:
        match = re.match(r"'(\w+)'", str(error))
        if match is None or names.get(match[1], match[1]) == match[1]:
            raise
        raise ValueError(f"'{names[match[1]]}'{str(error)[match.end() :]}") from error


def parameter(
    name: str, kind: Any, default: Any, *names: str, check: Checked | None = None, **option: Any
) -> inspect.Parameter:
    """Return an option as the parameter of a command.

    Args:
        name: Name of the parameter.
        kind: Its type.
        default: Its default.
        names: Flags; without them ``--name``.
        check: Check of its value; None: none.
        option: Further arguments of ``typer.Option``.
    """
    described: Any = Annotated[kind, typer.Option(*names, **option)]
    annotation = described if check is None else Annotated[described, check]
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )
