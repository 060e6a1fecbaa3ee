"""``gneg sample``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.markup import escape

from gneg.cli.app import app, command, console, plain_errors, progress
from gneg.config import TrainConfig

DATA = "Data"


@app.command("sample")
def sample_command(
    dataset: Annotated[str, typer.Argument(help="A name (see gneg datasets) or the path of an edge list.")],
    sampler: Annotated[str, typer.Option(help="A sampler expression, see gneg samplers.")] = TrainConfig().sampler,
    k: Annotated[int, typer.Option("--k", "-k", help="Negatives per positive.")] = 10,
    out: Annotated[Path, typer.Option(help="File to write: .parquet, .npz or .csv.")] = Path("negatives.parquet"),
    part: Annotated[str, typer.Option(help="The positives: train, valid or test.")] = "train",
    known: Annotated[str, typer.Option(help="Edges that negatives avoid: train (honest), train+valid or all.")] = "train",
    corrupt: Annotated[str, typer.Option(help="End that is replaced: dst, src or both.")] = "dst",
    model: Annotated[Path | None, typer.Option(help="A run folder or model-SEED.pt of gneg train, for samplers that select by a model.")] = None,
    seed: Annotated[int, typer.Option(help="Of all randomness.")] = 0,
    root: Annotated[Path | None, typer.Option(help="Folder with local copies, or to download to.", rich_help_panel=DATA)] = None,
    features: Annotated[Path | None, typer.Option(help="Features for an own edge list: .npy, .npz or .csv.", rich_help_panel=DATA)] = None,
    directed: Annotated[bool, typer.Option("--directed", help="Read an own edge list as directed.", rich_help_panel=DATA)] = False,
    split_seed: Annotated[int, typer.Option(help="Seed of the split where there is no official one.", rich_help_panel=DATA)] = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start again instead of going on.")] = False,
) -> None:  # fmt: skip
    """Write negatives of every positive to a file, reproducible to the bit.

    The same command goes on where it was interrupted. The file's header holds the hash of the
    graph, the sampler, the seed, what was known, and versions.

    [bold]gneg sample Cora --sampler walk -k 10 --out negatives.parquet[/]
    """
    from gneg import scorers
    from gneg.datasets import load
    from gneg.sampling import sample

    with plain_errors():
        data = load(dataset, root=root, seed=split_seed, features=features, undirected=not directed)
        console.print(escape(repr(data)), highlight=False)
        score = None if model is None else scorers.model(data, scorers.models(model)[0])
        try:
            with progress("positives") as report:
                info = sample(
                    data,
                    sampler,
                    k=k,
                    out=out,
                    part=part,
                    known=cast(Any, known),
                    corrupt=cast(Any, corrupt),
                    score=score,
                    seed=seed,
                    fresh=fresh,
                    report=report,
                    command=command(),
                )
        except KeyboardInterrupt:
            console.print("interrupted; the same command goes on from what was done")
            raise typer.Exit(130) from None
    console.print(f"graph {info['graph']}, seed {seed}, known: {known}", highlight=False)
    console.print(f"negatives: [bold]{out}[/]", highlight=False)
