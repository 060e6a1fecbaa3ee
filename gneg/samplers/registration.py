"""The decorator that gives a user's sampler, selection rule or guard a name in expressions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from gneg import checks
from gneg.registry import Registry, check_name
from gneg.samplers.base import Sampler
from gneg.samplers.guard.guarded import Guarded
from gneg.samplers.guard.guards import Guard
from gneg.samplers.select.rule import SelectionRule
from gneg.samplers.text.names import GUARDS, SAMPLERS, TRIPLE_SAMPLERS, options_of
from gneg.samplers.triples.build import NAMES
from gneg.samplers.wrapper import Wrapper

Part = TypeVar("Part", bound="type[Any]")

HOOKS: dict[type, str] = {Sampler: "propose", SelectionRule: "pick", Guard: "drops"}
#: What texts in the place of a sampler mean elsewhere.
WORDS = ("none", "sampler")


def register(name: str) -> Callable[[Part], Part]:
    """Return a decorator that gives a sampler, a selection rule or a guard a name in expressions.

    A sampler is then ``mine`` or ``mine(reach=20)``, a rule or a :class:`~gneg.samplers.Wrapper`
    ``mine(walk, m=64)``, and a guard an option, ``guarded(walk, mine=0.2)``, wherever an expression
    is: ``gneg.train``, ``gneg.sample`` and, with ``gneg --import FILE.py``, the command line.
    Options are the parameters of the constructor, whose annotations ``int``, ``float``, ``bool``,
    ``str`` and ``Literal`` are checked. A sampler's constructor takes ``graph`` (or, for triples,
    a :class:`~gneg.samplers.triples.View` called ``view``) and, perhaps by ``**options``,
    ``known``, ``corrupt`` and ``unique``; one with a parameter ``z`` gets embeddings.

    Args:
        name: The name, an identifier that no other has. It becomes the class's ``name``.

    Raises:
        ValueError: If the name is none or taken, or the class lacks the base class, its method
            (``propose``, ``pick`` or ``drops``) or a parameter.

    Example::

        @gneg.samplers.register("nearby")
        class Nearby(gneg.samplers.Sampler):
            def propose(self, query, k, seed): ...
    """
    name = check_name(name)

    def decorate(part: Part) -> Part:
        registry, taken = _place(part)
        registry.add(name, part, HOOKS, taken)
        part.name = name
        return part

    return decorate


def _place(part: Any) -> tuple[Registry[Any], tuple[str, ...]]:
    """Return where a class belongs, and further names that it cannot have there."""
    if not inspect.isclass(part) or not issubclass(part, Sampler):
        is_guard = inspect.isclass(part) and issubclass(part, Guard)
        return (GUARDS, tuple(options_of(Guarded))) if is_guard else (SAMPLERS, (*NAMES, *WORDS))
    parameters = inspect.signature(part).parameters
    first = next(iter(parameters), None)
    if first == "view":
        return TRIPLE_SAMPLERS, (*NAMES, *SAMPLERS, *WORDS)
    expected = "sampler" if issubclass(part, Wrapper) else "graph"
    if first != expected:
        allowed = f"a class whose constructor takes {expected} first"
        checks.fail(part.__name__, allowed, f"one that takes {first}")
    anything = any(entry.kind is entry.VAR_KEYWORD for entry in parameters.values())
    lacking = [option for option in ("known", "corrupt", "unique") if option not in parameters]
    if lacking and not anything:
        allowed = "a class whose constructor takes known, corrupt and unique"
        hint = "add **options, and pass them to super().__init__"
        checks.fail(part.__name__, allowed, f"one without {lacking[0]}", hint=hint)
    wraps = issubclass(part, Wrapper)
    return SAMPLERS, (*NAMES, *TRIPLE_SAMPLERS, *WORDS) if wraps else WORDS
