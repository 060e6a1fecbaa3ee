"""The command line, run inside the test's own process."""

from __future__ import annotations

import functools

import typer.testing
from click.testing import Result
from rich.console import ConsoleDimensions

from gneg.cli import app
from gneg.cli.output import console

TERMINAL = {"COLUMNS": "140", "TERM": "xterm"}
typer.testing._get_command = functools.cache(typer.testing._get_command)  # 30 ms of every call
console.size = ConsoleDimensions(140, 50)  # the console of tables read the terminal on import


def run(*arguments: str) -> Result:
    """Call ``gneg`` with these arguments."""
    return typer.testing.CliRunner().invoke(app, list(arguments), env=TERMINAL)
