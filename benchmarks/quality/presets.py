"""Presets of knowledge-graph models, and their negatives: ``python -m benchmarks.quality.presets``.

Each preset on each dataset; those with negatives also with other samplers, all else equal, for as
many steps, or a third of them where they are well behind by then. Settings were chosen on
validation. Each has a file under ``results/presets/``.
"""

from __future__ import annotations

import operator
import re
from pathlib import Path
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
#: Negatives train no longer than for a share of the preset's epochs where they have less than a
#: share of the preset's validation MRR of that epoch.
TRIED, LEAST = 1 / 3, 0.95
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
    """Ends a training that is well behind the preset's after a share of its epochs.

    Args:
        curve: The epochs of the preset's own training; empty: there was none.
        epochs: All epochs.
    """

    def __init__(self, curve: list[dict[str, Any]], epochs: int) -> None:
        self.at, self.gave_up = round(TRIED * epochs), False
        self.least = max(
            (LEAST * point["valid"] for point in curve if point["epoch"] == self.at), default=0.0
        )

    def on_epoch_end(self, seed: int, state: dict[str, Any]) -> None:
        """End the training as Ctrl-C does, if it is time to."""
        if state["epoch"] == self.at and state["best"] < self.least:
            self.gave_up = True
            raise KeyboardInterrupt


def cell(job: tuple[str, str, str, str, str]) -> str:
    """Train a preset with some negatives and write its file."""
    dataset, name, negatives, precision, command = job
    data, config = configured(dataset, name, negatives, precision)
    target = path(dataset, name, negatives)
    base = path(dataset, name, BASE)
    known = negatives != BASE and base.exists()
    gives_up = GivesUp(load(base)["runs"][0]["curve"] if known else [], config.epochs)
    try:
        result = train(data, config, out=WORK / target.stem, command=command, callbacks=[gives_up])
    except TrainingInterrupted as interrupted:
        if not gives_up.gave_up:
            raise
        result = interrupted.results
    for run in result["runs"]:
        for part in ("valid", "test"):
            run[part].pop("relation", None)
    names = {"preset": name, "negatives": negatives}
    record.write(target, command, {**names, **result})
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


def levels() -> str:
    """Return the table of the presets; empty if nothing was run."""
    results = {key: result for key, result in jobs.finished(path, keys()).items() if key[2] == BASE}
    rows = []
    for (dataset, name, _), result in results.items():
        test, run = result["summary"]["test"], result["runs"][0]
        published = PUBLISHED.get((dataset, result["config"]["model"]))
        rows.append(
            [
                dataset,
                f"`{name}`" + (", bf16" if result["config"].get("precision") == "bf16" else ""),
                f"{100 * test['mrr']['mean']:.1f}",
                "-" if published is None else f"{published:.1f}",
                f"{100 * test['hits@10']['mean']:.1f}",
                f"{test['amr']['mean']:.3f}",
                str(run["best_epoch"]),
                f"{run['curve'][-1]['seconds']:,.0f}",
            ]
        )
    header = ["graph", "preset", "MRR, %", "published", "Hits@10, %", "AMR", "epochs", "s"]
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
        base, cost = group[BASE]["runs"][0], costs().get(f"{dataset} {name}", {})
        for kind, result in group.items():
            rows.append([dataset, f"`{name}`", *_row(kind, result, base, cost.get(kind))])
            shown.append(result)
    header = ["graph", "preset", "negatives", "MRR, %", "Hits@10, %", "AMR", "validation MRR, %"]
    header += ["a step", "in equal time", "epochs", "time", "held-out per 1,000"]
    return _with_caption(header, rows, shown)


def _row(kind: str, result: dict[str, Any], base: dict[str, Any], cost: float | None) -> list[str]:
    """Return a row of the table of negatives, from the run of the preset and the cost of a step."""
    run, test = result["runs"][0], result["summary"]["test"]
    epochs = result["config"]["epochs"]
    of_base = {point["epoch"]: point["valid"] for point in base["curve"] if "valid" in point}
    valid = {point["epoch"]: point["valid"] for point in run["curve"] if "valid" in point}
    best = f"{100 * max(valid.values()):.1f}"
    if not run["complete"]:
        best += f" ({100 * of_base[run['epochs']]:.1f}) at {run['epochs']}"
    reached = [epoch for epoch, value in valid.items() if value >= max(of_base.values())]
    within = [value for epoch, value in valid.items() if cost and epoch * cost <= epochs]
    share = reached[0] / base["best_epoch"] * cost if cost and reached else None
    return [
        f"{kind}: `{result['config']['sampler']}`",
        *(f"{100 * test[name]['mean']:.1f}" if test else "-" for name in ("mrr", "hits@10")),
        f"{test['amr']['mean']:.3f}" if test else "-",
        best,
        "-" if cost is None else f"{cost:.1f}",
        f"{100 * max(within):.1f}" if within and run["complete"] else "-",
        str(reached[0]) if reached else "-",
        "-" if share is None else f"{share:.1f}",
        f"{run['false_negatives_per_1000']:.1f}" if run["complete"] else "-",
    ]


def _with_caption(header: list[str], rows: list[list[str]], results: list[dict]) -> str:  # type: ignore[type-arg]
    if not rows:
        return ""
    return f"{table(header, rows)}\n\nTest, one seed, one thread. {machine(*results)}."


if __name__ == "__main__":
    parser = jobs.parser(__doc__)
    parser.add_argument("--dataset", nargs="+", default=DATASETS, choices=DATASETS)
    parser.add_argument("--preset", nargs="+", default=list(PRESETS), choices=PRESETS)
    parser.add_argument("--precision", default="float32", choices=("float32", "bf16"))
    parser.add_argument("--negatives", nargs="+", metavar="NAME", choices=[BASE, *NEGATIVES])
    options, command = parser.parse_args(), jobs.command("presets")
    chosen = options.dataset, options.preset, options.negatives or [BASE, *NEGATIVES]
    wanted = [key for key in keys() if all(map(operator.contains, chosen, key))]
    pending = [(*key, options.precision, command) for key in wanted if not path(*key).exists()]
    jobs.run(cell, pending, options.jobs)
