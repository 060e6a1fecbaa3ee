"""Presets of knowledge-graph models, and their negatives: ``python -m benchmarks.quality.presets``.

Each preset on each dataset; those with negatives also with other samplers, all else equal, for as
many steps, or up to half of them where they are behind by then. Settings were chosen on
validation. Each has a file under ``results/presets/``.
"""

from __future__ import annotations

import operator
import re
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks import record
from benchmarks.format import load, machine, table
from benchmarks.quality import jobs
from benchmarks.quality.settings import DATA
from gneg import TripleConfig
from gneg.datasets import TripleData, load_triples
from gneg.training.callbacks import Callback
from gneg.training.driver import TrainingInterrupted, train
from gneg.training.presets import PRESETS, preset

RESULTS = Path(__file__).parent / "results" / "presets"
COSTS = RESULTS / "costs.json"
WORK = Path("runs") / "presets"  # what was trained so far, so that a stopped cell goes on
DATASETS = ("codex-s", "fb15k237", "wn18rr")
#: Test MRR, %, of LibKGE's models after a search of 30 to 60 trials each (Ruffinelli, Broscheit and
#: Gemulla, ICLR 2020, and its page), of CoDEx's paper (Safavi and Koutra, EMNLP 2020).
PUBLISHED = {
    ("fb15k237", "transe"): 31.3,
    ("fb15k237", "distmult"): 34.3,
    ("fb15k237", "complex"): 34.8,
    ("fb15k237", "rotate"): 33.3,
    ("wn18rr", "transe"): 22.8,
    ("wn18rr", "distmult"): 45.2,
    ("wn18rr", "complex"): 47.5,
    ("wn18rr", "rotate"): 47.8,
    ("codex-s", "transe"): 35.4,
    ("codex-s", "complex"): 46.5,
}
BASE, OF_TYPES = "the preset's", "half of the positive's type"
#: Negatives beside the preset's uniform ones, for the same steps.
NEGATIVES = {
    "Bernoulli": {"corrupt": "bernoulli"},
    "half typed": {"sampler": "mixture(uniform, typed)"},
    "tempered, of 512": {"sampler": "tempered(uniform, m=512)"},
    "Bernoulli, tempered": {"corrupt": "bernoulli", "sampler": "tempered(uniform, m=512)"},
    "half 2-hop": {"sampler": "mixture(uniform, khop(hops=2))"},
    "Bernoulli, half 2-hop": {"corrupt": "bernoulli", "sampler": "mixture(uniform, khop(hops=2))"},
    "half relational walks": {"sampler": "mixture(uniform, relwalk)"},
    "cached": {"sampler": "cached(uniform, size=256, m=256)"},
    "semi-hard": {"sampler": "semihard(uniform, m=512)"},
    "mixed with the positive": {"sampler": "mixup(uniform, high=0.5)"},
    "typed, then tempered": {
        "sampler": "curriculum(mixture(typed, tempered(uniform, m=512)), setting=share, "
        "start=0, end=1, epochs=60)"
    },
    OF_TYPES: {"sampler": "mixture(uniform, typed(by=types))"},
}
#: Negatives train no longer than for a share of the preset's epochs where they have less than this
#: share of the preset's validation MRR of that epoch, by share of the epochs.
LEAST = {1 / 6: 0.75, 1 / 3: 0.95, 1 / 2: 1.0}
#: Files of the types of entities.
TYPES = {"codex-s": DATA / "kg" / "codex-s" / "entity2types.json"}


def path(dataset: str, name: str, negatives: str) -> Path:
    """Return the file of a result."""
    words = re.sub(r"[^a-z0-9]+", "-", negatives.lower()).strip("-")
    return RESULTS / f"{dataset}-{name}-{words}.json"


def configured(
    dataset: str, name: str, negatives: str, precision: str = "float32"
) -> tuple[TripleData, TripleConfig]:
    """Return the data and the config of a preset with some negatives."""
    changed = {**NEGATIVES.get(negatives, {}), "precision": precision}
    config = TripleConfig(**{**preset(name, dataset), **changed})
    return load_triples(dataset, root=DATA, types=TYPES.get(dataset)), config


