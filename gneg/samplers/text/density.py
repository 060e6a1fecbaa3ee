"""Expressions of samplers whose density has no closed form."""

from __future__ import annotations

from collections.abc import Callable

from gneg.samplers.base import Sampler
from gneg.samplers.select.rule import SelectionRule
from gneg.samplers.text.names import SAMPLERS
from gneg.samplers.text.parse import Expression


def part_without_density(
    expression: Expression, leaf_has_density: Callable[[Expression], bool] | None = None
) -> Expression | None:
    """Return the first part of an expression that has no density in closed form; None if all have.

    Args:
        expression: A checked expression.
        leaf_has_density: Tells of names with another meaning than usual whether they have one.
    """

    def lacks(part: Expression) -> bool:
        if leaf_has_density is not None and not part.parts:
            return not leaf_has_density(part)
        cls = SAMPLERS[part.name]
        return issubclass(cls, SelectionRule) or cls.log_density is Sampler.log_density

    return expression.first(lacks)
