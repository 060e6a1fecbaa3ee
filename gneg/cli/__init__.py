"""The command line, a thin file a command; options of configs are made from the configs."""

from __future__ import annotations

from gneg.cli import (
    audit,
    compare,
    complete,
    describe,
    evaluate,
    hardset,
    lists,
    predict,
    sample,
    train,
)
from gneg.cli.app import app

__all__ = [
    "app",
    "audit",
    "compare",
    "complete",
    "describe",
    "evaluate",
    "hardset",
    "lists",
    "main",
    "predict",
    "sample",
    "train",
]


def main() -> None:
    """Entry point of the ``gneg`` command."""
    app()
