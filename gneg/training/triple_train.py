"""Training on a knowledge graph over seeds: resuming, and a record of everything."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gneg import files
from gneg.datasets import TripleData
from gneg.evaluation.classify import classify
from gneg.evaluation.sampled import default_negatives
from gneg.training.run import Report, over_seeds, spread
from gneg.training.triple import KGTrainer
from gneg.training.triple_config import KGConfig

FIGURES = ("mrr", "mr", "amr", "hits@1", "hits@3", "hits@10")


def run_folder(data: TripleData, config: KGConfig) -> str:
    """A folder name for this data and config: the same again for the same again."""
    setting = json.dumps([data.name, asdict(config)], sort_keys=True)
    mark = hashlib.sha256(setting.encode()).hexdigest()[:6]
    return f"kg-{data.name}-{config.model}-{mark}"


def train(
    data: TripleData,
    config: KGConfig,
    *,
    seeds: tuple[int, ...] = (0,),
    out: Path | None = None,
    fresh: bool = False,
    command: str = "gneg.train()",
    report: Report | None = None,
) -> dict[str, Any]:
    """Train once for each seed, rank both ends of held-out triples, and return the record.

    With ``out``, every seed leaves a checkpoint while it runs and its result when it is done; the
    same call goes on from there. Ctrl-C keeps what was done, marked ``"complete": false``. Where
    the data has verified negatives, triples are classified as well.

    Args:
        data: What to train and evaluate on.
        config: How.
        seeds: One run each.
        out: Folder for ``results.json``, ``model-SEED.pt`` (the best weights) and checkpoints.
        fresh: Start again even if ``out`` holds a run of this config.
        command: What was typed, for the record.
        report: Called after each epoch.

    Raises:
        ValueError: If ``out`` holds a run of another config or other data.
    """
    results: dict[str, Any] = {
        "command": command,
        "dataset": data.describe(),
        "config": asdict(config),
        "protocol": {
            "ranked": "both ends, "
            + (
                "among all entities, other known triples filtered"
                if data.negatives is None
                else "among the negatives that came with the data"
            ),
            "sampled": f"test, both ends, among {default_negatives(data)} negatives of each",
            "ties": "mean of optimistic and pessimistic rank",
            "known": config.known,
            "select_by": "valid mrr",
        },
        "versions": files.versions(),
        "machine": files.machine(),
        "runs": [],
    }

    def one(seed: int) -> dict[str, Any]:
        run = KGTrainer(data, config, seed)
        complete = run.train(seed, out, fresh, report)
        result = run.result(complete=complete)
        if data.verified:
            result["classification"] = classify(run.scorer(), data)
        if out is not None:
            run.keep(seed, out, complete=complete)
        return result

    return over_seeds(results, seeds, one, _summarised, out=out, fresh=fresh)


def _summarised(results: dict[str, Any]) -> dict[str, Any]:
    runs = results["runs"]

    summary: dict[str, Any] = {
        part: {name: spread([run[part][name] for run in runs]) for name in FIGURES}
        for part in ("valid", "test")
        if runs
    }
    if runs:
        summary["false_negatives_per_1000"] = spread(
            [run["false_negatives_per_1000"] for run in runs]
        )
        summary["sampled"] = {
            sampler: {
                name: spread([run["sampled"][sampler][name] for run in runs]) for name in FIGURES
            }
            for sampler in runs[0]["sampled"]
        }
    if runs and all("classification" in run for run in runs):
        summary["classification"] = {
            name: spread([run["classification"][name] for run in runs])
            for name in ("accuracy", "f1")
        }
    return {**results, "summary": summary}
