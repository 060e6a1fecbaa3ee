"""Training over seeds: resuming finished seeds, and one record of everything."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import islice
from numbers import Integral
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar

from torch import Tensor

from gneg import checks, files, records
from gneg.datasets import LinkData, TripleData, as_data, names, store, triple_names
from gneg.datasets.sources.known_names import known_name
from gneg.evaluation import full_ranks
from gneg.evaluation.ranking import evaluate_edges
from gneg.graph.devices import check_usable
from gneg.graph.heuristics import Heuristic
from gneg.training import checkpoint
from gneg.training.callbacks import Callback, Callbacks, Report, check_callbacks
from gneg.training.config import LinkConfig, TripleConfig
from gneg.training.device import forked_random
from gneg.training.distributed import World, by_torchrun, world
from gneg.training.fitness import fit_for_training, warn_of_no_choice
from gneg.training.folder import check_folder
from gneg.training.kinds import Config, config_class, make_run, run_class
from gneg.training.parts import KEY, code, registered_parts
from gneg.training.record import FRESH, NAME, anywhere, differences, locked, read
from gneg.training.resources import DEFAULT, Resources
from gneg.training.summary import summarised

__all__ = ["TrainingInterrupted", "run_folder", "train"]

Data = TypeVar("Data", LinkData, TripleData)
MOST_SEEDS = 10_000


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C during training, raised after the results so far were written.

    Attributes:
        results: The record so far; its last run is marked ``"complete": false``.
    """

    def __init__(self, results: dict[str, Any]) -> None:
        super().__init__("training was interrupted")
        self.results = results


def run_folder(data: LinkData | TripleData, config: Config) -> str:
    """Return a folder name for a dataset and a config: the same for the same values."""
    values = [data.describe(), asdict(config), *code(registered_parts(config))]
    settings = json.dumps(values, sort_keys=True)
    digest = hashlib.sha256(settings.encode()).hexdigest()[:6]
    words = [data.name, config.model_name] + ([] if config.training_free else [config.sampler])
    return "-".join(re.sub(r"\W+", "-", word).strip("-") for word in words)[:80] + f"-{digest}"


