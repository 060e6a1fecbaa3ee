"""``gneg samplers``, ``gneg losses`` and ``gneg datasets``."""

from __future__ import annotations

import inspect

from gneg.cli.app import app, say
from gneg.cli.tables import print_table


@app.command("samplers")
def samplers_command() -> None:
    """List samplers, their options, and how expressions combine them."""
    from gneg.samplers.text.build import SAMPLERS, options_of

    rows = [(name, ", ".join(options_of(cls)), _first_line(cls)) for name, cls in SAMPLERS.items()]
    print_table("samplers", ("name", "options", "description"), rows, prose=2)
    say(
        "an expression: walk   walk(kind=ppr)   khop(hops=2|3|far)   hardest(walk, m=64)\n"
        "  mixture(uniform:0.75, hardest(walk, m=64):0.25)\n"
        "  guarded(hardest(walk), relative_margin=0.05, percentile=ra|95)\n"
        "  curriculum(hardest(uniform), setting=quantile, start=0.5, end=1)"
    )


@app.command("losses")
def losses_command() -> None:
    """List losses."""
    from gneg.losses import LOSSES

    rows = [(name, _first_line(cls)) for name, cls in LOSSES.items()]
    print_table("losses", ("name", "description"), rows, prose=1)


@app.command("datasets")
def datasets_command() -> None:
    """List datasets that are known by name."""
    from gneg.datasets import names, triple_names

    for name in names():
        say(name)
    say("or the path of your own edge list (text, parquet, npz, mtx, graphml): see gneg describe")
    say(f"for gneg kg: {', '.join(triple_names())}, or a file or folder of triples")


def _first_line(cls: type) -> str:
    return (inspect.getdoc(cls) or "").split("\n")[0]
