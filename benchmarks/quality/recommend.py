"""Negatives for a recommender: ``python -m benchmarks.quality.recommend``.

LightGCN on Gowalla, all strategies with the same seconds of training; Recall@20 and NDCG@20 as in
the paper (He et al., SIGIR 2020), MRR and Hits@20 among all items. Each strategy has a JSON file
under ``results/gowalla/``; finished strategies are not run again.
"""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks import record
from benchmarks.quality import jobs
from gneg import datasets
from gneg.training.config import LinkConfig
from gneg.training.driver import train

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "gowalla"
DATA = HERE.parent.parent.parent / "shared" / "data"
SEEDS = (0,)
#: Sampler, loss, negatives per positive.
STRATEGIES = {
    "uniform, BPR": ("uniform", "bpr", 1),
    "popularity, BPR": ("degree", "bpr", 1),
    "DNS, BPR": ("dns(uniform, m=16, n=1)", "bpr", 1),
    "walk and uniform, BPR": ("mixture(uniform:0.75, walk:0.25)", "bpr", 4),
    "uniform, sampled softmax": ("uniform", "softmax", 64),
    "popularity, sampled softmax": ("degree", "softmax", 64),
    "DNS, InfoNCE": ("dns(uniform, m=256, n=64)", "infonce", 64),
}


def path(name: str) -> Path:
    """Return the file of a strategy's result."""
    return RESULTS / f"{re.sub(r'[^a-z]+', '-', name.lower())}.json"


def cell(job: tuple[str, str, float]) -> str:
    """Train all seeds with a strategy and write its file."""
    name, command, seconds = job
    sampler, loss, k = STRATEGIES[name]
    config = LinkConfig(
        encoder="lightgcn",
        hidden=64,
        layers=3,
        sampler=sampler,
        loss=loss,
        k=k,
        corrupt="dst",
        lr=0.01,
        epochs=1000,
        seconds=seconds,
        eval_every=5,
        patience=1000,
    )
    result = train(datasets.load("gowalla", root=DATA), config, seeds=SEEDS, command=command)
    record.write(path(name), command, {"strategy": name, **result})
    return f"{name} {result['summary']['test']}"


def main() -> None:
    parser = jobs.parser(__doc__)
    parser.add_argument(
        "--seconds", type=float, default=400, help="seconds of training of each strategy"
    )
    options = parser.parse_args()
    command = jobs.command("recommend")
    names = [name for name in STRATEGIES if not path(name).exists()]
    jobs.run(cell, [(name, command, options.seconds) for name in names], options.jobs)


if __name__ == "__main__":
    main()
