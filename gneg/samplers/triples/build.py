"""Samplers of one side of a knowledge graph from text."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from gneg import checks
from gneg.graph import Graph, KnownEdges
from gneg.samplers.base import Sampler
from gneg.samplers.propose.degree import Degree
from gneg.samplers.propose.khop import KHop
from gneg.samplers.propose.similar import Similar
from gneg.samplers.propose.uniform import Uniform
from gneg.samplers.propose.walk import Kind, Walk
from gneg.samplers.select.rule import SelectionRule
from gneg.samplers.text.build import build as build_pairs
from gneg.samplers.text.build import check as check_pairs
from gneg.samplers.text.names import SAMPLERS, TRIPLE_SAMPLERS, converted, settable
from gneg.samplers.text.parse import Expression
from gneg.samplers.triples.itself import Itself
from gneg.samplers.triples.on_entities import OnEntities
from gneg.samplers.triples.typed import Allowed, Typed
from gneg.samplers.triples.views import View
from gneg.samplers.wrapper import Wrapper

#: Names of proposals, with another meaning than for pairs or none; the selectors are the same.
NAMES = (
    "uniform",
    "frequency",
    "typed",
    "khop",
    "walk",
    "relwalk",
    "similar",
    "nearmiss",
    "itself",
)
SELECTORS = (
    "mixture",
    "mixup",
    "hardest",
    "dns",
    "semihard",
    "tempered",
    "ahns",
    "metropolis",
    "adversarial",
    "cached",
    "curriculum",
    "selfpaced",
    "guarded",
)


def check(text: str, *, argument: str = "sampler") -> Expression:
    """Parse an expression and check its names, options and parts, without a graph.

    Args:
        text: The expression.
        argument: The name of the argument that it came as, for errors.

    Raises:
        ValueError: If the expression is malformed, or a name or an option is unknown.
    """
    return check_pairs(text, argument=argument, leaves=_leaves(), names=names())


def check_either(text: str, *, argument: str = "sampler") -> Expression:
    """Check an expression as :func:`check` does, or as one of pairs: the data are not loaded yet.

    Raises:
        ValueError: If it is neither; of an unknown name, with the names of both.
    """
    try:
        return check(text, argument=argument)
    except ValueError:
        try:
            return check_pairs(text, argument=argument)
        except ValueError:
            leaves = {name: leaf for name, leaf in _leaves().items() if name not in SAMPLERS}
            check_pairs(text, argument=argument, leaves=leaves, names=(*SAMPLERS, *leaves))
            raise


def _leaves() -> dict[str, Callable[..., Sampler]]:
    """Return what builds each proposal, for its options."""
    return dict(TRIPLE_SAMPLERS) | {name: partial(getattr(_Leaves, name), None) for name in NAMES}


def names() -> tuple[str, ...]:
    """Return the names that expressions may hold, those that users registered included."""
    selectors = [
        name
        for name, cls in SAMPLERS.registered().items()
        if issubclass(cls, SelectionRule | Wrapper)
    ]
    return *NAMES, *TRIPLE_SAMPLERS, *SELECTORS, *selectors


def described() -> list[tuple[str, str, str]]:
    """Return name, options with their defaults, and a description of each proposal."""
    rows = []
    for name in NAMES:
        function = getattr(_Leaves, name)
        options = [_option(value) for key, value in settable(function).items() if key != "self"]
        rows.append((name, ", ".join(options), inspect.getdoc(function) or ""))
    return rows


def _option(parameter: inspect.Parameter) -> str:
    """Return an option and its default as an expression has them."""
    default = parameter.default
    text = "|".join(map(str, default)) if isinstance(default, tuple) else str(default)
    return f"{parameter.name}={text}"


def has_density(leaf: Expression) -> bool:
    """Return whether a proposal has a density in closed form that depends on the query alone."""
    if leaf.name in TRIPLE_SAMPLERS:
        return TRIPLE_SAMPLERS[leaf.name].log_density is not Sampler.log_density
    return leaf.name not in ("nearmiss", "itself") and not leaf.options.get("per_relation")


def build(
    text: str,
    view: View,
    *,
    z: Tensor | Callable[[], Tensor] | None = None,
    types: Sequence[Sequence[int]] | None = None,
    allowed: Allowed | None = None,
    unique: bool = False,
) -> Sampler:
    """Build a sampler from an expression such as ``mixture(uniform:0.5, cached(typed):0.5)``.

    ``uniform``; ``frequency(alpha=1)``, by how many queries an entity answers; ``typed(by=types)``
    and ``typed(by=domains)``;
    ``khop(hops=2|3)`` and ``walk(kind=ppr)`` on the graph of entities, of the query's relation
    only with ``per_relation=1``; ``relwalk``, a walk query, entity, query, entity, to the answers
    of similar queries; ``similar`` and ``nearmiss``, entities whose vectors are near the query's
    entity or near the replaced one; ``itself``, the query's entity; and the selectors for pairs
    around them.

    Args:
        text: The expression.
        view: The side of the knowledge graph.
        z: ``[N, D]`` vectors of entities, or a function that returns them, for ``similar`` and
            ``nearmiss``.
        types: The types of each entity, as numbers, for ``typed(by=types)``.
        allowed: For each end the entities that each relation allows there, for
            ``typed(by=domains)``.
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If the expression is malformed or an option is wrong.
    """
    builder = _Leaves(view, z, types, allowed, unique)
    leaves = {name: builder.registered(cls) for name, cls in TRIPLE_SAMPLERS.items()}
    leaves |= {name: getattr(builder, name) for name in NAMES}
    return build_pairs(
        text, view.graph, known=view.known, unique=unique, leaves=leaves, names=names()
    )


class _Leaves:
    """A method for each name of a sampler, whose parameters are its options."""

    def __init__(
        self,
        view: View,
        z: Tensor | Callable[[], Tensor] | None,
        types: Sequence[Sequence[int]] | None,
        allowed: Allowed | None,
        unique: bool,
    ) -> None:
        self.view, self.z, self.types, self.once = view, z, types, unique
        self.allowed = allowed
        self.options: dict[str, Any] = {**view.options, "unique": unique}

    def registered(self, cls: type[Sampler]) -> Callable[..., Sampler]:
        """Return the function of the options that makes a sampler of a user's."""
        accepted = inspect.signature(cls).parameters
        values = {"unique": self.once, "types": self.types, "allowed": self.allowed}
        fixed = {name: value for name, value in values.items() if name in accepted}

        def make(**options: Any) -> Sampler:
            z = {"z": self.z() if callable(self.z) else self.z} if "z" in accepted else {}
            make_sampler: Callable[..., Sampler] = cls
            return make_sampler(self.view, **converted(cls, options), **fixed, **z)

        # Whose options are those of the class.
        return functools.wraps(cls, assigned=(), updated=())(make)

    def uniform(self) -> Sampler:
        """Draw any entity."""
        return Uniform(self.view.graph, **self.options)

    def frequency(self, alpha: float = 1.0) -> Sampler:
        """Draw in proportion to (number of queries that an entity answers) ** alpha."""
        return Degree(self.view.graph, alpha, **self.options)

    def typed(self, by: Literal["relation", "types", "domains"] = "relation") -> Sampler:
        """Draw entities that the relation has at this end, or of the positive's types."""
        return Typed(self.view, by, types=self.types, allowed=self.allowed, unique=self.once)

    def khop(self, hops: Any = 2, per_relation: int = 0) -> Sampler:
        """Draw entities at a distance from the query's in the graph of entities."""
        graph, none = self._entities(per_relation)
        return OnEntities(self.view, KHop(graph, hops, known=none), unique=self.once)

    def walk(
        self, kind: Kind = "ra", hops: int = 2, alpha: float = 0.15, per_relation: int = 0
    ) -> Sampler:
        """Draw ends of random walks from the query's entity in the graph of entities."""
        graph, none = self._entities(per_relation)
        inner = Walk(graph, kind, hops=hops, alpha=alpha, known=none)
        return OnEntities(self.view, inner, unique=self.once)

    def relwalk(self, hops: int = 3) -> Sampler:
        """Walk from the query to an answer, another query of it, and an answer of that."""
        return Walk(self.view.graph, hops=hops, **self.options)

    def similar(self, band: Any = (0, 100), refresh_every: int = 0) -> Sampler:
        """Draw entities whose vectors are near that of the query's entity."""
        return OnEntities(self.view, self._near(band, refresh_every), unique=self.once)

    def nearmiss(self, band: Any = (0, 100), refresh_every: int = 0) -> Sampler:
        """Draw entities whose vectors are near that of the replaced entity."""
        near = self._near(band, refresh_every)
        return OnEntities(self.view, near, of="replaced", unique=self.once)

    def itself(self) -> Sampler:
        """Take the query's own entity."""
        return Itself(self.view, unique=self.once)

    def _near(self, band: Any, refresh_every: int) -> Sampler:
        z = self.z() if callable(self.z) else self.z
        if z is None:
            checks.fail("z", "vectors of the entities, [N, D]", None)
        graph, none = self._entities(0)
        return Similar(graph, z, band=band, refresh_every=refresh_every, known=none)

    def _entities(self, per_relation: int) -> tuple[Graph, KnownEdges]:
        """Return the graph of entities, and no known edges.

        Entities that another relation joins are as good a negative as any.
        """
        checks.choice("per_relation", per_relation, (0, 1))
        triples = self.view.triples
        graph = triples.by_relation if per_relation else triples.entities
        none = torch.empty(2, 0, dtype=torch.long)
        return graph, KnownEdges(none, num_nodes=graph.num_nodes)
