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
        threads = sys.modules.get("gneg.kernels.threads")
        if end.code == INTERRUPTED and threads is not None and threads.are_busy():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(INTERRUPTED)  # Python would wait for the threads
        raise
