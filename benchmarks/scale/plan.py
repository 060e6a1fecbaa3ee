"""What larger graphs and more machines would cost, from what was measured here.

Unit costs are those of the largest graph that ``benchmarks.scale.run`` measured, and of
mini-batches on dblp2010 (``benchmarks.scale.minibatch``). The model that is checked is the one that
is projected: building costs the same for each edge, and a negative costs more by the same factor
each time a graph grows tenfold. It is fitted on smaller graphs and predicts the next larger one.
"""

from __future__ import annotations

import math
from typing import Any

from benchmarks.format import load, machine, table
from benchmarks.scale.tables import RESULTS

#: Nodes and edges that negatives are drawn for (OGB's own figures).
GRAPHS = {
    "ogbl-citation2": (2_927_963, 30_387_995),
    "ogbl-wikikg2": (2_500_604, 16_109_182),
    "ogbn-papers100M": (111_059_956, 1_615_685_872),
}
MACHINES = (1, 4, 16)
K = 50  # negatives of an edge
HOUR = 3600.0
RATES = "rates_million_per_core_s"


def _measured() -> list[dict[str, Any]]:
    results = (load(path) for path in RESULTS.glob("edges-*.json"))
    return sorted(results, key=lambda entry: entry["edges"])


def build_seconds(before: list[dict[str, Any]], edges: float) -> float:
    """Return the predicted seconds of a build: the last two sizes on a line, one from zero."""
    last = before[-1]
    if len(before) == 1:
        return float(last["build"]["seconds"] * edges / last["edges"])
    first = before[-2]
    grown = last["build"]["seconds"] - first["build"]["seconds"]
    each = grown / (last["edges"] - first["edges"])
    return float(last["build"]["seconds"] + each * (edges - last["edges"]))


def rate(before: list[dict[str, Any]], name: str, edges: float) -> float:
    """Return the predicted millions of negatives per second of a core."""
    last = before[-1]
    if len(before) == 1:
        return float(last[RATES][name])
    first = before[-2]
    decades = math.log10(last["edges"] / first["edges"])
    factor = (last[RATES][name] / first[RATES][name]) ** (1 / decades)
    return float(last[RATES][name] * factor ** math.log10(edges / last["edges"]))


def checked() -> str:
    """Return the table of predictions beside what was measured; empty if there is too little."""
    results = _measured()
    if len(results) < 3:
        return ""
    rows = []
    for i in range(2, len(results)):
        before, now = results[:i], results[i]
        pairs = {"`gneg ingest`, s": (build_seconds(before, now["edges"]), now["build"]["seconds"])}
        for name in ("uniform", "walk"):
            label = f"{name}, million per second of a core"
            pairs[label] = rate(before, name, now["edges"]), now[RATES][name]
        for label, (predicted, measured) in pairs.items():
            off = 100 * (predicted / measured - 1)
            edges = f"{now['edges'] // 10**6} M"
            rows.append([edges, label, f"{predicted:.3g}", f"{measured:.3g}", f"{off:+.0f} %"])
    header = ["edges", "", "predicted from smaller graphs", "measured", "off"]
    return f"{table(header, rows)}\n\n{machine(*results)}."


def projected() -> str:
    """Return the table of larger graphs on several machines; empty if nothing was measured."""
    results, mini = _measured(), RESULTS / "minibatch.json"
    if not results or not mini.exists():
        return ""
    run = load(mini)["dblp2010"]["mini-batches"]
    each = run["seconds"] / (len(run["valid"]) * 686_544)  # of a positive, in one process
    cores = load(mini)["machine"]["cores"]
    last = results[-1]
    rows = []
    for name, (nodes, edges) in GRAPHS.items():
        disk = (8 * (nodes + 1) + 4 * 2 * edges) / 1e9
        row = [name, f"{build_seconds(results, edges) / HOUR:.1f}", f"{disk:.1f}"]
        seconds = K * edges / (1e6 * rate(results, "walk", edges) * cores)
        row += [" / ".join(f"{seconds / m / HOUR:.2f}" for m in MACHINES)]
        epoch = each * edges / cores
        row += [" / ".join(f"{epoch / m / HOUR:.1f}" for m in MACHINES)]
        rows.append(row)
    count = " / ".join(map(str, MACHINES))
    header = [
        "graph",
        "`gneg ingest`, h",
        "graph on disk and in memory, GB",
        f"{K} walk negatives of each edge, h, on {count} machines",
        f"an epoch of mini-batches, h, on {count} machines",
    ]
    return (
        f"{table(header, rows)}\n\nMachines of {cores} cores as here, one process a core; largest "
        f"graph measured: {last['edges'] // 10**6} M edges. {machine(*results)}."
    )
