"""Training in mini-batches beside the whole graph: ``python -m benchmarks.scale.minibatch``.

dblp2010 with learned embeddings: the same model for the same epochs on the whole graph and in
mini-batches, each in a process of its own: metric, seconds and peak memory. Then an epoch on a
generated graph with memory-mapped features; ``--nodes 5_000_000 --edges 50_000_000`` for the full
size. One thread computes, one makes batches. Writes ``results/minibatch.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import record
from benchmarks.quality.settings import dblp
from gneg import LinkConfig
from gneg.cli.app import keep_freed_memory
from gneg.datasets import EvalEdges, LinkData
from gneg.evaluation.ranking import evaluate_edges
from gneg.training.callbacks import Callback
from gneg.training.link import LinkRun
from gneg.training.resources import Resources

HERE = Path(__file__).parent
MODEL = {"encoder": "gcn", "decoder": "cosine", "hidden": 64, "layers": 1, "lr": 0.01}
EPOCHS = 4
#: What is trained on dblp2010, by name: what differs from the default.
VARIANTS: dict[str, dict[str, Any]] = {
    "whole graph": {},
    "mini-batches": {"fanout": "15", "batch_size": 16_384},
}
LARGE = {"encoder": "sage", "decoder": "cosine", "hidden": 64, "layers": 1, "k": 1, "dropout": 0.0}
WIDTH, NEGATIVES, HELD_OUT = 128, 10_000, 20_000


def memory() -> dict[str, float]:
    """Return the peak of resident memory, and what of it now is not a file's, in GB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    status = Path("/proc/self/status")
    if not status.exists():
        return {"peak_gb": peak}
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    own, mapped = (int(fields[name].split()[0]) / 2**20 for name in ("RssAnon", "RssFile"))
    return {"peak_gb": peak, "own_gb": own, "mapped_gb": mapped}


class Steps(Callback):
    """Prints how far an epoch is, at each twentieth of it."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def on_step(self, seed: int, step: int, steps: int) -> None:
        """Print the step, seconds and memory."""
        if step * 20 // steps > (step - 1) * 20 // steps:
            elapsed = time.perf_counter() - self.start
            print(f"step {step:,} of {steps:,}, {elapsed:.0f} s, {memory()}", flush=True)


def figures(run: LinkRun, seconds: float) -> dict[str, Any]:
    """Return what an epoch, or several, took."""
    parts = run.progress.seconds
    share = parts.get("waiting", 0.0) / run.progress.trained_seconds
    result = {"batch_size": run.batch_size, "seconds": seconds, "parts": dict(parts)}
    return {**result, "waiting_share": share, **memory()}


def train_dblp(name: str) -> dict[str, Any]:
    """Train a variant on dblp2010; return the metrics of each epoch, seconds and memory."""
    data = dblp()
    run = LinkRun(data, LinkConfig(**{**MODEL, **VARIANTS[name]}), 0, Resources(1))
    seconds, metrics = 0.0, []
    for _ in range(EPOCHS):
        start = time.perf_counter()
        run.epoch()
        seconds += time.perf_counter() - start
        metrics.append(run.evaluate("valid")[data.metric])
        print(f"{name}: epoch {len(metrics)}, {data.metric} {metrics[-1]:.4f}, {seconds:.0f} s")
    test = run.evaluate("test")[data.metric]
    return {"metric": data.metric, "valid": metrics, "test": test, **figures(run, seconds)}


def _pairs(nodes: int, size: int, random: np.random.Generator) -> np.ndarray[Any, Any]:
    """Return pairs ``[2, size]`` of nodes that are near each other, or of any two."""
    pairs = np.empty((2, size), np.int64)
    for low in range(0, size, 2**22):
        length = min(2**22, size - low)
        src = random.integers(nodes, size=length)
        near = (src + random.geometric(1 / 100, length)) % nodes
        far = (nodes * random.random(length) ** 3).astype(np.int64)
        pairs[0, low : low + length] = src
        pairs[1, low : low + length] = np.where(random.random(length) < 0.7, near, far)
    return pairs


def generate(nodes: int, edges: int, folder: Path) -> LinkData:
    """Return a graph of overlapping groups whose features, in a file, say the group.

    Most edges join nodes that are near each other in the order of ids, the others any two, one of
    which has a low id more often.
    """
    random = np.random.default_rng(0)
    path = folder / "x.npy"
    x = np.lib.format.open_memmap(path, "w+", np.float32, (nodes, WIDTH))
    groups = random.normal(size=(nodes // 500 + 2, WIDTH)).astype(np.float32)
    for low in range(0, nodes, 2**16):
        rows = np.arange(low, min(nodes, low + 2**16))
        x[rows] = groups[rows // 500] + random.normal(size=(len(rows), WIDTH)).astype(np.float32)
    x.flush()
    del x
    train, valid, test = (
        torch.from_numpy(_pairs(nodes, size, random)) for size in (edges, HELD_OUT, HELD_OUT)
    )
    neg = torch.from_numpy(random.integers(nodes, size=(2, NEGATIVES)))
    mapped = torch.from_numpy(np.load(path, mmap_mode="c"))
    return LinkData(
        "generated",
        nodes,
        mapped,
        train,
        EvalEdges(valid, (neg[0], neg[1])),
        EvalEdges(test, (neg[0], neg[1])),
        undirected=True,
        metric="hits@50",
        split="generated",
    )


def train_large(nodes: int, edges: int, folder: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Train an epoch on a generated graph."""
    start = time.perf_counter()
    data = generate(nodes, edges, folder)
    _ = data.graph
    built = time.perf_counter() - start
    print(f"generated in {built:.0f} s: {data.graph}, {memory()}")
    limit = options.pop("steps", None)
    if limit:  # of an epoch, for profiles
        data = replace(data, name="a part")
    run = LinkRun(data, LinkConfig(**{**LARGE, **options}), 0, Resources(1, 8 * 1024))
    before = run.evaluate("valid")["hits@50"]
    if limit:
        run.positives = run.positives[:, : limit * run.batch_size]
    run.callbacks = Steps()
    start = time.perf_counter()
    loss = run.epoch()
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    metrics = evaluate_edges(run.valid, run.scorer())
    result = {"nodes": nodes, "edges": edges, "features": WIDTH, "build_seconds": built}
    result |= {"loss": loss, "before": before, "after": metrics["hits@50"]}
    return {**result, "inference_seconds": time.perf_counter() - start, **figures(run, seconds)}


