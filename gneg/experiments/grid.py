"""A grid of training runs, and tests of their differences."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import shutil
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import torch

from gneg import checks, files
from gneg.datasets import LinkData, TripleData, as_data
from gneg.evaluation import full_ranks, scorers
from gneg.evaluation.hardset import HardSet
from gneg.evaluation.link import check_sets
from gneg.experiments.cell import Cell, rank_sets
from gneg.experiments.processes import Event, Report, Runner, runner
from gneg.experiments.record import NAME
from gneg.experiments.search import Search
from gneg.experiments.significance import add_tests
from gneg.graph.heuristics import KINDS
from gneg.training.callbacks import Callback
from gneg.training.config import LinkConfig, TripleConfig
from gneg.training.device import check_usable
from gneg.training.driver import MOST_SEEDS, config_class
from gneg.training.parts import KEY, code, registered_parts

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
) -> dict[str, Any]:
    """Train every config with every seed, and compare their metrics.

    With several ``jobs`` cells run in separate processes. A finished cell stays in ``out``, so
    that the same call resumes where it was interrupted, within a cell from its last checkpoint.

    Each config is tested against the one that differs from it in the sampler alone and has the
    sampler of the first config: paired t-tests over seeds, corrected for their number by Holm's
    method. A config without such a counterpart is not tested.

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

    Returns:
        The content of ``out/compare.json``: ``rows``, one a config, with ``metrics`` by set,
        ``summary``, curves, times, ``audit`` and ``against``: difference, p, corrected p.

    Raises:
        ValueError: If an argument is out of range, or a sampler or model cannot be made.
    """
    data = as_data(data)
    checks.instance("configs", configs, (list, tuple), hint="see gneg.experiments.grid.grid")
    for config in configs:
        checks.instance("configs", config, (config_class(data),))
        if config.training_free:
            hint = "heuristics are ranked beside, see 'baselines'"
            checks.fail("configs", "of models that are trained", config.model_name, hint=hint)
    _check_counts(seeds=seeds, jobs=jobs, search=search)
    for kind in baselines:
        checks.choice("baselines", kind, KINDS)
    if not configs or len(set(configs)) < len(configs):
        checks.fail("configs", "one or more, each once", len(configs))
    size = data.num_entities if isinstance(data, TripleData) else data.num_nodes
    for config in configs:
        data.sampler(config.sampler, z=torch.zeros(size, 2))  # raises before anything is trained
    out, sets = files.check_output("out", out, folder=True), check_sets(sets, (HardSet,))
    if _ranks_all(configs[0]) and "all" in sets:
        checks.fail("sets", "without the name 'all', which stands for all nodes", list(sets))
    check_usable("device", configs[0].device)
    digest = _digest([data.describe(), {name: _checksum(hard) for name, hard in sets.items()}])
    if fresh:
        shutil.rmtree(out / "search", ignore_errors=True)
    with runner(data, sets, jobs) as pool:
        searches: list[Search[Any]] = [Search(config, search) for config in configs]
        for trials in searches if search else ():
            _tune(trials, pool, out / "search", digest, jobs, report)
        cells = [
            Cell(
                trials.best,
                seed,
                out / "cells" / _slug(trials.best, digest),
                audited=seed == 0,
                callbacks=tuple(callbacks),
            )
            for trials in searches
            for seed in range(seeds)
        ]
        for cell in cells if fresh else ():
            shutil.rmtree(cell.folder, ignore_errors=True)
        records = pool.run(cells, report)
    rows = [
        {"searched": trials.record(), **_row(config, trials.best, records[i : i + seeds])}
        for i, config, trials in zip(range(0, len(records), seeds), configs, searches, strict=True)
    ]
    baseline = configs[0].sampler
    results = {
        "command": command,
        "dataset": data.describe(),
        "reading": None if data.reading is None else data.reading.record(),
        "split": data.split,
        "metric": data.metric,
        "seeds": seeds,
        "config": asdict(configs[0]),
        KEY: _registered(configs),
        "baseline": baseline,
        "sets": {name: hard.info for name, hard in sets.items()},
        "among_all": _among_all(records[0]["run"].get("all")),
        "rows": add_tests(rows, [_group(config) for config in configs], baseline),
        "heuristics": {}
        if isinstance(data, TripleData)
        else _heuristics(data, sets, baselines, configs[0]),
        "versions": files.versions(),
        "machine": files.machine(),
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


def _ranks_all(config: AnyConfig) -> bool:
    return isinstance(config, LinkConfig) and config.rank == "all"


def _among_all(metrics: dict[str, Any] | None) -> dict[str, int] | None:
    """Return what was ranked among all nodes, of the record of a run; None: nothing."""
    if metrics is None:
        return None
    return {name: value for name, value in metrics.items() if isinstance(value, int)}


def _group(config: AnyConfig) -> str:
    """Return everything that a config holds but the sampler."""
    values = asdict(config)
    del values["sampler"]
    return json.dumps(values, sort_keys=True)


def _digest(value: Any) -> str:
    """Return a short hash of a value that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


