"""One cell of a grid: a training run, its metrics against every set, its audit."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from gneg import files, records
from gneg.datasets import LinkData, TripleData
from gneg.evaluation.audit import audit, has_held_out
from gneg.evaluation.hardset import HardSet
from gneg.evaluation.link import evaluate
from gneg.evaluation.ranking import Score, evaluate_edges
from gneg.experiments.record import AUDIT, POINT
from gneg.training import checkpoint
from gneg.training.callbacks import Callback, Report
from gneg.training.config import LinkConfig, TripleConfig
from gneg.training.device import forked_random
from gneg.training.driver import train
from gneg.training.kinds import make_run
from gneg.training.link import LinkRun
from gneg.training.load import load_run
from gneg.training.record import FRESH, RUN, fault_of_runs

#: Parts of an audit that a report shows.
AUDIT_PARTS = ("hardness", "histograms", "distances", "violating", "risk", "cost", "guards")
AUDITED = 50_000  # negatives that hardness and risk of a row are measured on
MAX_PAIRS = 2**25  # largest number of pairs scored one by one to rank all targets
#: Form of the record of a cell, see :func:`gneg.records.read_record`.
FORM = {
    "config": dict,
    "run": {**RUN, "curve": [POINT]},
    "best_valid": float,
    "sets?": {...: {...: float}},  # of a ranked cell
    "audit?": AUDIT,
}
VERIFIED = "verified"  # the set of verified negatives, against which triples are classified
ALL_ENTITIES = "all entities"  # the set of filtered ranks of triples


@dataclass(frozen=True)
class Cell:
    """One training run of a grid.

    Attributes:
        config: The config to train.
        seed: The seed of all randomness.
        folder: Folder of its checkpoint, weights and record.
        ranked: Whether its model is ranked against all sets.
        audited: Whether hardness and risk of its negatives are measured with its model; only in a
            ranked cell.
        callbacks: Called while it trains, in the process that trains it.
        base: A finished cell whose trained model gets the stack of this one's config, which has no
            stack itself and is otherwise the same; None: the cell trains a model.
    """

    config: LinkConfig | TripleConfig
    seed: int
    folder: Path
    ranked: bool = True
    audited: bool = False
    callbacks: tuple[Callback, ...] = ()
    base: Cell | None = None

    @property
    def name(self) -> str:
        """The name of the cell in progress displays."""
        config = self.config
        words = [config.model_name, config.sampler, config.loss]
        if isinstance(config, LinkConfig):
            words += [config.decoder]
            words += [
                f"{name} {value}"
                for name, value in (("features", config.pair_features), ("stack", config.stack))
                if value != "none"
            ]
        return ", ".join([*filter(None, words), f"seed {self.seed}"])

    @property
    def chain(self) -> list[Cell]:
        """The cell and, if there is one, its base."""
        return [self] if self.base is None else [self, self.base]

    @property
    def path(self) -> Path:
        """The file that its record is written to."""
        return self.folder / f"cell-{self.seed}.json"


def read_cell(cell: Cell) -> dict[str, Any]:
    """Return the record of a finished cell.

    Raises:
        ValueError: If it is damaged.
    """

    def fault_of(record: dict[str, Any]) -> str | None:
        unranked = "it has no sets" if cell.ranked and "sets" not in record else None
        return fault_of_runs([{**record["run"], "complete": True}]) or unranked

    record: dict[str, Any] = records.read_record(
        "out", cell.path, FORM, fault_of=fault_of, remedy=FRESH
    )
    return record


def run_cell(
    cell: Cell, data: LinkData | TripleData, sets: dict[str, HardSet], report: Report | None
) -> None:
    """Train a cell, evaluate its best weights, and write its record.

    Args:
        cell: The cell.
        data: The dataset.
        sets: Hard sets to rank against, by name.
        report: Called after each epoch.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the record says whether the model collapsed
        run, trained = _train(cell, data, report) if cell.base is None else _add_stack(cell, data)
    record: dict[str, Any] = {
        "config": asdict(cell.config),
        "run": run,
        "best_valid": run["valid"][data.metric],
    }
    if cell.ranked:
        if isinstance(data, TripleData):
            record["sets"] = _triple_sets(run)
        else:
            record["sets"] = rank_sets(data, trained.scorer(), sets, run.get("all"))
        if cell.audited and has_held_out(data):
            record["audit"] = _audit(cell, data, trained)
    files.write_json(cell.path, record)