def in_process(arguments: list[str]) -> dict[str, Any]:
    """Return what this script prints last with these arguments, in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GNEG_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.scale.minibatch", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        last = ""
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    result: dict[str, Any] = json.loads(last)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=500_000, help="nodes of the generated graph")
    parser.add_argument("--edges", type=int, default=5_000_000, help="its training edges")
    parser.add_argument("--fanout", default="10", help="neighbours in the generated graph")
    parser.add_argument("--batch-size", type=int, default=8192, help="positives there")
    parser.add_argument("--folder", type=Path, help="where its features are written for the time")
    parser.add_argument("--only", choices=("dblp", "large"), help="one of the two parts")
    parser.add_argument("--steps", type=int, help="steps of the epoch; all if not given")
    parser.add_argument("--variant", help=argparse.SUPPRESS)
    typed = parser.parse_args()
    if typed.variant:
        keep_freed_memory()
        torch.set_num_threads(1)
        if typed.variant != "large":
            print(json.dumps(train_dblp(typed.variant)))
            return
        options = {"fanout": typed.fanout, "batch_size": typed.batch_size, "steps": typed.steps}
        with tempfile.TemporaryDirectory(dir=typed.folder) as folder:
            print(json.dumps(train_large(typed.nodes, typed.edges, Path(folder), options)))
        return
    path = HERE / "results" / "minibatch.json"
    result: dict[str, Any] = {}
    if path.exists():
        content = json.loads(path.read_text())
        result = {key: content[key] for key in ("dblp2010", "generated") if key in content}
    if typed.only != "large":
        result["dblp2010"] = {name: in_process(["--variant", name]) for name in VARIANTS}
    if typed.only != "dblp":
        arguments = ["--variant", "large", "--fanout", typed.fanout]
        for name in ("nodes", "edges", "batch_size", "folder", "steps"):
            value = getattr(typed, name)
            arguments += [] if value is None else [f"--{name.replace('_', '-')}", str(value)]
        generated = in_process(arguments)
        result.setdefault("generated", {})[f"{typed.edges:,} edges"] = generated
    command = f"python -m benchmarks.scale.minibatch {' '.join(sys.argv[1:])}".strip()
    record.write(path, command, result)


if __name__ == "__main__":
    main()
