"""Argument checks; every error reads "'name' must be <allowed> (got <value>)"."""

from __future__ import annotations

import difflib
import functools
import math
import numbers
import os
import re
from collections.abc import Iterable
from types import NoneType
from typing import Any, NoReturn, TypeVar

import numpy as np
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
        names = " or ".join("None" if kind is NoneType else kind.__name__ for kind in types)
        fail(name, f"a {names}", shown(value), hint=hint)


def integer(name: str, value: object, minimum: int) -> int:
    """Return ``value`` as an int if it is an integer, NumPy's included, of at least ``minimum``."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or int(value) < minimum:  # type: ignore[call-overload]
        fail(name, f"an integer >= {minimum}", shown(value))
    return int(value)  # type: ignore[call-overload, no-any-return]


def number(
    name: str,
    value: object,
    low: float,
    high: float = math.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
    infinite: bool = False,
) -> float:
    """Return ``value`` as a float if it is a real number, NumPy's included, in ``[low, high]``.

    Args:
        name: Name of the argument.
        value: The value that was given; NaN and booleans are refused.
        low: The smallest allowed value.
        high: The largest allowed value.
        open_low: Whether ``low`` itself is excluded.
        open_high: Whether ``high`` itself is excluded.
        infinite: Whether the value may be infinite, where the range allows it.

    Raises:
        ValueError: If it is no such number.
    """
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if real:
        try:
            result = float(value)  # type: ignore[arg-type]
        except OverflowError:  # an integer beyond the range of floats
            result = math.inf
        if not infinite and math.isinf(result):
            fail(name, "a finite number", shown(value))
        above = low < result if open_low else low <= result
        if above and (result < high if open_high else result <= high):
            return result
    left = "(" if open_low or (low == -math.inf and not infinite) else "["
    right = ")" if open_high or (high == math.inf and not infinite) else "]"
    fail(name, f"a number in {left}{low:g}, {high:g}{right}", shown(value))


def shown(value: object) -> str:
    """Return a short text of a value for a message: at most 80 characters in one line."""
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):  # integers of thousands of digits, lists in themselves
        text = type(value).__name__
    return text if len(text) <= 80 else f"{text[:77]}..."


def closest(value: object, options: Iterable[object]) -> str:
    """Return a hint at the option that was probably meant; empty if none is alike."""
    names: dict[str, str] = {}
    for option in options:  # the first of those that differ in case alone
        names.setdefault(str(option).lower(), str(option))
    alike = difflib.get_close_matches(str(value)[:80].lower(), names, n=1)
    return f"did you mean {names[alike[0]]!r}?" if alike and value is not None else ""


def spelling(value: T, options: Iterable[object]) -> T:
    """Return the one of ``options`` that a text is in another case; without one, the value."""
    if isinstance(value, str):
        texts = (option for option in options if isinstance(option, str))
        return next((text for text in texts if text.lower() == value.lower()), value)  # type: ignore[return-value]
    return value


def choice(name: str, value: T, options: Iterable[T]) -> T:
    """Return the one of ``options`` that ``value`` is."""
    options = list(options)
    for option in options:
        # The type first: the comparison of an array or a tensor has no truth value.
        if isinstance(value, type(option)) and value == option:
            return option
    allowed = "one of " + ", ".join(map(repr, options))
    fail(name, allowed, shown(value), hint=closest(value, options))


def num_nodes(name: str, value: object) -> tuple[int, int, bool]:
    """Return the numbers of sources and of targets, and whether these are different nodes.

    Args:
        name: Name of the argument.
        value: N, or a pair (num_src, num_dst) of a bipartite graph.

    Raises:
        ValueError: If it is neither, or more than the arrays of a graph can hold here.
    """
    if isinstance(value, tuple):
        if len(value) != 2:
            fail(name, "an integer >= 0, or a pair (num_src, num_dst) if bipartite", shown(value))
        sizes = [integer(f"{name}[{i}]", size, 0) for i, size in enumerate(value)]
    else:
        sizes = [integer(name, value, 0)] * 2
    # The offsets of a graph's edges, while it is built.
    memory(name, 16 * (sizes[0] + sizes[1]), shown(value))
    return sizes[0], sizes[1], isinstance(value, tuple)


def memory(name: str, needed: int, value: object) -> None:
    """Refuse an argument that would take more memory than the machine has.

    Args:
        name: Name of the argument.
        needed: Bytes that it would take.
        value: The value that was given.

    Raises:
        ValueError: If it is too large.
    """
    if needed > total_memory():
        allowed = f"small enough for the {total_memory() // 2**30:,} GiB of memory here"
        figure = f"{needed // 2**30:,}" if needed < 2**63 else "more than 2**33"
        fail(name, allowed, f"{value}, which takes {figure} GiB")


def size(name: str, value: object, least: int) -> int:
    """Return the bytes of an amount of memory, such as ``"500MB"``, ``"2GB"`` or ``"1.5GiB"``.

    Raises:
        ValueError: If it is none, or less than ``least`` bytes.
    """
    form = r"(\d{1,9}(?:\.\d{1,9})?)\s*([KMGT])(i?)B?"
    match = re.fullmatch(form, str(value).strip(), re.IGNORECASE | re.ASCII)
    unit = (1024 if match[3] else 1000) ** ("KMGT".index(match[2].upper()) + 1) if match else 0
    amount = round(float(match[1]) * unit) if match else 0
    if amount < least:
        fail(name, f"an amount of {least // 10**6}MB or more, such as 2GB or 4GiB", shown(value))
    return amount


@functools.cache
def total_memory() -> int:
    """Return the bytes of memory of the machine; those of any address where it cannot be told."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 2**63 - 1