def _checksum(hard: HardSet) -> int:
    """Return a checksum of the negatives of a hard set."""
    return zlib.crc32(hard.index.numpy().tobytes())


def _slug(config: AnyConfig, digest: str) -> str:
    """Return a folder name for a config on data with a digest."""
    words = [config.model_name, config.sampler, config.loss or ""]
    values = [asdict(config), digest, *code(registered_parts(config))]
    text = "-".join(re.sub(r"\W+", "-", word).strip("-") for word in words if word)
    return f"{text[:80]}-{_digest(values)}"


def _tune(
    trials: Search[Any], pool: Runner, folder: Path, digest: str, jobs: int, report: Report | None
) -> None:
    """Run a search to its end, as many trials at once as there are processes."""
    while not trials.finished:
        cells = [
            Cell(config, 0, folder / _slug(config, digest), ranked=False)
            for config in trials.ask(jobs)
        ]
        trials.tell([record["best_valid"] for record in pool.run(cells, report)])


def _row(config: AnyConfig, best: AnyConfig, records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the row of a config over its seeds.

    Args:
        config: The config that is compared.
        best: The config that was trained: with the best values of a search, if there was one.
        records: The records of its cells, one a seed.
    """
    runs = [record["run"] for record in records]
    sets = records[0]["sets"]
    return {
        "encoder": config.model_name,
        "sampler": config.sampler,
        "loss": runs[0]["loss"],
        "config": asdict(best),
        "metrics": {
            name: {
                metric: [record["sets"][name][metric] for record in records] for metric in metrics
            }
            for name, metrics in sets.items()
        },
        "valid": [record["best_valid"] for record in records],
        "curves": [run["curve"] for run in runs],
        "epochs": [run["epochs"] for run in runs],
        "best_epochs": [run["best_epoch"] for run in runs],
        "seconds": [run["seconds"] for run in runs],
        "collapse": [run.get("collapse") for run in runs],
        "base_weights": [run["base_weight"] for run in runs],
        "audit": records[0].get("audit"),
    }


def _heuristics(
    data: LinkData, sets: dict[str, HardSet], baselines: Sequence[str], config: AnyConfig
) -> dict[str, dict[str, dict[str, float]]]:
    """Return the metrics of training-free heuristics against the same sets."""
    metrics = {}
    for kind in baselines:
        # Sources and targets of a bipartite graph have no common neighbours.
        undefined = data.num_src is not None and kind in ("cn", "aa", "ra")
        if undefined or (kind == "cosine" and data.x is None):
            continue
        score = scorers.heuristic(data, kind)
        among_all = full_ranks.record(data, score, seed=0) if _ranks_all(config) else None
        metrics[kind] = rank_sets(data, score, sets, among_all)
    return metrics
