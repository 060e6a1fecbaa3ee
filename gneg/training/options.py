"""Descriptions of the settings of a config: help, group, range and choices, each stated once.

Checks, the options of the command line and the documentation of a config are made from it.
"""

from __future__ import annotations

import functools
import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeVar

import numpy as np

from gneg import checks

Config = TypeVar("Config")
Group = Literal["Model", "Data", "Run"]

_KEY = "option"
LARGEST = 2**31 - 1  # value of an integer without a bound of its own


@dataclass(frozen=True)
class Option:
    """A description of one setting.

    Attributes:
        help: One sentence: the meaning of the setting, its unit, and the meaning of None.
        group: The panel of ``--help`` that lists it.
        low: The smallest value of a number; None: no bound.
        high: The largest value of a number; None: no bound.
        above: Whether ``low`` itself is excluded.
        below: Whether ``high`` itself is excluded.
        choices: The allowed texts, if the type is not a ``Literal``; None: any text.
        check: Called with name and text of a setting without choices, to refuse it, or to return
            it as it is spelt; None: any text.
        short: A one-letter option, such as ``-k``.
        registered: Further choices, to which users add theirs: the keys of a registry.
    """

    help: str
    group: Group = "Model"
    low: float | None = None
    high: float | None = None
    above: bool = False
    choices: tuple[str, ...] | None = None
    check: Callable[[str, str], str] | None = None
    short: str | None = None
    registered: Mapping[str, object] = field(default_factory=dict)
    below: bool = False

    @property
    def range(self) -> str:
        """The range of a number as text: ``>= 1``, ``> 0``, ``in [0, 1]`` or ``in [0, 1)``."""
        if self.low is None:
            return ""
        if self.high is not None:
            left, right = "(" if self.above else "[", ")" if self.below else "]"
            return f"in {left}{_figure(self.low)}, {_figure(self.high)}{right}"
        return f"{'>' if self.above else '>='} {_figure(self.low)}"

    def field(self, default: Any) -> Any:
        """Return a dataclass field with this description and a default."""
        return field(default=default, metadata={_KEY: self})


