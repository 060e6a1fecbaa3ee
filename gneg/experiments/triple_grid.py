"""Samplers of triples compared over seeds, with the risk of each."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gneg import checks, files
from gneg.datasets import TripleData
from gneg.experiments.significance import table
from gneg.training.triple_config import KGConfig
from gneg.training.triple_train import FIGURES, train

#: Called after each epoch with the seed, what is to be shown, and the run's name.
Report = Callable[[int, dict[str, Any], str], None]


def compare(
    data: TripleData,
    configs: Sequence[KGConfig],
    *,
    seeds: int = 3,
    out: Path,
    fresh: bool = False,
    command: str = "gneg.compare()",
    report: Report | None = None,
) -> dict[str, Any]:
    """Train every config over seeds, test the differences, and count the risk.

    The same call goes on where it was interrupted.

    Args:
        data: The knowledge graph.
        configs: What is compared; others are tested against the sampler of the first.
        seeds: Runs of each.
        out: Folder of ``compare.json`` and of the runs.
        fresh: Start again.
        command: What was typed, for the record.
        report: Called after each epoch.

    Returns:
        The content of ``compare.json``: ``rows`` with ``summary`` (mean, deviation), ``against``
        (paired t-tests over seeds, Holm-corrected) and ``false_negatives_per_1000``.

    Raises:
        ValueError: If there is nothing to compare, or a config stands there twice.
    """
    checks.integer("seeds", seeds, 1)
    if not configs or len(set(configs)) < len(configs):
        checks.fail("configs", "one or more, each once", len(configs))
    rows = []
    for config in configs:
        name = f"{config.model}, {config.sampler}"
        folder = out / "runs" / _mark(config)

        def told(seed: int, state: dict[str, Any], name: str = name) -> None:
            if report is not None:
                report(seed, state, name)

        result = train(
            data,
            config,
            seeds=tuple(range(seeds)),
            out=folder,
            fresh=fresh,
            command=command,
            report=told,
        )
        if not result["runs"][-1]["complete"]:
            raise KeyboardInterrupt
        rows.append(_row(config, result))
    results = {
        "command": command,
        "dataset": data.describe(),
        "seeds": seeds,
        "baseline": configs[0].sampler,
        "rows": table(rows, configs[0].sampler),
        "versions": files.versions(),
        "machine": files.machine(),
    }
    files.write_json(out / "compare.json", results)
    return results


def _row(config: KGConfig, result: dict[str, Any]) -> dict[str, Any]:
    runs = result["runs"]
    metrics = {
        part: {name: [run[part][name] for run in runs] for name in FIGURES}
        for part in ("valid", "test")
    }
    if "classification" in runs[0]:
        metrics["verified"] = {
            name: [run["classification"][name] for run in runs] for name in ("accuracy", "f1")
        }
    return {
        "model": config.model,
        "encoder": config.model,
        "sampler": config.sampler,
        "config": asdict(config),
        "metrics": metrics,
        "curves": [run["curve"] for run in runs],
        "best_epochs": [run["best_epoch"] for run in runs],
        "seconds": statistics.fmean(
            run["seconds"]["sampling"] + run["seconds"]["model"] for run in runs
        ),
        "false_negatives_per_1000": statistics.fmean(
            run["false_negatives_per_1000"] for run in runs
        ),
    }


def _mark(config: KGConfig) -> str:
    setting = json.dumps(asdict(config), sort_keys=True)
    return f"{config.model}-{hashlib.sha256(setting.encode()).hexdigest()[:8]}"
