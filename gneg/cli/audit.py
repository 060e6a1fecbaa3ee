"""``gneg audit``."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from gneg import files
from gneg.cli.app import app, command_line, say, say_path
from gneg.cli.engines import EngineOptions
from gneg.cli.groups import expand_groups
from gneg.cli.options import EitherDataset
from gneg.cli.output import print_json, progress_console
from gneg.cli.progress import ProgressDisplay
from gneg.cli.sources import DataOptions, DataSource
from gneg.cli.tables import print_table
from gneg.cli.values import CORRUPT, Checked, any_sampler, at_least, end_of, exists, one_of, setting
from gneg.training.config import LinkConfig


@app.command("audit")
@expand_groups
def audit_command(
    dataset: EitherDataset,
    sampler: Annotated[
        str, typer.Option(help="A sampler expression, see gneg samplers."), Checked(any_sampler)
    ] = LinkConfig().sampler,
    k: Annotated[int, typer.Option("--k", "-k", help="Negatives per positive."), at_least(1)] = 8,
    negatives: Annotated[
        int, typer.Option(help="Number of negatives to draw."), at_least(1)
    ] = 1_000_000,
    model: Annotated[
        Path | None,
        typer.Option(
            help="A run folder or model-SEED.pt of gneg train (gneg kg train), for samplers that "
            "select by a model and to see how it ranks negatives."
        ),
        Checked(exists),
    ] = None,
    known: Annotated[
        str,
        typer.Option(help="Edges or triples that negatives avoid: train, train+valid or all."),
        setting(LinkConfig, "known"),
    ] = "train",
    corrupt: Annotated[
        str,
        typer.Option(help="End that is replaced: both, dst or src; for triples also bernoulli."),
        one_of(*CORRUPT),
    ] = "both",
    seed: Annotated[int, typer.Option(help="Seed of all randomness."), at_least(0)] = 0,
    out: Annotated[Path | None, typer.Option(help="File for all figures as JSON.")] = None,
    plots: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the figures as PNG and SVG (needs the extra gneg\\[report])."
        ),
    ] = None,
    source: DataSource = DataOptions(either=True),  # type: ignore[assignment]
    engine: Any = EngineOptions(),  # noqa: B008
) -> None:
    """Measure how hard, how risky and how costly a sampler's negatives are.

    Risk is the number of held-out edges, or triples, among 1,000 negatives: the sampler does not
    see them, they are counted afterwards.

    [bold]gneg audit Cora --sampler walk[/]

    [bold]gneg audit fb15k237 --sampler typed[/]

    [bold]gneg audit Cora --sampler "hardest(walk)" --model runs/Cora-...[/]
    """
    from gneg.evaluation.audit import audit

    if out is not None:
        inputs = (dataset, source.features, model)
        files.check_file("out", out, (".json",), replaces='"known_edges_mb": ', inputs=inputs)
    if plots is not None:
        importlib.import_module("gneg.experiments.report")  # fails without the extra
        files.check_output("plots", plots, folder=True)
    data = source.load_any(dataset)
    score, z = None, None
    if model is not None:
        from gneg.training.load import load_score  # with PyG it takes seconds

        score, z = load_score(data, model)
    with progress_console.status("drawing and measuring"):
        results = audit(
            data,
            sampler,
            k=k,
            negatives=negatives,
            score=score,
            z=z,
            known=cast(Any, known),
            corrupt=cast(Any, end_of(data, corrupt)),
            seed=seed,
            engine=engine,
            command=command_line(),
        )
    _print_hardness(results)
    _print_risk(results)
    if out is not None:
        files.write_json(out, results)
        say_path("results", out)
    if plots is not None:
        from gneg.experiments.report import figures, style

        with ProgressDisplay() as display:
            paths = style.write(figures.audit(results), plots, display.count("figures"))
        say_path("figures", *paths)
    print_json(results)


def _print_hardness(results: dict[str, Any]) -> None:
    from gneg.evaluation.audit.hardness import NAMES, unit_of

    quantiles = results["at"]
    positions = [quantiles.index(share) for share in (0.05, 0.5, 0.95)]
    rows = []
    for name, groups in results["hardness"].items():
        scale = 1000 if name == "ppr" else 1
        for group in ("positives", "negatives", "uniform"):
            figures = [groups[group]["mean"], *(groups[group]["quantiles"][i] for i in positions)]
            measure = NAMES[name] + " x 1,000" * (scale > 1) if group == "positives" else ""
            pairs = "held-out" if group == "positives" else group
            rows.append((measure, pairs, *(f"{scale * figure:.3g}" for figure in figures)))
    compared = "triples" if unit_of(results) == "triples" else "pairs"
    columns = ("measure", compared, "mean", "5 %", "50 %", "95 %")
    print_table(f"hardness of {results['sampler']}", columns, rows, names=2)
    shells = results["distances"]
    rows = [
        (distance, *(f"{100 * shells[group][distance]:.1f}" for group in shells))
        for distance in shells["negatives"]
    ]
    print_table("distance in the training graph, %", ("edges", *shells), rows)


def _print_risk(results: dict[str, Any]) -> None:
    from gneg.evaluation.audit.hardness import unit_of

    risk, cost, unit = results["risk"], results["cost"], unit_of(results)
    nodes = "entities" if unit == "triples" else "nodes"
    lift = ""
    if risk["lift"] is not None:
        interval = f"{risk['lift_low']:.1f} to {risk['lift_high']:.1f}"
        lift = f", {risk['lift']:.1f} ({interval}) times uniform"
    say(
        f"risk: {risk['per_1000']:.3g} held-out {unit} per 1,000 negatives "
        f"({risk['low']:.3g} to {risk['high']:.3g}){lift}"
    )
    if risk["expected_share"] is not None:
        say(f"expected from the sampler's density: {1000 * risk['expected_share']:.3g} per 1,000")
    if results["violating"] is not None:
        say(f"negatives scored above their positive: {100 * results['violating']:.1f} %")
    say(
        f"targets cover {100 * results['coverage']:.1f} % of the {nodes}; repeats in a row: "
        f"{100 * results['duplicates']:.1f} %; degree divergence from the positives: "
        f"{results['degree_divergence']:.3f} bits"
    )
    if results["guards"]:
        rows = [
            (
                row["guard"],
                f"{100 * row['dropped']:.1f} %",
                f"{row['saved_per_1000']:+.2f}",
                f"{row['cost']:+.4f}",
            )
            for row in results["guards"]
        ]
        columns = ("guard", "dropped", "held-out edges saved per 1,000", "mean hardness given up")
        print_table("effect of each guard (against the others without it)", columns, rows)
    say(
        f"cost: {results['negatives']:,} negatives in {cost['seconds']:.2f} s "
        f"({cost['negatives_per_second'] / 1e6:.1f} M/s); known {unit} "
        f"{cost['known_edges_mb']:.1f} MB, memory grew by {cost['peak_growth_mb']:.0f} MB"
    )
