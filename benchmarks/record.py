"""Result files: what was measured, and where, by which command and at which commit."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from gneg import files, records


def write(
    path: Path, command: str, result: dict[str, Any], earlier: dict[str, Any] | None = None
) -> None:
    """Write a result with the command that made it, machine, versions and commit.

    Args:
        path: The file.
        command: The command.
        result: What was measured; may name machine, versions or command itself, as the results of
            ``gneg train`` do.
        earlier: The content of a result file whose runs are part of ``result``; its machine and
            commit are kept.
    """
    head = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    origin = {
        "machine": records.machine(),
        "versions": records.versions(),
        "commit": head.stdout.strip() or None,
    }
    before = {}
    if earlier is not None:
        kept = {name: earlier[name] for name in ("command", *origin)}
        before = {"earlier": [*earlier.get("earlier", []), kept]}
    files.write_json(path, {"command": command, **origin, **before, **result})
