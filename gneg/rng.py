"""Seeds for the kernels' counter-based streams, taken from a ``torch.Generator``."""

from __future__ import annotations

import secrets
from typing import Any

import torch

from gneg import checks

_MASK = (1 << 64) - 1


def draw_seed(generator: torch.Generator | None) -> int:
    """Return a seed in ``[0, 2**63)`` and advance ``generator`` by one draw.

    Without a generator the seed comes from the operating system, so that the global random
    state is neither read nor moved.

    Raises:
        ValueError: If ``generator`` is neither a ``torch.Generator`` nor ``None``.
    """
    if generator is None:
        return secrets.randbits(63)
    checks.generator("generator", generator)
    high = torch.iinfo(torch.int64).max
    return int(torch.randint(high, (1,), generator=generator, device=generator.device).item())


def split_seed(seed: int, branch: int) -> int:
    """Return an independent seed in ``[0, 2**63)`` for one ``branch`` of a computation.

    The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) over seed and branch.
    """
    z = (seed + (branch + 1) * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return (z ^ (z >> 31)) >> 1


class PicklableGenerator(torch.Generator):
    """A CPU generator that can be sent to a process that is not forked.

    torch pickles a generator by a tensor in shared memory, which is gone when the other reads it.
    """

    def __reduce__(self) -> Any:
        return _from_state, (self.get_state().numpy().tobytes(),)


def _from_state(state: bytes) -> torch.Generator:
    generator = PicklableGenerator()
    generator.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))
    return generator


def generator_from(seed: int) -> torch.Generator:
    """Return a CPU generator for code paths that draw with torch."""
    return PicklableGenerator().manual_seed(seed)
