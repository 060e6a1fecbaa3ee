"""Expressions of samplers that look at the positive of a query."""

from __future__ import annotations

from gneg.samplers.text.names import SAMPLERS, guards_of
from gneg.samplers.text.parse import Expression


def part_of_positives(expression: Expression) -> Expression | None:
    """Return the first part of an expression that looks at the positive; None if there is none.

    Args:
        expression: A checked expression.
    """

    def looks(part: Expression) -> bool:
        return SAMPLERS[part.name].of_positives or any(
            guard.of_positives for guard in guards_of(part)
        )

    return expression.first(looks)
