"""``gneg samplers``, ``gneg losses``, ``gneg datasets`` and ``gneg kg presets``."""

from __future__ import annotations

import inspect

from gneg.cli.app import app, kg, say
from gneg.cli.groups import expand_groups
from gneg.cli.output import print_json
from gneg.cli.tables import print_table


@app.command("samplers")
@expand_groups
def samplers_command() -> None:
    """List samplers, their options, and how expressions combine them."""
    from gneg.samplers.text.names import SAMPLERS, options_of

    rows = [(name, ", ".join(options_of(cls)), _first_line(cls)) for name, cls in SAMPLERS.items()]
    columns = ("name", "options", "description")
    print_table("samplers", columns, rows, prose=2, result=True)
    say(
        "an expression: walk   walk(kind=ppr)   khop(hops=2|3|far)   hardest(walk, m=64)\n"
        "  mixture(uniform:0.75, hardest(walk, m=64):0.25)\n"
        "  guarded(hardest(walk), relative_margin=0.05, percentile=ra|95)\n"
        "  curriculum(hardest(uniform), setting=quantile, start=0.5, end=1)"
    )
    print_json({"samplers": [dict(zip(columns, row, strict=True)) for row in rows]})


@app.command("losses")
@expand_groups
def losses_command() -> None:
    """List losses."""
    from gneg.losses import LOSSES

    rows = [(name, _first_line(cls)) for name, cls in LOSSES.items()]
    columns = ("name", "description")
    print_table("losses", columns, rows, prose=1, result=True)
    say("for gneg kg also losses over all entities, without negatives: 1vsall, 1vsrest, kvsall")
    print_json({"losses": [dict(zip(columns, row, strict=True)) for row in rows]})


@app.command("datasets")
@expand_groups
def datasets_command() -> None:
    """List datasets that are known by name."""
    from gneg.datasets import names, triple_names

    for name in names():
        say(name, result=True)
    say("or the path of your own edge list (text, parquet, npz, mtx, graphml): see gneg describe")
    say(f"for gneg kg: {', '.join(triple_names())}, or a file or folder of triples")
    print_json({"links": names(), "triples": triple_names()})


@kg.command("presets")
@expand_groups
def presets_command() -> None:
    """List presets: settings of models at the level of tuned baselines."""
    from gneg.training.presets import PRESETS

    rows = [
        (name, preset.text, " ".join(f"{key}={value}" for key, value in preset.settings.items()))
        for name, preset in PRESETS.items()
    ]
    print_table("presets", ("name", "description", "settings"), rows, prose=2, result=True)
    say("gneg kg train umls --preset complex-n3; options override a preset's settings")
    print_json({"presets": {name: preset.settings for name, preset in PRESETS.items()}})


def _first_line(cls: type) -> str:
    return (inspect.getdoc(cls) or "").split("\n")[0]