class GivesUp(Callback):
    """Ends a training that is behind the preset's after a share of its epochs.

    Args:
        curve: The epochs of the preset's own training; empty: there was none.
        epochs: All epochs.
    """

    def __init__(self, curve: list[dict[str, Any]], epochs: int) -> None:
        of_preset = {point["epoch"]: point["valid"] for point in curve if "valid" in point}
        by_epoch = {round(share * epochs): least for share, least in LEAST.items()}
        self.least = {at: least * of_preset.get(at, 0.0) for at, least in by_epoch.items()}
        self.gave_up = False

    def on_epoch_end(self, seed: int, state: dict[str, Any]) -> None:
        """End the training as Ctrl-C does, if it is time to."""
        due = [least for at, least in self.least.items() if at <= state["epoch"]]
        if due and state["best"] < max(due):
            self.gave_up = True
            raise KeyboardInterrupt


def cell(job: tuple[str, str, str, str, int, str]) -> str:
    """Train a preset with some negatives and write its file."""
    dataset, name, negatives, precision, seeds, command = job
    data, config = configured(dataset, name, negatives, precision)
    target = path(dataset, name, negatives)
    base = path(dataset, name, BASE)
    known = negatives != BASE and base.exists()
    gives_up = GivesUp(load(base)["runs"][0]["curve"] if known else [], config.epochs)
    try:
        result = train(
            data,
            config,
            seeds=seeds,
            out=WORK / target.stem,
            command=command,
            callbacks=[gives_up],
        )
    except TrainingInterrupted as interrupted:
        if not gives_up.gave_up:
            raise
        result = interrupted.results
    for run in result["runs"]:
        for part in ("valid", "test"):
            run[part].pop("relation", None)
    names = {"preset": name, "negatives": negatives}
    earlier = load(target) if target.exists() else None
    if earlier is not None and earlier["runs"][0] not in result["runs"]:
        earlier = None  # trained anew, as where WORK is lost
    record.write(target, command, {**names, **result}, earlier)
    part = "valid" if gives_up.gave_up else "test"
    return f"{dataset} {name}, {negatives}: {part} {result['summary'][part]['mrr']['mean']:.4f}"


def keys() -> list[tuple[str, str, str]]:
    """Return dataset, preset and negatives of all results."""
    found = [(dataset, name, BASE) for dataset in DATASETS for name in PRESETS]
    found += [
        (dataset, name, negatives)
        for dataset in DATASETS
        for name in PRESETS
        if preset(name)["loss"] == "nssa"
        for negatives in NEGATIVES
        if negatives != OF_TYPES or dataset in TYPES
    ]
    return found


def lacks(key: tuple[str, str, str], seeds: int) -> bool:
    """Return whether a result is not there, or has fewer runs though none was given up."""
    if not path(*key).exists():
        return True
    runs = load(path(*key))["runs"]
    return all(run["complete"] for run in runs) and len(runs) < seeds


def levels() -> str:
    """Return the table of the presets; empty if nothing was run."""
    results = {key: result for key, result in jobs.finished(path, keys()).items() if key[2] == BASE}
    rows = []
    for (dataset, name, _), result in results.items():
        test, runs = result["summary"]["test"], result["runs"]
        published = PUBLISHED.get((dataset, result["config"]["model"]))
        rows.append(
            [
                dataset,
                f"`{name}`" + (", bf16" if result["config"].get("precision") == "bf16" else ""),
                _percent(test["mrr"]),
                "-" if published is None else f"{published:.1f}",
                _percent(test["hits@10"]),
                f"{test['amr']['mean']:.3f}",
                ", ".join(dict.fromkeys(str(run["best_epoch"]) for run in runs)),
                f"{fmean(run['curve'][-1]['seconds'] for run in runs):,.0f}",
                str(len(runs)),
            ]
        )
    header = ["graph", "preset", "MRR, %", "published", "Hits@10, %", "AMR", "epochs", "s", "seeds"]
    return _with_caption(header, rows, list(results.values()))


def costs() -> dict[str, dict[str, float]]:
    """Return what a step costs with each kind of negatives, by "dataset preset".

    Measured by :mod:`benchmarks.quality.step_costs`, relative to the preset's own; empty if it was
    not.
    """
    return load(COSTS)["costs"] if COSTS.exists() else {}  # type: ignore[no-any-return]


