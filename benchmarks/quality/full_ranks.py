"""Estimates of ranks among all nodes: ``python -m benchmarks.quality.full_ranks``.

On dblp2010 a GCN is trained for a few epochs; some of its test edges are ranked among all 300,647
nodes exactly, then by estimates, with five seeds each: by a retrieved head with weighted draws from
the tail, by that head alone, and by uniform samples of equal cost. Each model has a JSON file under
``results/full_ranks/``; finished models are not run again. One thread.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import record
from benchmarks.format import load, machine, table
from benchmarks.quality import jobs
from gneg import datasets
from gneg.datasets import LinkData
from gneg.datasets.splits import drop_repeated_edges
from gneg.evaluation import metrics
from gneg.evaluation.full_ranks import full_ranks
from gneg.nn.model import Scorer
from gneg.prediction.estimate_ranks import RankEstimate, estimate_ranks
from gneg.rng import generator_from
from gneg.training.config import LinkConfig
from gneg.training.driver import train
from gneg.training.load import load_run

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "full_ranks"
DATA = HERE.parent.parent.parent / "shared" / "data" / "graphs" / "dblp2010" / "edges.csv.gz"
BASE = LinkConfig(encoder="gcn", layers=1, hidden=64, epochs=4, eval_every=4)
#: Config and number of test edges.
MODELS = {
    "cosine": (replace(BASE, decoder="cosine"), 500),
    "mlp": (replace(BASE, decoder="mlp"), 200),
    "hybrid, stacked": (replace(BASE, decoder="hybrid", stack="all"), 200),
}
HEAD = TAIL = 1000
SEEDS = range(5)
SHOWN = ("mrr", "hits@1", "hits@10", "hits@50")


def path(name: str) -> Path:
    """Return the file of a model's results."""
    return RESULTS / f"{name.replace(', ', '-')}.json"


def first_edges(data: LinkData, count: int) -> LinkData:
    """Return the data with ``count`` random test edges; the others are known, as in its filter."""
    order = torch.randperm(data.test.pos.size(1), generator=generator_from(0))
    test, rest = data.test.take(order[:count]), data.test.take(order[count:])
    known = torch.cat([data.valid.pos, rest.pos], dim=1)
    return replace(data, valid=replace(data.valid, pos=known), test=test)


def cell(job: tuple[str, str]) -> str:
    """Train a model, rank its test edges in each way and write the file."""
    name, command = job
    config, positives = MODELS[name]
    data = drop_repeated_edges(datasets.load(str(DATA)))
    work = Path("runs/full_ranks") / path(name).stem
    trained = train(data, config, out=work, keep_data=False)
    scorer = load_run(data, work).scorer()
    chosen = first_edges(data, positives)
    for warm in (first_edges(data, 4), chosen):  # the first call compiles kernels
        ways = ranked(warm, scorer)
    result = {
        "model": name,
        "dataset": trained["dataset"],
        "config": trained["config"],
        "test": trained["summary"]["test"],
        "positives": positives,
        "head": HEAD,
        "tail": TAIL,
        "seeds": len(SEEDS),
        "ways": ways,
    }
    record.write(path(name), command, result)
    return f"{name}: { ({way: values['mrr'] for way, values in ways.items()}) }"


def ranked(data: LinkData, scorer: Scorer) -> dict[str, Any]:
    """Return metrics, scored pairs and seconds of each way to rank the test edges."""
    start = time.perf_counter()
    exact = full_ranks(data, scorer, budget=2**40)
    figures = {name: [figure["value"]] for name, figure in exact.metrics().items()}
    seconds = time.perf_counter() - start
    ways: dict[str, Any] = {"exact": _cost(figures, exact.pairs, seconds)}

    def estimate(sampler: str) -> Callable[[int], RankEstimate]:
        def run(seed: int) -> RankEstimate:
            options: dict[str, Any] = {"head": HEAD, "tail": TAIL, "sampler": sampler, "seed": seed}
            return estimate_ranks(data, scorer, positives=data.test.pos.size(1), **options)

        return run

    for sampler in ("walk", "uniform"):
        start = time.perf_counter()
        estimates = [estimate(sampler)(seed) for seed in SEEDS]
        seconds = (time.perf_counter() - start) / len(SEEDS)
        values = [result.metrics(of_chosen=True) for result in estimates]
        figures = {name: [each[name]["value"] for each in values] for name in SHOWN}
        pairs = round(statistics.fmean(result.pairs for result in estimates))
        way = _cost(figures, pairs, seconds)
        ends = [(each["mrr"]["low"], each["mrr"]["high"]) for each in values]
        way["intervals"] = ends
        way["inside"] = sum(low <= ways["exact"]["mrr"][0] <= high for low, high in ends)
        ways[f"head and tail, {sampler}"] = way
    alone = metrics.rank_metrics(estimates[0].ranks - estimates[0].beyond)
    figures = {name: [float(alone[name].mean())] for name in SHOWN}
    ways["head alone"] = _cost(figures, None, None)
    return ways | uniform(data, scorer, pairs)


