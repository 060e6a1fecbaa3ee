"""Expressions of samplers that draw on the CPU only."""

from __future__ import annotations

from gneg.samplers.device.contract import OnDevice
from gneg.samplers.select.rule import SelectionRule
from gneg.samplers.text.names import GUARDS, SAMPLERS
from gneg.samplers.text.parse import Expression


def part_without_torch_path(expression: Expression) -> Expression | None:
    """Return the first part of an expression that only kernels draw; None if torch draws all.

    Args:
        expression: A checked expression.
    """
    cls = SAMPLERS[expression.name]
    if issubclass(cls, SelectionRule):
        on_device = cls.on_device
    else:
        lacks = cls.propose_on_device is OnDevice.propose_on_device
        on_device = cls.combines or not lacks
    guards = (GUARDS[name] for name in expression.options if name in GUARDS)
    if not on_device or not all(guard.on_device for guard in guards):
        return expression
    parts = (part_without_torch_path(part) for part, _ in expression.parts)
    return next((part for part in parts if part is not None), None)
