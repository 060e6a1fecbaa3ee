"""The decorator that gives a user's model of triples, or the encoder under one, a name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from gneg import checks
from gneg.nn.choices import RELATIONAL_ENCODERS, TRIPLE_MODELS
from gneg.nn.kge.base import KGE
from gneg.nn.kge.encoders import RelationalEncoder
from gneg.nn.registration import KGES, RELATIONAL
from gneg.registry import Registry, check_name

Part = TypeVar("Part", bound="type[Any]")


def register(name: str) -> Callable[[Part], Part]:
    """Return a decorator that gives a model of triples or a relational encoder a name.

    A :class:`~gneg.nn.kge.KGE`, whose methods are ``query`` and ``compare``, is then
    ``gneg.TripleConfig(model="mine")``; a :class:`~gneg.nn.kge.RelationalEncoder` is
    ``gneg.TripleConfig(encoder="mine")``. With ``gneg --import FILE.py`` they work on the command
    line, too. Their constructors take what those of the base class take.

    Args:
        name: The name, an identifier that no other has.

    Raises:
        ValueError: If the name is none or taken, or the class lacks the base class or a method.

    Example::

        @gneg.nn.kge.register("sum")
        class Sum(gneg.nn.kge.KGE):
            def query(self, entity, relation, end):
                return entity + relation

            def compare(self, query, entity):
                return (query * entity).sum(-1)
    """
    name = check_name(name)

    def decorate(part: Part) -> Part:
        registry: Registry[Any] = KGES
        taken: tuple[str, ...] = TRIPLE_MODELS
        if inspect.isclass(part) and issubclass(part, RelationalEncoder):
            registry, taken = RELATIONAL, ("none", *RELATIONAL_ENCODERS)
        elif inspect.isclass(part) and issubclass(part, KGE) and part.compare is KGE.compare:
            checks.fail(name, "a class with a method compare", f"{part.__name__} without")
        registry.add(name, part, {KGE: "query", RelationalEncoder: "forward"}, taken)
        return part

    return decorate
