"""``gneg ingest``."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from gneg import checks
from gneg.cli.app import app, command_line, say, say_path
from gneg.cli.groups import Group, expand_groups
from gneg.cli.options import Fresh
from gneg.cli.output import print_json
from gneg.cli.progress import ProgressDisplay
from gneg.cli.sources import DATA, SWITCHES, table_parameters
from gneg.cli.values import Checked, at_least
from gneg.datasets.table_options import TableOptions

#: Options of a table that say something of a whole graph, which has no split.
COLUMNS = (
    *("source", "target", "weight", "label", "rating", "min_rating"),
    *("encoding", "sep", "header"),
)


def _check_memory(name: str, text: str) -> str:
    """Return an amount of memory as it was typed, refused if it is none."""
    from gneg.datasets.ingest.make import LEAST

    checks.size(name, text, LEAST)
    return text


Memory = Annotated[
    str,
    typer.Option(help="Memory to work with, at least 1GB; more is faster.", show_default=True),
    Checked(_check_memory),
]
Undirected = Annotated[
    bool | None,
    typer.Option(
        "--undirected/--directed",
        help="Whether (u, v) also means (v, u); else undirected if all edges come both ways.",
        rich_help_panel=DATA,
    ),
]


class _Table(Group):
    """The options that say how a table is read."""

    def parameters(self) -> list[inspect.Parameter]:
        """Return the options."""
        return table_parameters(COLUMNS)

    def collect(self, values: dict[str, Any], typed: Collection[str]) -> TableOptions:
        """Return the values."""
        return TableOptions(**values)


@app.command("ingest")
@expand_groups
def ingest_command(
    edges: Annotated[
        list[Path],
        typer.Argument(
            help="Files of edges: text in columns, compressed or not, .parquet, .arrow, .npy or "
            ".npz; or a folder of .parquet files."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the graph.")] = Path("graph"),
    memory: Memory = "2GB",
    undirected: Undirected = None,
    bipartite: Annotated[
        bool | None,
        typer.Option(
            SWITCHES["bipartite"],
            help="Whether the ends are of two kinds, such as users and items; else as the files "
            "say.",
            rich_help_panel=DATA,
        ),
    ] = None,
    keep_ids: Annotated[
        bool,
        typer.Option(
            "--keep-ids",
            help="Ids are integers from 0 that stay as they are, also where some are unused.",
            rich_help_panel=DATA,
        ),
    ] = False,
    num_nodes: Annotated[
        int | None,
        typer.Option(
            help="Number of nodes, with --keep-ids; else the largest id + 1.", rich_help_panel=DATA
        ),
        at_least(1),
    ] = None,
    table: TableOptions = _Table(),  # type: ignore[assignment]  # noqa: B008
    fresh: Fresh = False,
) -> None:
    """Build a graph from files that need not fit in memory, in a folder that opens at once.

    Python opens it with gneg.Graph.open(folder), and gneg sample draws negatives in it. Ids may be
    integers or text; nodes.parquet says which node is which. The same command resumes where it was
    interrupted.

    [bold]gneg ingest edges.csv.gz --out graph --undirected --memory 4GB[/]
    """
    from gneg.datasets.ingest import ingest
    from gneg.graph.folder import check_folder

    check_folder("out", out)
    with ProgressDisplay() as display:
        header = ingest(
            edges,
            out,
            memory=memory,
            undirected=undirected,
            bipartite=bipartite,
            keep_ids=keep_ids,
            num_nodes=num_nodes,
            table=table,
            fresh=fresh,
            report=display.stages(),
            command=command_line(),
            say=say,
        )
    print_stored(header, out)


def print_stored(header: dict[str, Any], out: Path) -> None:
    """Print the sizes of a stored graph, what was left out of it, and where it is."""
    counts = header["origin"]["counts"]
    nodes = f"{header['num_src']:,}"
    if header["bipartite"]:
        nodes += f" + {header['num_dst']:,}"
    kind = "undirected" if header["undirected"] else "directed"
    size = header["num_edges"] // (2 if header["undirected"] else 1)
    say(f"{nodes} nodes, {size:,} {'' if header['bipartite'] else kind + ' '}edges")
    left_out = [
        f"{counts[name]:,} {text}"
        for name, text in (("self_loops", "self-loops"), ("repeats", "repeats of an edge"))
        if counts[name]
    ]
    if left_out:
        say(f"left out: {', '.join(left_out)}")
    say_path("graph", out)
    print_json(header)
