"""The table of graphs of 1M to 100M edges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.format import load, machine, table

RESULTS = Path(__file__).parent / "results"


def block() -> str:
    """Return the table; empty if nothing was run."""
    results = sorted(
        (load(path) for path in RESULTS.glob("edges-*.json")), key=lambda entry: entry["edges"]
    )
    if not results:
        return ""
    rows = [
        ["edges in the file, nodes", *(f"{r['edges']:,}, {r['num_src']:,}" for r in results)],
        ["file, MB", *(f"{r['file_mb']:,.0f} ({r['form']})" for r in results)],
        ["undirected edges of the graph", *(f"{r['num_edges'] // 2:,}" for r in results)],
        ["`gneg ingest`, seconds", *(f"{r['build']['seconds']:.0f}" for r in results)],
        ["peak memory of it, MB", *(f"{r['build']['peak_mb']:,.0f}" for r in results)],
        ["on disk, MB", *(f"{r['disk_mb']:,.0f}" for r in results)],
        ["`Graph.open`, milliseconds", *(f"{r['open_ms']:.0f}" for r in results)],
        *_rates(results, "uniform"),
        *_rates(results, "walk"),
        ["load of the machine before", *(f"{r['load_before']:.1f}" for r in results)],
    ]
    first = results[0]
    note = (
        f"R-MAT edges, seed {first['seed']}; `--memory {first['memory']}`; memory is what is "
        f"resident beside mapped files. Negatives when the graph is cached, B = {first['batch']:,} "
        f"random edges, K = {first['k']}, {first['kernel_threads']} threads: by the clock, and by "
        f"the processor's time of one core. {machine(*results)}."
    )
    return f"{table(['', *(_millions(r['edges']) for r in results)], rows)}\n\n{note}"


def _rates(results: list[dict[str, Any]], name: str) -> list[list[str]]:
    """Return the rows of a sampler's rates."""
    kinds = {
        "million/s": "rates_million_per_s",
        "million per second of a core": "rates_million_per_core_s",
    }
    return [
        [f"{name} negatives, {text}", *(f"{result[key][name]:.1f}" for result in results)]
        for text, key in kinds.items()
    ]


def _millions(edges: int) -> str:
    return f"{edges // 10**6} M"
