"""The command line, a thin file a command; options of configs are made from the configs."""

from __future__ import annotations

from gneg.cli import audit, compare, describe, evaluate, hardset, lists, sample, train
from gneg.cli.app import app

__all__ = [
    "app",
    "audit",
    "compare",
    "describe",
    "evaluate",
    "hardset",
    "lists",
    "main",
    "sample",
    "train",
]


def main() -> None:
    """Entry point of the ``gneg`` command."""
    app()
