"""Samplers from text."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from gneg import checks
from gneg.graph import Graph, KnownEdges
from gneg.registry import is_builtin
from gneg.samplers.adapt.curriculum import Curriculum
from gneg.samplers.adapt.schedules import Schedule
from gneg.samplers.arguments import known_edges
from gneg.samplers.base import Corrupt, Sampler, Vectors
from gneg.samplers.guard.graph_guards import NodeTime
from gneg.samplers.guard.guarded import Guarded
from gneg.samplers.guard.guards import Guard
from gneg.samplers.propose.fixed import Fixed
from gneg.samplers.propose.mixture import Mixture
from gneg.samplers.select.rule import SelectionRule
from gneg.samplers.select.select import Select
from gneg.samplers.text.names import (
    GUARDS,
    SAMPLERS,
    SCHEDULE,
    converted,
    missing_options,
    options_of,
    settable,
)
from gneg.samplers.text.parse import Expression, Source, Value, parse
from gneg.samplers.wrapper import Wrapper


def check(
    text: str,
    *,
    argument: str = "sampler",
    leaves: Mapping[str, Callable[..., Sampler]] | None = None,
    names: Sequence[str] | None = None,
) -> Expression:
    """Parse an expression and check its names, options and parts, without a graph.

    Args:
        text: The expression.
        argument: The name of the argument that it came as, for errors.
        leaves: Functions that build the samplers of names with another meaning than usual.
        names: The names that are allowed; all of :data:`SAMPLERS` if None.

    Raises:
        ValueError: If the expression is malformed, or a name or an option is unknown; the message
            points at it.
    """
    known_names = SAMPLERS if names is None else names
    source = Source(text, argument)

    def visit(expression: Expression) -> None:
        if expression.name not in known_names:
            guess = checks.closest(expression.name, known_names)
            message = f"no sampler {checks.shown(expression.name)}"
            message += f" ({guess})" if guess else ""
            message += f"; there are {', '.join(known_names)}"
            source.complain(expression.place, message)
        if leaves is not None and expression.name in leaves:
            _check_options(source, expression, list(settable(leaves[expression.name])))
            if expression.parts:
                source.complain(expression.place, f"{expression.name!r} takes no samplers")
        else:
            cls = SAMPLERS[expression.name]
            _check_options(source, expression, options_of(cls))
            _check_parts(source, expression, cls)
            missing = [] if is_builtin(cls) else missing_options(cls, expression.options)
            if missing:
                message = f"{expression.name!r} needs the option {missing[0]}"
                source.complain(expression.place, message)
        for part, _ in expression.parts:
            visit(part)

    whole = parse(text, argument)
    visit(whole)
    return whole


def build(
    text: str,
    graph: Graph,
    *,
    z: Vectors | Callable[[], Vectors] | None = None,
    known: KnownEdges | None = None,
    corrupt: Corrupt = "dst",
    unique: bool = False,
    time: Vectors | None = None,
    negatives: Graph | None = None,
    leaves: Mapping[str, Callable[..., Sampler]] | None = None,
    names: Sequence[str] | None = None,
) -> Sampler:
    """Build a sampler from an expression such as ``mixture(uniform:0.5, hardest(walk, m=64):0.5)``.

    Names are those of :data:`SAMPLERS`, options those of the classes; several values are joined
    by ``|``, as in ``khop(hops=2|3|far)`` or ``similar(band=10|100)``. A curriculum takes the shape
    of its schedule, ``curriculum(tempered(uniform), setting=temperature, schedule=exponential,
    start=4, end=0.5, epochs=40)``; guards are options of ``guarded``, ``guarded(hardest(walk),
    relative_margin=0.05, percentile=ra|95, degree_cap=200)``, and ``node_time=any`` (or
    ``backward``, for citations) where nodes have times.

    Args:
        text: The expression.
        graph: The graph to sample in.
        z: ``[N, D]`` vectors for ``similar`` and cosines, or a function that returns them, called
            if they are needed.
        known: The edges that are never returned; those of ``graph`` if None.
        corrupt: The end to replace: ``"dst"``, ``"src"`` or ``"both"`` (a fair coin per row).
        unique: Whether a row may hold a target only once.
        time: ``[N]``, the time at which each node appears, for ``node_time``.
        negatives: Pairs that are known to be no edges, for ``fixed``.
        leaves: Functions that build the samplers of names with another meaning here.
        names: The names that are allowed; all of :data:`SAMPLERS` if None.

    Raises:
        ValueError: If the expression is malformed or an option is wrong; the message points at it.

    Example:
        >>> import torch
        >>> graph = Graph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), undirected=True)
        >>> build("walk(kind=cn)", graph)
        Walk(kind='cn', hops=2, alpha=0.15, corrupt='dst', unique=False)
    """
    known = known_edges(graph, known)
    source = Source(text)
    common: dict[str, Any] = {"known": known, "corrupt": corrupt, "unique": unique}

    def vectors() -> Any:
        return z() if callable(z) else z

    def make(expression: Expression) -> Sampler:
        if leaves is not None and expression.name in leaves:
            with _pointing(source, expression):
                return leaves[expression.name](**expression.options)
        cls = SAMPLERS[expression.name]
        parts = [make(part) for part, _ in expression.parts]
        with _pointing(source, expression):
            options = converted(cls, expression.options)
            if issubclass(cls, Mixture):
                weights = [1.0 if weight is None else weight for _, weight in expression.parts]
                return cls(parts, weights, **common)
            if issubclass(cls, Guarded):
                options["guards"] = _guards(options, vectors, time)
            elif issubclass(cls, Curriculum):
                options["schedule"] = _schedule(options)
            elif "z" in inspect.signature(cls).parameters:
                options["z"] = vectors()
            elif issubclass(cls, Fixed):
                options["pool"] = _labelled(negatives)
            inside: Any = parts[0] if parts else graph
            if issubclass(cls, SelectionRule):
                pool = {name: options.pop(name) for name in ("m", "memory_mb") if name in options}
                return Select(inside, cls(**options), **pool, **common)
            return cls(inside, **options, **common)

    return make(check(text, leaves=leaves, names=names))


@contextmanager
def _pointing(source: Source, expression: Expression) -> Iterator[None]:
    """Let errors point at the option they name."""
    try:
        yield
    except (TypeError, ValueError) as error:
        named = [option for option in expression.places if f"'{option}" in str(error)]
        place = expression.places[named[0]] if named else expression.place
        source.complain(place, str(error))


def _check_options(source: Source, expression: Expression, allowed: list[str]) -> None:
    for option, place in expression.places.items():
        if option not in allowed:
            has = f"only {', '.join(allowed)}" if allowed else "none"
            guess = checks.closest(option, allowed)
            message = f"{expression.name!r} has no option {checks.shown(option)} ({has})"
            source.complain(place, f"{message}; {guess}" if guess else message)


def _check_parts(
    source: Source, expression: Expression, cls: type[Sampler] | type[SelectionRule]
) -> None:
    if cls is Mixture:
        valid, parts = bool(expression.parts), "samplers, as in mixture(uniform:0.5, walk:0.5)"
    elif issubclass(cls, Wrapper | SelectionRule):
        valid = len(expression.parts) == 1
        parts = f"one sampler, as in {cls.name}(walk)"
    else:
        valid, parts = not expression.parts, "no samplers"
    if not valid:
        source.complain(expression.place, f"{expression.name!r} takes {parts}")
    for part, weight in expression.parts:
        if weight is not None and not 0 < weight < math.inf:
            message = f"a weight must be > 0 and finite, that of {part.name!r} is {weight:g}"
            source.complain(part.place, message)
        if weight is not None and cls is not Mixture:
            message = f"only the parts of a mixture have weights, not {part.name!r}"
            source.complain(part.place, message)


def _guards(
    options: dict[str, Any], vectors: Callable[[], Any], time: Vectors | None
) -> list[Guard]:
    """Take the guards out of the options and build them."""
    guards: list[Guard] = []
    for name in [name for name in options if name in GUARDS]:
        value: Value = options.pop(name)
        values: tuple[Any, ...] = value if isinstance(value, tuple) else (value,)
        if name == NodeTime.name:
            if time is None:
                checks.fail(name, "left out where nodes have no times", repr(value))
            guards.append(NodeTime(time, direction=values[0]))
            continue
        features = {"x": vectors()} if values[0] == "cosine" else {}
        cls = GUARDS[name]
        if not is_builtin(cls):
            named = dict(zip(settable(cls), values, strict=False))
            values = *converted(cls, named).values(), *values[len(named) :]
        guards.append(cls(*values, **features))
    return guards


def _labelled(negatives: Graph | None) -> Graph:
    """Return the pairs labelled 0, which an expression asks for."""
    if negatives is None:
        checks.fail("fixed", "left out where no pair is labelled 0", "data without")
    return negatives


def _schedule(options: dict[str, Any]) -> Schedule:
    """Take the schedule out of the options and build it."""
    settings = {name: options.pop(name) for name in SCHEDULE if name in options}
    return Schedule(settings.pop("schedule", "linear"), **settings)
