"""The command line, a thin file a command; options of configs are made from the configs."""

from __future__ import annotations

import os
import sys

from gneg.cli.app import INTERRUPTED, app

__all__ = ["app", "main"]


def main() -> None:
    """Entry point of the ``gneg`` command."""
    try:
        app()
    except SystemExit as end:
        if end.code == INTERRUPTED:  # Python would wait for kernels that threads still run
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(INTERRUPTED)
        raise
