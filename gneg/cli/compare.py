"""``gneg compare`` and ``gneg kg compare``."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from gneg import checks
from gneg.cli.answers import check_page
from gneg.cli.app import app, command_line, kg, say, say_path
from gneg.cli.axes import AUTO, UNTYPED, Axes, AxisOptions
from gneg.cli.groups import expand_groups
from gneg.cli.options import (
    RUN,
    RUNS,
    ConfigOptions,
    Dataset,
    Fresh,
    Out,
    Preset,
    Seeds,
    Settings,
    Track,
    TripleDataset,
    trackers,
)
from gneg.cli.output import print_json
from gneg.cli.progress import ProgressDisplay
from gneg.cli.report import write_page
from gneg.cli.results import print_comparison
from gneg.cli.sources import DataOptions, DataSource
from gneg.cli.training import say_no_choice
from gneg.cli.values import Checked, at_least, compared_recipe, hard_sets
from gneg.training.config import LinkConfig, TripleConfig

Jobs = Annotated[int, typer.Option(help="Processes at once.", rich_help_panel=RUN), at_least(1)]
Trials = Annotated[
    int,
    typer.Option(
        "--search",
        help="Trials of a search over learning rate, temperature and mixture weight for each "
        "combination (needs optuna).",
        rich_help_panel=RUN,
    ),
    at_least(0),
]
ReportPage = Annotated[
    Path | None,
    typer.Option(
        "--report",
        help="Write a page, such as report.html (needs the extra gneg\\[report]).",
        rich_help_panel=RUN,
    ),
]


@app.command("compare")
@expand_groups
def compare_command(
    dataset: Dataset,
    axes: Axes[LinkConfig] = AxisOptions(LinkConfig),  # type: ignore[assignment]
    recipe: Annotated[
        str,
        typer.Option(
            help="fast: settings that are not given are chosen to suit the graph, as in gneg "
            "train; none: the defaults shown here.",
            rich_help_panel="Compared",
        ),
        Checked(compared_recipe),
    ] = "none",
    hardset: Annotated[
        list[Path] | None,
        typer.Option(
            help="Files of gneg hardset for the test edges; one is made if none is given."
        ),
        Checked(hard_sets),
    ] = None,
    hard: Annotated[bool, typer.Option(help="Rank against a hard set as well.")] = True,
    settings: Settings[LinkConfig] = ConfigOptions(  # type: ignore[assignment]
        LinkConfig, leave_out=AxisOptions(LinkConfig).fields
    ),
    source: DataSource = DataOptions(),  # type: ignore[assignment]
    seeds: Seeds = 5,
    search: Trials = 0,
    jobs: Jobs = 1,
    out: Out = None,
    fresh: Fresh = False,
    report: ReportPage = None,
    track: Track = None,
) -> None:
    """Train a grid of settings over seeds, and test what each part is worth.

    Each configuration is compared with the one that differs in one part alone
    (negatives, loss, decoder, pair features, stack) and has its first value.
    From 3 seeds on differences are tested. The same command resumes.

    [bold]gneg compare Cora --samplers "uniform,walk" --encoders sage,gcn[/]

    [bold]gneg compare Cora --recipe fast --decoders mlp,cosine --stack none,all[/]
    """
    from gneg.experiments.plan import check_configs

    configs, reasons = axes.configs(settings.config(), _samplers(settings, "links")), None
    _check_outputs(out, report)
    callbacks = trackers(track)
    data = source.load(dataset)
    if recipe != "none":
        configs, reasons = _suited(data, settings, axes)
        say(f"recipe: {reasons}")
    configs = axes.with_one_loss(data, configs)
    check_configs(data, configs)  # before a hard set is made
    folder = out or _folder(data, configs, search, [hard, *map(str, hardset or ())])
    sets = _hard_sets(data, hardset or [], hard, folder, fresh)
    words = source.words(dataset)
    _compare(
        data, configs, seeds, folder, jobs, search, fresh, report, sets, callbacks, words, reasons
    )


@kg.command("compare")
@expand_groups
def kg_compare_command(
    dataset: TripleDataset,
    axes: Axes[TripleConfig] = AxisOptions(TripleConfig),  # type: ignore[assignment]
    preset: Preset = None,
    settings: Settings[TripleConfig] = ConfigOptions(  # type: ignore[assignment]
        TripleConfig, leave_out=AxisOptions(TripleConfig).fields
    ),
    source: DataSource = DataOptions(triples=True),  # type: ignore[assignment]
    seeds: Seeds = 3,
    search: Trials = 0,
    jobs: Jobs = 1,
    out: Out = None,
    fresh: Fresh = False,
    report: ReportPage = None,
    track: Track = None,
) -> None:
    """Train every model with every sampler over seeds, and test which differ.

    [bold]gneg kg compare umls --samplers "uniform,typed,cached(uniform)" --seeds 3 --jobs 2[/]

    [bold]gneg kg compare codex-s --preset transe-nssa --samplers "uniform,tempered(uniform)"[/]
    """
    settings = settings.with_preset(preset, dataset)
    configs = axes.configs(settings.config(), _samplers(settings, "triples"))
    _check_outputs(out, report)
    callbacks = trackers(track)
    data = source.load_triples(dataset)
    folder = out or _folder(data, configs, search)
    words = source.words(dataset)
    _compare(data, configs, seeds, folder, jobs, search, fresh, report, {}, callbacks, words)


def _check_outputs(out: Path | None, report: Path | None) -> None:
    """Refuse results that could not be written before any work is done."""
    from gneg.training.folder import check_folder

    check_folder(out or RUNS)
    if report is not None:
        importlib.import_module("gneg.experiments.report")  # fails without the extra
        check_page(report)


def _samplers(settings: Settings[Any], kind: str) -> list[str]:
    """Return the samplers if none are typed: that of the file of settings, or the default ones."""
    return [settings.file["sampler"]] if "sampler" in settings.file else UNTYPED[kind]


def _suited(
    data: Any, settings: Settings[LinkConfig], axes: Axes[LinkConfig]
) -> tuple[list[LinkConfig], str]:
    """Return the grid around the recipe's config of each encoder, and the reasons for those."""
    from gneg.experiments.parts import PARTS
    from gneg.training import recipe

    configs: list[LinkConfig] = []
    reasons = []
    for own in axes.of_each_encoder():
        suited = recipe.fast(data, **{**settings.given, **own.single})
        samplers = list(dict.fromkeys(["uniform", suited.config.sampler]))
        configs += own.configs(suited.config, samplers)
        reasons += [
            text
            for explained, text in suited.sentences
            if "sampler" not in explained or "sampler" not in axes.typed
        ]
    compared = {"sampler": list(dict.fromkeys(config.sampler for config in configs)), **axes.typed}
    texts = [
        f"{PARTS.get(name, name)} {', '.join(value or AUTO for value in values)}"
        for name, values in compared.items()
        if len(values) > 1
    ]
    varied = f" Compared here: {'; '.join(texts)}." if texts else ""
    return configs, " ".join(reasons) + varied


