"""The command line, a thin file a command; options of configs are made from the configs."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from typing import NoReturn

from gneg.cli.app import INTERRUPTED, app
from gneg.cli.commands import LazyGroup
from gneg.cli.output import progress_console

__all__ = ["app", "main"]


def _be_silent() -> None:
    """Print nothing but errors: of the processes of ``torchrun`` the first one speaks for all."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    progress_console.quiet = True
    warnings.simplefilter("ignore")


def main() -> None:
    """Entry point of the ``gneg`` command."""
    LazyGroup.in_own_process = True
    if "MASTER_ADDR" in os.environ:  # one of the processes of torchrun
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
        if int(os.environ.get("RANK", "0")):
            _be_silent()
    try:
        app()
    except KeyboardInterrupt:  # once more, while the first was being answered
        _end_at_once()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            # Nothing is left to interrupt but Python's own end, which would print a traceback.
            signal.signal(signal.SIGINT, _end_at_once)
            threads = sys.modules.get("gneg.kernels.threads")
            if threads is not None and threads.are_busy():
                _end_at_once()  # Python would wait for them
        raise


def _end_at_once(*_: object) -> NoReturn:
    """Leave the process as it is: what is finished was written."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)
