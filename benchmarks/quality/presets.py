"""Presets of knowledge-graph models, and their negatives: ``python -m benchmarks.quality.presets``.

Each preset on each dataset; those with negatives also with other samplers, all else equal, for as
many steps. Settings were chosen on validation. Each has a file under ``results/presets/``.
"""

from __future__ import annotations

import operator
import re
from pathlib import Path

from benchmarks import record
from benchmarks.format import machine, table
from benchmarks.quality import jobs
from benchmarks.quality.settings import DATA
from gneg import TripleConfig
from gneg.datasets import load_triples
from gneg.training.driver import train
from gneg.training.presets import PRESETS, preset

RESULTS = Path(__file__).parent / "results" / "presets"
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
    "half 2-hop": {"sampler": "mixture(uniform, khop(hops=2))"},
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
#: Files of the types of entities.
TYPES = {"codex-s": DATA / "kg" / "codex-s" / "entity2types.json"}


def path(dataset: str, name: str, negatives: str) -> Path:
    """Return the file of a result."""
    words = re.sub(r"[^a-z0-9]+", "-", negatives.lower()).strip("-")
    return RESULTS / f"{dataset}-{name}-{words}.json"


def cell(job: tuple[str, str, str, str, str]) -> str:
    """Train a preset with some negatives and write its file."""
    dataset, name, negatives, precision, command = job
    changed = {**NEGATIVES.get(negatives, {}), "precision": precision}
    config = TripleConfig(**{**preset(name, dataset), **changed})
    data = load_triples(dataset, root=DATA, types=TYPES.get(dataset))
    target = path(dataset, name, negatives)
    result = train(data, config, out=WORK / target.stem, command=command)
    for run in result["runs"]:
        for part in ("valid", "test"):
            del run[part]["relation"]
    names = {"preset": name, "negatives": negatives}
    record.write(target, command, {**names, **result})
    return f"{dataset} {name}, {negatives}: {result['summary']['test']['mrr']['mean']:.4f}"


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


def negatives() -> str:
    """Return the table of other negatives than the preset's; empty if nothing was run."""
    results = jobs.finished(path, keys())
    rows, shown = [], []
    for dataset, name, _ in [key for key in results if key[2] == BASE]:
        group = {key[2]: result for key, result in results.items() if key[:2] == (dataset, name)}
        if len(group) < 2:
            continue
        best = max(point.get("valid", 0.0) for point in group[BASE]["runs"][0]["curve"])
        for kind, result in group.items():
            test, run = result["summary"]["test"], result["runs"][0]
            reached = [point for point in run["curve"] if point.get("valid", 0.0) >= best] or [
                {"epoch": "-", "seconds": None}
            ]
            seconds = reached[0]["seconds"]
            rows.append(
                [
                    dataset,
                    f"`{name}`",
                    f"{kind}: `{result['config']['sampler']}`",
                    f"{100 * test['mrr']['mean']:.1f}",
                    f"{100 * test['hits@10']['mean']:.1f}",
                    f"{test['amr']['mean']:.3f}",
                    str(reached[0]["epoch"]),
                    "-" if seconds is None else f"{seconds:,.0f}",
                    f"{run['false_negatives_per_1000']:.1f}",
                ]
            )
            shown.append(result)
    header = ["graph", "preset", "negatives", "MRR, %", "Hits@10, %", "AMR", "epochs", "s"]
    return _with_caption([*header, "held-out per 1,000"], rows, shown)


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
