"""``gneg samplers``, ``gneg losses``, ``gneg datasets`` and ``gneg kg presets``."""

from __future__ import annotations

import inspect
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gneg import checks, files
from gneg.cli.app import app, kg, say, say_path
from gneg.cli.groups import expand_groups
from gneg.cli.options import Fresh, in_words, say_preset
from gneg.cli.output import print_json
from gneg.cli.tables import print_table
from gneg.cli.values import one_of


@app.command("samplers")
@expand_groups
def samplers_command() -> None:
    """List samplers, their options, and how expressions combine them."""
    from gneg.samplers.text.names import SAMPLERS, options_of
    from gneg.samplers.triples.build import SELECTORS, described

    rows = [(name, ", ".join(options_of(cls)), _first_line(cls)) for name, cls in SAMPLERS.items()]
    columns = ("name", "options", "description")
    print_table("samplers", columns, rows, prose=2, result=True)
    of_triples = described()
    print_table("samplers of triples, for gneg kg", columns, of_triples, prose=2, result=True)
    say(f"and around them {', '.join(SELECTORS)}, as above")
    say(
        "an expression: walk   walk(kind=ppr)   khop(hops=2|3|far)   hardest(walk, m=64)\n"
        "  mixture(uniform:0.75, hardest(walk, m=64):0.25)\n"
        "  guarded(hardest(walk), relative_margin=0.05, percentile=ra|95)\n"
        "  curriculum(hardest(uniform), setting=quantile, start=0.5, end=1)"
    )
    tables = {"samplers": rows, "samplers_of_triples": of_triples}
    print_json(
        {
            name: [dict(zip(columns, row, strict=True)) for row in table]
            for name, table in tables.items()
        }
    )


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
def presets_command(
    export: Annotated[
        str | None,
        typer.Option(help="Write one for another library: pykeen."),
        one_of("pykeen"),
    ] = None,
    preset: Annotated[str | None, typer.Option(help="The preset to write.")] = None,
    dataset: Annotated[
        str | None, typer.Option(help="PyKEEN's name of the dataset to train on.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A .json to write.")] = None,
    fresh: Fresh = False,
) -> None:
    """List presets: settings of models that were tuned on validation.

    With --export pykeen one is written as a configuration for pykeen.pipeline.pipeline_from_config.

    [bold]gneg kg presets --export pykeen --preset complex-n3 --out pykeen.json[/]
    """
    from gneg.training.presets import PRESETS

    if export is not None:
        _export_preset(preset, dataset, out, fresh)
        return
    for name, value in (("preset", preset), ("dataset", dataset), ("out", out)):
        if value is not None:
            checks.fail(name, "left out without --export", str(value))
    rows = []
    for name, entry in PRESETS.items():
        texts = [in_words(entry.settings)]
        texts += [f"on {known}: {in_words(values)}" for known, values in entry.on.items()]
        rows.append((name, entry.text, "; ".join(texts)))
    print_table("presets", ("name", "description", "settings"), rows, prose=2, result=True)
    say("use one: gneg kg train umls --preset complex-n3; options override its settings")
    print_json({"presets": {name: asdict(entry) for name, entry in PRESETS.items()}})


def _export_preset(name: str | None, dataset: str | None, out: Path | None, fresh: bool) -> None:
    """Write a preset as a configuration of PyKEEN."""
    from gneg.integrations.pykeen_config import pipeline_config
    from gneg.training.config import TripleConfig
    from gneg.training.presets import PRESETS, preset

    if name is None:
        checks.fail("preset", f"one of {', '.join(PRESETS)}, with --export", "none")
    if out is None:
        checks.fail("out", "a name that ends in .json, with --export", "none")
    out = files.check_file("out", out, (".json",), fresh=fresh)
    config = pipeline_config(TripleConfig(**preset(name, dataset)), dataset=dataset)
    files.write_json(out, config)
    say_preset(name, dataset)
    for difference in config["metadata"]["differences"]:
        say(f"PyKEEN differs in {difference}")
    if dataset is None:
        say("it names no data: pipeline_from_config(config, **factories(data)._asdict()), with")
        say("factories of gneg.integrations.pykeen; or give PyKEEN's name of a set by --dataset")
    say_path("configuration", out)
    print_json(config)


def _first_line(cls: type) -> str:
    return (inspect.getdoc(cls) or "").split("\n")[0]
