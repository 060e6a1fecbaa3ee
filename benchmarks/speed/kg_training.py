"""Training of knowledge-graph models: ``python -m benchmarks.speed.kg_training``.

FB15k-237, width 128, batches of 1,024 triples. Losses over all entities: seconds of an epoch of
ComplEx, from some of its steps, beside PyKEEN's training loop (a whole epoch) and a plain one in
torch. Losses with 256 negatives of each triple: milliseconds of a step of each model, with and
without kernels that compare and differentiate. Writes ``results/kg_training.json``.
"""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch.nn import functional

from benchmarks import record
from benchmarks.format import machine, table
from gneg import TripleConfig, datasets, kernels
from gneg.datasets import TripleData
from gneg.nn.kge import KGE, ComplEx
from gneg.nn.kge.all_entities import KINDS
from gneg.training.triple import TripleRun

HERE = Path(__file__).parent
DATA = HERE.parent.parent.parent / "shared" / "data"
RESULT = HERE / "results" / "kg_training.json"
B, K, DIM, SECONDS = 1024, 256, 128, 10.0
OVER_ALL = {"model": "complex", "inverse": True, "optimizer": "adagrad", "lr": 0.1}


def share_of_epoch(steps: Iterator[int], total: int) -> float:
    """Return the seconds of an epoch of ``total`` items, from steps that return how many each."""
    next(steps)  # kernels are compiled, memory is allocated
    start, done = time.perf_counter(), 0
    for items in steps:
        done += items
        if time.perf_counter() - start > SECONDS:
            break
    return (time.perf_counter() - start) * total / done


def ours(run: TripleRun) -> Iterator[int]:
    """Take steps, and yield the number of positives of each."""
    order = torch.randperm(run.num_items, generator=run.generator)
    for batch in run.batches(order):
        embeddings = run.embed_batch(batch)
        negatives = None if run.loss is None else run.draw(batch.pos, None, None)
        run._update(batch, negatives, embeddings)
        yield len(batch.edges)


def plain_torch(data: TripleData) -> Iterator[int]:
    """Take steps of 1-vs-all as torch's documentation would write them."""
    model = ComplEx(data.num_entities, data.num_relations, DIM, inverse=True)
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
    order = torch.randperm(data.train.size(1), generator=torch.Generator().manual_seed(0))
    for edges in order.split(B):
        head, relation, tail = data.train[:, edges]
        loss = functional.cross_entropy(model.rows(head, relation, "tail"), tail)
        loss = loss + functional.cross_entropy(model.rows(tail, relation, "head"), head)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield len(edges)


def pykeen_epoch(data: TripleData) -> float:
    """Return the seconds of an epoch of PyKEEN's 1-vs-all ("LCWA"), with inverse triples."""
    from pykeen.losses import CrossEntropyLoss
    from pykeen.models import ComplEx as PykeenComplEx
    from pykeen.training import LCWATrainingLoop
    from pykeen.triples import CoreTriplesFactory, TriplesFactory

    assert issubclass(TriplesFactory, CoreTriplesFactory)
    ids: list[dict[str, int]] = [
        {str(i): i for i in range(size)} for size in (data.num_entities, data.num_relations)
    ]
    factory = TriplesFactory(data.train.t().contiguous(), *ids, create_inverse_triples=True)
    model = PykeenComplEx(
        triples_factory=factory, embedding_dim=DIM, loss=CrossEntropyLoss(), random_seed=0
    )
    loop = LCWATrainingLoop(
        model=model,
        triples_factory=factory,
        optimizer=torch.optim.Adagrad(model.get_grad_params(), lr=0.1),
    )
    start = time.perf_counter()
    loop.train(factory, num_epochs=1, batch_size=B, use_tqdm=False, use_tqdm_batch=False)
    return time.perf_counter() - start


def epochs(data: TripleData) -> list[dict[str, Any]]:
    """Return the seconds of an epoch over all entities, ours and others'."""
    size = data.train.size(1)
    calls: dict[str, Callable[[], float]] = {}
    losses: dict[str, dict[str, Any]] = {name: {"loss": name} for name in KINDS}
    losses["1vsall, bf16"] = {"loss": "1vsall", "precision": "bf16"}
    for name, settings in losses.items():
        config = TripleConfig(dim=DIM, batch_size=B, **settings, **OVER_ALL)
        calls[f"gneg, {name}"] = lambda config=config: share_of_epoch(
            ours(TripleRun(data, config, 0)),
            2 * size,  # each triple is an answer of two queries
        )
    calls["plain torch, 1-vs-all"] = lambda: share_of_epoch(plain_torch(data), size)
    calls["PyKEEN, LCWA"] = lambda: pykeen_epoch(data)
    return [{"training": name, "seconds": call()} for name, call in calls.items()]


def steps(data: TripleData) -> list[dict[str, Any]]:
    """Return the milliseconds of a step with negatives, by kernels and by torch."""
    size = data.train.size(1)
    rows = []
    for model in ("transe", "distmult", "complex", "rotate"):
        config = TripleConfig(model=model, dim=DIM, k=K, corrupt="both", batch_size=B)
        row: dict[str, Any] = {"model": model}
        for name in ("kernels", "torch"):
            with patch.object(KGE, "_has_kernel", KGE._has_kernel if name == "kernels" else _never):
                took = share_of_epoch(ours(TripleRun(data, config, 0)), size)
            row[name] = 1e3 * took / (size / B)
        rows.append(row)
    return rows


def _never(*_: Any) -> bool:
    return False


def block() -> str:
    """Return the tables; empty if nothing was measured."""
    if not RESULT.exists():
        return ""
    result = json.loads(RESULT.read_text())
    first = [[row["training"], f"{row['seconds']:.0f}"] for row in result["epochs"]]
    second = [
        [row["model"], f"{row['kernels']:.0f}", f"{row['torch']:.0f}"] for row in result["steps"]
    ]
    return "\n\n".join(
        [
            table(["an epoch of ComplEx over all entities", "s"], first),
            table(["a step with 256 negatives", "ms, kernels", "ms, torch"], second),
            f"FB15k-237, width {DIM}, batches of {B:,} triples, {result['threads']} threads. "
            f"{machine(result)}; PyKEEN {result['pykeen']}.",
        ]
    )


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    data = datasets.load_triples("fb15k237", root=DATA)
    torch.set_num_threads(kernels.threads.get_num_threads())
    result = {
        "epochs": epochs(data),
        "steps": steps(data),
        "threads": torch.get_num_threads(),
        "pykeen": version("pykeen"),
    }
    record.write(RESULT, "python -m benchmarks.speed.kg_training", result)
    print(block())


if __name__ == "__main__":
    main()
