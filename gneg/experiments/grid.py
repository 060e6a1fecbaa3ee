"""A grid of training runs, and tests of their differences."""

from __future__ import annotations

import itertools
import json
import shutil
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar

from gneg import checks, files, records
from gneg.datasets import LinkData, TripleData, as_data
from gneg.evaluation import full_ranks, scorers
from gneg.evaluation.hardset import HardSet
from gneg.evaluation.link import check_sets
from gneg.experiments.best import best_of
from gneg.experiments.cell import Cell, rank_sets
from gneg.experiments.command import rank_command, train_command
from gneg.experiments.plan import bases, cells_of, check_configs, digest_of, folder_name, run_cells
from gneg.experiments.processes import Event, Report, Runner, runner
from gneg.experiments.record import NAME
from gneg.experiments.search import Search
from gneg.experiments.significance import add_tests
from gneg.graph.devices import check_usable
from gneg.graph.heuristics import KINDS
from gneg.training.baselines import validation_metric, validation_of
from gneg.training.callbacks import Callback, check_callbacks
from gneg.training.config import LinkConfig, TripleConfig
from gneg.training.driver import MOST_SEEDS
from gneg.training.folder import check_folder
from gneg.training.parts import KEY, registered_parts
from gneg.training.record import FRESH, differences

__all__ = ["Event", "compare", "grid"]

Config = TypeVar("Config", LinkConfig, TripleConfig)
AnyConfig = LinkConfig | TripleConfig


def grid(base: Config, **axes: Sequence[Any]) -> list[Config]:
    """Return every combination of values of some settings, the last one changing fastest.

    Args:
        base: The config with all other values.
        axes: Values by the name of a setting, such as ``encoder=("sage", "gcn")``.

    Raises:
        ValueError: If a setting has no values, or one of them twice.
    """
    for name, values in axes.items():
        if not values or len(set(values)) < len(values):
            checks.fail(name, "one or more values, each once", list(values))
    return [
        replace(base, **dict(zip(axes, values, strict=True)))
        for values in itertools.product(*axes.values())
    ]


