"""``gneg train`` and ``gneg kg train``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from gneg import checks, files
from gneg.cli.answers import megabytes
from gneg.cli.app import INTERRUPTED, app, command_line, kg, say, say_path
from gneg.cli.groups import expand_groups
from gneg.cli.options import RUN, RUNS, ConfigOptions, Fresh, Out, Settings, Track, trackers
from gneg.cli.output import print_json
from gneg.cli.progress import ProgressDisplay
from gneg.cli.repeat import repeat
from gneg.cli.results import print_link_results, print_triple_results
from gneg.cli.sources import DataOptions, DataSource
from gneg.cli.tables import percent
from gneg.cli.values import at_least, one_of
from gneg.training.config import LinkConfig, TripleConfig

OptionalSeeds = Annotated[
    int | None,
    typer.Option(
        help="Number of runs, with seeds 0, 1, ...; without it one, or with --config results.json "
        "the seeds of the earlier run.",
        rich_help_panel=RUN,
    ),
    at_least(1),
]
OptionalDataset = Annotated[
    str | None,
    typer.Argument(
        help="A name (see gneg datasets), the path of an edge list, a folder of gneg ingest or, "
        "for gneg kg, a folder of triples; with --config results.json that of the earlier run."
    ),
]


Workers = Annotated[
    int | None,
    typer.Option(
        help="Threads that make mini-batches ahead (--fanout), 0: none; without it one for each "
        "core but one, at most 4. The result does not depend on it.",
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
            "and the negatives by a short race on validation; none: the defaults shown here. "
            "Without it auto, or none with --config.",
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
    from gneg.training.distributed import joined

    resources = _resources(workers, memory)
    dataset, source = repeat(dataset, source, settings.earlier)
    config, reasons, scores = settings.config(), None, []
    chosen = recipe or ("none" if settings.file else "auto")
    trained_seeds, raced = _seeds(seeds, settings.earlier), None
    files.check_output("out", out or RUNS, folder=True)
    callbacks = trackers(track)
    with joined(config.device) as processes:
        data = processes.in_turn(lambda: source.load(dataset))
        if out is not None and not fresh:
            _check_dataset(out, data)
        if chosen != "none" and not config.training_free:
            with ProgressDisplay() as display:
                report = display.count("race of negatives, epochs")
                folder = None if fresh else out or RUNS
                choose = {"seed": trained_seeds[0], "report": report, "folder": folder}
                suited, raced = _suited(data, chosen, choose, settings.given, processes)
            config, reasons, scores = suited.config, suited.reasons, list(suited.profile.heuristics)
            say(f"recipe: {reasons}")
        results, folder = _train(
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
        _end(results, folder, print_link_results, lambda: _print_findings(data, results, scores))


@kg.command("train")
@expand_groups
def kg_train_command(
    dataset: OptionalDataset = None,
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
    """
    dataset, source = repeat(dataset, source, settings.earlier)
    config = settings.config()
    files.check_output("out", out or RUNS, folder=True)
    callbacks = trackers(track)
    data = source.load_triples(dataset)
    results, folder = _train(
        data,
        config,
        _seeds(seeds, settings.earlier),
        out,
        fresh,
        callbacks,
        source=source.record(dataset),
    )
    _end(results, folder, print_triple_results, lambda: _print_findings(data, results, []))


def _resources(workers: int | None, memory: str | None) -> Any:
    """Return what a training may use."""
    from gneg.training.resources import Resources

    return Resources(workers, None if memory is None else megabytes(memory))


def _check_dataset(out: Path, data: Any) -> None:
    """Refuse a folder that holds a run of other data, before anything is trained."""
    from gneg.training import record

    if (out / record.NAME).exists():
        there, here = record.read("out", out / record.NAME)["dataset"], data.describe()
        if there["hash"] != here["hash"]:
            allowed = "a new folder, or one with a run of the same dataset"
            differences = record.differences(there, here)
            checks.fail("out", allowed, f"{out}: {differences}", hint=record.FRESH)


def _suited(
    data: Any, name: str, choose: dict[str, Any], given: dict[str, Any], processes: Any
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


def _train(
    data: Any,
    config: LinkConfig | TripleConfig,
    seeds: Sequence[int],
    out: Path | None,
    fresh: bool,
    callbacks: list[Any],
    *,
    source: dict[str, Any],
    reasons: str | None = None,
    raced: Any = None,
    resources: Any = None,
) -> tuple[dict[str, Any], Path]:
    """Train with a progress display; return the record, also after Ctrl-C, and its folder."""
    from gneg.training.driver import TrainingInterrupted, run_folder, train
    from gneg.training.resources import DEFAULT

    folder = out or RUNS / run_folder(data, config)
    if raced is not None and not fresh:
        raced.save(folder)
    with ProgressDisplay() as display:
        bars = display.training(config.epochs, data.metric)
        try:
            results = train(
                data,
                config,
                seeds=seeds,
                out=folder,
                fresh=fresh,
                command=command_line(),
                callbacks=[*callbacks, bars],
                reasons=reasons,
                source=source,
                resources=resources or DEFAULT,
            )
        except TrainingInterrupted as interruption:
            results = interruption.results
    if not bars.trained:
        say("finished earlier, and not trained again: --fresh does", wrap=False)
    return results, folder


def _seeds(count: int | None, earlier: dict[str, Any]) -> Sequence[int]:
    """Return the seeds 0, 1, ...; without a number those of an earlier run, or 0 alone."""
    if count is None and earlier.get("runs"):
        return [run["seed"] for run in earlier["runs"] if "seed" in run] or [0]
    return range(1 if count is None else count)


def _print_findings(data: Any, results: dict[str, Any], scores: list[str]) -> None:
    """Say so if a training-free score is better than the model, or if training ended too early."""
    from gneg.training import baselines

    runs = [run for run in results["runs"] if run["complete"] and "epochs" in run]
    if runs and (sentence := baselines.better_score(data, runs, scores)):
        say(sentence)
    if runs and baselines.still_improving(runs):
        say(baselines.LONGER)


def _end(
    results: dict[str, Any],
    folder: Path,
    print_results: Callable[..., None],
    print_findings: Callable[[], None],
) -> None:
    """Print the figures of finished seeds and where they are; exit with 130 after Ctrl-C."""
    finished, last = [run for run in results["runs"] if run["complete"]], results["runs"][-1]
    if finished:
        print_results({**results, "runs": finished})
        print_findings()
    say_path("results", folder / "results.json")
    print_json(results)
    is_kg = "triples" in results["dataset"]
    if last["complete"]:
        question = "kg predict {} --help" if is_kg else "predict {} --all -k 10 --out answers.csv"
        say(f"answers: gneg {question.format(folder)}", wrap=False)
        return
    metric = "mrr" if is_kg else results["dataset"]["metric"]
    state = "before the first evaluation"
    if last["valid"]:
        best = percent(last["valid"][metric])
        state = f"valid {metric} {best} in epoch {last['best_epoch']} of {last['epochs']}"
        say_path("best state so far", folder / f"model-{last['seed']}.pt")
    say(f"seed {last['seed']} interrupted, {state}; the same command resumes")
    raise typer.Exit(INTERRUPTED)