def uniform(data: LinkData, scorer: Scorer, pairs: int) -> dict[str, Any]:
    """Return the results of ranks among uniform non-edges, as they are and scaled to all nodes."""
    count = data.test.pos.size(1)
    k = pairs // (2 * count)
    start = time.perf_counter()
    plain, scaled = [], []
    for seed in SEEDS:
        ranks, full = [], []
        for side in ("dst", "src"):
            sampler = data.sampler("uniform", known="all", corrupt=side)
            drawn = sampler.sample(data.test.pos, k, generator=generator_from(seed))
            level = scorer(*data.test.pos)
            rank = metrics.ranks(level, scorer(*drawn.pairs()))
            free = data.known("all").complement_size(drawn.src)
            ranks.append(rank)
            full.append(1 + (rank - 1) * free / k)
        plain.append(metrics.rank_metrics(torch.stack(ranks)))
        scaled.append(metrics.rank_metrics(torch.stack(full)))
    seconds = (time.perf_counter() - start) / len(SEEDS)
    ways = {"uniform sample": plain, "uniform sample, scaled to all nodes": scaled}
    return {
        name: _cost(
            {metric: [float(each[metric].mean()) for each in values] for metric in SHOWN},
            2 * count * (k + 1),
            seconds,
        )
        for name, values in ways.items()
    }


def _cost(
    figures: dict[str, list[float]], pairs: int | None, seconds: float | None
) -> dict[str, Any]:
    """Return metrics with the scored pairs and seconds of one run; None: not counted."""
    shown = {name: figures[name] for name in SHOWN}
    return {**shown, "pairs": pairs, "seconds": seconds}


def _share(pairs: int | None, total: int) -> str:
    """Return a number of pairs and its share in percent; ``-`` where it was not counted."""
    return "-" if pairs is None else f"{pairs:,} ({100 * pairs / total:.2f} %)"


def block() -> str:
    """Return the table for the page; empty if nothing was run."""
    results = [load(path(name)) for name in MODELS if path(name).exists()]
    if not results:
        return ""
    rows = []
    for result in results:
        exact = result["ways"]["exact"]
        for way, values in result["ways"].items():
            means = {name: float(np.mean(values[name])) for name in SHOWN}
            error = means["mrr"] / exact["mrr"][0] - 1
            inside = f"{values['inside']} of {result['seeds']}" if "inside" in values else "-"
            rows.append(
                [
                    f"{result['model']}, {result['positives']:,} edges" if way == "exact" else "",
                    way,
                    *(f"{100 * means[name]:.2f}" for name in ("mrr", "hits@1", "hits@10")),
                    "-" if way == "exact" else f"{100 * error:+.2f} %",
                    inside,
                    _share(values["pairs"], exact["pairs"]),
                    "-" if values["seconds"] is None else f"{values['seconds']:.1f}",
                ]
            )
    header = ["decoder", "ranked by", "MRR", "Hits@1", "Hits@10"]
    header += ["MRR against exact", "intervals that hold it", "scored pairs", "seconds"]
    note = (
        f"GCN on dblp2010, test, %, means over {results[0]['seeds']} seeds of the draws; head and "
        f"tail of {HEAD:,} each; one thread, beside other work. {machine(*results)}."
    )
    return f"{table(header, rows)}\n\n{note}"


if __name__ == "__main__":
    jobs.main(__doc__, "full_ranks", cell, path, [(name,) for name in MODELS])
