"""What each part of a link predictor is worth: ``python -m benchmarks.quality.ablation``.

The baseline has all that its rivals have: uniform negatives with decoder and loss tuned on
validation. Then one part changes at a time: the negatives (the best of some hard ones, with the
same loss or InfoNCE, chosen on validation), pair features, the stack; and all of them. Everything
else is equal: encoder, width, learning rate, budget, seeds. What is tuned is tuned with seed 0, by
the geometric mean of the validation metrics against easy and hard negatives; epochs are chosen by
the dataset's metric on validation. Each model is tested against uniform (easy) and HeaRT-style
negatives (hard, ``gneg hardset``), among all nodes, and on Cora and CiteSeer against lists like
those of HeaRT's own generator. Each cell has a JSON file under ``results/ablation/``; finished
cells and seeds are not run again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks import record
from benchmarks.quality import jobs
from benchmarks.quality.settings import SETTINGS, Setting, load, validation
from gneg import files
from gneg.datasets import EvalEdges, LinkData
from gneg.evaluation import full_ranks
from gneg.evaluation.ranking import Score, evaluate_edges
from gneg.experiments.grid import grid
from gneg.training.config import LinkConfig
from gneg.training.link import LinkRun
from gneg.training.stacking import geometric_mean

RESULTS = Path(__file__).parent / "results" / "ablation"
PLAIN, UNIFORM, HARD = "plain", "uniform", "hard negatives"
UNIFORM_PAIRS, HARD_PAIRS = "uniform, pair features", "hard negatives, pair features"
MODELS = (PLAIN, UNIFORM, HARD, UNIFORM_PAIRS, HARD_PAIRS)
TUNING = "tuning"


def trained(data: LinkData, config: LinkConfig, seed: int) -> LinkRun:
    """Train one seed and return the run with its best weights, before it is stacked."""
    with torch.random.fork_rng():
        run = LinkRun(data, config, seed)
        run.train(None)
    run.model.load_state_dict(run.best_state)
    return run


def figures(edges: EvalEdges, score: Score, harder: dict[str, EvalEdges]) -> dict[str, Any]:
    """Return the metrics of positives against their own negatives and against harder ones."""
    sets = {"easy": edges, **harder}
    return {name: evaluate_edges(edges, score) for name, edges in sets.items()}


def base_config(setting: Setting, encoder: str, **options: Any) -> LinkConfig:
    """Return uniform negatives with the budget of a dataset."""
    return LinkConfig(encoder=encoder, sampler="uniform", **{**setting.budget, **options})


def rivals(config: LinkConfig, setting: Setting) -> list[LinkConfig]:
    """Return hard negatives beside the decoder of a config, with its loss and with InfoNCE.

    InfoNCE needs no ``log_q``; for uniform negatives it is softmax but for a constant.
    """
    configs = []
    for sampler in setting.samplers:
        for loss in dict.fromkeys((config.loss, "infonce")):
            try:
                configs.append(replace(config, sampler=sampler, loss=loss))
            except ValueError:  # softmax without log_q
                continue
    return configs


def tuned(
    dataset: str, encoder: str, configs: Sequence[LinkConfig]
) -> tuple[LinkConfig, list[dict[str, Any]]]:
    """Return the config that is best on validation, and all trials; finished ones are kept."""
    (data, harder), setting = validation(dataset), SETTINGS[dataset]
    file = path(dataset, encoder, "trials")
    finished = json.loads(file.read_text()) if file.exists() else []
    trials = []
    for config in configs:
        names = ("sampler", "decoder", "loss", "pair_features")
        key = {name: getattr(config, name) for name in names}
        trial = next((trial for trial in finished if trial.items() >= key.items()), None)
        if trial is None:
            run = trained(data, replace(config, **setting.trial), 0)
            values = figures(data.valid, run.scorer(), harder)
            easy = values["easy"][data.metric]
            hard = values["hard"]["mrr"] if harder else None
            both = easy if hard is None else geometric_mean(easy, hard, data.metric)
            trial = {**key, "easy": easy, "hard": hard, "both": both}
            finished.append(trial)
            files.write_json(file, finished)
        trials.append(trial)
    best = max(range(len(configs)), key=lambda i: trials[i]["both"])
    return configs[best], trials


def tune(dataset: str, encoder: str) -> dict[str, Any]:
    """Return the configs of all models and the trials that chose them."""
    setting = SETTINGS[dataset]
    plain = {"decoder": "dot", "loss": "bpr"} if "dot" in setting.decoders else {"decoder": "mlp"}
    plain = {"loss": "bce", "k": min(3, setting.budget.get("k", 3)), **plain}
    configs = {PLAIN: base_config(setting, encoder, **plain)}
    tried = grid(base_config(setting, encoder), decoder=setting.decoders, loss=setting.losses)
    configs[UNIFORM], trials = tuned(dataset, encoder, tried)
    hard = rivals(configs[UNIFORM], setting)
    configs[HARD], of_negatives = tuned(dataset, encoder, hard)
    trials += of_negatives
    if setting.pairs != "none":
        pairs = {"pair_features": setting.pairs}
        of_uniform = dict.fromkeys((configs[UNIFORM].loss, "infonce"))
        uniform = [replace(configs[UNIFORM], **pairs, loss=loss) for loss in of_uniform]
        configs[UNIFORM_PAIRS], of_uniform_pairs = tuned(dataset, encoder, uniform)
        hard = [replace(rival, **pairs) for rival in hard]
        configs[HARD_PAIRS], of_negatives = tuned(dataset, encoder, hard)
        trials += of_uniform_pairs + of_negatives
    return {"configs": {name: asdict(config) for name, config in configs.items()}, "tried": trials}


def measure(run: LinkRun, dataset: str) -> dict[str, Any]:
    """Return all test figures of a model with its current weights."""
    data, harder = load(dataset)
    result = figures(data.test, run.scorer(), harder)
    budget = SETTINGS[dataset].scored
    if budget:
        ranks = full_ranks.full_ranks(data, run.scorer(), budget=budget, seed=0)
        result["all"] = {name: figure["value"] for name, figure in ranks.metrics().items()}
    return result


def train_seed(
    dataset: str, config: LinkConfig, seed: int, stacks: Sequence[str]
) -> dict[str, Any]:
    """Train one seed and return its record, with the figures before and after it is stacked."""
    data, _ = load(dataset)
    run = trained(data, config, seed)
    record: dict[str, Any] = {
        "seed": seed,
        "epochs": run.progress.epoch,
        "best_epoch": run.progress.best_epoch,
        "best_valid": run.progress.best,
        "curve": run.progress.curve,
        "alone": measure(run, dataset),
        "stacked": {},
    }
    for edges in stacks:
        run.config = replace(config, stack_on=edges)
        fitted = run.stack()
        record["stacked"][edges] = {"fit": fitted, **measure(run, dataset)}
        assert run.stacked is not None
        run.stacked.used.fill_(0.0)
    return {**record, "seconds": dict(run.progress.seconds)}


def cell(job: tuple[str, str, str, str]) -> str:
    """Tune a dataset, or train the seeds of a model that its file lacks, and write the file."""
    dataset, encoder, model, command = job
    setting, file = SETTINGS[dataset], path(dataset, encoder, model)
    names = {"dataset": dataset, "encoder": encoder, "model": model}
    if model == TUNING:
        record.write(file, command, {**names, **tune(dataset, encoder)})
        return f"{dataset} {encoder} {model}"
    data, harder = load(dataset)
    chosen = json.loads(path(dataset, encoder, TUNING).read_text())["configs"][model]
    stacks: tuple[str, ...]
    stack = "none" if model == PLAIN else setting.stack
    config = LinkConfig(**{**chosen, "stack": stack})
    stacks = () if stack == "none" else ("valid",)
    if setting.published and model == UNIFORM:
        stacks = ("valid", "train", "both")
    earlier = json.loads(file.read_text()) if file.exists() else None
    runs = [] if earlier is None else earlier["runs"]
    runs += [train_seed(dataset, config, seed, stacks) for seed in range(len(runs), setting.seeds)]
    result = {
        "metric": data.metric,
        "split": data.split,
        "ranked": data.test.pos.size(1),
        "ranked_hard": harder["hard"].pos.size(1) if harder else 0,
        "config": asdict(config),
        "runs": runs,
    }
    record.write(file, command, {**names, **result}, earlier)
    return f"{dataset} {encoder} {model}"


def lacks(key: tuple[str, str, str]) -> bool:
    """Return whether a result is not there, or has fewer seeds than its dataset's setting."""
    file, seeds = path(*key), SETTINGS[key[0]].seeds
    return not file.exists() or len(json.loads(file.read_text()).get("runs", range(seeds))) < seeds


def cells(dataset: str) -> list[tuple[str, str, str]]:
    """Return dataset, encoder and model of each cell."""
    setting = SETTINGS[dataset]
    models = MODELS if setting.pairs != "none" else MODELS[:3]
    return [(dataset, encoder, model) for encoder in setting.encoders for model in models]


def path(dataset: str, encoder: str, model: str) -> Path:
    """Return the file of a cell's result."""
    return RESULTS / f"{dataset}-{encoder}-{model.replace(', ', '-').replace(' ', '-')}.json"


def main() -> None:
    parser = jobs.parser(__doc__)
    parser.add_argument("--dataset", nargs="+", default=list(SETTINGS), choices=SETTINGS)
    options = parser.parse_args()
    command = jobs.command("ablation")
    keys = [key for dataset in options.dataset for key in cells(dataset)]
    tunings = list(dict.fromkeys((*key[:2], TUNING) for key in keys))
    for phase in (tunings, keys):
        pending = [(*key, command) for key in phase if lacks(key)]
        jobs.run(cell, pending, options.jobs)


if __name__ == "__main__":
    main()
