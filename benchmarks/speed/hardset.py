"""How long hard evaluation sets take: ``python -m benchmarks.speed.hardset``.

Each set is made by ``gneg hardset`` in a process of its own, whose peak memory is noted. In the
same run a dense implementation makes the negatives of a few positives, from which the time for all
is extrapolated. Writes ``results/hardset.json``; a graph named as an argument is measured alone.
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

from benchmarks.speed.dense_heart import Dense
from gneg import HardSet, datasets, files, kernels

HERE = Path(__file__).parent
DATA = HERE.parent.parent.parent / "shared" / "data"
GRAPHS = {
    "Cora": ("Cora", 3.0),
    "ogbl-ddi": ("ogbl-ddi", 900.0),
    "dblp2010": (str(DATA / "graphs" / "dblp2010" / "edges.csv.gz"), 900.0),
}
K, GIGABYTES, SOME = 500, 6.0, 20


def made_by_command(dataset: str, out: Path) -> tuple[float, float, list[str]]:
    """Seconds and gigabytes of a process that makes the set; kernels are compiled already."""
    command = ["hardset", dataset, "--root", str(DATA), "--out", str(out)]
    start = time.perf_counter()
    child = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-m", "gneg.cli", *command])
    _, status, used = os.wait4(child, 0)
    took = time.perf_counter() - start
    if status:
        sys.exit(f"{shlex.join(command)} failed")
    return took, used.ru_maxrss / 2**20, command


def inside(data: datasets.LinkData) -> float:
    """Seconds of the function alone, without starting Python and reading the data."""
    from gneg import hardset

    start = time.perf_counter()
    hardset(data, k=K)
    return time.perf_counter() - start


def dense(data: datasets.LinkData, made: HardSet) -> dict[str, Any]:
    """Seconds a positive of the dense implementation, and how much of its result is ours."""
    plain = Dense(data)
    which = np.random.Generator(np.random.Philox(0)).choice(data.test.pos.size(1), SOME, False)
    start = time.perf_counter()
    theirs = [plain.negatives(*data.test.pos[:, i].tolist(), K) for i in which]
    each = (time.perf_counter() - start) / SOME
    ours = [made.index[i].view(2, -1).numpy() for i in which]
    same = [
        len(set(a.tolist()) & set(b.tolist())) / (K // 2)
        for pair in zip(theirs, ours, strict=True)
        for a, b in zip(*pair, strict=True)
    ]
    return {"positives": SOME, "seconds_each": each, "shared_negatives": float(np.mean(same))}


def measure(name: str) -> dict[str, Any]:
    dataset, limit = GRAPHS[name]
    data = datasets.load(dataset, root=DATA)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "hard.npz"
        if name == "Cora":
            made_by_command(dataset, out)  # compiles
        took, gigabytes, command = made_by_command(dataset, out)
        made = HardSet.load(out)
    plain = dense(data, made)
    positives = data.test.pos.size(1)
    whole = plain["seconds_each"] * positives
    function = inside(data) if name == "Cora" else None
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
        "by_chance": made.info["filled"],
        "dense": {
            **plain,
            "seconds_extrapolated": whole,
            "times_slower": whole / (function or took),
        },
    }


def main() -> None:
    path = HERE / "results" / "hardset.json"
    rows = []
    for name in sys.argv[1:] or GRAPHS:
        rows.append(measure(name))
        print(rows[-1], flush=True)
    if sys.argv[1:]:
        return
    files.write_json(
        path,
        {
            "command": "python -m benchmarks.speed.hardset",
            "kernel_threads": kernels.threads.get_num_threads(),
            "machine": files.machine(),
            "versions": files.versions(),
            "rows": rows,
        },
    )
    print(path)


if __name__ == "__main__":
    main()
