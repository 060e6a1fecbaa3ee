"""The names of samplers, selection rules and guards in expressions, and their options."""

from __future__ import annotations

import inspect
import math
import typing
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any, Literal, Union

from gneg import checks
from gneg.registry import Registry, is_builtin
from gneg.samplers.adapt.adversarial import Adversarial
from gneg.samplers.adapt.cached import Cached
from gneg.samplers.adapt.curriculum import Curriculum
from gneg.samplers.adapt.self_paced import SelfPaced
from gneg.samplers.base import Sampler
from gneg.samplers.guard.graph_guards import Community, DegreeCap, HeuristicPercentile, NodeTime
from gneg.samplers.guard.guarded import Guarded
from gneg.samplers.guard.guards import AbsoluteMargin, Guard, RankRange, RelativeMargin, ScoreRange
from gneg.samplers.propose.degree import Degree
from gneg.samplers.propose.fixed import Fixed
from gneg.samplers.propose.in_batch import InBatch
from gneg.samplers.propose.khop import KHop
from gneg.samplers.propose.memory_bank import MemoryBank
from gneg.samplers.propose.mixture import Mixture
from gneg.samplers.propose.similar import Similar
from gneg.samplers.propose.uniform import Uniform
from gneg.samplers.propose.walk import Walk
from gneg.samplers.select.ahns import AHNS
from gneg.samplers.select.dns import DNS
from gneg.samplers.select.hardest import Hardest
from gneg.samplers.select.metropolis import Metropolis
from gneg.samplers.select.mixup import Mixup
from gneg.samplers.select.rule import SelectionRule
from gneg.samplers.select.semi_hard import SemiHard
from gneg.samplers.select.tempered import Tempered
from gneg.samplers.text.parse import Expression, Value

#: Samplers, and selection rules inside :class:`~gneg.samplers.Select`, that text can name.
SAMPLERS: Registry[type[Sampler] | type[SelectionRule]] = Registry(
    "sampler",
    {
        cls.name: cls
        for cls in (
            Uniform,
            Degree,
            KHop,
            Walk,
            Similar,
            InBatch,
            MemoryBank,
            Fixed,
            Mixture,
            Hardest,
            DNS,
            SemiHard,
            Tempered,
            AHNS,
            Metropolis,
            Adversarial,
            Mixup,
            Cached,
            Curriculum,
            SelfPaced,
            Guarded,
        )
    },
)
#: Guards that text can name, by their option of ``guarded``.
GUARDS: Registry[type[Guard]] = Registry(
    "guard",
    {
        cls.name: cls
        for cls in (
            RankRange,
            ScoreRange,
            AbsoluteMargin,
            RelativeMargin,
            HeuristicPercentile,
            DegreeCap,
            Community,
            NodeTime,
        )
    },
)
#: Samplers of triples that users registered; those of gneg are in :mod:`gneg.samplers.triples`.
TRIPLE_SAMPLERS: Registry[type[Sampler]] = Registry("sampler of triples", {})

#: Arguments that an expression does not set: what is sampled in, and what all samplers share.
_HIDDEN = {"graph", "sampler", "view", "guards", "known", "corrupt", "unique"}
_HIDDEN |= {"z", "types", "allowed", "pool", "pos"}
#: Options of a curriculum that make its schedule.
SCHEDULE = ("schedule", "start", "end", "epochs")
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def options_of(cls: type[Sampler] | type[SelectionRule]) -> list[str]:
    """Return the names of the options that an expression may set."""
    if cls is Mixture:
        return []
    if issubclass(cls, SelectionRule):
        return ["m", *settable(cls), "memory_mb"]
    options = list(settable(cls))
    if cls is Guarded:
        return [*GUARDS, *options]
    return [*options, *SCHEDULE[1:]] if cls is Curriculum else options


def settable(function: Callable[..., object]) -> dict[str, inspect.Parameter]:
    """Return the parameters of a constructor that an expression may set, by name."""
    return {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in _HIDDEN and parameter.kind not in _VARIADIC
    }


def missing_options(cls: type, options: Mapping[str, Value]) -> list[str]:
    """Return the options without a default that are not given."""
    return [
        name
        for name, parameter in settable(cls).items()
        if parameter.default is inspect.Parameter.empty and name not in options
    ]


def converted(cls: type, options: Mapping[str, Value]) -> dict[str, Any]:
    """Return options as the constructor of a registered class takes them, by its annotations.

    The classes of gneg check what they are called with by themselves.

    Raises:
        ValueError: If an option is of another type than its annotation.
    """
    if is_builtin(cls):
        return dict(options)
    try:
        constructor = inspect.getattr_static(cls, "__init__")
        hints = {**typing.get_type_hints(cls), **typing.get_type_hints(constructor)}
    except (NameError, TypeError):  # imported for type checkers alone
        hints = {}
    return {name: _convert(name, value, hints.get(name)) for name, value in options.items()}


def _convert(name: str, value: Value, hint: Any) -> Any:
    """Return the value of an option as a type; as it is for a type that text has no notion of."""
    if typing.get_origin(hint) in (Union, UnionType):
        members = [member for member in typing.get_args(hint) if member is not type(None)]
        return _convert(name, value, members[0]) if len(members) == 1 else value
    if typing.get_origin(hint) is Literal:
        return checks.choice(name, value, typing.get_args(hint))
    if hint is bool:
        words = {"true": True, "false": False, "1": True, "0": False}
        return words[str(checks.choice(name, str(value).lower(), words))]
    if hint is int and not isinstance(value, int):
        checks.fail(name, "an integer", checks.shown(value))
    if hint is float:
        return checks.number(name, value, -math.inf, infinite=True)
    if hint is str and not isinstance(value, str):
        checks.fail(name, "a word", checks.shown(value))
    return value


def guards_of(part: Expression) -> list[type[Guard]]:
    """Return the guards that the options of a part of an expression name."""
    return [GUARDS[name] for name in part.options if name in GUARDS]
