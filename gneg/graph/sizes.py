"""The text of records that hold tensors: sizes, not contents."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from torch import Tensor

MOST = 8  # values of a sequence that are shown


def with_sizes(record: Any) -> str:
    """Return the ``repr`` of a dataclass with the shape of each tensor in place of its values.

    A class takes it as its own: ``__repr__ = with_sizes``.
    """
    fields = [field.name for field in dataclasses.fields(record) if field.repr]
    values = [f"{name}={_size(getattr(record, name))}" for name in fields]
    return f"{type(record).__name__}({', '.join(values)})"


def _size(value: Any) -> str:
    if isinstance(value, (Tensor, np.ndarray)):
        return str(list(value.shape))
    if isinstance(value, (list, tuple)):
        return f"[{len(value)}]" if len(value) > MOST else f"({', '.join(map(_size, value))})"
    return repr(value)
