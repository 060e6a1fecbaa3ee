"""Relational negatives compared: ``python -m benchmarks.quality.kg``.

The budget is NSCaching's (Zhang, Yao, Shao and Chen, ICDE 2019): width 100, one negative per
positive, batches of 4,096. All strategies train for the same number of epochs; the best epoch is
selected by validation MRR, and both ends are ranked among all entities, known triples filtered.
False negatives are held-out triples among 100,000 negatives of the sampler as it is after training.
Each strategy has a JSON file under ``results/kg/``; finished strategies are not run again.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from benchmarks import record
from benchmarks.quality import jobs
from gneg.datasets import load_triples
from gneg.experiments.grid import grid
from gneg.training.config import TripleConfig
from gneg.training.driver import train

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "kg"
DATA = HERE.parent.parent.parent / "shared" / "data"
SEEDS = (0,)
#: Sampler and the rule for the end that is replaced.
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
#: Further strategies for CoDEx-S, whose entities have types and whose triples can be classified.
TYPED_STRATEGIES = {
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
#: Strategies with a base measure, the third value; for TransE on FB15k-237.
BASE_MEASURE_STRATEGIES = {
    "typed, base measure": ("typed", "bernoulli", "sampler"),
}
#: Strategies that are far behind with the first weight of N3 and are not trained with the others.
FAR_BEHIND = ("typed", "uniform", "walk", "k-hop")
#: Learning rate, weights of N3 and epochs, chosen on validation with Bernoulli's negatives. Of
#: several weights each strategy gets the one that is best for it on validation.
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
    """Return the names of the strategies for a dataset and model."""
    names = list(STRATEGIES)
    if dataset == "codex-s":
        names += TYPED_STRATEGIES
    if (dataset, model) == ("fb15k237", "transe"):
        names += BASE_MEASURE_STRATEGIES
    return names


def path(dataset: str, model: str, name: str) -> Path:
    """Return the file of a strategy's result."""
    return RESULTS / f"{dataset}-{model}-{re.sub(r'[^a-z]+', '-', name.lower())}.json"


def cell(job: tuple[str, str, str, str]) -> str:
    """Train all seeds with a strategy and write its file."""
    dataset, model, name, command = job
    data = load_triples(dataset, root=DATA)
    sampler, corrupt, *measure = {
        **STRATEGIES,
        **TYPED_STRATEGIES,
        **BASE_MEASURE_STRATEGIES,
    }[name]
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
    results: dict[float, dict[str, Any]] = {}
    for weighted in grid(config, n3=weights[:1] if name in FAR_BEHIND else weights):
        folder = Path("runs") / "kg-quality" / f"{target.stem}-{weighted.n3:g}"
        results[weighted.n3] = train(data, weighted, seeds=SEEDS, out=folder, command=command)
    tried = {n3: result["summary"]["valid"]["mrr"]["mean"] for n3, result in results.items()}
    result = results[max(tried, key=lambda n3: tried[n3])]
    for run in result["runs"]:
        del run["valid"]["relation"], run["test"]["relation"]
    record.write(target, command, {"strategy": name, "tried": tried, **result})
    return f"{dataset} {model} {name}: {result['summary']['test']['mrr']}"


def main() -> None:
    parser = jobs.parser(__doc__)
    names, models = (list(dict.fromkeys(key[i] for key in SETTINGS)) for i in (0, 1))
    parser.add_argument("--dataset", nargs="+", default=names, choices=names)
    parser.add_argument("--model", nargs="+", default=models, choices=models)
    options = parser.parse_args()
    command = jobs.command("kg")
    pending = [
        (dataset, model, name, command)
        for dataset in options.dataset
        for model in options.model
        for name in strategies(dataset, model)
        if (dataset, model) in SETTINGS and not path(dataset, model, name).exists()
    ]
    jobs.run(cell, pending, options.jobs)


if __name__ == "__main__":
    main()
