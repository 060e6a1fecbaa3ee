"""Training table of Cora and ogbl-ddi: ``python -m benchmarks.quality.run [--only ogbl-ddi]``.

Each cell is one ``gneg train`` in a process of its own with one thread; its ``results.json``
(command, config, versions, machine, seeds, curves) is copied to ``results/``. Finished cells are
not run again.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import record
from benchmarks.format import load

HERE = Path(__file__).parent
DATA = HERE.parent.parent.parent / "shared" / "data"
MIXTURE = "mixture(uniform:0.75, walk:0.25)"

DATASETS: dict[str, list[str]] = {
    "Cora": ["--seeds", "3", "--hidden", "128", "--epochs", "100"],
    # A budget for two cores: OGB's baselines train 200 epochs at width 256 with ten seeds.
    "ogbl-ddi": ["--hidden", "128", "-k", "3", "--epochs", "40", "--patience", "8"],
}
#: Settings of OGB's example on ogbl-ddi (examples/linkproppred/ddi/gnn.py), with products in
#: bfloat16 for two cores.
OGB = [
    *["--hidden", "256", "--layers", "2", "--dropout", "0.5", "--decoder", "mlp"],
    *["--decoder-layers", "2", "--decoder-dropout", "0.5", "--loss", "bce", "-k", "1"],
    *["--batch-size", "65536", "--lr", "0.005", "--grad-clip", "1", "--no-mask-targets"],
    *["--inputs", "embedding", "--pair-features", "none", "--stack", "none"],
    *["--epochs", "200", "--eval-every", "5", "--patience", "40", "--precision", "bf16"],
]
#: Its negatives, which are uniform over all pairs, the hardest of eight such, and uniform ones of
#: the ends of positives.
OGB_NEGATIVES = (("any", "uniform"), ("any", "hardest(uniform, m=8)"), ("positives", "uniform"))


def cells() -> dict[str, list[str]]:
    """Return the command of each cell by its name."""
    commands = {}
    for dataset, options in DATASETS.items():
        for encoder in ("sage", "gcn"):
            for sampler in ("uniform", MIXTURE, "walk"):
                words = ["train", dataset, "--encoder", encoder, "--sampler", sampler]
                commands[_name(dataset, encoder, sampler)] = [*words, *options]
    for encoder in ("gcn", "sage"):
        for queries, sampler in OGB_NEGATIVES:
            words = ["train", "ogbl-ddi", "--encoder", encoder, "--sampler", sampler]
            words += ["--queries", queries]
            commands[_name("ogb", encoder, queries, sampler)] = [*words, *OGB]
    for encoder in ("cn", "aa"):
        commands[f"ogbl-ddi-{encoder}"] = ["train", "ogbl-ddi", "--encoder", encoder]
    return commands


def _name(*parts: str) -> str:
    return "-".join(re.sub(r"\W+", "-", part).strip("-") for part in parts)


def run(name: str, command: list[str], work: Path) -> None:
    """Run a cell and copy its record, unless it is finished.

    Args:
        name: The name of the cell.
        command: The arguments of ``gneg``.
        work: Folder of checkpoints and logs.
    """
    target = HERE / "results" / f"{name}.json"
    if target.exists():
        return
    # Several processes run at once, with one thread each.
    env = {**os.environ, "OMP_NUM_THREADS": "1", "GNEG_NUM_THREADS": "1"}
    arguments = [*command, "--root", os.path.relpath(DATA), "--out", str(work / name)]
    with (work / f"{name}.log").open("w") as log:
        subprocess.run(
            [sys.executable, "-m", "gneg", *arguments],
            env=env,
            check=True,
            stdout=log,
            stderr=log,
        )
    result = load(work / name / "results.json")
    record.write(target, result["command"], result)
    print(target, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="run cells whose name starts with this")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once")
    parser.add_argument(
        "--work", type=Path, default=Path("runs/quality"), help="checkpoints and logs"
    )
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    chosen = {name: command for name, command in cells().items() if name.startswith(options.only)}
    with ThreadPoolExecutor(options.jobs) as pool:
        futures = [
            pool.submit(run, name, command, options.work) for name, command in chosen.items()
        ]
        for future in futures:
            future.result()


if __name__ == "__main__":
    main()
