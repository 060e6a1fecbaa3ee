"""Relational negatives compared: ``python -m benchmarks.quality.kg``.

NSCaching's budget (Zhang, Yao, Shao and Chen, ICDE 2019): width 100, one negative a positive,
batches of 4,096; every strategy with the same epochs, the best of them by validation
MRR, filtered ranks of both ends among all entities. One JSON file a strategy under ``results/kg/``;
finished ones are kept. False negatives are held-out triples among 100,000 drawn negatives, by the
sampler as it is at the end.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.quality import jobs
from gneg import files
from gneg.datasets import load_triples
from gneg.training.config import TripleConfig
from gneg.training.driver import train

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "kg"
DATA = HERE.parent.parent.parent / "shared" / "data"
SEEDS = (0,)
#: Sampler and what decides the end.
STRATEGIES = {
    "Bernoulli": ("uniform", "bernoulli"),
    "NSCaching": ("cached(uniform, size=50, m=50)", "bernoulli"),
    "self-adversarial": ("tempered(uniform, m=16, temperature=1)", "bernoulli"),
    "self-adversarial, of 64": ("tempered(uniform, m=64, temperature=1)", "bernoulli"),
    "hardest": ("hardest(uniform, m=8)", "bernoulli"),
    "typed": ("typed", "bernoulli"),
    "uniform": ("uniform", "both"),
    "walk": ("walk", "bernoulli"),
    "k-hop": ("khop(hops=2)", "bernoulli"),
    "mixture, typed": ("mixture(uniform:0.75, typed:0.25)", "bernoulli"),
    "self-adversarial, half typed": (
        "tempered(mixture(uniform:0.5, typed:0.5), m=16, temperature=1)",
        "bernoulli",
    ),
}
#: What else is tried where triples can be classified, or entities have types.
MORE = {
    "frequency": ("frequency", "bernoulli"),
    "typed, by types": ("typed(by=types)", "bernoulli"),
    "relational walk": ("relwalk", "bernoulli"),
    "near miss": ("nearmiss(band=0|100, refresh_every=20)", "bernoulli"),
    "similar": ("similar(band=0|100, refresh_every=20)", "bernoulli"),
    "semi-hard": ("semihard(uniform, m=16)", "bernoulli"),
    "KBGAN": ("adversarial(uniform, m=16)", "bernoulli"),
    "mixture, itself": ("mixture(uniform:0.9, itself:0.1)", "bernoulli"),
    "mixture, k-hop": ("mixture(uniform:0.5, khop(hops=2):0.5)", "bernoulli"),
}
#: What a base measure gives back; tried where it matters most.
MEASURED = {
    "typed, base measure": ("typed", "bernoulli", "sampler"),
}
#: Learning rate, weights of N3, epochs: picked on validation with Bernoulli's negatives. Of several
#: weights each strategy gets the one that is best for it on validation; those that are far behind
#: with the first get no second chance.
FAR_BEHIND = ("typed", "uniform", "walk", "k-hop")
SETTINGS: dict[tuple[str, str], tuple[float, tuple[float, ...], int]] = {
    ("fb15k237", "transe"): (0.001, (0.0,), 80),
    ("wn18rr", "transe"): (0.003, (0.0,), 80),
    ("fb15k237", "distmult"): (0.01, (1e-3,), 25),
    ("fb15k237", "complex"): (0.01, (1e-3, 4e-3), 40),
    ("codex-s", "transe"): (0.003, (0.0,), 200),
    ("codex-s", "complex"): (0.01, (1e-3,), 100),
    ("wn18rr", "distmult"): (0.01, (1e-3,), 60),
    ("wn18rr", "complex"): (0.01, (1e-3,), 60),
}


def strategies(dataset: str, model: str) -> list[str]:
    """What is tried on a graph with a model."""
    found = [*STRATEGIES, *(MORE if dataset == "codex-s" else ())]
    return [*found, *(MEASURED if (dataset, model) == ("fb15k237", "transe") else ())]


def path(dataset: str, model: str, name: str) -> Path:
    return RESULTS / f"{dataset}-{model}-{re.sub(r'[^a-z]+', '-', name.lower())}.json"


def cell(job: tuple[str, str, str, str]) -> str:
    """Train all seeds with one strategy and write the file."""
    dataset, model, name, command = job
    data = load_triples(dataset, root=DATA)
    sampler, corrupt, *measure = {**STRATEGIES, **MORE, **MEASURED}[name]
    lr, weights, epochs = SETTINGS[dataset, model]
    config = TripleConfig(
        model=model,
        sampler=sampler,
        corrupt=corrupt,  # type: ignore[arg-type]
        k=1,
        batch_size=4096,
        lr=lr,
        epochs=epochs,
        eval_every=10,
        patience=1_000,
        base_measure=measure[0] if measure else "none",
    )
    target = path(dataset, model, name)
    found: dict[float, dict[str, Any]] = {}
    for n3 in weights[:1] if name in FAR_BEHIND else weights:
        work = Path("runs") / "kg-quality" / f"{target.stem}-{n3:g}"
        one = replace(config, n3=n3)
        found[n3] = train(data, one, seeds=SEEDS, out=work, command=command)
    tried = {n3: one["summary"]["valid"]["mrr"]["mean"] for n3, one in found.items()}
    result = found[max(tried, key=lambda n3: tried[n3])]
    for run in result["runs"]:
        del run["valid"]["relation"], run["test"]["relation"]
    files.write_json(target, {"strategy": name, "tried": tried, **result})
    return f"{dataset} {model} {name}: {result['summary']['test']['mrr']}"


def main() -> None:
    parser = jobs.parser(__doc__)
    names, models = (list(dict.fromkeys(key[i] for key in SETTINGS)) for i in (0, 1))
    parser.add_argument("--dataset", nargs="+", default=names, choices=names)
    parser.add_argument("--model", nargs="+", default=models, choices=models)
    options = parser.parse_args()
    command = jobs.command("kg")
    todo = [
        (dataset, model, name, command)
        for dataset in options.dataset
        for model in options.model
        for name in strategies(dataset, model)
        if (dataset, model) in SETTINGS and not path(dataset, model, name).exists()
    ]
    jobs.run(cell, todo, options.jobs)


if __name__ == "__main__":
    main()
