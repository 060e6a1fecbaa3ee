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
    if leaf_has_density is not None and not expression.parts:
        return None if leaf_has_density(expression) else expression
    cls = SAMPLERS[expression.name]
    if issubclass(cls, SelectionRule) or cls.log_density is Sampler.log_density:
        return expression
    parts = (part_without_density(part, leaf_has_density) for part, _ in expression.parts)
    return next((part for part in parts if part is not None), None)
