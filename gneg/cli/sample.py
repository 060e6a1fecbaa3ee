"""``gneg sample``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from gneg import checks
from gneg.cli.app import app, command_line, say, say_path
from gneg.cli.engines import EngineOptions
from gneg.cli.groups import expand_groups
from gneg.cli.options import EitherDataset, Fresh
from gneg.cli.output import print_json
from gneg.cli.predict import names_in
from gneg.cli.progress import ProgressDisplay
from gneg.cli.sources import DataOptions, DataSource
from gneg.cli.values import CORRUPT, Checked, any_sampler, at_least, end_of, exists, one_of, setting
from gneg.training.config import LinkConfig


@app.command("sample")
@expand_groups
def sample_command(
    dataset: EitherDataset,
    out: Annotated[
        Path,
        typer.Option(
            help="File to write: .parquet, .npz or .csv; a name without a suffix is that of a "
            "folder of .parquet files."
        ),
    ] = Path("negatives.parquet"),
    sampler: Annotated[
        str, typer.Option(help="A sampler expression, see gneg samplers."), Checked(any_sampler)
    ] = LinkConfig().sampler,
    k: Annotated[int, typer.Option("--k", "-k", help="Negatives per positive."), at_least(1)] = 10,
    part: Annotated[
        str | None,
        typer.Option(
            help="Positives: train, valid or test; without it train, of a folder of gneg ingest "
            "all edges."
        ),
        one_of("train", "valid", "test"),
    ] = None,
    node: Annotated[
        list[str] | None,
        typer.Option(
            help="Only positives of this source (head), by name; may be given several times."
        ),
    ] = None,
    nodes: Annotated[
        Path | None,
        typer.Option(help="Only positives of the sources in a file, a name in each line."),
        Checked(exists),
    ] = None,
    known: Annotated[
        str,
        typer.Option(help="Edges or triples that negatives avoid: train, train+valid or all."),
        setting(LinkConfig, "known"),
    ] = "train",
    corrupt: Annotated[
        str | None,
        typer.Option(
            help="End that is replaced: dst, src or both, of triples also bernoulli; without it "
            "dst, of triples both."
        ),
        one_of(*CORRUPT),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="A run folder or model-SEED.pt of gneg train (gneg kg train), for samplers that "
            "select by a model."
        ),
        Checked(exists),
    ] = None,
    log_q: Annotated[
        bool,
        typer.Option(
            help="Write log probabilities where there are any; those of walks take several times "
            "as long as the walks."
        ),
    ] = True,
    seed: Annotated[int, typer.Option(help="Seed of all randomness."), at_least(0)] = 0,
    source: DataSource = DataOptions(either=True),  # type: ignore[assignment]
    engine: Any = EngineOptions(),  # noqa: B008
    fresh: Fresh = False,
) -> None:
    """Write negatives of every positive to a file, reproducible to the bit.

    The same command resumes where it was interrupted. The file's header, or the manifest of a
    folder, holds the hash of the graph, the sampler, the seed, the known edges, and versions.

    [bold]gneg sample Cora --sampler walk -k 10 --out negatives.parquet[/]
    [bold]gneg sample fb15k237 --sampler typed --out negatives/[/]  # of triples, from both ends
    [bold]gneg sample graph/ --sampler walk -k 50[/]  # all edges of a graph of gneg ingest
    [bold]gneg sample graph/ --sampler walk -k 50 --engine ray --out negatives/[/]  # on a cluster
    """
    from gneg.datasets import TripleData
    from gneg.datasets.graph_data import GraphData
    from gneg.datasets.negatives import check_out, sample

    check_out(out, fresh=fresh, inputs=(dataset, source.features, model))
    data = source.load_graph(dataset) if part is None else source.load_any(dataset)
    names = [*(node or ()), *(() if nodes is None else names_in(nodes))]
    score = z = None
    if model is not None:
        if isinstance(data, GraphData):
            hint = "--part train draws for the edges that it was trained on"
            allowed = "left out for all edges of a stored graph, which no model was trained on"
            checks.fail("model", allowed, str(model), hint=hint)
        from gneg.training.load import load_score

        score, z = load_score(data, model)
    with ProgressDisplay() as display:
        info = sample(
            data,
            sampler,
            k=k,
            out=out,
            part=part,
            nodes=names if node or nodes else None,
            known=cast(Any, known),
            corrupt=end_of(data, corrupt),
            score=score,
            z=z,
            log_q=log_q,
            seed=seed,
            fresh=fresh,
            report=display.count("positives"),
            engine=engine,
            command=command_line(),
        )
    kind = "triples" if isinstance(data, TripleData) else "edges"
    replaced = f"replaced: {info['corrupt']} (--corrupt)"
    say(f"graph {info['graph']}, seed {seed}, known {kind}: {known}, {replaced}")
    say_path("negatives", out)
    print_json(info)
