"""``gneg samplers``, ``gneg losses``, ``gneg datasets``: what there is."""

from __future__ import annotations

import inspect

from gneg.cli.app import app, console, print_table


@app.command("samplers")
def samplers_command() -> None:
    """List samplers, their options, and how expressions combine them."""
    from gneg.samplers.text.build import SAMPLERS, options_of

    rows = [
        (name, ", ".join(options_of(cls)), (inspect.getdoc(cls) or "").split("\n")[0])
        for name, cls in SAMPLERS.items()
    ]
    print_table("samplers", ("name", "options", "what it draws"), rows, texts=3)
    console.print(
        "an expression: walk   walk(kind=ppr)   khop(hops=2|3|far)   hardest(walk, m=64)\n"
        "  mixture(uniform:0.75, hardest(walk, m=64):0.25)\n"
        "  guarded(hardest(walk), relative_margin=0.05, percentile=ra|95)\n"
        "  curriculum(hardest(uniform), setting=quantile, schedule=cosine, start=0.5, end=1)",
        highlight=False,
    )


@app.command("losses")
def losses_command() -> None:
    """List losses."""
    from gneg.losses import LOSSES

    rows = [(name, (inspect.getdoc(cls) or "").split("\n")[0]) for name, cls in LOSSES.items()]
    print_table("losses", ("name", "what it costs"), rows, texts=2)


@app.command("datasets")
def datasets_command() -> None:
    """List datasets that are known by name."""
    from gneg.datasets import names, triple_names

    for name in names():
        console.print(name, highlight=False)
    console.print(
        "or the path of an edge list: .csv, .tsv, .txt, .parquet or .npz\n"
        f"for gneg kg: {', '.join(triple_names())}, or a folder of triples",
        highlight=False,
    )
