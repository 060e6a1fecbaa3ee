"""Samplers compared on easy and hard negatives: ``python -m benchmarks.quality.compare DATASET``.

``DATASET`` is Cora or hyperbolic; a folder may follow, in which an interrupted comparison is
resumed. ``compare.json`` is written to ``results/compare``, without curves and histograms.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import record

HERE = Path(__file__).parent
COMMANDS = {
    "Cora": [
        *("--root", "../shared/data", "--encoders", "sage,gcn", "--epochs", "100"),
        *("--hidden", "128", "--seeds", "5", "--jobs", "2", "--samplers"),
        "uniform, mixture(uniform:0.75, walk:0.25), walk, hardest(uniform, m=16)",
    ],
    "hyperbolic": [  # the settings of the recipe, with which only the negatives differ
        *("--encoders", "gcn", "--losses", "softmax", "--decoder", "hybrid", "--hidden", "64"),
        *("--layers", "1", "--eval-every", "2", "--patience", "10", "--seeds", "5", "--samplers"),
        "uniform, mixture(uniform:0.75, walk:0.25), mixture(uniform, walk), walk",
    ],
}
COLUMNS = ("encoder", "sampler", "loss", "metrics", "summary", "against", "epochs", "best_epochs")


def main() -> None:
    dataset = sys.argv[1]
    folder = sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp()
    command = ["compare", dataset, *COMMANDS[dataset]]
    words = [sys.executable, "-m", "gneg", *command, "--out", folder]
    subprocess.run(words, check=True, cwd=HERE.parent.parent)
    results = json.loads((Path(folder) / "compare.json").read_text())
    results["rows"] = [
        {name: row[name] for name in COLUMNS} | {"risk": row["audit"]["risk"]}
        for row in results["rows"]
    ]
    path = HERE / "results" / "compare" / f"{dataset}.json"
    record.write(path, shlex.join(["gneg", *command]), results)
    print(path)


if __name__ == "__main__":
    main()
