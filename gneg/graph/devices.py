"""Devices of torch: which of them this machine has, and whether tensors can be used there."""

from __future__ import annotations

import torch

from gneg import checks


def available() -> list[str]:
    """Return the names of the devices of this machine that torch can use."""
    backends = {"mps": torch.backends.mps, "xpu": torch.xpu}
    accelerators = [name for name, backend in backends.items() if backend.is_available()]
    return ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count())), *accelerators]


def usable(device: torch.device | str) -> str | None:
    """Return None if tensors can be used on a device, else why not: "" if torch knows none such."""
    try:
        place = torch.device(device)
    except (RuntimeError, TypeError):  # torch's own text lists its device types and signatures
        return ""
    try:
        if place.type == "meta":
            return "its tensors hold no values"
        torch.zeros(1, device=place).cpu()
    # Backends that are not built in raise RuntimeError, AssertionError, NotImplementedError, ...
    except Exception as error:
        sentence = str(error).strip().split("\n")[0].split(". ")[0]
        return sentence[:160] or type(error).__name__
    return None


def check_usable(name: str, device: torch.device | str) -> torch.device:
    """Return a device on which tensors can be used.

    Raises:
        ValueError: If this machine, or this build of torch, has no such device.
    """
    reason = usable(device)
    if reason is not None:
        here = ", ".join(available())
        got = f"{device}: {reason}" if reason else checks.shown(device)
        hint = "a GPU of NVIDIA or AMD is 'cuda'" if device == "gpu" else ""
        checks.fail(name, f"a device that torch has here: {here}", got, hint=hint)
    return torch.device(device)
