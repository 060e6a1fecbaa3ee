"""``gneg train``."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from gneg import checks
from gneg.cli.answers import megabytes
from gneg.cli.app import app, say
from gneg.cli.groups import expand_groups
from gneg.cli.options import RUN, RUNS, ConfigOptions, Fresh, Out, Settings, Track, trackers
from gneg.cli.repeat import repeat
from gneg.cli.results import print_link_results
from gneg.cli.sources import DataOptions, DataSource
from gneg.cli.training import (
    OptionalDataset,
    OptionalSeeds,
    check_earlier,
    end,
    print_findings,
    seeds_of,
    start_race,
    train,
)
from gneg.cli.values import at_least, one_of
from gneg.training.config import LinkConfig

Workers = Annotated[
    int | None,
    typer.Option(
        help="Threads that make mini-batches ahead (--fanout), 0: none; without it one for each "
        "core but one, at most 4. Without a fanout one draws negatives ahead for a model that "
        "is not on the CPU. The result does not depend on it.",
        rich_help_panel=RUN,
    ),
    at_least(0),
]
TrainingMemory = Annotated[
    str | None,
    typer.Option(
        help="Memory of mini-batches (--fanout), such as 4GB; without it half of the machine's. "
        "The result does not depend on it.",
        rich_help_panel=RUN,
    ),
]


@app.command("train")
@expand_groups
def train_command(
    dataset: OptionalDataset = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="fast: settings that are not given are chosen by rules that suit the graph; auto: "
            "and the negatives by a short race on validation, in at most half of --seconds; none: "
            "the defaults shown here. Without it auto, or none with --config.",
            rich_help_panel="Model",
        ),
        one_of("auto", "fast", "none"),
    ] = None,
    settings: Settings[LinkConfig] = ConfigOptions(LinkConfig),  # type: ignore[assignment]
    source: DataSource = DataOptions(),  # type: ignore[assignment]
    seeds: OptionalSeeds = None,
    out: Out = None,
    fresh: Fresh = False,
    track: Track = None,
    workers: Workers = None,
    memory: TrainingMemory = None,
) -> None:
    """Train a link predictor and rank held-out edges: Hits@K, MRR, AUC.

    The same command resumes where it was interrupted; Ctrl-C keeps the best state so far.

    [bold]gneg train hyperbolic[/]

    [bold]gneg train Cora --encoder gcn --sampler walk[/]

    [bold]gneg train --config runs/Cora-gcn-.../results.json --seeds 5[/]

    [bold]gneg train large.parquet --features x.npy --fanout 15,10 --memory 4GB[/]

    [bold]torchrun --nproc-per-node 2 -m gneg train Cora[/]  # in two processes
    """
    from gneg.training.baselines import scores_of
    from gneg.training.distributed import joined
    from gneg.training.folder import check_folder

    resources = _resources(workers, memory)
    dataset, source = repeat(dataset, source, settings.earlier)
    config, reasons, scores = settings.config(), None, []
    chosen = recipe or ("none" if settings.file else "auto")
    trained_seeds, raced = seeds_of(seeds, settings.earlier), None
    check_folder(out or RUNS)
    callbacks = trackers(track)
    with joined(config.device) as processes:
        data = processes.in_turn(lambda: source.load(dataset))
        if out is not None and not fresh:
            check_earlier(out, data, settings.given)
        unstacked = config.stack == "none" and (chosen == "none" or "stack" in settings.given)
        if "stack_on" in settings.typed and (unstacked or data.num_src is not None):
            checks.fail("stack_on", "left out where there is no stack", config.stack_on)
        if chosen != "none" and not config.training_free:
            choose = partial(_suited, data, chosen, settings.given, processes)
            suited, raced = start_race(choose, trained_seeds[0], out, fresh)
            config, reasons = suited.config, suited.reasons
            scores = scores_of(data, suited.profile.heuristics)
            say(f"recipe: {reasons}")
        results, folder = train(
            data,
            config,
            trained_seeds,
            out,
            fresh,
            callbacks,
            reasons=reasons,
            source=source.record(dataset),
            raced=raced,
            resources=resources,
        )
    if processes.is_first:
        end(results, folder, print_link_results, lambda: print_findings(data, results, scores))


def _resources(workers: int | None, memory: str | None) -> Any:
    """Return what a training may use."""
    from gneg.training.resources import Resources

    return Resources(workers, None if memory is None else megabytes(memory))


def _suited(
    data: Any, name: str, given: dict[str, Any], processes: Any, **choose: Any
) -> tuple[Any, Any]:
    """Return the recipe of a name, and the race that chose it, or None.

    The race is run by the first process alone.
    """
    from gneg.training import race, recipe
    from gneg.training.distributed import alone

    if name == "fast":
        return recipe.fast(data, **given), None
    raced = None
    if processes.is_first:
        with alone():
            raced = race.race(data, **choose, **given)
    return processes.agree(None if raced is None else raced.recipe), raced
