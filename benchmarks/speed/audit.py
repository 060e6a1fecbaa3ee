"""How long audits of a million negatives take: ``python -m benchmarks.speed.audit``.

Each is a ``gneg audit`` in a process of its own. Its time includes imports, and reading and
splitting the data. Writes ``results/audit.json``.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import record

HERE = Path(__file__).parent
DATA = HERE.parent.parent.parent / "shared" / "data"
GRAPHS = {
    "Cora": "Cora",
    "ogbl-ddi": "ogbl-ddi",
    "dblp2010": str(DATA / "graphs" / "dblp2010" / "edges.csv.gz"),
}
SAMPLERS = (
    "uniform",
    "mixture(uniform:0.75, walk:0.25)",
    "walk",
    "guarded(walk, percentile=ra|95)",
)


def measure(graph: str, sampler: str) -> dict[str, Any]:
    """Return the row of a graph and a sampler."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "audit.json"
        command = ["audit", GRAPHS[graph], "--sampler", sampler, "--root", str(DATA)]
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "gneg", *command, "--out", str(out)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        took = time.perf_counter() - start
        record = json.loads(out.read_text())
    ra = record["hardness"]["ra"]
    return {
        "graph": graph,
        "command": shlex.join(["gneg", "audit", graph, "--sampler", sampler]),
        "sampler": sampler,
        "negatives": record["negatives"],
        "seconds": took,
        "drawing": record["cost"],
        "risk": record["risk"],
        "relative_ra": ra["negatives"]["mean"] / ra["positives"]["mean"],
    }


def main() -> None:
    rows = []
    for graph in GRAPHS:
        for sampler in SAMPLERS:
            rows.append(measure(graph, sampler))
            print(rows[-1], flush=True)
    command = "python -m benchmarks.speed.audit"
    record.write(HERE / "results" / "audit.json", command, {"rows": rows})


if __name__ == "__main__":
    main()
