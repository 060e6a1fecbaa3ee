"""The counter-based streams of the kernels as torch operations: the same bits on any device.

Integers of 64 bits wrap around in torch as they do in the kernels, so that only right shifts,
which keep the sign here, need a mask. See ``gneg/kernels/_jit.py`` for what each function is.
"""

from __future__ import annotations

import torch
from torch import Tensor


def _signed(value: int) -> int:
    """Return the signed integer with the last 64 bits of an integer."""
    return (value + 2**63) % 2**64 - 2**63


GOLDEN = _signed(0x9E3779B97F4A7C15)
_FIRST, _SECOND = _signed(0xBF58476D1CE4E5B9), _signed(0x94D049BB133111EB)
_LOW = 0xFFFFFFFF
#: Numbers that :func:`below` takes are smaller: products of 32 bits with them keep their sign.
LIMIT = 2**31


def steps(count: int) -> int:
    """Return what takes a stream ``count`` draws on."""
    return _signed(GOLDEN * count)


def mixed(state: Tensor) -> Tensor:
    """Return the finaliser of SplitMix64 of each state."""
    return _mixed(state)[0]


def _mixed(state: Tensor) -> tuple[Tensor, Tensor]:
    """Return the finaliser, and memory of its size: on a CPU new memory costs as much as a pass."""
    z = (state >> 30).bitwise_and_(2**34 - 1).bitwise_xor_(state).mul_(_FIRST)
    high = (z >> 27).bitwise_and_(2**37 - 1)
    z.bitwise_xor_(high).mul_(_SECOND)
    torch.bitwise_right_shift(z, 31, out=high).bitwise_and_(2**33 - 1)
    return z.bitwise_xor_(high), high


def streams(seed: int, rows: Tensor) -> Tensor:
    """Return the start of the stream of each row; its i-th draw is at start + i * GOLDEN."""
    return mixed(mixed((rows + 1) * GOLDEN).bitwise_xor_(seed))


def below(state: Tensor, size: Tensor | int) -> Tensor:
    """Return the draw at each state in [0, size), 0 <= size < 2**31; 0 where the size is 0."""
    x, low = _mixed(state)
    torch.bitwise_and(x, _LOW, out=low).mul_(size).bitwise_right_shift_(32)
    x.bitwise_right_shift_(32).bitwise_and_(_LOW)
    return x.mul_(size).add_(low).bitwise_right_shift_(32)


def unit(state: Tensor) -> Tensor:
    """Return the draw at each state as a double in [0, 1)."""
    x = mixed(state).bitwise_right_shift_(11).bitwise_and_(2**53 - 1)
    return x.to(torch.float64).mul_(2.0**-53)
