"""What ``--recipe auto`` chooses, and what it gains: ``python -m benchmarks.quality.race``.

The race and the training of its winner, beside uniform negatives with all else equal, which are
trained for as many seconds as race and winner took together, compiling of kernels left out. Each
dataset has a JSON file under ``results/race/``; finished ones are not run again, and what was
stopped goes on.
"""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks import record
from benchmarks.format import load, machine, percent, table
from benchmarks.quality import jobs
from benchmarks.quality.settings import DATA, SETTINGS
from gneg import files
from gneg.datasets import LinkData, TripleData, load_triples
from gneg.training.contest import of_links, of_triples
from gneg.training.driver import train
from gneg.training.race import race
from gneg.training.race_plan import Watch
from gneg.training.summary import spread

RESULTS = Path(__file__).parent / "results" / "race"
WORK = Path("runs") / "race"  # what was trained so far
WHO = ("auto", "uniform")
#: Metrics beside the dataset's own, of which the first two others are shown.
FURTHER = ("mrr", "hits@10", "auc", "hits@3")
#: Seconds of training of the winner, and seeds, each with a race of its own.
DATASETS = {
    "CiteSeer": (30.0, 3),
    "Cora": (30.0, 3),
    "Photo": (120.0, 3),
    "arxiv_mcns": (40.0, 3),
    "dblp2010": (240.0, 1),
    "gowalla": (600.0, 1),
    "umls": (30.0, 3),
    "kinship": (30.0, 3),
    "codex-s": (120.0, 3),
}


def path(dataset: str) -> Path:
    """Return the file of a dataset's result."""
    return RESULTS / f"{dataset}.json"


def cell(job: tuple[str, str]) -> str:
    """Race and train on a dataset and write its file; a cell that was stopped goes on."""
    dataset, command = job
    data, (seconds, seeds) = _load(dataset), DATASETS[dataset]
    contest = of_links if isinstance(data, LinkData) else of_triples
    uniform = contest(data, seconds=seconds).entrants[0].config  # type: ignore[arg-type]
    runs = []
    for seed in range(seeds):
        folder = WORK / dataset / str(seed)
        raced = _raced(data, seconds, seed, folder)
        config = type(uniform)(**raced.pop("config"))
        chosen = train(data, config, seeds=[seed], out=folder / "auto", command=command)
        whole = raced["race_seconds"] + sum(chosen["runs"][0]["seconds"].values())
        longer = replace(uniform, seconds=whole)
        base = train(data, longer, seeds=[seed], out=folder / "uniform", command=command)
        results = {"auto": _figures(chosen), "uniform": _figures(base)}
        runs.append({"seed": seed, "seconds": whole, **raced, **results})
    record.write(path(dataset), command, {"dataset": dataset, "metric": data.metric, "runs": runs})
    return f"{dataset}: {', '.join(run['sampler'] for run in runs)}"


def _load(dataset: str) -> LinkData | TripleData:
    """Return a dataset: of the ablation, or a knowledge graph."""
    return SETTINGS[dataset].load() if dataset in SETTINGS else load_triples(dataset, root=DATA)


def _raced(data: LinkData | TripleData, seconds: float, seed: int, folder: Path) -> dict[str, Any]:
    """Return what a race chose, and its seconds; the winner's training so far is in ``auto``."""
    file = folder / "race.json"
    if not file.exists():
        watch = Watch()
        raced = race(data, seed=seed, seconds=seconds)
        raced.save(folder / "auto")
        result = {
            "race_seconds": watch.seconds,
            "entrants": {
                entrant.name: {"gain": entrant.gain[0], "standard_error": entrant.gain[1]}
                for entrant in raced.entrants
            },
            "sampler": raced.recipe.config.sampler,
            "config": asdict(raced.recipe.config),
        }
        files.write_json(file, result)
    return load(file)


def _figures(result: dict[str, Any]) -> dict[str, Any]:
    run = result["runs"][0]
    return {"config": result["config"], **{key: run[key] for key in ("valid", "test", "epochs")}}


def block() -> str:
    """Return the table of all datasets; empty if nothing was run."""
    results = jobs.finished(path, [(name,) for name in DATASETS])
    if not results:
        return ""
    rows = []
    for (dataset,), result in results.items():
        runs, metric = result["runs"], result["metric"]
        chosen = Counter(
            f"`{run['sampler']}`{'' if run['entrants'] else ', without a race'}" for run in runs
        )
        rows.append(
            [
                dataset,
                ", ".join(f"{name} ({count})" for name, count in chosen.items()),
                metric,
                *(percent(spread([run[who]["test"][metric] for run in runs])) for who in WHO),
                _further(runs, metric),
                f"{statistics.fmean(run['race_seconds'] for run in runs):.0f}",
                f"{statistics.fmean(run['seconds'] for run in runs):.0f}",
            ]
        )
    columns = ["graph", "chosen (seeds)", "metric", *WHO, " / ".join(WHO)]
    columns += ["s of the race", "s in all"]
    return (
        f"{table(columns, rows)}\n\nTest figures, %. Uniform: all else equal, trained for the "
        "seconds of race and training together. "
        f"{machine(*results.values())}, one thread a process."
    )


def _further(runs: list[dict[str, Any]], metric: str) -> str:
    """Return the means of two more metrics, of the choice and of uniform negatives."""
    names = [name for name in FURTHER if name != metric and name in runs[0]["auto"]["test"]]
    texts = []
    for name in names[:2]:
        means = [statistics.fmean(run[who]["test"][name] for run in runs) for who in WHO]
        texts.append(f"{name} {' / '.join(f'{100 * mean:.2f}' for mean in means)}")
    return ", ".join(texts)


def main() -> None:
    parser = jobs.parser(__doc__)
    parser.add_argument("--dataset", nargs="+", default=list(DATASETS), choices=DATASETS)
    options, command = parser.parse_args(), jobs.command("race")
    pending = [(name, command) for name in options.dataset if not path(name).exists()]
    jobs.run(cell, pending, options.jobs)


if __name__ == "__main__":
    main()
