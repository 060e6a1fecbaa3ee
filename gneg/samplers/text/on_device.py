"""Expressions of samplers that draw on the CPU only."""

from __future__ import annotations

from gneg.samplers.select.rule import SelectionRule
from gneg.samplers.text.names import SAMPLERS, guards_of
from gneg.samplers.text.parse import Expression


def part_without_torch_path(expression: Expression) -> Expression | None:
    """Return the first part of an expression that only kernels draw; None if torch draws all.

    Args:
        expression: A checked expression.
    """

    def lacks(part: Expression) -> bool:
        cls = SAMPLERS[part.name]
        on_device = cls.on_device if issubclass(cls, SelectionRule) else cls.has_torch_path()
        return not on_device or not all(guard.on_device for guard in guards_of(part))

    return expression.first(lacks)
