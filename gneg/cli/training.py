"""What ``gneg train`` and ``gneg kg train`` share: training, and what is printed."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from gneg import checks
from gneg.cli.app import INTERRUPTED, command_line, say, say_path
from gneg.cli.options import RUN, RUNS
from gneg.cli.output import print_json
from gneg.cli.progress import ProgressDisplay
from gneg.cli.tables import percent
from gneg.cli.values import at_least
from gneg.training.config import LinkConfig, TripleConfig

Choice = TypeVar("Choice")
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


def check_earlier(out: Path, data: Any, given: dict[str, Any]) -> None:
    """Refuse a folder with a run of other data or given settings, before anything is trained."""
    from gneg.training import record

    if not (out / record.NAME).exists():
        return
    earlier = record.anywhere(record.read("out", out / record.NAME))
    kind, stored, current = "dataset", earlier["dataset"], data.describe()
    if stored["hash"] == current["hash"]:
        kind = "config"
        current = {name: value for name, value in given.items() if name in earlier["config"]}
        stored = {name: earlier["config"][name] for name in current}
        if stored == current:
            return
    allowed = f"a new folder, or one with a run of the same {kind}"
    differences = record.differences(stored, current)
    checks.fail("out", allowed, f"{out}: {differences}", hint=record.FRESH)


def train(
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

    say_no_choice(data, [config], said=reasons or "")
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


def start_race(run: Callable[..., Choice], seed: int, out: Path | None, fresh: bool) -> Choice:
    """Return the result of a race of negatives, with a progress display, and print its time.

    Args:
        run: Runs it, given ``seed``, ``report``, ``folder`` and ``fresh`` of
            :func:`gneg.training.race.race`.
        seed: The first seed of the training.
        out: Folder of the results, where the choice is kept; None: it is kept under runs/.
        fresh: Whether an earlier choice is replaced.
    """
    start, epochs = time.perf_counter(), 0
    with ProgressDisplay() as display:
        count = display.count("race of negatives, epochs")

        def report(completed: int, total: int) -> None:
            nonlocal epochs
            epochs = completed
            count(completed, total)

        try:
            choice = run(seed=seed, report=report, folder=out or RUNS, fresh=fresh)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("a race of negatives begins again") from None
    if epochs:
        say(f"race of negatives: {time.perf_counter() - start:.1f} s")
    return choice


def seeds_of(count: int | None, earlier: dict[str, Any]) -> Sequence[int]:
    """Return the seeds 0, 1, ...; without a number those of an earlier run, or 0 alone."""
    if count is None and earlier.get("runs"):
        return [run["seed"] for run in earlier["runs"] if "seed" in run] or [0]
    return range(1 if count is None else count)


def say_no_choice(data: Any, configs: Iterable[Any], said: str = "") -> None:
    """Say that some configs take all negatives that there are, whatever their sampler.

    Args:
        data: The dataset.
        configs: The configs.
        said: A text that may have said so: that of a recipe.
    """
    from gneg.training.contest import no_choice

    trained = [config for config in configs if not config.training_free]
    # Of a grid, those that differ in what the answer depends on.
    distinct = {(config.known, config.corrupt, config.k, config.loss): config for config in trained}
    reasons = (no_choice(data, config) for config in distinct.values())
    for reason in dict.fromkeys(filter(None, reasons)):
        if reason in said:
            continue
        say(f"{reason[0].upper()}{reason[1:]}: with a smaller -k samplers differ.")


def print_findings(data: Any, results: dict[str, Any], scores: list[str]) -> None:
    """Say what training-free scores and chance are beside the model, and if it needs longer."""
    from gneg.training import baselines

    runs = [run for run in results["runs"] if run["complete"] and "epochs" in run]
    if runs and (sentence := baselines.beside_scores(data, runs, scores)):
        say(sentence)
    if baselines.at_chance(runs):
        say(baselines.AT_CHANCE)
    elif runs and baselines.still_improving(runs):
        say(baselines.LONGER)


def end(
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
        if "epochs" in last:  # a training-free score has no model to ask
            words = "kg predict {} --help" if is_kg else "predict {} --all -k 10 --out answers.csv"
            say(f"answers: gneg {words.format(shlex.quote(str(folder)))}", wrap=False)
        return
    metric = "mrr" if is_kg else results["dataset"]["metric"]
    state = "before the first evaluation"
    if last["valid"]:
        best = percent(last["valid"][metric])
        state = f"valid {metric} {best} in epoch {last['best_epoch']} of {last['epochs']}"
        say_path("best state so far", folder / f"model-{last['seed']}.pt")
    say(f"seed {last['seed']} interrupted, {state}; the same command resumes")
    raise typer.Exit(INTERRUPTED)
