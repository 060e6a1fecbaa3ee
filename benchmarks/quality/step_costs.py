"""What a step costs with each kind of negatives: ``python -m benchmarks.quality.step_costs``.

The presets with negatives that ``benchmarks.quality.presets`` trains: some steps with each kind by
turns, in CPU time of one thread, relative to the preset's own negatives; of what changes from
epoch to epoch, halfway. Writes ``results/presets/costs.json``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import torch

from benchmarks import record
from benchmarks.quality import jobs
from benchmarks.quality.presets import BASE, COSTS, configured, costs, keys
from gneg.training.batches import Batch
from gneg.training.triple import TripleRun

ROUNDS, STEPS = 3, 8


def measure(dataset: str, name: str) -> dict[str, float]:
    """Return the cost of a step with each kind of negatives, that of the preset's own as 1."""
    runs = {}
    for key in keys():
        if key[:2] == (dataset, name):
            data, config = configured(*key)
            runs[key[2]] = run = TripleRun(data, config, 0)
            for _ in range(config.epochs // 2):  # halfway of what changes from epoch to epoch
                run.sampler.end_epoch()
    batches = {kind: _endless(run) for kind, run in runs.items()}
    least: dict[str, float] = {}
    for turn in range(ROUNDS + 1):  # the first one compiles, and fills what is cached
        for kind, run in runs.items():
            run.model.train()
            start = time.process_time()
            for _ in range(STEPS):
                run._step(next(batches[kind]), Counter())
            took = time.process_time() - start
            if turn:
                least[kind] = min(took, least.get(kind, took))
    return {kind: took / least[BASE] for kind, took in least.items()}


def _endless(run: TripleRun) -> Iterator[Batch]:
    while True:
        yield from run.batches(torch.randperm(run.num_items, generator=run.generator))


def cell(job: tuple[str, str]) -> str:
    """Return the summary of a dataset and a preset, added to the file."""
    found = {**costs(), " ".join(job): measure(*job)}
    record.write(COSTS, jobs.command("step_costs"), {"costs": found})
    return f"{' '.join(job)}: {found[' '.join(job)]}"


if __name__ == "__main__":
    jobs.parser(__doc__).parse_args()
    compared = dict.fromkeys(key[:2] for key in keys() if key[2] != BASE)
    jobs.run(cell, list(compared), 1)
