"""Versions and hardware of a result, and files that are written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gneg import checks

PACKAGES = ("gneg", "torch", "torch-geometric", "numpy", "numba", "ogb")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on."""
    installed = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            installed[package] = "not installed"
    return installed


def machine() -> dict[str, Any]:
    """Return the names of processor and accelerator, and the numbers of cores and threads."""
    model = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip()
            for line in info.read_text().splitlines()
            if line.startswith("model name")
        ]
        model = names[0] if names else model
    return {
        "cpu": model or platform.machine(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def read_record(name: str, path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return the content of a JSON file that this library wrote.

    Args:
        name: The argument that the file belongs to, for errors.
        path: The file.
        keys: Keys that it must have.

    Raises:
        ValueError: If the file is not JSON, or lacks a key.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        missing = [key for key in keys if key not in content]
    except (ValueError, TypeError) as error:
        missing = [f"a whole file: {error}"]
    if missing:
        checks.fail(name, f"a whole {path.name} of gneg", f"{path} without {', '.join(missing)}")
    return dict(content)


def digest(header: object, *tensors: torch.Tensor) -> str:
    """Return a hash of the text of ``header`` and the content of tensors, 16 hexadecimal digits."""
    content = hashlib.sha256(str(header).encode())
    for tensor in tensors:
        content.update(tensor.contiguous().cpu().numpy().data)
    return content.hexdigest()[:16]


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a temporary file beside ``path``, then rename it in one step.

    Args:
        path: The file.
        write: Function that writes to the path that it is given.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as JSON, whole or not at all."""
    text = json.dumps(value, indent=2) + "\n"
    write_whole(path, lambda temporary: temporary.write_text(text))


class Parts:
    """Finished pieces of long work, in a folder beside the file that they will become.

    Args:
        out: The file that the pieces will become.
        settings: The settings, as JSON, that decide the pieces: other settings have another folder.
        fresh: Whether pieces that exist are removed.
    """

    def __init__(self, out: Path, settings: Any, *, fresh: bool) -> None:
        mark = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:12]
        self.folder = out.with_name(f".{out.name}.{mark}.parts")
        if fresh:
            self.remove()

    def path(self, name: str) -> Path:
        """Return the path of a piece, which need not exist."""
        return self.folder / name

    def remove(self) -> None:
        """Remove all pieces."""
        for path in self.folder.glob("*"):
            path.unlink()
        if self.folder.exists():
            self.folder.rmdir()


def write_npz(path: Path, arrays: dict[str, Any]) -> None:
    """Write arrays as compressed ``.npz``, whole or not at all."""

    def save(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)

    write_whole(path, save)
