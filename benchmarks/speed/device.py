"""Samplers on a device beside kernels and peers: ``python -m benchmarks.speed.device``.

Runs on the accelerator if torch has one here, else on the CPU: negatives a second of kernels, of
torch on the CPU, by all threads and by one, and on the device, of PyG and of rejection in torch on
the same device; what share of its random reads a draw reaches; known edges among the draws; and the
time of an epoch of ogbl-ddi with negatives of either side. Writes ``results/device-TYPE.json``.
``--smoke`` measures a small graph for a minute or two, prints the table and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch_geometric.utils import negative_sampling

from benchmarks import record
from benchmarks.format import machine, table
from benchmarks.speed import peers
from benchmarks.speed.run import HERE, graphs, power_law, seconds
from gneg import Graph, KnownEdges, LinkConfig, datasets, kernels
from gneg.samplers import build
from gneg.samplers.negatives import Negatives
from gneg.training.link import LinkRun

BATCH, K = 65_536, 16
SAMPLERS = {
    "uniform": "uniform",
    "degree": "degree",
    "walk": "walk",
    "walk, cn": "walk(kind=cn)",
    "walk, ppr": "walk(kind=ppr)",
    "khop": "khop(hops=2)",
    "half uniform, half walk": "mixture(uniform, walk)",
}
LOG_Q = ("uniform", "degree", "walk")
DATA = HERE.parent.parent.parent / "shared" / "data"
TURNS = 3
MOST_SLOWER = 8.0  # than kernels, torch on the CPU


def accelerator() -> torch.device:
    """Return the accelerator that torch has here, or the CPU."""
    return torch.accelerator.current_accelerator() or torch.device("cpu")


def rate(job: Callable[[], Any], count: int, device: torch.device) -> float:
    """Return millions per second of a job that makes ``count``, the median of some calls."""
    wait = torch.accelerator.synchronize if device.type != "cpu" else lambda: None
    return count / seconds(lambda: (job(), wait()), least=1) / 1e6


def sampled(graphs: dict[str, Graph], pos: torch.Tensor, turns: int) -> dict[str, dict[str, float]]:
    """Return the rate of each sampler on each graph, and of some with the density read.

    The best of some turns, so that what else the machine does meanwhile meets all graphs.
    """
    rates: dict[str, dict[str, float]] = {where: {} for where in graphs}
    for label, text in SAMPLERS.items():
        samplers = {where: build(text, graph) for where, graph in graphs.items()}
        for _ in range(turns):
            for where, sampler in samplers.items():
                ours, place = rates[where], graphs[where].device
                moved, count = pos.to(place), pos.size(1) * K
                draw = partial(sampler.sample, moved, K)
                ours[label] = max(ours.get(label, 0.0), rate(draw, count, place))
                if label in LOG_Q:
                    read, name = partial(_log_q, draw), f"{label} with log_q"
                    ours[name] = max(ours.get(name, 0.0), rate(read, count, place))
    return rates


def _log_q(draw: Callable[[], Negatives]) -> torch.Tensor | None:
    return draw().log_q


@contextmanager
def one_thread() -> Iterator[None]:
    """Let kernels and torch use one thread: torch does its reads at random places on one anyway."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    kernels.threads.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        kernels.threads.set_num_threads(None)


def of_peers(graph: Graph, pos: torch.Tensor, device: torch.device) -> dict[str, float]:
    """Return the rates of PyG, of rejection in torch, and of random reads on the same device."""
    edges, src = graph.edge_index.to(device), pos[0].to(device)
    rejection = peers.TorchRejection(graph)
    rejection.keys = rejection.keys.to(device)
    generator = torch.Generator(device).manual_seed(0)
    count = len(src) * K
    table = torch.zeros(2**25, dtype=torch.int32, device=device)
    where = torch.randint(len(table), (count,), generator=generator, device=device)
    jobs: dict[str, Callable[[], Any]] = {
        "PyG negative_sampling": lambda: negative_sampling(edges, graph.num_nodes, count),
        "torch searchsorted rejection": lambda: rejection.sample(src, K, generator),
        "random reads of 4 bytes": lambda: table[where],
    }
    return {name: rate(job, count, device) for name, job in jobs.items()}


def known_edges_drawn(graph: Graph, pos: torch.Tensor, draws: int) -> dict[str, int]:
    """Return how many of at least ``draws`` uniform and walked negatives are known edges."""
    known, found, drawn = KnownEdges(graph), 0, 0
    generator = torch.Generator().manual_seed(0)
    for text in ("uniform", "walk"):
        sampler, number = build(text, graph), 0
        while number < draws // 2:
            negatives = sampler.sample(pos, K, generator=generator)
            edges = negatives.edge_index()
            found += int((known.contains(*edges) | (edges[0] == edges[1])).sum())
            number += edges.size(1)
        drawn += number
    return {"draws": drawn, "known edges": found}


