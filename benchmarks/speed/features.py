"""Speed of pair features and of full rankings: ``python -m benchmarks.speed.features``.

Pairs as a training step has them: a batch of edges, each with uniform negatives. Writes
``results/features.json``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from benchmarks import record
from benchmarks.format import load, machine, table
from benchmarks.speed.run import batch_of, seconds
from gneg import datasets, kernels
from gneg.evaluation.full_ranks import full_ranks
from gneg.graph.heuristics import Heuristic
from gneg.nn.pair_inputs import PairInputs
from gneg.samplers import Uniform

HERE = Path(__file__).parent
DATA = HERE.parent.parent.parent / "shared" / "data"
GRAPHS = {
    "Cora": "Cora",
    "Photo": "Photo",
    "dblp2010": str(DATA / "graphs" / "dblp2010" / "edges.csv.gz"),
}
KINDS = (("cn",), ("ra",), ("degree",), ("cosine",), ("ppr",), ("katz",))
TOGETHER = ("cn", "aa", "ra", "degree")
BATCH, K = 1024, 32
RESULT = HERE / "results" / "features.json"


def rates(data: datasets.LinkData) -> dict[str, float]:
    """Return millions of pairs a second, by the kinds of features."""
    pos = batch_of(data.graph, BATCH)
    negatives = Uniform(data.graph).sample(pos, K, generator=torch.Generator().manual_seed(0))
    pairs = torch.cat([pos, negatives.edge_index()], dim=1)
    found = {}
    for kinds in (*KINDS, TOGETHER):
        if "cosine" in kinds and data.x is None:
            continue
        if "ppr" in kinds and data.num_nodes > 8_192:
            continue
        inputs = PairInputs(data.graph, kinds=kinds, x=data.x)
        took = seconds(lambda: inputs.features(pairs), budget=1.0)  # noqa: B023
        found[", ".join(kinds)] = pairs.size(1) / took / 1e6
    return found


def measure(name: str) -> dict[str, Any]:
    """Return the rates on a graph and, on Cora, the seconds of a ranking among all nodes."""
    data = datasets.load(GRAPHS[name], root=DATA)
    result: dict[str, Any] = {"graph": name, "million_pairs_per_s": rates(data)}
    if name == "Cora":
        score = Heuristic(data.graph, "ra")
        took = seconds(lambda: full_ranks(data, score), budget=0.0, least=1)
        result |= {"ranked": data.test.pos.size(1), "seconds_of_ranking": took}
    return result


def block() -> str:
    """Return the table of all graphs; empty if nothing was measured."""
    if not RESULT.exists():
        return ""
    result = load(RESULT)
    graphs = {row["graph"]: row["million_pairs_per_s"] for row in result["rows"]}
    kinds = list(dict.fromkeys(kind for rates in graphs.values() for kind in rates))
    rows = [
        [kind, *(f"{rates[kind]:.2f}" if kind in rates else "-" for rates in graphs.values())]
        for kind in kinds
    ]
    first = result["rows"][0]
    return (
        f"{table(['millions of pairs a second', *graphs], rows)}\n\n{BATCH:,} edges with {K} "
        f"uniform negatives each, {result['kernel_threads']} threads. The {first['ranked']} test "
        f"edges of Cora ranked among all nodes, both ends, by resource allocation: "
        f"{first['seconds_of_ranking']:.2f} s. {machine(result)}."
    )


def main() -> None:
    rows = []
    for name in GRAPHS:
        rows.append(measure(name))
        print(rows[-1], flush=True)
    result = {"kernel_threads": kernels.threads.get_num_threads(), "rows": rows}
    record.write(RESULT, "python -m benchmarks.speed.features", result)


if __name__ == "__main__":
    main()