def _train(
    cell: Cell, data: LinkData | TripleData, report: Report | None
) -> tuple[dict[str, Any], Any]:
    """Return the record and the trained model of a cell; without the model if it is not ranked."""
    config = cell.config
    if isinstance(config, LinkConfig) and not cell.ranked:
        config = replace(config, rank="sets")
    results = train(
        data,
        config,
        seeds=(cell.seed,),
        out=cell.folder,
        report=report,
        callbacks=cell.callbacks,
        keep_data=False,
    )
    weights = checkpoint.weights_path(cell.folder, cell.seed)
    return results["runs"][0], load_run(data, weights) if cell.ranked else None


def _add_stack(cell: Cell, data: Any) -> tuple[dict[str, Any], LinkRun]:
    """Return the record and the model of a cell that adds its stack to that of another."""
    base = cell.base
    assert base is not None
    record = read_cell(base)["run"]
    trained = load_run(data, checkpoint.weights_path(base.folder, cell.seed)).model
    with forked_random(cell.config.device):
        run: Any = make_run(data, cell.config, cell.seed)
    run.model.encoder.load_state_dict(trained.encoder.state_dict())
    run.model.decoder.decoder.load_state_dict(trained.decoder.state_dict())
    stacked = run.finish(dict(record))
    seconds = {
        part: record["seconds"].get(part, 0.0) + value
        for part, value in run.progress.seconds.items()
    }
    unchanged = {"base_weight": record["base_weight"], "collapse": record["collapse"]}
    return {**stacked, **unchanged, "seconds": {**record["seconds"], **seconds}}, run


def rank_sets(
    data: LinkData,
    score: Score,
    sets: dict[str, HardSet],
    among_all: dict[str, Any] | None = None,
) -> dict[str, dict[str, float]]:
    """Return every metric of a score against every set, by set and metric.

    Args:
        data: The dataset, whose own negatives are a set as well. Where it is ranked among all
            targets, the first set is ``all``; empty if that would take too long.
        score: The score, ``score(src, dst)``.
        sets: Hard sets, by name.
        among_all: Its record among all nodes, the set ``all`` then.
    """
    metrics: dict[str, dict[str, float]] = {}
    if among_all is not None:
        metrics["all"] = {name: v for name, v in among_all.items() if isinstance(v, float)}
    elif data.test.known is not None:
        fast = hasattr(score, "matrix") or data.graph.num_src * data.graph.num_dst <= MAX_PAIRS
        metrics["all"] = evaluate_edges(data.test, score) if fast else {}
    results = evaluate(data, score, sets=sets, resamples=0)
    return metrics | {
        name: {metric: value["value"] for metric, value in result["metrics"].items()}
        for name, result in results["sets"].items()
    }


def _triple_sets(run: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return the metrics of a run on triples, by set and metric.

    The sets are all entities, samples of them and, where there are any, verified negatives.
    """
    sets = {ALL_ENTITIES: run["test"], **run["sampled"]}
    if "classification" in run:
        sets[VERIFIED] = run["classification"]
    return {
        name: {metric: value for metric, value in metrics.items() if isinstance(value, float)}
        for name, metrics in sets.items()
    }


def _audit(cell: Cell, data: Any, trained: Any) -> dict[str, Any]:
    """Return the parts of an audit of the cell's negatives that a report shows.

    Negatives are drawn while a model is trained, by its own score: it has no stack from here on.
    """
    config = cell.config
    if isinstance(data, LinkData) and trained.stacked is not None:
        trained.stacked.used.zero_()
    z = trained.embed() if isinstance(data, LinkData) else trained.final_embeddings()
    results = audit(
        data,
        config.sampler,
        k=config.k,
        negatives=AUDITED,
        score=trained.scorer() if isinstance(data, LinkData) else trained.model.scorer(),
        z=z.cpu(),
        known=config.known,
        corrupt=config.corrupt,
    )
    return {name: results[name] for name in AUDIT_PARTS}