def train(
    data: LinkData | TripleData | str | Path,
    config: Config | None = None,
    *,
    seeds: Iterable[int] | int = (0,),
    out: str | Path | None = None,
    fresh: bool = False,
    command: str = "gneg.train()",
    report: Report | None = None,
    callbacks: Iterable[Callback] = (),
    reasons: str | None = None,
    source: dict[str, Any] | None = None,
    keep_data: bool = True,
    resources: Resources = DEFAULT,
) -> dict[str, Any]:
    """Train once for each seed, evaluate, and return (and write) the record.

    With ``out``, each seed writes a checkpoint while it trains and its result at the end, and the
    same call resumes from there.

    Args:
        data: The dataset, of links or of triples, or its name or path. Validation edges that are
            training edges, which would select a model that remembers edges, are left out with a
            warning; test edges that are, and triples, are kept, as published figures have them.
        config: A :class:`~gneg.training.config.LinkConfig` or, for triples, a
            :class:`~gneg.training.config.TripleConfig`; their defaults if None.
        seeds: One run for each, integers >= 0, or their number: then 0, 1, ...; a seed decides
            initial weights, batches, dropout and negatives.
        out: Folder for ``results.json``, ``model-SEED.pt`` (the best weights) and checkpoints.
        fresh: Start again even if ``out`` holds a run of this config.
        command: The command that was typed, for the record.
        report: Called after each epoch with the seed and the progress, as
            :meth:`gneg.training.callbacks.Callback.on_epoch_end` is.
        callbacks: Called as the training goes on, for example the experiment trackers of
            :mod:`gneg.integrations`.
        reasons: The reasons for the config, as the recipe states them, for the record.
        source: The arguments that the data was loaded with, for the record.
        keep_data: Whether the dataset is stored in ``out`` as well, so that the run needs nothing
            else (:func:`gneg.load`); what is known by name is not, but loaded again.
        resources: Threads and memory of mini-batches (``fanout``), on which results do not depend.

    Returns:
        The content of ``results.json``: ``summary`` holds means and standard deviations over
        seeds.

    Raises:
        ValueError: If ``out`` holds a run of another config or other data or a damaged file, cannot
            be written, or torch lacks the device of the config here.
        TrainingInterrupted: After Ctrl-C; the best weights so far are written with their metrics on
            validation, and the run is marked as incomplete.
    """
    data = as_data(data)
    if config is None:
        config = config_class(data)()
    checks.instance("config", config, (config_class(data),))
    seeds, callbacks = _seeds(seeds), check_callbacks(callbacks, report)
    checks.instance("reasons", reasons, (str, NoneType))
    checks.instance("resources", resources, (Resources,))
    check_usable("device", config.device)
    processes = world()
    if isinstance(config, TripleConfig) and (by_torchrun() or processes.size > 1):
        checks.fail("config", "a LinkConfig in several processes (torchrun)", "a TripleConfig")
    out = None if out is None else _folder(out, fresh, processes)
    data = fit_for_training(data)
    warn_of_no_choice(config)
    settings: dict[str, Any] = {
        "command": command,
        "source": source,
        "reading": None if data.reading is None else data.reading.record(),
        "dataset": data.describe(),
        "repeated": data.repeated if isinstance(data, TripleData) else None,
        "config": asdict(config),
        KEY: registered_parts(config),
        "recipe": reasons,
        "protocol": run_class(config).protocol(data, config),
        "versions": records.versions(),
        "machine": records.machine(),
        "resources": asdict(resources),
    }
    results: dict[str, Any] = {**settings, "runs": []}
    finished = {} if out is None or fresh else _finished_runs(out / NAME, results)
    processes.wait()  # until all have read what the first one writes anew
    if not processes.is_first:
        callbacks, report = (), None
    with Callbacks(callbacks, report) as listeners:
        listeners.on_train_start(settings, out)
        for seed in seeds:
            run = finished.get(seed)
            weights: dict[str, Tensor] = {}
            if run is None:
                with forked_random(config.device):
                    run, weights = _train_seed(data, config, seed, out, fresh, listeners, resources)
            results["runs"].append(run)
            if out is not None and processes.is_first:
                stored = None if _known_by_name(source, data) or not keep_data else data
                _write(out, results, stored, weights)
                if run["complete"]:
                    checkpoint.checkpoint_path(out, seed).unlink(missing_ok=True)
            if seed not in finished:
                listeners.on_seed_end(seed, run)
            if not run["complete"]:
                raise TrainingInterrupted(summarised(results))
            processes.wait()
    return summarised(results)


def _known_by_name(source: dict[str, Any] | None, data: LinkData | TripleData) -> bool:
    """Return whether a dataset can be loaded again by its name."""
    known = triple_names() if isinstance(data, TripleData) else names()
    return source is not None and known_name(source["dataset"], known) is not None


def _folder(path: str | Path, fresh: bool, processes: World) -> Path:
    """Return the folder of a run, without leftovers or, if ``fresh``, any earlier run."""
    out = check_folder(path)
    if store.is_foreign(out / store.FOLDER):
        allowed = f"a folder without a folder '{store.FOLDER}' of your own"
        checks.fail("out", allowed, str(out), hint="choose another place")
    if processes.is_first:
        checkpoint.remove_leftovers(out)
        if fresh:
            checkpoint.remove_all(out)
            (out / NAME).unlink(missing_ok=True)
    processes.wait()
    return out


