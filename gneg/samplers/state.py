"""Checks of a sampler's stored state against the graph that it is loaded for.

Kernels index arrays by ids without looking: nothing from a file may reach them unchecked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, Protocol

import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks

IntArray = npt.NDArray[Any]


def refuse(entry: str, allowed: str, value: object) -> NoReturn:
    """Raise the error for an entry of a state.

    Raises:
        ValueError: Always.
    """
    checks.fail(f"state[{entry!r}]", allowed, value)


def entries(state: object, keys: Sequence[str], fingerprint: str | None = None) -> dict[str, Any]:
    """Return a state as a dict, if it has these keys and belongs to this graph.

    Args:
        state: The state to load.
        keys: The keys that it must have, and no others.
        fingerprint: The graph's fingerprint, which must be that of ``state["graph"]``; None: the
            state does not depend on the graph.

    Raises:
        ValueError: If it is no dict, has other keys or belongs to another graph.
    """
    keys = [*keys, "graph"] if fingerprint is not None else list(keys)
    if not isinstance(state, Mapping) or set(state) != set(keys):
        content = list(state) if isinstance(state, Mapping) else type(state).__name__
        checks.fail("state", f"a dict with the keys {sorted(keys)}", content)
    if fingerprint is not None and state["graph"] != fingerprint:
        refuse("graph", f"{fingerprint!r}, the fingerprint of this graph", repr(state["graph"]))
    return dict(state)


class _Stateful(Protocol):
    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


def load_all(samplers: Sequence[_Stateful], states: Sequence[dict[str, Any]]) -> None:
    """Load a state into each of several samplers, or into none.

    Raises:
        ValueError: If a sampler refuses its state.
    """
    before = [sampler.state_dict() for sampler in samplers]
    for i, (sampler, state) in enumerate(zip(samplers, states, strict=True)):
        try:
            sampler.load_state_dict(state)
        except ValueError:
            for earlier, content in zip(samplers[:i], before, strict=False):
                earlier.load_state_dict(content)
            raise


def count(entry: str, value: object) -> int:
    """Return a number of steps or epochs.

    Raises:
        ValueError: If it is no integer in [0, 2**53].
    """
    number = checks.integer(f"state[{entry!r}]", value, 0)
    if number > 2**53:
        refuse(entry, "an integer in [0, 2**53]", number)
    return number


def finite(entry: str, value: object, low: float, high: float) -> float:
    """Return a number in ``[low, high]``.

    Raises:
        ValueError: If it is none.
    """
    return checks.number(f"state[{entry!r}]", value, low, high)


def integers(
    entry: str, value: object, shape: tuple[int | None, ...], low: int, high: int
) -> IntArray:
    """Return a copy of an integer tensor as an array.

    Args:
        entry: Name of the entry, for errors.
        value: The tensor.
        shape: The shape that it must have; None: any size.
        low: Lowest value allowed.
        high: Highest value allowed, exclusive.

    Raises:
        ValueError: If it is no integer tensor of this shape, or a value is out of range.
    """
    expected = f"an integer tensor of shape {_text(shape)} with values in [{low}, {high})"
    tensor = _dense(entry, value, expected, (torch.int32, torch.int64), shape)
    array: IntArray = tensor.detach().cpu().numpy().copy()
    if array.size and (array.min() < low or array.max() >= high):
        refuse(entry, expected, array.min() if array.min() < low else array.max())
    return array


def floats(entry: str, value: object, shape: tuple[int | None, ...]) -> Tensor:
    """Return a floating-point tensor.

    Args:
        entry: Name of the entry, for errors.
        value: The tensor.
        shape: The shape that it must have; None: any size.

    Raises:
        ValueError: If it is no floating-point tensor of this shape, or holds NaN or infinity.
    """
    expected = f"a finite floating-point tensor of shape {_text(shape)}"
    tensor = _dense(entry, value, expected, (torch.float32, torch.float64), shape)
    if not torch.isfinite(tensor).all():
        refuse(entry, expected, "NaN or infinity")
    return tensor


def by_side(entry: str, value: object, sides: Sequence[str] = ("dst", "src")) -> dict[Any, Any]:
    """Return a dict of which each key is a side.

    Raises:
        ValueError: If it is none.
    """
    if not isinstance(value, Mapping) or not set(value) <= set(sides):
        content = list(value) if isinstance(value, Mapping) else type(value).__name__
        refuse(entry, f"a dict with keys among {list(sides)}", content)
    return dict(value)


def sequence(entry: str, value: object, size: int | None = None) -> list[Any]:
    """Return a list or tuple, of a fixed length if ``size`` is one, as a list.

    Raises:
        ValueError: If it is none.
    """
    if not isinstance(value, list | tuple) or size not in (None, len(value)):
        content = len(value) if isinstance(value, list | tuple) else type(value).__name__
        refuse(entry, "a list" if size is None else f"a list of {size}", content)
    return list(value)


def _dense(
    entry: str,
    value: object,
    expected: str,
    dtypes: tuple[torch.dtype, ...],
    shape: tuple[int | None, ...],
) -> Tensor:
    """Return a dense tensor of one of the types and of the shape; None there: any size."""
    tensor = checks.tensor(f"state[{entry!r}]", value, expected)
    if tensor.dtype not in dtypes:
        refuse(entry, expected, tensor.dtype)
    sizes = zip(tensor.shape, shape, strict=False)
    if tensor.dim() != len(shape) or not all(size in (None, length) for length, size in sizes):
        refuse(entry, expected, f"shape {list(tensor.shape)}")
    return tensor


def _text(shape: tuple[int | None, ...]) -> str:
    return "[" + ", ".join("any" if size is None else str(size) for size in shape) + "]"
