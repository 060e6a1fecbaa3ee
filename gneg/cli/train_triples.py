"""``gneg kg train``."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from gneg.cli.app import kg, say
from gneg.cli.groups import expand_groups
from gneg.cli.options import RUNS, ConfigOptions, Fresh, Out, Preset, Settings, Track, trackers
from gneg.cli.repeat import repeat
from gneg.cli.results import print_triple_results
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
from gneg.cli.values import one_of
from gneg.training.config import TripleConfig


@kg.command("train")
@expand_groups
def kg_train_command(
    dataset: OptionalDataset = None,
    preset: Preset = None,
    recipe: Annotated[
        str,
        typer.Option(
            help="auto: the negatives are chosen by a short race on validation, in at most half "
            "of --seconds; none: they are those of --sampler.",
            rich_help_panel="Model",
        ),
        one_of("auto", "none"),
    ] = "none",
    settings: Settings[TripleConfig] = ConfigOptions(TripleConfig),  # type: ignore[assignment]
    source: DataSource = DataOptions(triples=True),  # type: ignore[assignment]
    seeds: OptionalSeeds = None,
    out: Out = None,
    fresh: Fresh = False,
    track: Track = None,
) -> None:
    """Train embeddings of a knowledge graph and rank held-out triples from both ends.

    The same command resumes where it was interrupted. Where there are verified negatives (CoDEx),
    triples are classified as well.

    [bold]gneg kg train umls --epochs 50[/]

    [bold]gneg kg train fb15k237 --sampler "cached(uniform)"[/]

    [bold]gneg kg train codex-s --preset transe-nssa --recipe auto[/]
    """
    from gneg.training.folder import check_folder

    dataset, source = repeat(dataset, source, settings.earlier)
    settings = settings.with_preset(preset, dataset)
    config, reasons, raced = settings.config(), None, None
    trained_seeds = seeds_of(seeds, settings.earlier)
    check_folder(out or RUNS)
    callbacks = trackers(track)
    data = source.load_triples(dataset)
    if out is not None and not fresh:
        check_earlier(out, data, settings.given)
    if not settings.given:
        say("settings: the defaults; gneg kg presets lists tuned ones (--preset)", wrap=False)
    if recipe == "auto":
        from gneg.training import race

        fixed = {**settings.given}
        if "sampler" not in settings.typed:  # that of a preset is one of those that race
            fixed.pop("sampler", None)
        raced = start_race(partial(race.race, data, **fixed), trained_seeds[0], out, fresh)
        config, reasons = raced.recipe.config, raced.recipe.reasons
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
    )
    end(results, folder, print_triple_results, lambda: print_findings(data, results, []))
