"""The command line, run inside the test's own process."""

from __future__ import annotations

from click.testing import Result
from typer.testing import CliRunner

from gneg.cli import app

#: Tables as wide as on a desktop: under a dumb terminal rich folds them at 80 columns.
TERMINAL = {"COLUMNS": "140", "TERM": "xterm"}


def run(*arguments: str) -> Result:
    """Call ``gneg`` with these arguments."""
    return CliRunner().invoke(app, list(arguments), env=TERMINAL)
