"""Devices of models: their names, and whether this machine has them."""

from __future__ import annotations

import torch

from gneg import checks


def check_name(name: str, text: str) -> str:
    """Return the name of a device of torch; whether it is here shows when a run starts.

    Raises:
        ValueError: If torch has no such device.
    """
    try:
        torch.device(text.lower())
    except RuntimeError:
        checks.fail(name, "a device of torch, such as cpu or cuda:0", repr(text))
    return text.lower()


def available() -> list[str]:
    """Return the names of the devices of this machine that torch can use."""
    backends = {"mps": torch.backends.mps, "xpu": torch.xpu}
    accelerators = [name for name, backend in backends.items() if backend.is_available()]
    return ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count())), *accelerators]


def usable(text: str) -> str | None:
    """Return None if tensors can be used on a device, else the reason why not.

    Args:
        text: Name of the device.
    """
    if torch.device(text).type == "meta":
        return "its tensors hold no values"
    try:
        torch.zeros(1, device=text).cpu()
    # Backends that are not built in raise RuntimeError, AssertionError, NotImplementedError, ...
    except Exception as error:
        return str(error).strip().splitlines()[0][:160] or type(error).__name__
    return None


def check_usable(name: str, text: str) -> torch.device:
    """Return a device on which tensors can be used.

    Raises:
        ValueError: If this machine, or this build of torch, has no such device.
    """
    reason = usable(text)
    if reason is not None:
        here = ", ".join(available())
        checks.fail(name, f"a device that torch has here: {here}", f"{text}: {reason}")
    return torch.device(text)
