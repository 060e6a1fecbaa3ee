"""Easy against hard evaluation on Cora: ``python -m benchmarks.quality.compare [FOLDER]``.

Runs ``gneg compare`` in ``FOLDER``, where an interrupted run is resumed, or in a temporary folder,
and writes ``compare.json`` without curves and histograms to ``results/compare/Cora.json``.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from gneg import files

HERE = Path(__file__).parent
SAMPLERS = "uniform, mixture(uniform:0.75, walk:0.25), walk, hardest(uniform, m=16)"
COMMAND = ["compare", "Cora", "--root", "../shared/data", "--samplers", SAMPLERS]
COMMAND += ["--encoders", "sage,gcn", "--seeds", "5", "--jobs", "2"]
COMMAND += ["--epochs", "100", "--hidden", "128"]
COLUMNS = ("encoder", "sampler", "loss", "metrics", "summary", "against", "epochs", "best_epochs")


def main() -> None:
    folder = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()
    command = [sys.executable, "-m", "gneg.cli", *COMMAND, "--out", folder]
    subprocess.run(command, check=True, cwd=HERE.parent.parent)
    results = json.loads((Path(folder) / "compare.json").read_text())
    results["rows"] = [
        {name: row[name] for name in COLUMNS} | {"risk": row["audit"]["risk"]}
        for row in results["rows"]
    ]
    results["command"] = shlex.join(["gneg", *COMMAND])
    path = HERE / "results" / "compare" / "Cora.json"
    files.write_json(path, results)
    print(path)


if __name__ == "__main__":
    main()
