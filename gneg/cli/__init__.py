"""The command line, a thin file a command; options of configs are made from the configs."""

from __future__ import annotations

from gneg.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    """Entry point of the ``gneg`` command."""
    app()
