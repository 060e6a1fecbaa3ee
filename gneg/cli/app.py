"""What all commands share: the application, consoles, errors, tables."""

from __future__ import annotations

import ctypes
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

import gneg

COMMANDS = ("train", "evaluate", "hardset", "audit", "sample", "compare", "report", "kg")


class _InOrderOfUse(typer.core.TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        """Name what is done with a dataset first, then what there is."""
        return sorted(self.commands, key=lambda name: (*COMMANDS, name).index(name))


app = typer.Typer(
    name="gneg",
    cls=_InOrderOfUse,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Exact, hard negatives for link prediction on graphs.",
)
console = Console()
errors = Console(stderr=True)


DATA = "Data"
#: Options that every command has that reads a dataset.
Root = Annotated[
    Path | None,
    typer.Option(help="Folder with local copies, or to download to.", rich_help_panel=DATA),
]
Features = Annotated[
    Path | None,
    typer.Option(help="Features for an own edge list: .npy, .npz or .csv.", rich_help_panel=DATA),
]
Directed = Annotated[
    bool,
    typer.Option("--directed", help="Read an own edge list as directed.", rich_help_panel=DATA),
]
Bipartite = Annotated[
    bool,
    typer.Option(
        "--bipartite",
        help="The ends of an own edge list are of two kinds, such as users and items.",
        rich_help_panel=DATA,
    ),
]
SplitSeed = Annotated[
    int,
    typer.Option(help="Seed of the split where there is no official one.", rich_help_panel=DATA),
]


def load_data(
    dataset: str,
    root: Path | None,
    features: Path | None,
    directed: bool,
    bipartite: bool,
    split_seed: int,
) -> Any:
    """Load a dataset and say what it is."""
    from gneg.datasets import load

    data = load(
        dataset,
        root=root,
        seed=split_seed,
        features=features,
        undirected=not directed,
        bipartite=bipartite,
    )
    console.print(escape(repr(data)), highlight=False)
    return data


def load_knowledge_graph(dataset: str, root: Path | None, unseen: str) -> Any:
    """Load triples and say what they are."""
    from gneg.datasets import load_triples

    data = load_triples(dataset, root=root, unseen=unseen)  # type: ignore[arg-type]
    console.print(escape(repr(data)), highlight=False)
    return data


@contextmanager
def plain_errors() -> Iterator[None]:
    """Print what the user got wrong without a traceback; say what an interruption left."""
    keep_freed_memory()
    warnings.formatwarning = lambda message, *_: f"warning: {message}\n"
    try:
        yield
    except KeyboardInterrupt:
        console.print("interrupted; the same command goes on from what was done")
        raise typer.Exit(130) from None
    except (ValueError, FileNotFoundError, ImportError) as error:
        errors.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False)
        raise typer.Exit(2) from error


def keep_freed_memory() -> None:
    """Tell glibc to reuse large blocks instead of handing them back to the system each time.

    Training allocates the same big tensors in every step; mapping them anew costs a quarter of an
    epoch on a CPU. It does nothing on other C libraries.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        m_trim_threshold, m_mmap_max = -1, -4
        mallopt(m_mmap_max, 0)
        mallopt(m_trim_threshold, 2**31 - 1)


def _show_version(wanted: bool) -> None:
    if wanted:
        console.print(f"gneg {gneg.__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Exact, hard negatives for link prediction on graphs."""


def command() -> str:
    """What was typed."""
    return shlex.join(["gneg", *sys.argv[1:]])


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar; yields the function that moves it: ``report(done, total)``."""
    bar = Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
    )
    task = bar.add_task("", total=None)
    with bar:
        yield lambda done, total: bar.update(task, completed=done, total=total)


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1
) -> None:
    """A table whose first ``texts`` columns are text, and whose others are figures."""
    table = Table(title=title)
    for i, column in enumerate(columns):
        justify: Any = "right" if i >= texts else "left"
        table.add_column(column, justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)


def mean_std(value: dict[str, Any]) -> str:
    """``mean`` and, where there is one, ``std``, in percent."""
    mean, std = value["mean"], value["std"]
    return f"{100 * mean:.2f}" + (f" ± {100 * std:.2f}" if std is not None else "")
