"""Training on a knowledge graph over seeds: resuming, and a record of everything."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from gneg import checks, record
from gneg.datasets import TripleData
from gneg.kg.classification import classify
from gneg.kg.config import KGConfig
from gneg.kg.trainer import KGTrainer

#: Called after each epoch with the seed and what is to be shown.
Report = Callable[[int, dict[str, Any]], None]
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
    command: str = "gneg.kg.train()",
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
        "dataset": describe(data),
        "config": asdict(config),
        "protocol": {
            "ranked": "both ends, among all entities, other known triples filtered",
            "ties": "mean of optimistic and pessimistic rank",
            "known": config.known,
            "select_by": "valid mrr",
        },
        "versions": record.versions(),
        "machine": record.machine(),
        "runs": [],
    }
    path = None if out is None else out / "results.json"
    kept = {} if path is None or fresh else _earlier(path, results)
    for seed in seeds:
        run = kept.get(seed)
        if run is None:
            with torch.random.fork_rng(devices=[]):
                run = _one(data, config, seed, out, fresh, report)
        results["runs"].append(run)
        if path is not None:
            done = {one["seed"] for one in results["runs"]}
            others = [other for known, other in kept.items() if known not in done]
            record.write_json(path, _summarised({**results, "runs": results["runs"] + others}))
        if not run["complete"]:
            break
    return _summarised(results)


def _one(
    data: TripleData,
    config: KGConfig,
    seed: int,
    out: Path | None,
    fresh: bool,
    report: Report | None,
) -> dict[str, Any]:
    run = KGTrainer(data, config, seed)
    checkpoint = None if out is None else out / f"checkpoint-{seed}.pt"
    if checkpoint is not None and checkpoint.exists() and not fresh:
        run.load(checkpoint)
    complete = True
    try:
        while not run.finished:
            loss = run.epoch()
            last = run.progress.epoch == config.epochs or run.out_of_time
            due = run.progress.epoch % config.eval_every == 0 or last
            run.note(loss, run.evaluate("valid")["mrr"] if due else None)
            if report is not None:
                report(seed, {"loss": loss, "best": run.progress.best, "epoch": run.progress.epoch})
            if due and checkpoint is not None:
                run.save(checkpoint)
    except KeyboardInterrupt:
        complete = False
    result = run.result(complete=complete)
    if data.verified:
        result["classification"] = classify(run.model, data)
    if out is not None and checkpoint is not None:
        record.write_whole(
            out / f"model-{seed}.pt", lambda temporary: torch.save(run.best_state, temporary)
        )
        if complete:
            checkpoint.unlink(missing_ok=True)
    return result


def describe(data: TripleData) -> dict[str, Any]:
    """What a record says of the data."""
    return {
        "name": data.name,
        "entities": data.num_entities,
        "relations": data.num_relations,
        "unseen": data.unseen,
        "triples": {part: data.part(part).size(1) for part in ("train", "valid", "test")},
        "hash": data.triples.fingerprint(),
    }


def _earlier(path: Path, results: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Finished runs of the same config in an earlier ``results.json``."""
    if not path.exists():
        return {}
    earlier = json.loads(path.read_text())
    for key in ("config", "dataset", "protocol"):
        if earlier.get(key) != json.loads(json.dumps(results[key])):
            allowed = f"a new folder, or one with a run of the same {key}"
            checks.fail("out", allowed, str(path.parent), hint="--fresh replaces it")
    return {run["seed"]: run for run in earlier["runs"] if run["complete"]}


def _summarised(results: dict[str, Any]) -> dict[str, Any]:
    runs = results["runs"]

    def spread(values: list[float]) -> dict[str, float | None]:
        std = statistics.stdev(values) if len(values) > 1 else None
        return {"mean": statistics.fmean(values), "std": std}

    summary: dict[str, Any] = {
        part: {name: spread([run[part][name] for run in runs]) for name in FIGURES}
        for part in ("valid", "test")
        if runs
    }
    if runs and all("classification" in run for run in runs):
        summary["classification"] = {
            name: spread([run["classification"][name] for run in runs])
            for name in ("accuracy", "f1")
        }
    return {**results, "summary": summary}
