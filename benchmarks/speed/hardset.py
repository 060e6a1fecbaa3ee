"""How long hard evaluation sets take: ``python -m benchmarks.speed.hardset``.

Each set is made by ``gneg hardset`` in a process of its own, whose peak memory is measured. In the
same run a dense implementation makes the negatives of a few positives; its time for all of them is
extrapolated. Writes ``results/hardset.json``; with graphs as arguments, measures only those and
writes nothing.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import gneg
from benchmarks import record
from benchmarks.speed.dense_heart import Dense
from gneg import datasets, kernels

HERE = Path(__file__).parent
DATA = HERE.parent.parent.parent / "shared" / "data"
#: What ``gneg hardset`` is called with, and the seconds that it may take.
GRAPHS = {
    "Cora": ("Cora", 3.0),
    "ogbl-ddi": ("ogbl-ddi", 40.0),
    "dblp2010": (str(DATA / "graphs" / "dblp2010" / "edges.csv.gz"), 100.0),
}
K, GIGABYTES, DENSE_POSITIVES = 500, 6.0, 20


def run_command(dataset: str, out: Path) -> tuple[float, float, list[str]]:
    """Make the set with ``gneg hardset``; return seconds, peak memory in GB, and the command.

    Args:
        dataset: The dataset or the path of an edge list.
        out: The file to write.
    """
    command = ["hardset", dataset, "--root", str(DATA), "--out", str(out), "--fresh"]
    start = time.perf_counter()
    child = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-m", "gneg", *command])
    _, status, usage = os.wait4(child, 0)
    took = time.perf_counter() - start
    if status:
        sys.exit(f"{shlex.join(command)} failed")
    return took, usage.ru_maxrss / 2**20, command


def function_seconds(data: datasets.LinkData) -> float:
    """Return the seconds of the function alone, without starting Python and reading the data."""
    start = time.perf_counter()
    gneg.hardset(data, k=K)
    return time.perf_counter() - start


def dense(data: datasets.LinkData, hard: gneg.HardSet) -> dict[str, Any]:
    """Return the dense implementation's seconds per positive, and the share of equal negatives.

    Args:
        data: The dataset.
        hard: The set that gneg made, to compare with.
    """
    implementation = Dense(data)
    random = np.random.Generator(np.random.Philox(0))
    rows = random.choice(data.test.pos.size(1), DENSE_POSITIVES, False)
    start = time.perf_counter()
    positives = data.test.pos[:, rows].t().tolist()
    theirs = [implementation.negatives(source, target, K) for source, target in positives]
    seconds = (time.perf_counter() - start) / DENSE_POSITIVES
    ours = [hard.index[i].view(2, -1).numpy() for i in rows]
    overlaps = [
        len(set(a.tolist()) & set(b.tolist())) / (K // 2)
        for pair in zip(theirs, ours, strict=True)
        for a, b in zip(*pair, strict=True)
    ]
    return {
        "positives": DENSE_POSITIVES,
        "seconds_each": seconds,
        "shared_negatives": float(np.mean(overlaps)),
    }


def measure(name: str) -> dict[str, Any]:
    """Return the row of a graph."""
    dataset, limit = GRAPHS[name]
    data = datasets.load(dataset, root=DATA)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "hard.npz"
        if name == "Cora":
            run_command(dataset, out)  # compiles the kernels
        took, gigabytes, command = run_command(dataset, out)
        hard = gneg.HardSet.load(out)
    by_dense = dense(data, hard)
    positives = data.test.pos.size(1)
    extrapolated = by_dense["seconds_each"] * positives
    function = function_seconds(data) if name == "Cora" else None
    return {
        "graph": name,
        "command": shlex.join(["gneg", *command[:1], name, *command[2:4]]),
        "nodes": data.num_nodes,
        "training_edges": data.train.size(1),
        "positives": positives,
        "k": K,
        "seconds": took,
        "seconds_of_the_function": function,
        "seconds_allowed": limit,
        "gigabytes": gigabytes,
        "gigabytes_allowed": GIGABYTES,
        "by_chance": hard.info["filled"],
        "dense": {
            **by_dense,
            "seconds_extrapolated": extrapolated,
            "times_slower": extrapolated / (function or took),
        },
    }


def main() -> None:
    path = HERE / "results" / "hardset.json"
    rows = []
    if unknown := sorted(set(sys.argv[1:]) - set(GRAPHS)):
        sys.exit(f"graphs must be among {', '.join(GRAPHS)} (got {', '.join(unknown)})")
    for name in sys.argv[1:] or GRAPHS:
        rows.append(measure(name))
        print(rows[-1], flush=True)
    if sys.argv[1:]:
        return
    result = {"kernel_threads": kernels.threads.get_num_threads(), "rows": rows}
    record.write(path, "python -m benchmarks.speed.hardset", result)
    print(path)


if __name__ == "__main__":
    main()
