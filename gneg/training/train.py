"""Training a link predictor over seeds: resuming, and a record of everything."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gneg import files
from gneg.datasets import LinkData
from gneg.datasets.splits import drop_repeated_edges
from gneg.evaluation import metrics
from gneg.evaluation.ranking import evaluate_edges
from gneg.graph.heuristics import Heuristic
from gneg.training.config import TrainConfig
from gneg.training.link import Trainer
from gneg.training.run import Report, over_seeds, spread

__all__ = ["TrainConfig", "Trainer", "run_folder", "train"]


def run_folder(data: LinkData, config: TrainConfig) -> str:
    """A folder name for this data and config: the same again for the same again."""
    setting = json.dumps([data.name, data.split, asdict(config)], sort_keys=True)
    mark = hashlib.sha256(setting.encode()).hexdigest()[:6]
    words = [data.name, config.encoder] + ([] if config.training_free else [config.sampler])
    return "-".join(re.sub(r"\W+", "-", word).strip("-") for word in words) + "-" + mark


def train(
    data: LinkData,
    config: TrainConfig,
    *,
    seeds: tuple[int, ...] = (0,),
    out: Path | None = None,
    fresh: bool = False,
    command: str = "gneg.train.train()",
    report: Report | None = None,
    recipe: str | None = None,
) -> dict[str, Any]:
    """Train once for each seed and return (and write) the record of it.

    With ``out``, every seed leaves a checkpoint while it runs and its result when it is done; the
    same call goes on from there. Ctrl-C keeps what was done: the result then holds the best state
    so far, marked ``"complete": false``.

    Args:
        data: What to train and evaluate on; validation edges that are training edges, which would
            choose what remembers, are left out with a warning.
        config: How.
        seeds: One run each; initial weights, batches, dropout and negatives follow from it.
        out: Folder for ``results.json``, ``model-SEED.pt`` (the best weights) and checkpoints.
        fresh: Start again even if ``out`` holds a run of this config.
        command: What was typed, for the record.
        report: Called after each epoch.
        recipe: Why the config is what it is, for the record.

    Returns:
        The content of ``results.json``: ``summary`` holds mean and standard deviation over seeds.

    Raises:
        ValueError: If ``out`` holds a run of another config.
    """
    whole, data = data, drop_repeated_edges(data)
    if data is not whole:
        some, every = data.valid.pos.size(1), whole.valid.pos.size(1)
        warnings.warn(
            f"{every - some:,} of {every:,} validation edges are training edges and left out",
            stacklevel=2,
        )
    results: dict[str, Any] = {
        "command": command,
        "dataset": data.describe(),
        "config": asdict(config),
        "recipe": recipe,
        "protocol": {
            "split": data.split,
            "known": config.known,
            "select_by": f"valid {data.metric}",
            "negatives_per_positive": data.test.ranked_against[0],
            "negatives": data.test.ranked_against[1],
            "ties": metrics.TIES,
        },
        "versions": files.versions(),
        "machine": files.machine(),
        "runs": [],
    }

    def one(seed: int) -> dict[str, Any]:
        return _one(data, config, seed, out, fresh, report)

    return over_seeds(results, seeds, one, _summarised, out=out, fresh=fresh)


def _one(
    data: LinkData,
    config: TrainConfig,
    seed: int,
    out: Path | None,
    fresh: bool,
    report: Report | None,
) -> dict[str, Any]:
    if config.training_free:
        heuristic = Heuristic(data.graph, config.encoder, data.x)  # type: ignore[arg-type]
        return {
            "seed": seed,
            "complete": True,
            "valid": evaluate_edges(data.valid, heuristic),
            "test": evaluate_edges(data.test, heuristic),
        }
    run = Trainer(data, config, seed)
    complete = run.train(seed, out, fresh, report)
    result = run.result(complete=complete)
    if out is not None:
        run.keep(seed, out, complete=complete)
    return result


def _summarised(results: dict[str, Any]) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for part in ("valid", "test"):
        rows = [run[part] for run in results["runs"]]
        summary[part] = {
            name: spread([row[name] for row in rows]) for name in (rows[0] if rows else {})
        }
    return {**results, "summary": summary}
