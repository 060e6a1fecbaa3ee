"""Checks of options: a bad value is refused before the command starts, and any data is read.

They stand beside the option: ``Annotated[str, typer.Option(...), one_of("valid", "test")]``. Names
are read in any case.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gneg import checks
from gneg.training.options import settings

#: Ends that are replaced, of edges and of triples.
CORRUPT = ("both", "dst", "src", "head", "tail", "bernoulli")


@dataclass(frozen=True)
class Checked:
    """A check of the values of an option that were typed or are no None.

    Attributes:
        check: Returns the value as the command takes it, given the option's name and the value.
    """

    check: Callable[[str, Any], Any]


def one_of(*options: str) -> Checked:
    """Return the check of a choice."""
    return Checked(
        lambda name, value: checks.choice(name, checks.spelling(value, options), options)
    )


def at_least(minimum: int) -> Checked:
    """Return the check of an integer."""
    return Checked(lambda name, value: checks.integer(name, value, minimum))


def setting(config: type, field: str) -> Checked:
    """Return the check of a value that is one of a config's field."""
    return Checked(lambda name, value: replace(settings(config)[field], name=name).checked(value))


def listed(config: type, field: str, *others: str) -> Checked:
    """Return the check of values of a config's field, or ``others``, separated by commas."""

    def check(name: str, text: str) -> str:
        described = replace(settings(config)[field], name=name)
        choices = (*(described.option.choices or ()), *others)
        described = replace(described, option=replace(described.option, choices=choices))
        return ",".join(described.checked(word.strip()) for word in text.split(","))

    return Checked(check)


def sampler_list(config: type) -> Checked:
    """Return the check of sampler expressions, separated by commas."""

    def check(name: str, text: str) -> str:
        from gneg.samplers.text.parse import parse_list

        described = replace(settings(config)["sampler"], name=name)
        expressions = [described.checked(str(part)) for part in parse_list(text, name)]
        return ", ".join(expressions)

    return Checked(check)


def any_sampler(name: str, text: str) -> str:
    """Return an expression that is a sampler of pairs or of triples."""
    from gneg.samplers.triples.build import check_either

    check_either(text, argument=name)
    return text


def end_of(data: Any, end: Any) -> Any:
    """Return an end that is replaced as the data call it: of triples ``tail`` for ``dst``."""
    from gneg.datasets.triple import END_NAMES, TripleData

    return END_NAMES.get(end, end) if isinstance(data, TripleData) else end


def hard_sets(name: str, paths: list[Path]) -> list[Path]:
    """Return files of hard sets that exist."""
    from gneg.evaluation.hardset.hard_set import checked_path

    return [exists(name, checked_path(path, name)) for path in paths]


def compared_recipe(name: str, value: str) -> str:
    """Return the name of a recipe that leaves the negatives to the comparison."""
    if value.strip().lower() == "auto":
        hint = "auto chooses the negatives by a race, and a comparison compares negatives"
        checks.fail(name, "one of 'fast', 'none'", repr(value), hint=hint)
    options = ("fast", "none")
    return checks.choice(name, checks.spelling(value, options), options)


def exists(name: str, path: Any) -> Any:
    """Return a path at which there is something."""
    if not Path(path).expanduser().exists():
        checks.fail(name, "an existing file", str(path))
    return path


def checked(annotation: Any, name: str, value: Any) -> Any:
    """Return the value of an option after the checks in its annotation.

    Args:
        annotation: The annotation of its parameter.
        name: The name of the option.
        value: The value; None: the option was not typed.
    """
    for entry in typing.get_args(annotation)[1:] if value is not None else ():
        if isinstance(entry, Checked):
            value = entry.check(name, value)
    return value


def name_of(parameter_name: str, annotation: Any) -> str:
    """Return the name of an option as it is typed, without dashes before it."""
    for entry in typing.get_args(annotation)[1:]:
        flags = getattr(entry, "param_decls", None)
        if flags:
            return str(flags[0]).split("/")[0].lstrip("-")
    return parameter_name.replace("_", "-")
