"""What commands print and where: notes, tables, progress, results, and one JSON document.

``--quiet`` silences the consoles of notes and progress. ``--json`` sends all that is printed to
standard error, other libraries' output included, and one document to standard output.
"""

from __future__ import annotations

import inspect
import json
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console

OUTPUT = "Output"
console = Console()  # notes, tables and where the results are
progress_console = Console(stderr=True)
error_console = Console(stderr=True)

Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        help="Print no progress, notes and tables: only where the results are, and errors.",
        rich_help_panel=OUTPUT,
    ),
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print the result as one JSON document, and everything else on standard error.",
        rich_help_panel=OUTPUT,
    ),
]
#: What pages of this library begin with, and no others do.
PAGE = '<meta name="generator" content="gneg">'
#: The options of every command, by parameter.
OPTIONS = {"quiet": Quiet, "as_json": AsJson}


@dataclass
class _Document:
    """The JSON document that the running command prints.

    Attributes:
        stream: Standard output; None: no document is printed.
        files: Paths of results by their labels.
    """

    stream: TextIO | None = None
    files: dict[str, Any] = field(default_factory=dict)


_document = _Document()


def parameters() -> list[inspect.Parameter]:
    """Return the options of every command."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(name, keyword, default=False, annotation=annotation)
        for name, annotation in OPTIONS.items()
    ]


@contextmanager
def output_mode(*, quiet: bool, as_json: bool) -> Iterator[None]:
    """Print as ``--quiet`` and ``--json`` say, inside the block; blocks may be nested."""
    with ExitStack() as stack:
        if quiet:
            for silenced in (console, progress_console):
                stack.callback(setattr, silenced, "quiet", silenced.quiet)
                silenced.quiet = True
        if as_json and _document.stream is None:
            stack.callback(setattr, _document, "stream", None)
            _document.stream, _document.files = sys.stdout, {}
            stack.enter_context(redirect_stdout(sys.stderr))
        yield


@contextmanager
def even_if_quiet(result: bool = True) -> Iterator[None]:
    """Print inside the block with ``--quiet`` too, if it is a result."""
    quiet = console.quiet
    console.quiet = quiet and not result
    try:
        yield
    finally:
        console.quiet = quiet


def add_files(label: str, paths: tuple[object, ...]) -> None:
    """Add the paths of a result to the document."""
    texts = [str(path) for path in paths]
    _document.files[label] = texts[0] if len(texts) == 1 else texts


def print_json(result: Mapping[str, Any]) -> None:
    """Print the document of ``--json``: a result, and ``files`` with the places of its files.

    Args:
        result: The result; figures that are no finite numbers become null.
    """
    if _document.stream is not None:
        content = plain({**result, "files": _document.files})
        text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
        _document.stream.write(f"{text}\n")
        _document.stream.flush()


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: NaN and infinity as None, paths as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "item"):  # a number of NumPy, which is not imported for --help
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
