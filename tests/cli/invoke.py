"""The command line, run inside the test's own process."""

from __future__ import annotations

from click.testing import Result
from rich.console import ConsoleDimensions
from typer.testing import CliRunner

from gneg.cli import app
from gneg.cli.output import console

TERMINAL = {"COLUMNS": "140", "TERM": "xterm"}
console.size = ConsoleDimensions(140, 50)  # the console of tables read the terminal on import


def run(*arguments: str) -> Result:
    """Call ``gneg`` with these arguments."""
    return CliRunner().invoke(app, list(arguments), env=TERMINAL)
