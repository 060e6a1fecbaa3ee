"""Speed of samplers and of their peers, in one process: ``python -m benchmarks.speed.run``.

Writes ``results/speed.json`` with machine, versions, command, seeds and the floors of the project;
not on a machine that does something else. ``--before COMMIT`` measures the samplers of a commit,
too, by turns with those of the checkout. ``--smoke`` measures a small graph for a few seconds,
writes nothing, and fails if a sampler is far slower than its bare kernel.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.speed import peers
from gneg import Graph, KnownEdges, kernels
from gneg.samplers import build

HERE = Path(__file__).parent
DBLP = HERE.parent.parent.parent / "shared" / "data" / "graphs" / "dblp2010" / "edges.csv.gz"
BATCH, K, SEED = 4096, 32, 0
BATCHES = 64  # that are drawn for in turn

#: Least millions per second; for the call of 1,024 queries, most microseconds.
FLOORS = {
    "uniform": 90.0, "uniform, K = 256": 200.0, "walk": 45.0, "walk, ppr": 15.0, "khop": 20.0,
    "half uniform, half walk": 40.0, "contains": 25.0, "index build": 8.0,
}  # fmt: skip
CALLS = {"uniform": 60.0, "walk": 120.0}
#: Least share of its bare kernel that a sampler reaches in the smoke test, far below the usual.
GUARD = {"uniform": 0.04, "walk": 0.08}
ROUNDS = 3  # turns of a commit and of the checkout
SAMPLERS = {
    "uniform": "uniform",
    "uniform, K = 256": "uniform",
    "degree": "degree",
    "walk": "walk",
    "walk, cn": "walk(kind=cn)",
    "walk, ppr": "walk(kind=ppr)",
    "khop": "khop(hops=2)",
    "half uniform, half walk": "mixture(uniform, walk)",
}


def seconds(job: Callable[[], Any], budget: float = 1.5, least: int = 3) -> float:
    """Return the median time of a call in seconds, after a first call that is not timed.

    Args:
        job: The call.
        budget: Seconds to repeat it for.
        least: Least number of repetitions.
    """
    job()
    times: list[float] = []
    while len(times) < least or (sum(times) < budget and len(times) < 400):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def power_law(num_nodes: int, num_edges: int, seed: int = SEED) -> Graph:
    """Return a graph of about ``num_edges`` directed edges whose degrees follow a power law."""
    random = np.random.default_rng(seed)
    weight = np.cumsum((np.arange(num_nodes) + 10.0) ** -0.6)
    ends = np.searchsorted(weight / weight[-1], random.random((2, num_edges // 2)))
    return Graph.from_edge_index(torch.from_numpy(ends), num_nodes, undirected=True)


def batch_of(graph: Graph, size: int) -> torch.Tensor:
    """Return random edges, ``[2, size]``."""
    generator = torch.Generator().manual_seed(SEED)
    return graph.edge_index[:, torch.randint(graph.num_edges, (size,), generator=generator)]


def batches_of(graph: Graph, size: int) -> Iterator[torch.Tensor]:
    """Return batches of random edges, other ones each time, as in training, without an end."""
    return cycle(batch_of(graph, BATCHES * size).split(size, dim=1))


def sampled(graph: Graph) -> dict[str, float]:
    """Return the rates of samplers, in millions per second."""
    generator, batches = torch.Generator().manual_seed(SEED), batches_of(graph, BATCH)
    rates: dict[str, float] = {}
    for label, text in SAMPLERS.items():
        sampler, k = build(text, graph), 256 if "256" in label else K
        drawn = lambda: sampler.sample(next(batches), k, generator=generator)  # noqa: B023, E731
        rates[label] = BATCH * k / seconds(drawn) / 1e6
    walk = build("walk", graph)
    with_density = lambda: walk.sample(next(batches), K, generator=generator).log_q  # noqa: E731
    rates["walk with log_q"] = BATCH * K / seconds(with_density) / 1e6
    return rates


def bare(graph: Graph) -> dict[str, float]:
    """Return the rates of the bare kernels, in millions per second."""
    from benchmarks.speed import limits  # not with the package of an earlier commit

    jobs = limits.calls(graph, batches_of(graph, BATCH), BATCH, K)
    return {label: BATCH * K / seconds(job) / 1e6 for label, job in jobs.items()}


def measure(name: str, graph: Graph, *, with_peers: bool = True) -> dict[str, Any]:
    """Return all rates on a graph, in millions per second."""
    generator = torch.Generator().manual_seed(SEED)
    small_batches = batches_of(graph, 1024)
    rates = sampled(graph)
    known = KnownEdges(graph)
    src = batch_of(graph, 2**20)[0]
    dst = torch.randint(graph.num_nodes, src.shape, generator=generator)
    rates["contains"] = len(src) / seconds(lambda: known.contains(src, dst)) / 1e6
    edges = graph.edge_index[:, torch.randperm(graph.num_edges, generator=generator)]
    build_time = seconds(
        lambda: Graph.from_edge_index(edges, graph.num_nodes, undirected=False), budget=0.1
    )
    rates["index build"] = graph.num_edges / build_time / 1e6
    uniform = build("uniform", graph)
    call = {
        label: 1e6 * seconds(lambda: sampler.sample(next(small_batches), 1, generator=generator))  # noqa: B023
        for label, sampler in (("uniform", uniform), ("walk", build("walk", graph)))
    }
    result: dict[str, Any] = {
        "graph": name,
        "nodes": graph.num_nodes,
        "directed_edges": graph.num_edges,
        "bytes_per_directed_edge": (known.nbytes - 8 * (graph.num_nodes + 1)) / graph.num_edges,
        "rates_million_per_s": rates,
        "call_of_1024_queries_us": call,
        "bare_million_per_s": bare(graph),
    }
    if with_peers:
        result["peers_million_per_s"] = measure_peers(graph, batches_of(graph, BATCH), generator)
    return result


def measure_peers(
    graph: Graph, batches: Iterator[torch.Tensor], generator: torch.Generator
) -> dict[str, float]:
    """Return the rates of the peers, in millions per second."""
    rejection = peers.TorchRejection(graph)
    jobs: dict[str, tuple[Callable[[], Any], int]] = {
        "torch searchsorted rejection": (
            lambda: rejection.sample(next(batches)[0], K, generator), BATCH * K
        ),
        "PyG negative_sampling, the same number": (
            lambda: peers.pyg_negative_sampling(graph, BATCH * K), BATCH * K
        ),
        "PyG structured_negative_sampling, one an edge": (
            lambda: peers.pyg_structured(graph), graph.num_edges
        ),
    }  # fmt: skip
    return {name: count / seconds(job, budget=0.1) / 1e6 for name, (job, count) in jobs.items()}


def scaling(sizes: list[int]) -> list[dict[str, float]]:
    """Return nanoseconds per negative on graphs of several sizes and the same mean degree."""
    rows = []
    for edges in sizes:
        graph = power_law(edges // 10, edges)
        batches, generator = batches_of(graph, BATCH), torch.Generator().manual_seed(SEED)
        row = {"directed_edges": float(graph.num_edges)}
        for label in ("uniform", "walk"):
            sampler = build(label, graph)
            job = lambda: sampler.sample(next(batches), K, generator=generator)  # noqa: B023, E731
            row[label] = 1e9 * seconds(job) / (BATCH * K)
        rows.append(row)
    return rows


def check(result: dict[str, Any]) -> list[str]:
    """Return a sentence for each rate that falls short of its floor."""
    short = []
    for graph in result["graphs"]:
        for label, floor in FLOORS.items():
            if label in graph["rates_million_per_s"]:
                reached = graph["rates_million_per_s"][label]
                if reached < floor:
                    short.append(f"{graph['graph']}: {label} {reached:.1f} M/s < {floor} M/s")
        for label, reached in graph["call_of_1024_queries_us"].items():
            if reached > CALLS[label]:
                short.append(f"{graph['graph']}: a call of {label} takes {reached:.0f} us")
    for label in ("uniform", "walk"):
        costs = [row[label] for row in result["scaling_ns_per_negative"]]
        if max(costs) > 1.5 * costs[0]:
            short.append(f"{label}: {costs[0]:.0f} ns grow to {max(costs):.0f} ns with the graph")
    return short


def graphs() -> dict[str, Graph]:
    """Return the graphs that samplers are measured on."""
    table = pd.read_csv(DBLP, comment="#", header=None).to_numpy().T
    dblp = Graph.from_edge_index(torch.from_numpy(table.copy()), 326_186, undirected=True)
    return {"dblp2010": dblp, "generated, 236k nodes": power_law(236_000, 2_400_000)}


def by_turns(commit: str) -> dict[str, dict[str, dict[str, float]]]:
    """Return the best rates of samplers of a commit (before) and of the checkout (after).

    Each turn is a process of its own; the package of the commit is unpacked beside it.
    """
    root = HERE.parent.parent
    best: dict[str, dict[str, dict[str, float]]] = {"before": {}, "after": {}}
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(
            ["git", "archive", commit, "gneg"], cwd=root, check=True, capture_output=True
        ).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        for _ in range(ROUNDS):
            for side, path in (("before", f"{folder}:{root}"), ("after", str(root))):
                command = [sys.executable, "-m", "benchmarks.speed.run", "--rates"]
                environment = {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
                output = subprocess.run(
                    command, env=environment, cwd=folder, check=True, stdout=subprocess.PIPE
                ).stdout
                for graph, rates in json.loads(output.splitlines()[-1]).items():
                    known = best[side].setdefault(graph, {})
                    for label, rate in rates.items():
                        known[label] = max(rate, known.get(label, 0.0))
    return best


def smoke() -> None:
    """Measure a small graph, and stop with an error if a sampler has become slow."""
    result = measure("smoke", power_law(5_000, 50_000))
    print(result)
    for label, share in GUARD.items():
        reached = result["rates_million_per_s"][label] / result["bare_million_per_s"][label]
        if reached < share:
            sys.exit(f"{label} reaches {reached:.3f} of its bare kernel, at least {share} expected")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="measure a small graph, write nothing")
    parser.add_argument("--rates", action="store_true", help="print the rates of samplers")
    parser.add_argument("--before", metavar="COMMIT", help="measure the samplers of a commit, too")
    options = parser.parse_args()
    if options.smoke:
        smoke()
        return
    if options.rates:
        print(json.dumps({name: sampled(graph) for name, graph in graphs().items()}))
        return
    from benchmarks import record  # not for the rates: an older package may lack what it imports
    from benchmarks.speed import limits

    busy = limits.busy_share()
    if busy > limits.BUSY:
        sys.exit(f"the machine is busy: other processes take {100 * busy:.0f} % of its time")
    result: dict[str, Any] = {
        "seed": SEED, "batch": BATCH, "k": K, "floors": FLOORS, "calls": CALLS,
        "kernel_threads": kernels.threads.get_num_threads(),
        "graphs": [measure(name, graph) for name, graph in graphs().items()],
        "scaling_ns_per_negative": scaling([10**6, 4 * 10**6, 15 * 10**6, 60 * 10**6]),
    }  # fmt: skip
    if options.before:
        result |= {"before": options.before, "by_turns": by_turns(options.before)}
    result["short_of_floors"] = check(result)
    command = shlex.join(["python", "-m", "benchmarks.speed.run", *sys.argv[1:]])
    record.write(HERE / "results" / "speed.json", command, result)
    print(HERE / "results" / "speed.json", *result["short_of_floors"], sep="\n")


if __name__ == "__main__":
    main()
