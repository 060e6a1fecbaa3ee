"""``gneg generate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gneg import checks
from gneg.cli.app import app, command_line, say, say_path
from gneg.cli.groups import expand_groups
from gneg.cli.ingest import Memory, print_stored
from gneg.cli.options import Fresh
from gneg.cli.output import print_json
from gneg.cli.progress import ProgressDisplay
from gneg.cli.values import at_least, one_of
from gneg.datasets.naming import naming

DIRECTED = "With a folder as --out: read the edges as directed; else as undirected."


@app.command("generate")
@expand_groups
def generate_command(
    kind: Annotated[
        str,
        typer.Argument(help="rmat (skewed degrees, as in Graph500) or uniform."),
        one_of("rmat", "uniform"),
    ],
    scale: Annotated[int, typer.Option(help="Log2 of the number of nodes."), at_least(1)] = 20,
    edge_factor: Annotated[int, typer.Option(help="Edges per node."), at_least(1)] = 16,
    edges: Annotated[
        int | None, typer.Option(help="Number of edges, in place of --edge-factor."), at_least(1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of all draws."), at_least(0)] = 0,
    out: Annotated[
        Path, typer.Option(help="An .npy of edges [2, E] to write, or the folder of a graph.")
    ] = Path("edges.npy"),
    directed: Annotated[bool, typer.Option("--directed", help=DIRECTED)] = False,
    memory: Memory = "2GB",
    fresh: Fresh = False,
) -> None:
    """Generate large random graphs, for measurements.

    The same seed gives the same edges on any number of threads. Self-loops and repeats are among
    them; a graph leaves these out.

    [bold]gneg generate rmat --scale 24 --edge-factor 16 --out edges.npy[/]
    """
    from gneg.datasets.ingest.build import Shape
    from gneg.datasets.ingest.make import build_graph
    from gneg.datasets.ingest.random import RandomSource, write_edges
    from gneg.graph.generate import GRAPH500, RandomEdges

    if out.suffix in (".csv", ".npz", ".parquet"):
        checks.fail("out", "an .npy to write, or the folder of a graph", str(out))
    size = (edge_factor << scale) if edges is None else edges
    drawn = RandomEdges(scale, size, seed, GRAPH500 if kind == "rmat" else None)
    source = RandomSource(drawn)
    say(*source.lines())
    with ProgressDisplay() as display, naming("scale", "num_nodes"):
        if out.suffix == ".npy":
            write_edges(drawn, out, display.stages())
            header = None
        else:
            header = build_graph(
                [source],
                out,
                Shape(undirected=not directed, keep_ids=True, num_nodes=drawn.num_nodes),
                memory=memory,
                fresh=fresh,
                report=display.stages(),
                command=command_line(),
            )
    if header is not None:
        print_stored(header, out)
        return
    say_path("edges", out)
    print_json({"kind": kind, **source.settings()})