def _write(
    out: Path,
    results: dict[str, Any],
    data: LinkData | TripleData | None,
    weights: dict[str, Tensor],
) -> None:
    """Write the record with all finished runs in the folder, ordered by seed, and the dataset.

    Other processes may train other seeds into the same folder, or this one. The dataset, unless it
    is None, and the weights of the last seed, unless there are none, are written once the folder is
    known to hold no run of another dataset or config, and no finished one in place of this one's
    interrupted one.
    """
    with locked(out):
        finished = _finished_runs(out / NAME, results)
        ours = {run["seed"]: run for run in results["runs"]}
        runs = ours | finished | {s: run for s, run in ours.items() if run["complete"]}
        seed = results["runs"][-1]["seed"]
        if weights and runs[seed] is ours[seed]:
            checkpoint.save_weights(weights, checkpoint.weights_path(out, seed))
        ordered = [runs[seed] for seed in sorted(runs)]
        if data is not None and not store.holds(out / store.FOLDER, results["dataset"]):
            store.save(data, out / store.FOLDER)
        files.write_json(out / NAME, summarised({**results, "runs": ordered}))


def _seeds(seeds: Any) -> Sequence[int]:
    """Return the seeds of a number of runs, or those that are listed."""
    if isinstance(seeds, Integral) and not isinstance(seeds, bool):
        seeds = range(checks.integer("seeds", int(seeds), 1))
    allowed = f"a number of runs >= 1, or 1 to {MOST_SEEDS:,} different integers in [0, 2**63)"
    iterable = isinstance(seeds, Iterable) and not isinstance(seeds, str)
    listed = list(islice(seeds, MOST_SEEDS + 1)) if iterable else []
    valid = all(isinstance(seed, Integral) and not isinstance(seed, bool) for seed in listed)
    integers = [int(seed) for seed in listed] if valid else []
    different = 0 < len(integers) == len(set(integers)) <= MOST_SEEDS
    if not different or not all(0 <= seed < 2**63 for seed in integers):
        checks.fail("seeds", allowed, repr(seeds)[:80])
    return integers


def _train_seed(
    data: LinkData | TripleData,
    config: Config,
    seed: int,
    out: Path | None,
    fresh: bool,
    callbacks: Callbacks,
    resources: Resources,
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the record of one seed and its best weights; of a training-free score its metrics."""
    if isinstance(data, LinkData) and isinstance(config, LinkConfig) and config.training_free:
        callbacks.on_seed_start(seed, 0)
        score = Heuristic(data.graph, config.encoder, data.x)  # type: ignore[arg-type]
        parts = {"valid": data.valid, "test": data.test}
        metrics = {part: evaluate_edges(edges, score) for part, edges in parts.items()}
        if config.rank == "all":
            metrics["all"] = full_ranks.record(data, score, seed=seed)
        return {"seed": seed, "complete": True, **metrics}, {}
    run = make_run(data, config, seed, resources)
    try:
        run.train(out, fresh=fresh, callbacks=callbacks)
        result = run.result()
    except KeyboardInterrupt:
        result = run.interrupted()
    return result, run.best_state


def _finished_runs(path: Path, results: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Return the finished runs of the same config in an earlier ``results.json``, by seed."""
    if not path.exists():
        return {}
    earlier = read("out", path)
    stored, settings = anywhere(earlier), anywhere(results)
    for key in ("config", "dataset", "protocol"):
        current = json.loads(json.dumps(settings[key]))
        if stored[key] != current:
            allowed = f"a new folder, or one with a run of the same {key}"
            another = f"{path.parent}: {differences(stored[key], current)}"
            checks.fail("out", allowed, another, hint=FRESH)
    if code(earlier.get(KEY, [])) != code(results[KEY]):
        allowed = "a new folder, or one with a run of the same registered classes"
        checks.fail("out", allowed, f"{path.parent}: their code has changed", hint=FRESH)
    # Without its weights, or half of them, a run is trained anew; training-free scores have none.
    return {
        run["seed"]: run
        for run in earlier["runs"]
        if run["complete"]
        and ("epochs" not in run or checkpoint.has_weights(path.parent, run["seed"]))
    }
