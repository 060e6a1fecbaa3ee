"""Markdown tables, and figures and machines as the pages write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def load(path: Path) -> dict[str, Any]:
    """Return the content of a result file."""
    result: dict[str, Any] = json.loads(path.read_text())
    return result


def machine(*results: dict[str, Any]) -> str:
    """Return command and versions of the first of some results, and all machines and commits."""
    first = results[0]
    origins = [origin for result in results for origin in (*result.get("earlier", []), result)]
    machines = dict.fromkeys(
        f"{origin['machine']['cpu']}, {origin['machine']['cores']} cores" for origin in origins
    )
    versions = first["versions"]
    commits = list(dict.fromkeys(origin["commit"] for origin in origins))
    return (
        f"`{first['command']}`; {' and '.join(machines)}; torch {versions['torch']}, "
        f"PyG {versions['torch-geometric']}, numba {versions['numba']}, Python "
        f"{versions['python']}; {'commit' if len(commits) == 1 else 'commits'} {', '.join(commits)}"
    )


def percent(value: dict[str, float | None]) -> str:
    """Return mean and standard deviation (``std`` may be None) in %."""
    mean, std = value["mean"], value["std"]
    assert mean is not None
    return f"{100 * mean:.2f}" + (f" ± {100 * std:.2f}" if std is not None else "")
