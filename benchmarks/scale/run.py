"""Graphs of 1M, 10M and 100M edges from a file on disk: ``python -m benchmarks.scale.run``.

For each size an R-MAT graph (``gneg generate``) is written as csv.gz, built by ``gneg ingest`` in a
process of its own, whose memory is watched, and opened; then negatives are drawn in it, timed by
the clock and by the processor's time, which other processes disturb less. Writes
``results/edges-SIZE.json``. ``--edges 1e6`` measures one size, ``--form npy`` another file.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from pyarrow import csv

from benchmarks import record
from gneg import Graph, kernels
from gneg.graph.generate import RandomEdges
from gneg.samplers import build

HERE = Path(__file__).parent
SIZES = (10**6, 10**7, 10**8)
BATCH, K, SEED = 65_536, 32, 0
POLL = 0.05  # seconds between two looks at the memory of a process
SECONDS = 6.0  # of drawing, for a rate
MEGA = 2**20


def edges_of(size: int) -> RandomEdges:
    """Return R-MAT edges, about 16 a node, as in Graph500."""
    return RandomEdges(max(4, round(np.log2(size / 16))), size, SEED)


def write(edges: RandomEdges, path: Path) -> None:
    """Write edges as csv.gz with a header."""
    schema = pa.schema([("source", pa.int64()), ("target", pa.int64())])
    with gzip.open(path, "wb", compresslevel=1) as file, csv.CSVWriter(file, schema) as writer:
        for piece in edges.pieces():
            writer.write(pa.record_batch([end.astype(np.int64) for end in piece], schema=schema))


def watched(command: list[str]) -> dict[str, float]:
    """Run a command; return its seconds and peak MB of memory, with and without mapped files."""
    start, anonymous, resident = time.perf_counter(), 0, 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            sizes = _memory(process.pid)
            anonymous = max(anonymous, sizes.get("RssAnon", 0) + sizes.get("RssShmem", 0))
            resident = max(resident, sizes.get("VmHWM", 0))
            time.sleep(POLL)
    if process.returncode:
        sys.exit(f"{shlex.join(command)} ended with {process.returncode}")
    return {
        "seconds": time.perf_counter() - start,
        "peak_mb": anonymous / 1024,
        "peak_with_files_mb": resident / 1024,
    }


def _memory(pid: int) -> dict[str, int]:
    """Return the kilobytes of a process by kind; empty if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    fields = (line.split() for line in lines if line.startswith(("Rss", "VmHWM")))
    return {words[0].rstrip(":"): int(words[1]) for words in fields}


def rates(folder: Path) -> dict[str, Any]:
    """Return what it takes to open a graph, and millions of negatives per second when cached."""
    start = time.perf_counter()
    graph = Graph.open(folder)
    opening = time.perf_counter() - start
    for path in folder.glob("*.npy"):  # into the cache of the system
        with path.open("rb") as file:
            while file.read(64 * MEGA):
                pass
    generator = torch.Generator().manual_seed(SEED)
    result: dict[str, Any] = {"open_ms": 1e3 * opening}
    result |= {"rates_million_per_s": {}, "rates_million_per_core_s": {}}
    for name in ("uniform", "walk"):
        start = time.perf_counter()
        sampler = build(name, graph)
        sampler.sample(batch(graph, generator), K, generator=generator)
        result[f"first_{name}_s"] = time.perf_counter() - start
        times: list[tuple[float, float]] = []
        while sum(wall for wall, _ in times) < SECONDS:
            pos = batch(graph, generator)
            start, busy = time.perf_counter(), time.process_time()
            sampler.sample(pos, K, generator=generator)
            times.append((time.perf_counter() - start, time.process_time() - busy))
        wall, core = np.median(times, axis=0)
        result["rates_million_per_s"][name] = BATCH * K / float(wall) / 1e6
        result["rates_million_per_core_s"][name] = BATCH * K / float(core) / 1e6
    return result


def batch(graph: Graph, generator: torch.Generator) -> torch.Tensor:
    """Return random edges ``[2, BATCH]``, read from where they stand."""
    places = torch.randint(graph.num_edges, (BATCH,), generator=generator).numpy()
    sources = np.searchsorted(graph.indptr, places, side="right") - 1
    return torch.from_numpy(np.stack([sources, graph.indices[places].astype(np.int64)]))


def measure(size: int, form: str, folder: Path, memory: str) -> dict[str, Any]:
    """Return what a graph of ``size`` edges costs to build, to store and to draw in."""
    edges = edges_of(size)
    folder.mkdir(parents=True, exist_ok=True)
    file, out = folder / f"edges-{size}.{form}", folder / f"graph-{size}"
    command = ["gneg", "generate", "rmat", "--scale", str(edges.scale), "--edges", str(size)]
    busy = os.getloadavg()[0]  # of other processes, as few as can be
    result: dict[str, Any] = {
        "edges": size,
        "load_before": busy,
        "scale": edges.scale,
        "seed": SEED,
        "form": form,
    }
    try:
        binary = folder / f"edges-{size}.npy"
        generated = watched([*command, "--out", str(binary)])
        result["generate_s"] = generated["seconds"]
        if form != "npy":
            binary.unlink()
            write(edges, file)
        result["file_mb"] = file.stat().st_size / MEGA
        build_command = ["gneg", "ingest", str(file), "--out", str(out), "--undirected"]
        result["build"] = watched([*build_command, "--memory", memory, "--fresh"])
        header = json.loads((out / "graph.json").read_text())
        result |= {name: header[name] for name in ("num_src", "num_edges", "hash")}
        result["counts"] = header["origin"]["counts"]
        result["arrays_mb"] = sum(p.stat().st_size for p in out.glob("*.npy")) / MEGA
        result["disk_mb"] = sum(p.stat().st_size for p in out.iterdir()) / MEGA
        script = "import sys, json; from benchmarks.scale import run; from pathlib import Path; "
        script += "print(json.dumps(run.rates(Path(sys.argv[1]))))"
        drawn = subprocess.run(
            [sys.executable, "-c", script, str(out)], check=True, capture_output=True, text=True
        )
        return result | json.loads(drawn.stdout.splitlines()[-1])
    finally:
        for path in (file, folder / f"edges-{size}.npy"):
            path.unlink(missing_ok=True)
        shutil.rmtree(out, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edges", type=float, nargs="*", default=SIZES, help="numbers of edges")
    parser.add_argument("--form", choices=("csv.gz", "npy"), default="csv.gz")
    parser.add_argument(
        "--folder", type=Path, default=Path("scale"), help="for files, removed after"
    )
    parser.add_argument("--memory", default="3GB", help="of gneg ingest")
    options = parser.parse_args()
    for size in map(int, options.edges):
        result = measure(size, options.form, options.folder, options.memory)
        result |= {"memory": options.memory, "batch": BATCH, "k": K}
        result["kernel_threads"] = kernels.threads.get_num_threads()
        command = shlex.join(["python", "-m", "benchmarks.scale.run", *sys.argv[1:]])
        suffix = "" if options.form == "csv.gz" else f"-{options.form}"
        path = HERE / "results" / f"edges-{size}{suffix}.json"
        record.write(path, command, result)
        print(path)


if __name__ == "__main__":
    main()
