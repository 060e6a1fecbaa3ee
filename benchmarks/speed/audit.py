"""How long audits of a million negatives take: ``python -m benchmarks.speed.audit``.

Each is a ``gneg audit`` in a process of its own, timed from start to end (imports, reading and
splitting the data included). Writes ``results/audit.json``.
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

from gneg import files

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
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "audit.json"
        command = ["audit", GRAPHS[graph], "--sampler", sampler, "--root", str(DATA)]
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "gneg.cli", *command, "--out", str(out)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        took = time.perf_counter() - start
        found = json.loads(out.read_text())
    return {
        "graph": graph,
        "command": shlex.join(["gneg", "audit", graph, "--sampler", sampler]),
        "sampler": sampler,
        "negatives": found["negatives"],
        "seconds": took,
        "drawing": found["cost"],
        "risk": found["risk"],
        "relative_ra": found["hardness"]["ra"]["negatives"]["mean"]
        / found["hardness"]["ra"]["positives"]["mean"],
    }


def main() -> None:
    rows = []
    for graph in GRAPHS:
        for sampler in SAMPLERS:
            rows.append(measure(graph, sampler))
            print(rows[-1], flush=True)
    result = {
        "command": "python -m benchmarks.speed.audit",
        "machine": files.machine(),
        "versions": files.versions(),
        "rows": rows,
    }
    files.write_json(HERE / "results" / "audit.json", result)


if __name__ == "__main__":
    main()
