"""Speed of samplers and of their peers, in one process: ``python -m benchmarks.speed.run``.

Writes ``results/speed.json`` with machine, versions, command, seeds and the floors of the project.
``--smoke`` measures a small graph for a few seconds, checks no floors and writes nothing.
"""

from __future__ import annotations

import argparse
import shlex
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks import record
from benchmarks.speed import peers
from gneg import Graph, KnownEdges, kernels
from gneg.samplers import build

HERE = Path(__file__).parent
DBLP = HERE.parent.parent.parent / "shared" / "data" / "graphs" / "dblp2010" / "edges.csv.gz"
BATCH, K, SEED = 4096, 32, 0

#: Least millions per second; for the call of 1,024 queries, most microseconds.
FLOORS = {
    "uniform": 30.0, "walk": 12.0, "khop": 2.0, "contains": 25.0, "index build": 8.0,
    "call of 1,024 queries": 150.0,
}  # fmt: skip
SAMPLERS = {
    "uniform": "uniform",
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


def gather_rate(graph: Graph, pairs: int = 2**20) -> float:
    """Return the rate of random reads of the index, in millions per second: one per negative."""
    random = np.random.default_rng(SEED)
    positions, out = random.integers(0, graph.num_edges, pairs), np.empty(pairs, np.int64)
    job = lambda: kernels.threads.run_rows(  # noqa: E731
        kernels.csr.gather, pairs, pairs, out, graph.indices, positions
    )
    return pairs / seconds(job) / 1e6


def measure(name: str, graph: Graph, *, with_peers: bool = True) -> dict[str, Any]:
    """Return all rates on a graph, in millions per second."""
    generator = torch.Generator().manual_seed(SEED)
    pos, small_batch = batch_of(graph, BATCH), batch_of(graph, 1024)
    rates: dict[str, float] = {}
    for label, text in SAMPLERS.items():
        sampler = build(text, graph)
        drawn = lambda: sampler.sample(pos, K, generator=generator)  # noqa: B023, E731
        rates[label] = BATCH * K / seconds(drawn) / 1e6
    walk = build("walk", graph)
    with_density = lambda: walk.sample(pos, K, generator=generator).log_q  # noqa: E731
    rates["walk with log_q"] = BATCH * K / seconds(with_density) / 1e6
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
        label: 1e6 * seconds(lambda: sampler.sample(small_batch, 1, generator=generator))  # noqa: B023
        for label, sampler in (("uniform", uniform), ("walk", walk))
    }
    result: dict[str, Any] = {
        "graph": name,
        "nodes": graph.num_nodes,
        "directed_edges": graph.num_edges,
        "bytes_per_directed_edge": (known.nbytes - 8 * (graph.num_nodes + 1)) / graph.num_edges,
        "rates_million_per_s": rates,
        "call_of_1024_queries_us": call,
        "gather_million_per_s": gather_rate(graph),
    }
    if with_peers:
        result["peers_million_per_s"] = measure_peers(graph, pos, generator)
    return result


def measure_peers(graph: Graph, pos: torch.Tensor, generator: torch.Generator) -> dict[str, float]:
    """Return the rates of the peers, in millions per second."""
    rejection = peers.TorchRejection(graph)
    jobs: dict[str, tuple[Callable[[], Any], int]] = {
        "torch searchsorted rejection": (
            lambda: rejection.sample(pos[0], K, generator), BATCH * K
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
        pos, generator = batch_of(graph, BATCH), torch.Generator().manual_seed(SEED)
        row = {"directed_edges": float(graph.num_edges)}
        for label in ("uniform", "walk"):
            sampler = build(label, graph)
            job = lambda: sampler.sample(pos, K, generator=generator)  # noqa: B023, E731
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
            if reached > FLOORS["call of 1,024 queries"]:
                short.append(f"{graph['graph']}: a call of {label} takes {reached:.0f} us")
    for label in ("uniform", "walk"):
        costs = [row[label] for row in result["scaling_ns_per_negative"]]
        if max(costs) > 2 * costs[0]:
            short.append(f"{label}: {costs[0]:.0f} ns grow to {max(costs):.0f} ns with the graph")
    return short


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="measure a small graph, write nothing")
    options = parser.parse_args()
    if options.smoke:
        print(measure("smoke", power_law(5_000, 50_000)))
        return
    table = pd.read_csv(DBLP, comment="#", header=None).to_numpy().T
    dblp = Graph.from_edge_index(torch.from_numpy(table.copy()), 326_186, undirected=True)
    graphs = {"dblp2010": dblp, "generated, 236k nodes": power_law(236_000, 2_400_000)}
    result: dict[str, Any] = {
        "seed": SEED, "batch": BATCH, "k": K, "floors": FLOORS,
        "kernel_threads": kernels.threads.get_num_threads(),
        "graphs": [measure(name, graph) for name, graph in graphs.items()],
        "scaling_ns_per_negative": scaling([10**6, 4 * 10**6, 15 * 10**6, 60 * 10**6]),
    }  # fmt: skip
    result["short_of_floors"] = check(result)
    command = shlex.join(["python", "-m", "benchmarks.speed.run", *sys.argv[1:]])
    record.write(HERE / "results" / "speed.json", command, result)
    print(HERE / "results" / "speed.json", *result["short_of_floors"], sep="\n")


if __name__ == "__main__":
    main()
