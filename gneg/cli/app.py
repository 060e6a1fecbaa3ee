"""The application, and how errors and interruptions end a command."""

from __future__ import annotations

import ctypes
import re
import shlex
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Annotated, NoReturn

import typer
from rich.text import Text

import gneg
from gneg.cli.commands import Commands, KgCommands
from gneg.cli.compiling import compiling_told
from gneg.cli.output import (
    OUTPUT,
    AsJson,
    Quiet,
    add_files,
    console,
    error_console,
    even_if_quiet,
    output_mode,
    progress_console,
)

INTERRUPTED = 130  # exit code after Ctrl-C, as of shells
RESUMING = {"train", "compare", "hardset", "sample", "predict", "ingest", "generate"}
LACK_OF_MEMORY = re.compile("can't allocate memory|out of memory|bad_alloc")  # as torch says it
app = typer.Typer(
    name="gneg",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
)
kg = typer.Typer(
    cls=KgCommands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    help=Commands.table["kg"][1],
)
app.add_typer(kg, name="kg")


@contextmanager
def plain_errors() -> Iterator[None]:
    """Print errors of the user without a traceback; say how to resume after Ctrl-C."""
    keep_freed_memory()
    warnings.formatwarning = lambda message, *_: f"warning: {message}\n"
    try:
        with compiling_told():
            yield
    except KeyboardInterrupt as stop:
        resumes = str(stop) or "the same command resumes from what is finished"
        text = "interrupted" + (f"; {resumes}" if RESUMING & set(sys.argv) else "")
        progress_console.print(Text(text), soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
    except (ValueError, OSError, ImportError, EOFError) as error:
        _fail(str(error), error)
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not LACK_OF_MEMORY.search(str(error)):
            raise
        reason = str(error).strip().splitlines() or ["the system gave no more"]
        _fail(f"not enough memory ({reason[0][:200]}); smaller sizes need less", error)


def _fail(message: str, error: BaseException) -> NoReturn:
    """Print the message of an error in one line and exit with 2."""
    line = message.strip() or type(error).__name__
    if "^" not in line.split():  # which points at a place in the line above
        line = " ".join(line.split())
    error_console.print(Text("error: ", "bold red") + Text(line), soft_wrap=True)
    raise typer.Exit(2) from error


def keep_freed_memory() -> None:
    """Tell glibc to reuse large blocks instead of returning them to the system each time.

    Training allocates the same big tensors in every step; mapping them anew costs a quarter of an
    epoch on a CPU. Does nothing on other C libraries.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        m_trim_threshold, m_mmap_max = -1, -4
        mallopt(m_mmap_max, 0)
        mallopt(m_trim_threshold, 2**31 - 1)


def _import(sources: list[str] | None) -> list[str] | None:
    """Import what registers a user's samplers, losses and encoders, before a command is read."""
    with plain_errors(), redirect_stdout(sys.stderr):  # what it prints is no result
        for source in sources or ():
            from gneg import registry  # of a few modules, not for --help alone

            registry.load(source)
    return sources


Imports = Annotated[
    list[str] | None,
    typer.Option(
        "--import",
        callback=_import,
        metavar="FILE.py|MODULE",
        help="A Python file, or a module, that registers your own samplers, losses and encoders; "
        "may be given several times.",
        rich_help_panel=OUTPUT,
    ),
]


def _print_version(requested: bool) -> None:
    if requested:
        say(f"gneg {gneg.__version__}")
        raise typer.Exit


@app.callback()
def _callback(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
    imports: Imports = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Exact, hard negatives for link prediction on graphs."""
    context.with_resource(output_mode(quiet=quiet, as_json=as_json))


@kg.callback()
def _kg_callback(
    context: typer.Context,
    imports: Imports = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    context.with_resource(output_mode(quiet=quiet, as_json=as_json))


def command_line() -> str:
    """Return the command that was typed."""
    return shlex.join(["gneg", *sys.argv[1:]])


def say(text: str, *, result: bool = False, wrap: bool = True) -> None:
    """Print a line of plain text, in which brackets, colons and numbers stay as they are.

    Everything that holds a name or a path is printed by this function, :func:`say_path` or
    :func:`gneg.cli.tables.print_table`: elsewhere rich reads ``[...]`` and ``:name:`` as markup.

    Args:
        text: The line.
        result: Whether it is what the command was asked for, and printed with ``--quiet`` too.
        wrap: Whether a long line may be broken; a command to copy may not.
    """
    with even_if_quiet(result):
        console.print(Text(text), soft_wrap=not wrap)


def say_path(label: str, *paths: object) -> None:
    """Print where a result is."""
    text = ", ".join(str(path) for path in paths)
    with even_if_quiet():
        console.print(Text(f"{label}: ") + Text(text, "bold"), soft_wrap=True)
    add_files(label, paths)