def epochs(device: torch.device) -> dict[str, float]:
    """Return the seconds of an epoch of ogbl-ddi, with negatives of kernels and of torch."""
    data = datasets.load("ogbl-ddi", root=DATA)
    config = LinkConfig(
        encoder="gcn", decoder="mlp", loss="bce", sampler="uniform", k=1, batch_size=65_536,
        device=str(device),
    )  # fmt: skip
    spent = {}
    for engine in ("kernels", "torch"):
        run = LinkRun(data, config, 0)
        if engine == "torch":
            graph = data.graph.to(device, engine="torch")
            run.sampler = build("uniform", graph, corrupt=config.corrupt)
        run.epoch()
        spent[engine] = run.progress.seconds["model"] + run.progress.seconds["sampling"]
        spent[f"{engine}, sampling"] = run.progress.seconds["sampling"]
    return spent


def measure(graph: Graph, device: torch.device, draws: int, turns: int = TURNS) -> dict[str, Any]:
    """Return all that is measured on one graph."""
    order = torch.randint(graph.num_edges, (BATCH,), generator=torch.Generator().manual_seed(0))
    pos, host = graph.edge_index[:, order], graph.to("cpu", engine="torch")
    there = host if device.type == "cpu" else graph.to(device)
    compared = {"kernels": graph, "torch on the CPU": host}
    if device.type != "cpu":
        compared["torch on the device"] = there
    result: dict[str, Any] = sampled(compared, pos, turns)
    result["peers on the device"] = of_peers(graph, pos, device)
    with one_thread():
        result["one thread"] = sampled({"kernels": graph, "torch": host}, pos, turns)
    result["exactness"] = known_edges_drawn(there, pos.to(device), draws)
    return result


def compared_rates(by_kernels: float, by_torch: float) -> list[str]:
    """Return the cells of two rates, and how many times slower the second is."""
    return [f"{by_kernels:.1f}", f"{by_torch:.2f}", f"{by_kernels / by_torch:.1f}"]


def shown(name: str, device: str, graph: dict[str, Any]) -> str:
    """Return the table of one graph, and a line about peers and exactness."""
    host, one = graph["torch on the CPU"], graph["one thread"]
    there = graph.get("torch on the device", {})
    rows = [
        [label, *compared_rates(rate, host[label])]
        + compared_rates(one["kernels"][label], one["torch"][label])
        + ([f"{there[label]:.1f}"] if there else [])
        for label, rate in graph["kernels"].items()
    ]
    header = [f"{name}, millions/s", "kernels", "torch on the CPU", "times slower"]
    header += ["kernels, one thread", "torch, one thread", "times slower"]
    exact, others = graph["exactness"], graph["peers on the device"]
    compared = ", ".join(f"{peer} {figure:.1f}" for peer, figure in others.items())
    return (
        f"{table(header + ['torch on the device'] * bool(there), rows)}\n\n"
        f"On {device}: {compared} M/s; known edges among "
        f"{exact['draws']:,} draws: {exact['known edges']}."
    )


def block() -> str:
    """Return the tables of all devices that were measured; empty if none was."""
    tables = []
    for path in sorted((HERE / "results").glob("device-*.json")):
        result = json.loads(path.read_text())
        for name, graph in result["graphs"].items():
            tables.append(f"{shown(name, result['device'], graph)} {machine(result)}.")
    return "\n\n".join(tables)


def main() -> None:
    """Measure and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="a small graph; print, write nothing")
    parser.add_argument(
        "--draws", type=int, default=10**9, help="draws that are looked up among known edges"
    )
    parser.add_argument("--no-epochs", action="store_true", help="leave out ogbl-ddi")
    options, device = parser.parse_args(), accelerator()
    if options.smoke:
        result = measure(power_law(5_000, 50_000), device, 10**5, turns=1)
        assert result["exactness"]["known edges"] == 0
        print(shown("5,000 nodes", str(device), result))
        return
    result = {"device": str(device), "batch": BATCH, "k": K, "floor": MOST_SLOWER}
    if device.type == "cuda":
        result["device name"] = torch.cuda.get_device_name()
    result["graphs"] = {
        name: measure(graph, device, options.draws) for name, graph in graphs().items()
    }
    if not options.no_epochs:
        result["ogbl-ddi, seconds an epoch"] = epochs(device)
    path = HERE / "results" / f"device-{device.type}.json"
    record.write(
        path, shlex.join(["python", "-m", "benchmarks.speed.device", *sys.argv[1:]]), result
    )
    print(path)


if __name__ == "__main__":
    main()