def compare(
    data: LinkData | TripleData | str | Path,
    configs: Sequence[AnyConfig],
    *,
    seeds: int = 5,
    sets: Mapping[str, HardSet] | None = None,
    baselines: Sequence[str] = KINDS,
    out: str | Path,
    jobs: int = 1,
    search: int = 0,
    fresh: bool = False,
    report: Report | None = None,
    callbacks: Sequence[Callback] = (),
    command: str = "gneg.compare()",
    source: Sequence[str] = (),
    reasons: str | None = None,
) -> dict[str, Any]:
    """Train every config with every seed, and compare their metrics.

    With several ``jobs`` cells run in separate processes. A finished cell stays in ``out``, so
    that the same call resumes where it was interrupted, within a cell from its last checkpoint.

    Each config is tested against its fair counterparts: those that differ from it in one part alone
    (negatives, decoder, loss, pair features or stack) and have the first config's value of it. The
    mean of these differences over all other settings but pair features and stack is what the part
    is worth beside these. Tests are paired t-tests over seeds, at least 3, corrected for their
    number by Holm's method.

    Configs that differ in the stack alone share their training: the stacks are fitted to one model.

    Args:
        data: The dataset, of links or of triples, or its name or path.
        configs: The configs, each once; see :func:`grid`.
        seeds: Runs of each config, with seeds 0, 1, ...
        sets: Hard sets for the test edges, by name, beside the dataset's own negatives.
        baselines: Training-free heuristics that are ranked for comparison. ``cosine`` is left out
            without features, those that count common neighbours in a bipartite graph, and all for
            triples.
        out: Folder of the results.
        jobs: Processes at once, each with its share of the cores; 1: this process alone.
        search: Trials of a search over learning rate, temperature and mixture weight for each
            config, by the validation metric of seed 0, before its runs; 0: none.
        fresh: Run finished cells again.
        report: Called with an :class:`Event` as cells progress.
        callbacks: Called while the runs of the configs train, see
            :class:`gneg.training.callbacks.Callback`; with several ``jobs`` each process has its
            own copies.
        command: The command that was typed, for the record.
        source: The words of a command line that name the dataset and the options it is loaded with,
            for the command that trains the best config; empty: the name of the dataset.
        reasons: The reasons for the settings, as the recipe states them, for the record.

    Returns:
        The content of ``out/compare.json``: ``rows``, one a config, with ``metrics`` by set,
        ``summary``, curves, times, ``audit`` and ``against``, its tests; ``effects``, what each
        part is worth, see :func:`gneg.experiments.significance.add_tests`; and which model or
        heuristic is the ``best`` on validation, with the ``command`` that trains the best model.

    Raises:
        ValueError: If an argument is out of range, or a sampler or model cannot be made.
    """
    data = as_data(data)
    check_configs(data, configs)
    _check_counts(seeds=seeds, jobs=jobs, search=search)
    checks.instance("reasons", reasons, (str, NoneType))
    callbacks = check_callbacks(callbacks, report)
    for kind in checks.items("baselines", baselines, "a list of heuristics"):
        checks.choice("baselines", kind, KINDS)
    out, sets = check_folder(out), check_sets(sets, (HardSet,))
    if _ranks_all(configs[0]) and "all" in sets:
        checks.fail("sets", "without the name 'all', which stands for all nodes", list(sets))
    check_usable("device", configs[0].device)
    if not fresh:
        _check_earlier(out / NAME, data)
    digest = digest_of([data.describe(), {name: _checksum(hard) for name, hard in sets.items()}])
    if fresh:
        shutil.rmtree(out / "search", ignore_errors=True)
    trained = bases(configs)
    with runner(data, sets, jobs) as pool:
        searches: dict[AnyConfig, Search[Any]] = {
            base: Search(base, search) for base in dict.fromkeys(trained)
        }
        for trials in searches.values() if search else ():
            _tune(trials, pool, out / "search", digest, jobs, report)
        best = [searches[base].best for base in trained]
        cells = cells_of(configs, best, seeds, out / "cells", digest, callbacks)
        for folder in {member.folder for cell in cells for member in cell.chain} if fresh else ():
            shutil.rmtree(folder, ignore_errors=True)
        finished = run_cells(cells, pool, report)
    rows = []
    for i, config in enumerate(configs):
        runs = slice(i * seeds, (i + 1) * seeds)
        row = _row(config, data.metric, cells[runs], finished[runs])
        rows.append({"searched": searches[trained[i]].record(), **row})
    effects = add_tests(rows, [asdict(config) for config in configs])
    heuristics, valid = _heuristics(data, sets, baselines, configs[0])
    best_row = best_of(rows, heuristics, valid, data.metric)
    config, named = cells[best_row["row"] * seeds].config, source or [data.name]
    score = best_row["heuristic"]
    command_of_best = train_command(config, named) if score is None else rank_command(score, named)
    results = {
        "command": command,
        "dataset": data.describe(),
        "reading": None if data.reading is None else data.reading.record(),
        "split": data.split,
        "metric": data.metric,
        "seeds": seeds,
        "config": asdict(configs[0]),
        "recipe": reasons,
        KEY: _registered(configs),
        "baseline": configs[0].sampler,
        "sets": {name: hard.info for name, hard in sets.items()},
        "among_all": _among_all(finished[0]["run"].get("all")),
        "rows": rows,
        "effects": effects,
        "heuristics": heuristics,
        "heuristics_valid": valid,
        "best": {**best_row, "command": command_of_best},
        "versions": records.versions(),
        "machine": records.machine(),
    }
    files.write_json(out / NAME, results)
    return results


def _registered(configs: Sequence[AnyConfig]) -> list[dict[str, Any]]:
    """Return name and origin of each registered class that a config uses."""
    parts = [part for config in configs for part in registered_parts(config)]
    return [part for i, part in enumerate(parts) if part not in parts[:i]]


