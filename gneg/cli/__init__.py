"""The command line, one file a command or a few."""

from __future__ import annotations

from gneg.cli import audit, compare, evaluation, kg, lists, sample, train
from gneg.cli.app import app

__all__ = ["app", "audit", "compare", "evaluation", "kg", "lists", "main", "sample", "train"]


def main() -> None:
    """Entry point of the ``gneg`` command."""
    app()
