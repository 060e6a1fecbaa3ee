"""``gneg hardset``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from gneg import checks, files
from gneg.cli.app import app, command_line, say, say_path
from gneg.cli.engines import EngineOptions
from gneg.cli.groups import expand_groups
from gneg.cli.options import EitherDataset, Fresh
from gneg.cli.output import print_json
from gneg.cli.progress import ProgressDisplay
from gneg.cli.sources import DataOptions, DataSource
from gneg.cli.values import CORRUPT, Checked, any_sampler, at_least, end_of, one_of, setting
from gneg.training.config import LinkConfig

HEART = "HeaRT"


def _check_family(name: str, text: str) -> str:
    """Return the name of a family, or the expression of a sampler."""
    from gneg.evaluation.hardset.densest import DENSEST
    from gneg.evaluation.hardset.families import ORDERED, POOLED

    named = checks.spelling(text, (*ORDERED, *POOLED))
    if named not in (*ORDERED, *POOLED):
        inner = text[len(DENSEST) : -1] if text.startswith(DENSEST) else text
        any_sampler(name, inner)
    return named


def _check_alpha(name: str, value: float) -> float:
    """Return a restart probability."""
    from gneg.graph.heuristics import LEAST_ALPHA

    return checks.number(name, value, LEAST_ALPHA, 1)


@app.command("hardset")
@expand_groups
def hardset_command(
    dataset: EitherDataset,
    out: Annotated[
        Path,
        typer.Option(
            help="File to write: .npz, .parquet (with your own names), or .npy: HeaRT's pairs "
            "[E, K, 2], or OGB's targets [E, K] with --ends dst."
        ),
    ] = Path("hard.npz"),
    family: Annotated[
        str | None,
        typer.Option(
            help="heart, stratified, community, historical, densest(SAMPLER), or a sampler "
            "expression; of triples the latter two. Without it heart, of triples "
            "densest(mixture(relwalk:0.9, typed:0.1))."
        ),
        Checked(_check_family),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option(
            "--k",
            "-k",
            help="Negatives per positive, half of them for each end; of triples at each end. "
            "Without it 500, of triples at most a quarter of the entities.",
        ),
        at_least(1),
    ] = None,
    part: Annotated[
        str, typer.Option(help="Positives: valid or test."), one_of("valid", "test")
    ] = "test",
    known: Annotated[
        str,
        typer.Option(
            help="Edges or triples excluded from the negatives: all, train+valid or train."
        ),
        setting(LinkConfig, "known"),
    ] = "all",
    ends: Annotated[
        str,
        typer.Option(help="End that is replaced: both, dst or src (of triples tail or head)."),
        one_of(*CORRUPT[:-1]),
    ] = "both",
    merge: Annotated[
        str,
        typer.Option(
            help="Whether the best or the mean of a candidate's ranks counts.",
            rich_help_panel=HEART,
        ),
        one_of("best", "mean"),
    ] = "best",
    local: Annotated[
        str,
        typer.Option(help="Heuristic of common neighbours: ra or cn.", rich_help_panel=HEART),
        one_of("ra", "cn"),
    ] = "ra",
    alpha: Annotated[
        float,
        typer.Option(
            help="Restart probability of PageRank, in [0.0001, 1].", rich_help_panel=HEART
        ),
        Checked(_check_alpha),
    ] = 0.15,
    tolerance: Annotated[
        float | None,
        typer.Option(
            help="Tolerance of PageRank; without it by the size of the graph.",
            rich_help_panel=HEART,
        ),
        Checked(lambda name, value: checks.number(name, value, 0, open_low=True)),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of all random choices."), at_least(0)] = 0,
    source: DataSource = DataOptions(either=True),  # type: ignore[assignment]
    engine: Any = EngineOptions(),  # noqa: B008
    fresh: Fresh = False,
) -> None:
    """Make hard negatives for evaluation: HeaRT's procedure and other families.

    Of a knowledge graph, hard entities for each end of a triple. The same command resumes where it
    was interrupted.

    [bold]gneg hardset Cora --out hard.npz[/]

    [bold]gneg evaluate ra Cora --hardset hard.npz[/]

    [bold]gneg hardset codex-s --family typed --out typed.parquet[/]  # of triples
    """
    from gneg.datasets import TripleData
    from gneg.evaluation.hardset import hardset
    from gneg.evaluation.hardset.hard_set import SUFFIXES

    files.check_file("out", out, SUFFIXES, fresh=fresh, inputs=(dataset, source.features))
    data = source.load_any(dataset)
    with ProgressDisplay() as display:
        hard = hardset(
            data,
            family=family,
            k=k,
            part=cast(Any, part),
            known=cast(Any, known),
            ends=end_of(data, ends),
            merge=cast(Any, merge),
            local=cast(Any, local),
            alpha=alpha,
            tolerance=tolerance,
            seed=seed,
            out=out,
            fresh=fresh,
            report=display.count("queries" if isinstance(data, TripleData) else "nodes"),
            engine=engine,
            command=command_line(),
        )
    filled, pairs, num = hard.info["filled"], hard.index.numel(), hard.index.size(1)
    kind, each = "edges", ""
    if isinstance(data, TripleData):
        kind, each = "triples", f" ({num // 2} at each end)" if ends == "both" else ""
    say(
        f"{hard.pos.size(1):,} positives x {num} negatives{each}; known {kind}: {known}; "
        f"chosen at random because no heuristic sees them: {filled:,} "
        f"({100 * filled / pairs:.1f} %); missing, as there are no more: {hard.info['short']:,}"
    )
    say_path("hard set", out)
    print_json({"positives": hard.pos.size(1), **hard.info})
