"""``gneg train`` and ``gneg kg train``."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from gneg import checks
from gneg.cli.app import app, command_line, console, kg, say, say_path
from gneg.cli.groups import expand_groups
from gneg.cli.options import RUN, ConfigOptions, Fresh, Out, Settings
from gneg.cli.progress import ProgressDisplay
from gneg.cli.sources import DataOptions, DataSource, repeat
from gneg.cli.tables import count_of, mean_std, print_table
from gneg.evaluation.metrics import MEAN_RANKS
from gneg.training.config import LinkConfig, TripleConfig

OptionalSeeds = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Number of runs, with seeds 0, 1, ...; without it one, or with --config results.json "
        "the seeds of the earlier run.",
        rich_help_panel=RUN,
    ),
]
OptionalDataset = Annotated[
    str | None,
    typer.Argument(
        help="A name (see gneg datasets), the path of an edge list or, for gneg kg, a folder of "
        "triples; with --config results.json that of the earlier run."
    ),
]


@app.command("train")
@expand_groups
def train_command(
    dataset: OptionalDataset = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="auto: settings that are not given are chosen to suit the graph, and explained; "
            "none: the defaults shown here. Without it auto, or none with --config.",
            rich_help_panel="Model",
        ),
    ] = None,
    settings: Settings[LinkConfig] = ConfigOptions(LinkConfig),  # type: ignore[assignment]
    source: DataSource = DataOptions(),  # type: ignore[assignment]
    seeds: OptionalSeeds = None,
    out: Out = None,
    fresh: Fresh = False,
) -> None:
    """Train a link predictor and rank held-out edges: Hits@K, MRR, AUC.

    The same command resumes where it was interrupted; Ctrl-C keeps the best state so far.

    [bold]gneg train digits[/]   [bold]gneg train Cora --encoder gcn --sampler walk[/]

    [bold]gneg train --config runs/Cora-gcn-.../results.json --seeds 5[/]
    """
    dataset, source = repeat(dataset, source, settings.earlier)
    config, reasons = settings.config(), None
    chosen = recipe or ("none" if settings.file else "auto")
    checks.choice("recipe", chosen, ("auto", "none"))
    data = source.load(dataset)
    if chosen == "auto" and not config.training_free:
        from gneg.training import recipe as recipes

        suited = recipes.auto(data, **settings.given)
        config, reasons = suited.config, suited.reasons
        say(f"recipe: {reasons}")
    results, folder = _train(
        data,
        config,
        _seeds(seeds, settings.earlier),
        out,
        fresh,
        recipe=reasons,
        source=source.record(dataset),
    )
    _print_link_results(results)
    _end(results, folder)


@kg.command("train")
@expand_groups
def kg_train_command(
    dataset: OptionalDataset = None,
    settings: Settings[TripleConfig] = ConfigOptions(TripleConfig),  # type: ignore[assignment]
    source: DataSource = DataOptions(triples=True),  # type: ignore[assignment]
    seeds: OptionalSeeds = None,
    out: Out = None,
    fresh: Fresh = False,
) -> None:
    """Train embeddings of a knowledge graph and rank held-out triples from both ends.

    The same command resumes where it was interrupted. Where there are verified negatives (CoDEx),
    triples are classified as well.

    [bold]gneg kg train umls --epochs 50[/]

    [bold]gneg kg train fb15k237 --sampler "cached(uniform)"[/]
    """
    dataset, source = repeat(dataset, source, settings.earlier)
    config = settings.config()
    data = source.load_triples(dataset)
    results, folder = _train(
        data,
        config,
        _seeds(seeds, settings.earlier),
        out,
        fresh,
        source=source.record(dataset),
    )
    _print_triple_results(results)
    _end(results, folder)


def _train(
    data: Any,
    config: LinkConfig | TripleConfig,
    seeds: Sequence[int],
    out: Path | None,
    fresh: bool,
    *,
    source: dict[str, Any],
    recipe: str | None = None,
) -> tuple[dict[str, Any], Path]:
    """Train with a progress display; return the record, also after Ctrl-C, and its folder."""
    from gneg.training.driver import TrainingInterrupted, run_folder, train

    folder = out or Path("runs") / run_folder(data, config)
    with ProgressDisplay() as display:
        try:
            results = train(
                data,
                config,
                seeds=seeds,
                out=folder,
                fresh=fresh,
                command=command_line(),
                report=display.epochs(config.epochs, data.metric),
                recipe=recipe,
                source=source,
            )
        except TrainingInterrupted as interruption:
            results = interruption.results
    return results, folder


def _seeds(count: int | None, earlier: dict[str, Any]) -> Sequence[int]:
    """Return the seeds 0, 1, ...; without a number those of an earlier run, or 0 alone."""
    if count is None and earlier.get("runs"):
        return [run["seed"] for run in earlier["runs"] if "seed" in run] or [0]
    return range(1 if count is None else count)


def _end(results: dict[str, Any], folder: Path) -> None:
    """Print where the results are; exit with 130 after Ctrl-C."""
    say_path("results", folder / "results.json")
    if not results["runs"][-1]["complete"]:
        say("interrupted; the same command resumes from the last checkpoint")
        raise typer.Exit(130)


def _print_link_results(results: dict[str, Any]) -> None:
    runs, protocol, summary = results["runs"], results["protocol"], results["summary"]
    rows = [
        (
            name + (" *" if name == results["dataset"]["metric"] else ""),
            *(mean_std(summary[part][name]) for part in ("valid", "test")),
        )
        for name in summary["test"]
    ]
    title = f"{results['dataset']['name']}, {count_of(len(runs), 'seed')}, %"
    print_table(title, ("metric", "valid", "test"), rows)
    say(
        f"against {protocol['negatives_per_positive']} negatives per positive "
        f"({protocol['negatives']}); edges known to the sampler: {protocol['known']}; "
        f"* best epoch selected by {protocol['select_by']}"
    )
    if "seconds" not in runs[0]:  # a training-free score
        return
    _print_time(runs)
    say(f"loss: {runs[0]['loss']}; decoder: {runs[0]['decoder']}; best epoch: {_best_epochs(runs)}")
    if runs[0]["stack"] is not None:
        chosen = ", ".join(run["stack"]["chosen"] for run in runs)
        say(
            f"stacked with heuristics: {chosen} (test only: the validation figures are those of "
            "the model alone, because the stack is fitted on validation)"
        )
    if runs[0]["base_weight"] is not None:
        weights = ", ".join(f"{run['base_weight']:g}" for run in runs)
        say(f"weight of the base measure: {weights}")
    _print_sampler(runs)


def _print_triple_results(results: dict[str, Any]) -> None:
    summary, runs = results["summary"], results["runs"]

    def cell(name: str, value: dict[str, Any]) -> str:
        return mean_std(value, name) + ("" if name in MEAN_RANKS else " %")

    rows = [
        (name, *(cell(name, summary[part][name]) for part in ("valid", "test")))
        for name in summary["test"]
    ]
    title = f"{results['dataset']['name']}, {count_of(len(runs), 'seed')}"
    print_table(title, ("metric", "valid", "test"), rows)
    columns = ("mrr", "hits@1", "hits@10")
    rows = [
        (sampler, *(cell(name, metrics[name]) for name in columns))
        for sampler, metrics in summary["sampled"].items()
    ]
    print_table(results["protocol"]["sampled"], ("negatives", *columns), rows)
    rows = [
        (name, str(ends["head"]["triples"]), *(f"{100 * ends[end]['mrr']:.1f}" for end in ends))
        for name, ends in runs[0]["test"].get("category", {}).items()
    ]
    if rows:
        heads = ("relations", "triples", "head MRR, %", "tail MRR, %")
        print_table("test by category of relations, seed 0", heads, rows)
    say(f"{results['protocol']['ranked']}")
    if "classification" in summary:
        figures = ", ".join(
            f"{name} {mean_std(value)} %"
            for name, value in summary["classification"].items()
            if name in ("accuracy", "f1")
        )
        say(f"against verified negatives: {figures}")
    risk = summary["false_negatives_per_1000"]["mean"]
    say(f"held-out triples among the sampler's negatives: {risk:.2f} per 1,000")
    _print_time(runs)
    say(f"best epoch: {_best_epochs(runs)}")
    _print_sampler(runs)


def _best_epochs(runs: list[dict[str, Any]]) -> str:
    return ", ".join(str(run["best_epoch"]) for run in runs)


def _print_time(runs: list[dict[str, Any]]) -> None:
    total = {part: sum(run["seconds"][part] for run in runs) for part in runs[0]["seconds"]}
    parts = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in total.items() if seconds)
    share = 100 * statistics.fmean(run["sampling_share"] for run in runs)
    say(f"time: {parts} (sampling and scoring are {share:.1f} % of an epoch)")


GUARD_ROWS = {
    "easier": "replaced by uniform ones",
    "starved": "taken though dropped, or left out",
}


def _print_sampler(runs: list[dict[str, Any]]) -> None:
    """Print what guards dropped, and the report of an adaptive sampler."""
    counts: Counter[str] = Counter()
    for run in runs:
        counts.update(run["sampler_counts"])
    if counts["guarded"]:
        names = [*(name for name in counts if name.startswith("dropped ")), "easier", "starved"]
        rows = [
            (
                GUARD_ROWS.get(name, name),
                f"{counts[name]:,}",
                f"{100 * counts[name] / counts['guarded']:.2f} %",
            )
            for name in names
        ]
        title = f"guards, of {counts['guarded']:,} candidates"
        print_table(title, ("guard", "candidates", "share"), rows)
    for name, value in _figures(runs[-1]["sampler_report"]):
        console.print(f"{name}: {value}", highlight=False)


def _figures(report: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield name and text of every figure of a report; curves as bars and their last value."""
    for name, value in report.items():
        if isinstance(value, dict):
            yield from _figures(value, f"{prefix}{name} ")
        elif isinstance(value, list):
            for key in value[0] if value else ():
                points = [row[key] for row in value]
                yield f"{prefix}{key}", f"{_bars(points)} {points[-1]:.3g}"
        else:
            yield f"{prefix}{name}", f"{value:.3g}" if isinstance(value, float) else str(value)


def _bars(points: Sequence[float], width: int = 40) -> str:
    """Draw points as bars from 0 to their largest value."""
    step = max(1, -(-len(points) // width))
    top = max(max(points), 1e-9)
    return "".join("▁▂▃▄▅▆▇█"[min(7, int(8 * max(value, 0) / top))] for value in points[::step])