def _figure(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def setting(
    default: Any,
    help: str,
    group: Group = "Model",
    *,
    low: float | None = None,
    high: float | None = None,
    above: bool = False,
    below: bool = False,
    choices: tuple[str, ...] | None = None,
    check: Callable[[str, str], str] | None = None,
    registered: Mapping[str, object] | None = None,
) -> Any:
    """Return a dataclass field that describes itself; arguments as in :class:`Option`."""
    option = Option(help, group, low, high, above, choices, check, below=below)
    if registered is not None:  # which may be empty still
        option = replace(option, registered=registered)
    return option.field(default)


@dataclass(frozen=True)
class Setting:
    """A field of a config with its description and type.

    Attributes:
        name: The name of the field.
        kind: ``bool``, ``int``, ``float`` or ``str``.
        optional: Whether None is allowed.
        default: The default value.
        option: The description; its choices are those of the ``Literal`` if the type is one.
    """

    name: str
    kind: type
    optional: bool
    default: Any
    option: Option

    def checked(self, value: Any) -> Any:
        """Return a value, a name as it is spelt and a number as Python's.

        Raises:
            ValueError: If the value has the wrong type, is out of range or not among the choices.
        """
        if value is None and self.optional:
            return value
        option = self.option
        if self.kind is bool:
            if not isinstance(value, bool):
                checks.fail(self.name, "True or False", repr(value))
        elif self.kind in (int, float):
            self._check_number(value)
        elif not isinstance(value, str):
            allowed = f"one of {', '.join(option.choices)}" if option.choices else "a text"
            checks.fail(self.name, allowed, repr(value))
        elif option.choices is not None:
            return checks.choice(self.name, checks.spelling(value, option.choices), option.choices)
        elif option.check is not None:
            return option.check(self.name, value)
        return self.kind(value) if isinstance(value, np.generic) else value

    def _check_number(self, value: Any) -> None:
        option = self.option
        if self.kind is int:
            checks.integer(self.name, value, int(option.low or 0))
            most = LARGEST if option.high is None else int(option.high)
            if value > most:
                checks.fail(self.name, f"an integer <= {most:,}", repr(value)[:20])
            return
        low = float("-inf") if option.low is None else option.low
        high = float("inf") if option.high is None else option.high
        ends = {"open_low": option.above, "open_high": option.below}
        checks.number(self.name, value, low, high, **ends)

    @property
    def help(self) -> str:
        """The sentences for ``--help``, with choices and range where they are not in the text."""
        choices, text = self.option.choices or (), self.option.help.rstrip(".")
        if not all(re.search(rf"\b{re.escape(choice)}\b", text) for choice in choices):
            text += f". One of {', '.join(choices)}"
        limits = self.option.range
        return f"{text}." if not limits or limits in text else f"{text}; {limits}."


def settings(config: type) -> dict[str, Setting]:
    """Return the fields of a config class by name, in the order of their definition.

    Raises:
        TypeError: If a field has no description or a type that is not supported.
    """
    resolved = _types(config)
    described = {}
    for entry in fields(config):
        option = entry.metadata.get(_KEY)
        if option is None:
            raise TypeError(f"{config.__name__}.{entry.name} has no description")
        kind, optional, choices = resolved[entry.name]
        choices = choices or option.choices
        if choices is not None:  # registered names are read each time
            choices = tuple(dict.fromkeys([*choices, *option.registered]))
            option = replace(option, choices=choices)
        described[entry.name] = Setting(entry.name, kind, optional, entry.default, option)
    return described


@functools.cache
def _types(config: type) -> dict[str, tuple[type, bool, tuple[str, ...] | None]]:
    """Return what :func:`_resolve` makes of each field's hint; hints are evaluated once."""
    hints = typing.get_type_hints(config)
    return {entry.name: _resolve(hints[entry.name]) for entry in fields(config)}


def _resolve(hint: Any) -> tuple[type, bool, tuple[str, ...] | None]:
    """Return the plain type, whether None is allowed, and the choices of a ``Literal``."""
    optional = False
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(hint) if member is not type(None)]
        optional, hint = len(members) < len(typing.get_args(hint)), members[0]
    if typing.get_origin(hint) is Literal:
        return str, optional, typing.get_args(hint)
    if hint not in (bool, int, float, str):
        raise TypeError(f"a setting must be a bool, int, float, str or Literal (got {hint})")
    return hint, optional, None


def check_settings(config: Any) -> None:
    """Refuse a config one of whose values is not allowed, and spell its names as they are.

    Raises:
        ValueError: If a value has the wrong type, is out of range or not among the choices.
    """
    for name, described in settings(type(config)).items():
        # As a record of the config holds it.
        object.__setattr__(config, name, described.checked(getattr(config, name)))


def documented(config: type[Config]) -> type[Config]:
    """Append a list of the settings, made from their descriptions, to a config's docstring."""
    lines = [f"    {name}: {described.help}" for name, described in settings(config).items()]
    config.__doc__ = inspect.cleandoc(config.__doc__ or "") + "\n\nAttributes:\n" + "\n".join(lines)
    return config


def from_mapping(config: type[Config], values: Mapping[str, Any], source: str) -> Config:
    """Make a config from the values of a file.

    Args:
        config: The config class.
        values: Values by the names of fields; fields that are missing have their defaults.
        source: Where the values come from, for errors.

    Raises:
        ValueError: If a name is unknown or a value is not allowed.
    """
    check_values(config, values, source)
    return config(**values)


def check_values(config: type[Config], values: Mapping[str, Any], source: str) -> None:
    """Refuse values of a file, each by itself; arguments as in :func:`from_mapping`.

    Raises:
        ValueError: If a name is unknown or a value is not allowed; names the file.
    """
    described = settings(config)
    unknown = sorted(str(name) for name in values if name not in described)
    if unknown:
        text, guess = ", ".join(unknown), checks.closest(unknown[0], described)
        names = f"settings of {', '.join(described)}"
        checks.fail("config", names, f"{text} in {source}", hint=guess)
    for name, value in values.items():
        try:
            described[name].checked(value)
        except ValueError as error:
            raise ValueError(f"{error}; it stands in {source}") from None
