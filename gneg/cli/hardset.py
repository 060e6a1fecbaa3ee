"""``gneg hardset``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from gneg import files
from gneg.cli.app import app, command_line, say, say_path
from gneg.cli.groups import expand_groups
from gneg.cli.options import Dataset, Fresh
from gneg.cli.output import print_json
from gneg.cli.progress import ProgressDisplay
from gneg.cli.sources import DataOptions, DataSource

HEART = "HeaRT"


@app.command("hardset")
@expand_groups
def hardset_command(
    dataset: Dataset,
    out: Annotated[
        Path,
        typer.Option(
            help="File to write: .npz, .parquet (with your own names), or .npy: HeaRT's pairs "
            "[E, K, 2], or OGB's targets [E, K] with --ends dst."
        ),
    ] = Path("hard.npz"),
    family: Annotated[
        str,
        typer.Option(
            help="heart, stratified, community, historical, densest(SAMPLER), or a sampler "
            "expression."
        ),
    ] = "heart",
    k: Annotated[int, typer.Option("--k", "-k", help="Negatives per positive.")] = 500,
    part: Annotated[str, typer.Option(help="Positives: valid or test.")] = "test",
    known: Annotated[
        str, typer.Option(help="Edges excluded from the negatives: all, train+valid or train.")
    ] = "all",
    ends: Annotated[str, typer.Option(help="End that is replaced: both, dst or src.")] = "both",
    merge: Annotated[
        str,
        typer.Option(
            help="Whether the best or the mean of a candidate's ranks counts.",
            rich_help_panel=HEART,
        ),
    ] = "best",
    local: Annotated[
        str,
        typer.Option(help="Heuristic of common neighbours: ra or cn.", rich_help_panel=HEART),
    ] = "ra",
    alpha: Annotated[
        float,
        typer.Option(help="Restart probability of PageRank, in (0, 1].", rich_help_panel=HEART),
    ] = 0.15,
    tolerance: Annotated[
        float | None,
        typer.Option(
            help="Tolerance of PageRank; without it by the size of the graph.",
            rich_help_panel=HEART,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of all random choices.")] = 0,
    source: DataSource = DataOptions(),  # type: ignore[assignment]
    fresh: Fresh = False,
) -> None:
    """Make hard negatives for evaluation: HeaRT's procedure and other families.

    The same command resumes where it was interrupted.

    [bold]gneg hardset Cora --out hard.npz[/]   [bold]gneg evaluate ra Cora --hardset hard.npz[/]
    """
    from gneg.evaluation.hardset import hardset
    from gneg.evaluation.hardset.hard_set import checked_path

    files.check_output("out", checked_path(out), inputs=(dataset, source.features))
    data = source.load(dataset)
    with ProgressDisplay() as display:
        hard = hardset(
            data,
            family=family,
            k=k,
            part=cast(Any, part),
            known=cast(Any, known),
            ends=cast(Any, ends),
            merge=cast(Any, merge),
            local=cast(Any, local),
            alpha=alpha,
            tolerance=tolerance,
            seed=seed,
            out=out,
            fresh=fresh,
            report=display.count("nodes"),
            command=command_line(),
        )
    filled, pairs = hard.info["filled"], hard.index.numel()
    say(
        f"{hard.pos.size(1):,} positives x {hard.index.size(1)} negatives; known edges: {known}; "
        f"chosen at random because no heuristic sees them: {filled:,} "
        f"({100 * filled / pairs:.1f} %); missing: {hard.info['short']:,}"
    )
    say_path("hard set", out)
    print_json({"positives": hard.pos.size(1), **hard.info})