def _check_counts(*, seeds: int, jobs: int, search: int) -> None:
    for name, value, low in (("seeds", seeds, 1), ("jobs", jobs, 1), ("search", search, 0)):
        if checks.integer(name, value, low) > MOST_SEEDS:
            checks.fail(name, f"at most {MOST_SEEDS:,}", value)


def _check_earlier(path: Path, data: LinkData | TripleData) -> None:
    """Refuse a folder with a comparison of other data; one that is damaged is made again."""
    try:
        stored = json.loads(path.read_text("utf-8"))["dataset"]
        same = stored["hash"] == data.fingerprint()
    except (OSError, ValueError, KeyError, TypeError):
        return
    if not same:
        allowed = "a new folder, or one with a comparison of the same dataset"
        checks.fail("out", allowed, f"{path}: {differences(stored, data.describe())}", hint=FRESH)


def _ranks_all(config: AnyConfig) -> bool:
    return isinstance(config, LinkConfig) and config.rank == "all"


def _among_all(metrics: dict[str, Any] | None) -> dict[str, int] | None:
    """Return what was ranked among all nodes, of the record of a run; None: nothing."""
    if metrics is None:
        return None
    return {name: value for name, value in metrics.items() if isinstance(value, int)}


def _checksum(hard: HardSet) -> int:
    """Return a checksum of the negatives of a hard set."""
    return zlib.crc32(hard.index.numpy().tobytes())


def _tune(
    trials: Search[Any], pool: Runner, folder: Path, digest: str, jobs: int, report: Report | None
) -> None:
    """Run a search to its end, as many trials at once as there are processes."""
    while not trials.finished:
        cells = [
            Cell(config, 0, folder / folder_name(config, digest), ranked=False)
            for config in trials.ask(jobs)
        ]
        trials.tell([record["best_valid"] for record in pool.run(cells, report)])


def _row(config: AnyConfig, metric: str, cells: list[Cell], of_cells: list[Any]) -> dict[str, Any]:
    """Return the row of a config over its seeds.

    Args:
        config: The config that is compared.
        metric: The metric of the dataset.
        cells: Its cells, one a seed; after a search their config has the best values.
        of_cells: Their records.
    """
    runs = [record["run"] for record in of_cells]
    sets = of_cells[0]["sets"]
    additions = {}
    if isinstance(config, LinkConfig):
        additions = {"decoder": runs[0]["decoder"], "pair_features": config.decoder_sees}
        additions |= {"stack": config.stack}
    return {
        "encoder": config.model_name,
        "sampler": config.sampler,
        "loss": runs[0]["loss"],
        **additions,
        "config": asdict(cells[0].config),
        "metrics": {
            name: {
                metric: [record["sets"][name][metric] for record in of_cells] for metric in metrics
            }
            for name, metrics in sets.items()
        },
        "valid": [validation_metric(run, metric) for run in runs],
        "curves": [run["curve"] for run in runs],
        "epochs": [run["epochs"] for run in runs],
        "best_epochs": [run["best_epoch"] for run in runs],
        "seconds": [run["seconds"] for run in runs],
        "collapse": [run.get("collapse") for run in runs],
        "base_weights": [run["base_weight"] for run in runs],
        "audit": of_cells[0].get("audit"),
    }


def _heuristics(
    data: LinkData | TripleData,
    sets: dict[str, HardSet],
    baselines: Sequence[str],
    config: AnyConfig,
) -> tuple[dict[str, dict[str, dict[str, float]]], dict[str, float]]:
    """Return the metrics of training-free heuristics against the same sets, and on validation."""
    metrics: dict[str, dict[str, dict[str, float]]] = {}
    if isinstance(data, TripleData):
        return metrics, {}
    for kind in baselines:
        # Sources and targets of a bipartite graph have no common neighbours.
        undefined = data.num_src is not None and kind in ("cn", "aa", "ra")
        if undefined or (kind == "cosine" and data.x is None):
            continue
        score = scorers.heuristic(data, kind)
        among_all = full_ranks.record(data, score, seed=0) if _ranks_all(config) else None
        metrics[kind] = rank_sets(data, score, sets, among_all)
    return metrics, validation_of(data, metrics)