def flag(name: str, value: object) -> bool:
    """Return ``value`` as a bool if it is True or False, NumPy's included."""
    if not isinstance(value, bool | np.bool_):
        fail(name, "True or False", shown(value))
    return bool(value)


def items(name: str, value: object, allowed: str) -> list[Any]:
    """Return the items of a list, a tuple or another iterable that is no text and no tensor."""
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | Tensor):
        fail(name, allowed, shown(value))
    return list(value)


def generator(name: str, value: object) -> None:
    """Refuse what is neither a ``torch.Generator`` nor None."""
    if not isinstance(value, torch.Generator | None):
        fail(name, "a torch.Generator or None", shown(value))


def tensor(name: str, value: object, allowed: str) -> Tensor:
    """Return ``value`` if it is a dense tensor with values; ``allowed`` is for the message."""
    if not isinstance(value, Tensor):
        fail(name, allowed, type(value).__name__)
    if value.is_meta:
        fail(name, allowed, "a tensor on the meta device, which holds no values")
    if value.layout is not torch.strided:
        fail(name, allowed, f"layout {value.layout}", hint=f"use {name}.to_dense()")
    return value


def index_tensor(name: str, value: object, shape: str) -> Tensor:
    """Return ``value`` if it is an integer tensor; ``shape`` is only for the message."""
    index = tensor(name, value, f"an integer tensor of shape {shape}")
    if index.dtype not in (torch.int64, torch.int32, torch.int16, torch.uint8, torch.int8):
        fail(name, f"an integer tensor of shape {shape}", f"dtype {index.dtype}")
    return index


def real_tensor(name: str, value: object, allowed: str) -> Tensor:
    """Return ``value`` if it is a dense tensor of real numbers, not of booleans."""
    reals = tensor(name, value, allowed)
    if reals.is_complex() or reals.dtype == torch.bool:
        fail(name, allowed, f"dtype {reals.dtype}")
    return reals


def same_shape(name: str, value: Tensor, reference_name: str, reference: Tensor) -> None:
    """Refuse two tensors of different shapes."""
    if (wanted := list(reference.shape)) != list(value.shape):
        fail(name, f"of the shape of '{reference_name}', {wanted}", list(value.shape))


def scores(name: str, value: object, shape: torch.Size | tuple[int, ...]) -> Tensor:
    """Return what a model returned if it is a dense tensor of real numbers of ``shape``."""
    allowed = f"of shape {list(shape)}, a tensor of real numbers"
    result = real_tensor(name, value, allowed)
    if result.shape != shape:
        fail(name, allowed, list(result.shape))
    return result


def pairs(name: str, value: object) -> Tensor:
    """Return ``value`` if it is an integer tensor of shape ``[2, B]``."""
    index = index_tensor(name, value, "[2, B]")
    if index.dim() != 2 or index.size(0) != 2:
        hint = ""
        if index.dim() == 2 and index.size(1) == 2:
            hint = f"{name} has shape [B, 2]; did you mean its transpose, {name}.t()?"
        elif index.dim() == 2 and index.size(0) == 3:
            hint = "triples need a sampler for knowledge graphs"
        fail(name, "an integer tensor of shape [2, B]", f"shape {list(index.shape)}", hint=hint)
    return index


def node_range(name: str, ids: Tensor, num_nodes: int, kind: str = "node") -> None:
    """Refuse ids outside ``[0, num_nodes)``."""
    if ids.numel() == 0:
        return
    if ids.device.type == "cpu":
        array = ids.detach().numpy()  # torch's thread pool hangs in a forked process
        if array.dtype == np.int64 and int(array.view(np.uint64).max()) < num_nodes:
            return  # as unsigned, a negative id is a large one: one pass is enough
        low, high = int(array.min()), int(array.max())
    else:
        low, high = torch.stack(torch.aminmax(ids)).tolist()  # waits for the device once
    if low < 0 or high >= num_nodes:
        kinds = "entities" if kind == "entity" else f"{kind}s"
        allowed = f"{kind} ids in [0, {num_nodes})" if num_nodes else f"empty: there are no {kinds}"
        hint = f"is 'num_{kinds}' right?" + " Is the order h, r, t?" * (kind == "relation")
        fail(name, allowed, min(low, 0) or high, hint=hint * (low >= 0))


def same_device(name: str, value: object, reference_name: str, reference: Tensor) -> None:
    """Refuse what is no tensor, or lives on another device than the reference."""
    if not isinstance(value, Tensor):
        allowed = f"a tensor on the device of '{reference_name}', {reference.device}"
        fail(name, allowed, shown(value))
    if value.device != reference.device:
        allowed = f"on the device of '{reference_name}', {reference.device}"
        fail(name, allowed, str(value.device))
