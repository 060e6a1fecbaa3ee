"""The tables of mini-batches, for ``benchmarks/README.md``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.format import load, machine, table

HERE = Path(__file__).parent


def minibatch() -> str:
    """Return mini-batches beside the whole graph, and epochs on generated graphs."""
    result = load(HERE / "results" / "minibatch.json")
    header = ["dblp2010", "valid Hits@50 by epoch, %", "test", "batch", "seconds", "peak, GB"]
    rows = [
        [
            name,
            ", ".join(f"{100 * value:.1f}" for value in row["valid"]),
            f"{100 * row['test']:.1f}",
            f"{row['batch_size']:,}",
            f"{row['seconds']:.0f}",
            f"{row['peak_gb']:.1f}",
        ]
        for name, row in result["dblp2010"].items()
    ]
    sizes = [_row(row) for row in result.get("generated", {}).values()]
    columns = ["nodes", "edges", "features", "epoch, s", "waiting", "peak, GB", "of it files"]
    columns += ["embeddings of all, s", "Hits@50 before, after"]
    return (
        f"{table(header, rows)}\n\n{table(columns, sizes)}\n\nLearned embeddings of width 64 on "
        "dblp2010, GCN with one layer; in the generated graphs GraphSAGE on memory-mapped "
        f"features, one negative each. {machine(result)}."
    )


def _row(row: dict[str, Any]) -> list[str]:
    return [
        f"{row['nodes']:,}",
        f"{row['edges']:,}",
        str(row["features"]),
        f"{row['seconds']:.0f}",
        f"{100 * row['waiting_share']:.0f} %",
        f"{row['peak_gb']:.1f}",
        f"{row['mapped_gb']:.1f}",
        f"{row['inference_seconds']:.0f}",
        f"{100 * row['before']:.1f}, {100 * row['after']:.1f}",
    ]