def negatives() -> str:
    """Return the table of other negatives than the preset's; empty if nothing was run."""
    results = jobs.finished(path, keys())
    rows, shown = [], []
    for dataset, name, _ in [key for key in results if key[2] == BASE]:
        group = {key[2]: result for key, result in results.items() if key[:2] == (dataset, name)}
        if len(group) < 2:
            continue
        base, cost = curve(group[BASE]), costs().get(f"{dataset} {name}", {})
        for kind, result in group.items():
            rows.append([dataset, f"`{name}`", *_row(kind, result, base, cost.get(kind))])
            shown.append(result)
    header = ["graph", "preset", "negatives", "MRR, %", "Hits@10, %", "AMR", "validation MRR, %"]
    header += ["a step", "in equal time", "epochs", "time", "held-out per 1,000", "seeds"]
    return _with_caption(header, rows, shown)


def curve(result: dict[str, Any]) -> dict[int, float]:
    """Return the validation MRR by epoch, the mean of all runs."""
    runs = [
        {point["epoch"]: point["valid"] for point in run["curve"] if "valid" in point}
        for run in result["runs"]
    ]
    shared = (epoch for epoch in runs[0] if all(epoch in run for run in runs))
    return {epoch: fmean(run[epoch] for run in runs) for epoch in shared}


def _percent(figure: dict[str, float | None]) -> str:
    """Return a mean, and the standard deviation over seeds if there are several, in %."""
    mean, std = figure["mean"], figure["std"]
    assert mean is not None
    return f"{100 * mean:.1f}" + ("" if std is None else f" ± {100 * std:.1f}")


def _row(
    kind: str, result: dict[str, Any], of_base: dict[int, float], cost: float | None
) -> list[str]:
    """Return a row of the table of negatives, from the preset's curve and the cost of a step."""
    runs, test = result["runs"], result["summary"]["test"]
    complete, epochs = all(run["complete"] for run in runs), result["config"]["epochs"]
    valid, most = curve(result), max(of_base.values())
    best = f"{100 * max(valid.values()):.1f}"
    if not complete:
        best += f" ({100 * of_base[max(valid)]:.1f}) at {max(valid)}"
    reached = [epoch for epoch, value in valid.items() if value >= most]
    within = [value for epoch, value in valid.items() if cost and epoch * cost <= epochs]
    next_valid = max(valid) + result["config"]["eval_every"]
    took_as_long = cost is not None and next_valid * cost > epochs
    share = reached[0] / max(of_base, key=of_base.__getitem__) * cost if cost and reached else None
    held_out = [run["false_negatives_per_1000"] for run in runs if complete]
    return [
        f"{kind}: `{result['config']['sampler']}`",
        *(_percent(test[name]) if test else "-" for name in ("mrr", "hits@10")),
        f"{test['amr']['mean']:.3f}" if test else "-",
        best,
        "-" if cost is None else f"{cost:.1f}",
        f"{100 * max(within):.1f}" if within and (complete or took_as_long) else "-",
        str(reached[0]) if reached else "-",
        "-" if share is None else f"{share:.1f}",
        f"{fmean(held_out):.1f}" if held_out else "-",
        str(len(runs)),
    ]


def _with_caption(header: list[str], rows: list[list[str]], results: list[dict]) -> str:  # type: ignore[type-arg]
    if not rows:
        return ""
    caption = "Test; ±: standard deviation over the seeds. One thread"
    return f"{table(header, rows)}\n\n{caption}. {machine(*results)}."


if __name__ == "__main__":
    parser = jobs.parser(__doc__)
    parser.add_argument("--dataset", nargs="+", default=DATASETS, choices=DATASETS)
    parser.add_argument("--preset", nargs="+", default=list(PRESETS), choices=PRESETS)
    parser.add_argument("--precision", default="float32", choices=("float32", "bf16"))
    parser.add_argument("--seeds", type=int, default=1, help="number of runs of each")
    parser.add_argument("--negatives", nargs="+", metavar="NAME", choices=[BASE, *NEGATIVES])
    options, command = parser.parse_args(), jobs.command("presets")
    chosen = options.dataset, options.preset, options.negatives or [BASE, *NEGATIVES]
    wanted = [key for key in keys() if all(map(operator.contains, chosen, key))]
    pending = [
        (*key, options.precision, options.seeds, command)
        for key in wanted
        if lacks(key, options.seeds)
    ]
    jobs.run(cell, pending, options.jobs)
