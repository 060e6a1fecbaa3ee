"""Negatives of triples a second, and ranking: ``python -m benchmarks.speed.kg``.

FB15k-237, 1,024 triples a call, 256 negatives each, both ends. PyKEEN's samplers, whose filters
mask known triples and do not replace them, and a rejection loop in plain torch run in the same
process, in turn; the fastest round counts. Then the filtered ranking of the test triples by each
model, untrained, at width 100. Writes ``results/kg.json``.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks import record
from gneg import datasets, kernels, records
from gneg.datasets import TripleData
from gneg.evaluation.triple import evaluate_triples
from gneg.nn.kge import MODELS
from gneg.samplers.triples import TripleSampler

HERE = Path(__file__).parent
DATA = HERE.parent.parent.parent / "shared" / "data"
B, K, ROUNDS, SECONDS = 1024, 256, 5, 0.4
OURS = ("uniform", "frequency", "typed", "khop(hops=2)", "walk", "walk(kind=ppr)", "relwalk")


class TorchRejection:
    """Random tails; known triples are looked up among sorted keys and drawn again."""

    def __init__(self, data: TripleData) -> None:
        self.size = data.num_entities
        head, relation, tail = data.train
        self.relations = data.num_relations
        self.keys = ((head * self.relations + relation) * self.size + tail).sort().values

    def __call__(self, pos: Tensor) -> Tensor:
        """Return random tails ``[B * K]`` that make no known triple."""
        query = (pos[0] * self.relations + pos[1]).repeat_interleave(K)
        drawn = torch.randint(self.size, query.shape)
        while True:
            key = query * self.size + drawn
            place = torch.searchsorted(self.keys, key).clamp(max=len(self.keys) - 1)
            bad = torch.nonzero(self.keys[place] == key).flatten()
            if not len(bad):
                return drawn
            drawn[bad] = torch.randint(self.size, bad.shape)


def pykeen_samplers(data: TripleData) -> dict[str, Callable[[Tensor], Any]]:
    """Return calls of PyKEEN's samplers, by name."""
    from pykeen.sampling import BasicNegativeSampler, PseudoTypedNegativeSampler

    def make(cls: Any, **options: Any) -> Callable[[Tensor], Any]:
        sampler = cls(
            mapped_triples=data.train.t().contiguous(),
            num_entities=data.num_entities,
            num_relations=data.num_relations,
            num_negs_per_pos=K,
            **options,
        )
        return lambda pos: sampler.sample(pos.t())

    return {
        "PyKEEN basic, no filter": make(BasicNegativeSampler),
        "PyKEEN basic, Bloom filter": make(BasicNegativeSampler, filtered=True, filterer="bloom"),
        "PyKEEN basic, exact filter": make(
            BasicNegativeSampler, filtered=True, filterer="pythonset"
        ),
        "PyKEEN pseudo-typed, no filter": make(PseudoTypedNegativeSampler),
    }


def rates(data: TripleData) -> list[dict[str, Any]]:
    """Return the negatives per second of each sampler."""
    calls: dict[str, Callable[[Tensor], Any]] = {}
    generator = torch.Generator().manual_seed(0)
    for expression in OURS:
        sampler = TripleSampler(data.triples, expression)
        calls[expression] = lambda pos, s=sampler: s.sample(pos, K, generator=generator)
    calls["torch rejection, tails only"] = TorchRejection(data)
    calls |= pykeen_samplers(data)
    pos = data.train[:, torch.randint(data.train.size(1), (B,), generator=generator)]
    best = dict.fromkeys(calls, 0.0)
    for call in calls.values():
        call(pos)
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start, count = time.perf_counter(), 0
            while not count or time.perf_counter() - start < SECONDS:
                call(pos)
                count += 1
            best[name] = max(best[name], count * B * K / (time.perf_counter() - start))
    return [{"sampler": name, "per_second": rate} for name, rate in best.items()]


def ranking(data: TripleData) -> list[dict[str, Any]]:
    """Return the seconds of a filtered ranking of all test triples by each model, untrained."""
    known = data.known("all")
    rows = []
    for name, cls in MODELS.items():
        model = cls(data.num_entities, data.num_relations, 100)
        start = time.perf_counter()
        with torch.no_grad():
            evaluate_triples(model.rows, data, "test", known=known)
        rows.append({"model": name, "seconds": time.perf_counter() - start})
    return rows


def main() -> None:
    warnings.simplefilter("ignore")
    data = datasets.load_triples("fb15k237", root=DATA)
    results: dict[str, Any] = {
        "batch": B,
        "k": K,
        "rows": rates(data),
        "ranking": ranking(data),
        "threads": kernels.threads.get_num_threads(),
        "versions": {**records.versions(), "pykeen": _version("pykeen")},
    }
    record.write(HERE / "results" / "kg.json", "python -m benchmarks.speed.kg", results)
    for row in results["rows"]:
        print(f"{row['sampler']:32s} {row['per_second'] / 1e6:6.1f} M/s")
    print(results["ranking"])


def _version(name: str) -> str:
    from importlib.metadata import version

    return version(name)


if __name__ == "__main__":
    main()
