"""``gneg sample``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from gneg.cli.app import (
    Bipartite,
    Directed,
    Features,
    Root,
    SplitSeed,
    app,
    command,
    console,
    load_data,
    plain_errors,
    progress,
)
from gneg.training.config import TrainConfig


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
    root: Root = None,
    features: Features = None,
    directed: Directed = False,
    bipartite: Bipartite = False,
    split_seed: SplitSeed = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start again instead of going on.")] = False,
) -> None:  # fmt: skip
    """Write negatives of every positive to a file, reproducible to the bit.

    The same command goes on where it was interrupted. The file's header holds the hash of the
    graph, the sampler, the seed, what was known, and versions.

    [bold]gneg sample Cora --sampler walk -k 10 --out negatives.parquet[/]
    """
    from gneg.datasets.negatives import sample
    from gneg.training import load

    with plain_errors():
        data = load_data(dataset, root, features, directed, bipartite, split_seed)
        run = None if model is None else load.trained(data, load.models(model)[0])
        with progress("positives") as report:
            info = sample(
                data,
                sampler,
                k=k,
                out=out,
                part=part,
                known=cast(Any, known),
                corrupt=cast(Any, corrupt),
                score=None if run is None else run.scorer(),
                z=None if run is None else run.embed(),
                seed=seed,
                fresh=fresh,
                report=report,
                command=command(),
            )
    console.print(f"graph {info['graph']}, seed {seed}, known: {known}", highlight=False)
    console.print(f"negatives: [bold]{out}[/]", highlight=False)
