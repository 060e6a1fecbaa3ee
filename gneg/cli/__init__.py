"""The command line, a thin file a command; options of configs are made from the configs."""

from __future__ import annotations

import os
import sys
import warnings

from gneg.cli.app import INTERRUPTED, app
from gneg.cli.output import progress_console

__all__ = ["app", "main"]


def _be_silent() -> None:
    """Print nothing but errors: of the processes of ``torchrun`` the first one speaks for all."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    progress_console.quiet = True
    warnings.simplefilter("ignore")


def main() -> None:
    """Entry point of the ``gneg`` command."""
    if "MASTER_ADDR" in os.environ:  # one of the processes of torchrun
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
        if int(os.environ.get("RANK", "0")):
            _be_silent()
    try:
        app()
    except SystemExit as end:
        threads = sys.modules.get("gneg.kernels.threads")
        if end.code == INTERRUPTED and threads is not None and threads.are_busy():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(INTERRUPTED)  # Python would wait for the threads
        raise
