"""``gneg audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from gneg.cli.app import (
    Bipartite,
    Directed,
    Features,
    Root,
    SplitSeed,
    app,
    command,
    console,
    load_data,
    load_knowledge_graph,
    plain_errors,
    print_table,
)
from gneg.training.config import TrainConfig


@app.command("audit")
def audit_command(
    dataset: Annotated[str, typer.Argument(help="A name (see gneg datasets), the path of an edge list, or a folder of triples.")],
    sampler: Annotated[str, typer.Option(help="A sampler expression, see gneg samplers.")] = TrainConfig().sampler,
    k: Annotated[int, typer.Option("--k", "-k", help="Negatives per positive.")] = 8,
    negatives: Annotated[int, typer.Option(help="How many to draw.")] = 1_000_000,
    model: Annotated[Path | None, typer.Option(help="A run folder or model-SEED.pt of gneg train (gneg kg train), for samplers that select by a model and to tell how it ranks negatives.")] = None,
    known: Annotated[str, typer.Option(help="Edges that negatives avoid: train (honest), train+valid or all.")] = "train",
    corrupt: Annotated[str, typer.Option(help="End that is replaced: both, dst or src; of triples also bernoulli.")] = "both",
    seed: Annotated[int, typer.Option(help="Of all randomness.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write everything as JSON.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder for the figures as PNG and SVG (needs gneg[report]).")] = None,
    root: Root = None,
    features: Features = None,
    directed: Directed = False,
    bipartite: Bipartite = False,
    split_seed: SplitSeed = 0,
) -> None:  # fmt: skip
    """Measure how hard, how risky and how costly a sampler's negatives are.

    Risk is the number of held-out edges among 1,000 negatives: the sampler does not see them, they
    are counted afterwards.

    [bold]gneg audit Cora --sampler walk[/]   [bold]gneg audit fb15k237 --sampler typed[/]

    [bold]gneg audit Cora --sampler "hardest(walk)" --model runs/Cora-...[/]
    """
    from gneg import files
    from gneg.datasets import is_triples
    from gneg.evaluation.audit import audit

    with plain_errors():
        if is_triples(dataset):
            data = load_knowledge_graph(dataset, root, "keep")
            corrupt = {"dst": "tail", "src": "head"}.get(corrupt, corrupt)
        else:
            data = load_data(dataset, root, features, directed, bipartite, split_seed)
        score, z = (None, None) if model is None else _of_model(data, model)
        with console.status("drawing and measuring"):
            results = audit(
                data,
                sampler,
                k=k,
                negatives=negatives,
                score=score,
                z=z,
                known=cast(Any, known),
                corrupt=cast(Any, corrupt),
                seed=seed,
                command=command(),
            )
        _print_hardness(results)
        _print_risk(results)
        if out is not None:
            files.write_json(out, results)
            console.print(f"results: [bold]{out}[/]", highlight=False)
        if plots is not None:
            from gneg.experiments.report import figures, style

            paths = style.write(figures.audit(results), plots)
            console.print(f"figures: [bold]{', '.join(map(str, paths))}[/]", highlight=False)


def _of_model(data: Any, model: Path) -> tuple[Any, Any]:
    """A trained model's scores, and its vectors."""
    from gneg.datasets import TripleData
    from gneg.training import load
    from gneg.training.triple_load import trained as kg_trained

    if isinstance(data, TripleData):
        scorer = kg_trained(data, model).model.scorer()
        return scorer, scorer.tables[0]
    run = load.trained(data, load.models(model)[0])
    return run.scorer(), run.embed()


def _print_hardness(results: dict[str, Any]) -> None:
    from gneg.evaluation.audit.hardness import NAMES

    at = results["at"]
    low, middle, high = (at.index(share) for share in (0.05, 0.5, 0.95))
    rows = []
    for name, groups in results["hardness"].items():
        times = 1000 if name == "ppr" else 1
        cells = []
        for group in ("positives", "negatives", "uniform"):
            quantiles = [times * value for value in groups[group]["quantiles"]]
            shown = " / ".join(f"{quantiles[i]:.3g}" for i in (low, middle, high))
            cells.append(f"{times * groups[group]['mean']:.3g}  ({shown})")
        rows.append((NAMES[name] + " x 1,000" * (times > 1), *cells))
    columns = ("mean (5 / 50 / 95 %)", "held-out edges", "negatives", "uniform")
    print_table(f"hardness of {results['sampler']}", columns, rows)
    shells = results["distances"]
    rows = [
        (distance, *(f"{100 * shells[group][distance]:.1f}" for group in shells))
        for distance in shells["negatives"]
    ]
    print_table("distance in the training graph, %", ("edges", *shells), rows)


def _print_risk(results: dict[str, Any]) -> None:
    risk, cost = results["risk"], results["cost"]
    lift = "" if risk["lift"] is None else (
        f", {risk['lift']:.1f} ({risk['lift_low']:.1f} to {risk['lift_high']:.1f}) times uniform"
    )  # fmt: skip
    console.print(
        f"risk: {risk['per_1000']:.3g} held-out edges per 1,000 negatives "
        f"({risk['low']:.3g} to {risk['high']:.3g}){lift}",
        highlight=False,
    )
    if risk["expected_share"] is not None:
        expected = 1000 * risk["expected_share"]
        console.print(f"expected by its density: {expected:.3g} per 1,000", highlight=False)
    if results["violating"] is not None:
        share = 100 * results["violating"]
        console.print(f"scored above their positive: {share:.1f} %", highlight=False)
    console.print(
        f"targets cover {100 * results['coverage']:.1f} % of the nodes; repeats in a row: "
        f"{100 * results['duplicates']:.1f} %; degree divergence from the positives: "
        f"{results['degree_divergence']:.3f} bits",
        highlight=False,
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
        print_table("what each guard does (without it, all else equal)", columns, rows)
    console.print(
        f"cost: {results['negatives']:,} negatives in {cost['seconds']:.2f} s "
        f"({cost['negatives_per_second'] / 1e6:.1f} M/s); known edges {cost['known_edges_mb']:.1f} MB, "
        f"memory grew by {cost['peak_growth_mb']:.0f} MB",
        highlight=False,
    )
