"""Devices of models: their names, and their random generators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from gneg import checks


def check_name(name: str, text: str) -> str:
    """Return the name of a device of torch; whether it is here shows when a run starts.

    Raises:
        ValueError: If torch has no such device.
    """
    try:
        torch.device(text.lower())
    except RuntimeError:
        hint = "did you mean cuda?" if "gpu" in text.lower() else ""
        checks.fail(name, "a device of torch, such as cpu or cuda:0", repr(text), hint=hint)
    return text.lower()


def pins(device: torch.device) -> bool:
    """Return whether copies to a device are made from pinned memory, without waiting for them."""
    return device.type == "cuda"


def upload(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor of the CPU on a device, without waiting for what the device does before."""
    pinned = pins(device)
    return (tensor.pin_memory() if pinned else tensor).to(device, non_blocking=pinned)


def random_state(device: torch.device | str) -> dict[str, Tensor]:
    """Return the states of torch's global generators that models on a device draw from.

    Args:
        device: The device.

    Returns:
        ``rng``, that of the CPU, and ``rng_cuda`` (or another kind), that of the device itself.
    """
    state = {"rng": torch.get_rng_state()}
    if (kind := torch.device(device).type) != "cpu":
        module, place = _generator_of(device)
        state[f"rng_{kind}"] = module.get_rng_state(*place)
    return state


def set_random_state(device: torch.device | str, state: dict[str, Tensor]) -> None:
    """Set the states of torch's global generators to what :func:`random_state` returned.

    Args:
        device: The device; if the states are of another kind, its own generator stays as it is.
        state: The states, on any device.
    """
    torch.set_rng_state(state["rng"].cpu())
    name = f"rng_{torch.device(device).type}"
    if name in state:
        module, place = _generator_of(device)
        module.set_rng_state(state[name].cpu(), *place)


@contextmanager
def forked_random(device: torch.device | str) -> Iterator[None]:
    """Restore torch's global generators, the CPU's and the device's, after a block of code."""
    state = random_state(device)
    try:
        yield
    finally:
        set_random_state(device, state)


def _generator_of(device: torch.device | str) -> tuple[Any, list[torch.device]]:
    """Return the module of a kind of device and, where it has several, which of them."""
    device = torch.device(device)
    return torch.get_device_module(device), [] if device.type == "mps" else [device]
