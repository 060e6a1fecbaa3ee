"""MCNS's Arxiv table again: ``python -m benchmarks.quality.mcns``.

The fixed split of Yang et al. (KDD 2020), GraphSAGE on learned embeddings, AUC in %, five seeds.
The paper reports: random 74.7, degree 78.9, DNS 82.6, MCNS 83.5. Each cell has a JSON file under
``results/arxiv_mcns/``; finished cells are not run again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from benchmarks import record
from benchmarks.quality import jobs
from gneg.datasets import EvalEdges, LinkData
from gneg.training.config import LinkConfig
from gneg.training.driver import train

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "arxiv_mcns"
DATA = HERE.parent.parent.parent / "shared" / "data" / "arxiv_mcns"
SEEDS = tuple(range(5))
SAMPLERS = {
    "random": "uniform",
    "degree": "degree",
    "DNS": "dns(uniform, m=6, n=3)",
    "DNS, of 32": "dns(uniform, m=32, n=8)",
    "MCNS": "metropolis(mixture(uniform, walk))",
}


def load() -> LinkData:
    """Return the published split: training edges, and labelled pairs of validation and test."""
    edges = torch.from_numpy(np.loadtxt(DATA / "train.txt", dtype=np.int64)[:, :2].T.copy())
    parts: dict[str, EvalEdges] = {}
    for part in ("valid", "test"):
        rows = torch.from_numpy(np.loadtxt(DATA / f"{part}.txt", dtype=np.int64))
        pos, neg = rows[rows[:, 2] == 1, :2].t(), rows[rows[:, 2] == 0, :2].t()
        parts[part] = EvalEdges(pos.contiguous(), (neg[0].contiguous(), neg[1].contiguous()))
    ends = [edges, *(end for part in parts.values() for end in (part.pos, torch.stack(part.neg)))]
    nodes = 1 + max(int(end.max()) for end in ends)
    return LinkData(
        "arxiv_mcns",
        nodes,
        None,
        edges,
        parts["valid"],
        parts["test"],
        undirected=True,
        metric="auc",
        split="published",
    )


def cell(job: tuple[str, str]) -> str:
    """Train all seeds with a sampler and write its file."""
    name, command = job
    config = LinkConfig(
        sampler=SAMPLERS[name],
        loss="bce",
        k=3,
        hidden=128,
        norm="batch",
        epochs=40,
        eval_every=4,
        batch_size=4301,
        lr=0.01,
    )
    result = train(load(), config, seeds=SEEDS, command=command)
    record.write(path(name), command, {"strategy": name, **result})
    return f"{name} {result['summary']['test']['auc']}"


def path(name: str) -> Path:
    """Return the file of a cell's result."""
    return RESULTS / f"{name.replace(' ', '-')}.json"


def main() -> None:
    jobs.main(__doc__, "mcns", cell, path, [(name,) for name in SAMPLERS])


if __name__ == "__main__":
    main()
