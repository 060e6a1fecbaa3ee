"""Argument checks; every error reads "'name' must be <allowed> (got <value>)"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


class CollapseWarning(UserWarning):
    """Hard negatives are ruining the model, or a generator of negatives has ruined itself."""


def fail(name: str, allowed: str, value: object, *, hint: str = "") -> NoReturn:
    """Raise an error in the form that all errors of this library have.

    Args:
        name: Name of the argument.
        allowed: The rule: the values that are allowed.
        value: The value that was given.
        hint: A guess at the mistake, added to the message.

    Raises:
        ValueError: Always.

    Example:
        >>> fail("k", "an integer >= 0", -1)
        Traceback (most recent call last):
        ValueError: 'k' must be an integer >= 0 (got -1)
    """
    raise ValueError(f"'{name}' must be {allowed} (got {value}){'; ' + hint if hint else ''}")


def instance(name: str, value: object, types: tuple[type, ...], *, hint: str = "") -> None:
    """Refuse a value that is an instance of none of ``types``."""
    if not isinstance(value, types):
        allowed = " or ".join(kind.__name__ for kind in types)
        fail(name, f"a {allowed}", repr(value)[:80], hint=hint)


def integer(name: str, value: object, minimum: int) -> int:
    """Return ``value`` if it is an integer of at least ``minimum``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        fail(name, f"an integer >= {minimum}", repr(value))
    return value


def number(
    name: str, value: object, low: float, high: float = float("inf"), *, open_low: bool = False
) -> float:
    """Return ``value`` as a float if it lies in ``[low, high]`` (``(low, high]`` if open)."""
    ok = isinstance(value, int | float) and not isinstance(value, bool)
    if not ok or not (low < value if open_low else low <= value) or not value <= high:  # type: ignore[operator]
        interval = (
            f"{'(' if open_low else '['}{low:g}, {high:g}{')' if high == float('inf') else ']'}"
        )
        fail(name, f"a number in {interval}", repr(value))
    return float(value)  # type: ignore[arg-type]


def choice(name: str, value: T, options: Iterable[T]) -> T:
    """Return ``value`` if it is one of ``options``."""
    options = list(options)
    if value not in options:
        fail(name, "one of " + ", ".join(repr(option) for option in options), repr(value))
    return value


def index_tensor(name: str, value: object, shape: str) -> Tensor:
    """Return ``value`` if it is an integer tensor; ``shape`` is only for the message."""
    if not isinstance(value, Tensor):
        fail(name, f"an integer tensor of shape {shape}", type(value).__name__)
    if value.dtype not in (torch.int64, torch.int32, torch.int16, torch.uint8, torch.int8):
        fail(name, f"an integer tensor of shape {shape}", f"dtype {value.dtype}")
    return value


def pairs(name: str, value: object) -> Tensor:
    """Return ``value`` if it is an integer tensor of shape ``[2, B]``."""
    tensor = index_tensor(name, value, "[2, B]")
    if tensor.dim() != 2 or tensor.size(0) != 2:
        hint = ""
        if tensor.dim() == 2 and tensor.size(1) == 2:
            hint = f"{name} has shape [B, 2]; did you mean its transpose, {name}.t()?"
        elif tensor.dim() == 2 and tensor.size(0) == 3:
            hint = "triples need a sampler for knowledge graphs"
        fail(name, "an integer tensor of shape [2, B]", f"shape {list(tensor.shape)}", hint=hint)
    return tensor


def node_range(name: str, ids: Tensor, num_nodes: int, kind: str = "node") -> None:
    """Refuse ids outside ``[0, num_nodes)``."""
    if ids.numel() == 0:
        return
    if ids.device.type == "cpu":
        # NumPy, not torch: torch's thread pool hangs in a forked process.
        array = ids.detach().numpy()
        low, high = int(array.min()), int(array.max())
    else:
        low, high = (int(end) for end in torch.aminmax(ids))
    if low < 0 or high >= num_nodes:
        wrong = low if low < 0 else high
        allowed = f"{kind} ids in [0, {num_nodes})" if num_nodes else "empty: there are no nodes"
        fail(name, allowed, wrong, hint="is 'num_nodes' right?" if low >= 0 else "")


def same_device(name: str, value: Tensor, reference_name: str, reference: Tensor) -> None:
    """Refuse two tensors that live on different devices."""
    if value.device != reference.device:
        allowed = f"on the device of '{reference_name}', {reference.device}"
        fail(name, allowed, str(value.device))