def _folder(
    data: Any, configs: Sequence[Any], search: int, hard: Sequence[bool | str] = ()
) -> Path:
    """Return the folder of a comparison without --out; more seeds or trials resume in it."""
    from gneg.experiments.plan import comparison_folder

    return RUNS / comparison_folder(data, configs, [search > 0, *hard])


def _compare(
    data: Any,
    configs: list[Any],
    seeds: int,
    folder: Path,
    jobs: int,
    search: int,
    fresh: bool,
    page: Path | None,
    sets: dict[str, Any],
    callbacks: list[Any],
    source: list[str],
    reasons: str | None = None,
) -> None:
    """Run the grid, print its table and write its page."""
    from gneg.experiments.grid import compare

    say_no_choice(data, configs)
    if reasons is None and isinstance(configs[0], LinkConfig):
        say("settings: as given, else defaults; --recipe fast takes those that suit the graph")
    with ProgressDisplay() as display:
        results = compare(
            data,
            configs,
            seeds=seeds,
            sets=sets,
            out=folder,
            jobs=jobs,
            search=search,
            fresh=fresh,
            report=display.cells,
            callbacks=callbacks,
            command=command_line(),
            source=source,
            reasons=reasons,
        )
    print_comparison(results)
    say_path("results", folder / "compare.json")
    if page is not None:
        write_page(results, page)
    print_json(results)


def _hard_sets(
    data: Any, paths: list[Path], hard: bool, folder: Path, fresh: bool
) -> dict[str, Any]:
    """Return the hard sets that were named, or HeaRT's (of users and items one of walks)."""
    from gneg.evaluation.hardset import HardSet, hardset
    from gneg.evaluation.hardset.hard_set import load_sets
    from gneg.training.record import FRESH, differences

    sets = load_sets(paths, data.test.pos)
    if sets or not hard:
        return sets
    path = folder / "hard.npz"
    bipartite = data.num_src is not None
    options: dict[str, Any] = {"family": "walk", "ends": "dst", "k": 100} if bipartite else {}
    if path.exists() and not fresh:
        earlier = HardSet.load(path)
        expected = {"hash": data.fingerprint(), "family": "heart", "ends": "both", "k": 500}
        expected |= {"seed": 0, "part": "test", "known": "all", **options}
        fault = differences({name: earlier.info.get(name) for name in expected}, expected)
        if fault:
            allowed = "a folder whose hard.npz a comparison of this data made"
            hint = f"{FRESH}; --hardset {path} ranks against it under another --out"
            checks.fail("out", allowed, f"{path}: {fault}", hint=hint)
        return {"hard": earlier}
    with ProgressDisplay() as display:
        report, command = display.count("hard negatives, nodes"), command_line()
        options |= {"out": path, "fresh": fresh, "report": report, "command": command}
        return {"hard": hardset(data, **options)}
