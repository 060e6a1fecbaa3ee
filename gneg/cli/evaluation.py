"""``gneg hardset`` and ``gneg evaluate``."""

from __future__ import annotations

import statistics
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
    plain_errors,
    print_table,
    progress,
)
from gneg.graph.heuristics import KINDS as HEURISTICS

HEART = "HeaRT"
LOG_Q = "log_q("  # what the name of a base measure starts with


@app.command("hardset")
def hardset_command(
    dataset: Annotated[str, typer.Argument(help="A name (see gneg datasets) or the path of an edge list.")],
    out: Annotated[Path, typer.Option(help="File to write: .npz, or .npy: HeaRT's pairs [E, K, 2], OGB's targets [E, K] with --ends dst.")] = Path("hard.npz"),
    family: Annotated[str, typer.Option(help="heart, stratified, community, historical, densest(SAMPLER), or a sampler expression.")] = "heart",
    k: Annotated[int, typer.Option("--k", "-k", help="Negatives per positive.")] = 500,
    part: Annotated[str, typer.Option(help="The positives: valid or test.")] = "test",
    known: Annotated[str, typer.Option(help="Edges that are no negatives: all, train+valid or train.")] = "all",
    ends: Annotated[str, typer.Option(help="End that is replaced: both, dst or src.")] = "both",
    merge: Annotated[str, typer.Option(help="Of a candidate's ranks, the best or the mean counts.", rich_help_panel=HEART)] = "best",
    local: Annotated[str, typer.Option(help="ra or cn.", rich_help_panel=HEART)] = "ra",
    alpha: Annotated[float, typer.Option(help="Restart probability of PageRank.", rich_help_panel=HEART)] = 0.15,
    tolerance: Annotated[float | None, typer.Option(help="Of PageRank; by the size of the graph.", rich_help_panel=HEART)] = None,
    seed: Annotated[int, typer.Option(help="Of whatever is random.")] = 0,
    root: Root = None,
    features: Features = None,
    directed: Directed = False,
    bipartite: Bipartite = False,
    split_seed: SplitSeed = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start again instead of going on.")] = False,
) -> None:  # fmt: skip
    """Make evaluation negatives that are hard: HeaRT's procedure and other families.

    The same command goes on where it was interrupted.

    [bold]gneg hardset Cora --out hard.npz[/]   [bold]gneg evaluate ra Cora --hardset hard.npz[/]
    """
    from gneg.evaluation.hardset import hardset

    with plain_errors():
        data = load_data(dataset, root, features, directed, bipartite, split_seed)
        with progress("nodes") as report:
            made = hardset(
                data,
                family=family,
                k=k,
                part=cast(Any, part),
                known=cast(Any, known),
                ends=cast(Any, ends),
                merge=cast(Any, merge),
                local=cast(Any, local),
                alpha=alpha,
                tolerance=tolerance,
                seed=seed,
                out=out,
                fresh=fresh,
                report=report,
                command=command(),
            )
    pairs = made.index.numel()
    console.print(
        f"{made.pos.size(1):,} positives x {made.index.size(1)} negatives; known: {known}; "
        f"by chance: {made.info['filled']:,} ({100 * made.info['filled'] / pairs:.1f} %); "
        f"missing: {made.info['short']:,}",
        highlight=False,
    )
    console.print(f"hard set: [bold]{out}[/]", highlight=False)


@app.command("evaluate")
def evaluate_command(
    model: Annotated[str, typer.Argument(help="A run folder or model-SEED.pt of gneg train; cn, aa, ra, ppr, katz, pa, cosine; log_q(SAMPLER), a base measure alone; scores in .npy or .npz; FILE.py:FUNCTION.")],
    dataset: Annotated[str | None, typer.Argument(help="Name or edge list; that of the run for a trained model.")] = None,
    hardset: Annotated[list[Path] | None, typer.Option(help="A file of gneg hardset; may be given several times.")] = None,
    part: Annotated[str, typer.Option(help="The positives: valid or test.")] = "test",
    resamples: Annotated[int, typer.Option(help="Bootstrap samples for the 95 % intervals.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write everything as JSON.")] = None,
    root: Root = None,
    features: Features = None,
    directed: Directed = False,
    bipartite: Bipartite = False,
    split_seed: SplitSeed = 0,
) -> None:  # fmt: skip
    """Rank held-out edges against easy and hard negatives: Hits@K, MRR, AUC, AP.

    With 95 % bootstrap intervals, and by degree, distance and common neighbours. A [bold].npy[/]
    holds scores [E, 1 + K], the positive first, of the hard set or, without one, of the dataset's
    own negatives.

    [bold]gneg evaluate runs/Cora-sage-... --hardset hard.npz[/]   [bold]gneg evaluate ra Cora --hardset hard.npz[/]
    """
    from gneg import files
    from gneg.evaluation.hardset import HardSet

    with plain_errors():
        if dataset is None:
            dataset = _dataset_of(model)
        data = load_data(dataset, root, features, directed, bipartite, split_seed)
        own = data.valid if part == "valid" else data.test
        sets = {path.stem: HardSet.load(path, own.pos) for path in hardset or ()}
        results = _evaluate(model, data, part, sets, resamples, seed)
        results["command"] = command()
        _print_metrics(results)
        for name in results["runs"][0]["sets"]:
            _print_buckets(results, name)
        if out is not None:
            files.write_json(out, results)
            console.print(f"results: [bold]{out}[/]", highlight=False)


def _dataset_of(model: str) -> str:
    """The dataset of the run that a model belongs to."""
    from gneg import checks
    from gneg.training import load

    if not Path(model).exists() or Path(model).suffix in (".npy", ".npz"):
        checks.fail("dataset", "given unless MODEL is a run of gneg train", None)
    return str(load.run_of(Path(model))["dataset"]["name"])


def _evaluate(
    model: str, data: Any, part: str, sets: dict[str, Any], resamples: int, seed: int
) -> dict[str, Any]:
    """One evaluation for each weights file, or the one there is."""
    from gneg.evaluation import scorers
    from gneg.evaluation.link import evaluate, name_of_own
    from gneg.training import load

    path = Path(model)
    options: dict[str, Any] = {"part": part, "sets": sets, "resamples": resamples, "seed": seed}
    if path.suffix in (".npy", ".npz"):
        name = next(iter(sets), name_of_own(data))
        runs = [evaluate(data, {name: scorers.from_file(path)}, **options)]
    elif model in HEURISTICS:
        runs = [evaluate(data, scorers.heuristic(data, model), **options)]
    elif model.startswith(LOG_Q) and model.endswith(")"):
        runs = [evaluate(data, load.density(data, model[len(LOG_Q) : -1]), **options)]
    elif ".py:" in model:
        runs = [evaluate(data, scorers.from_function(model), **options)]
    else:
        runs = [
            evaluate(data, load.model(data, weights), **options) for weights in load.models(path)
        ]
    return {"model": model, "runs": runs}


def _print_metrics(results: dict[str, Any]) -> None:
    runs = results["runs"]
    first = runs[0]
    names = list(first["sets"])
    rows = []
    for metric in _metrics(first):
        cells = []
        for name in names:
            values = [run["sets"][name]["metrics"].get(metric) for run in runs]
            cells.append(_cell(values))
        rows.append((metric, *cells))
    title = f"{results['model']} on {first['dataset']} {first['part']}, %"
    print_table(title, ("metric", *names), rows)
    if len(runs) > 1:
        console.print(f"mean ± deviation of {len(runs)} models", highlight=False)
    elif first["resamples"]:
        console.print("in brackets: 95 % bootstrap intervals", highlight=False)
    for name in names:
        one = first["sets"][name]
        told = one["info"].get("family", "as the dataset brings them")
        shared = "one shared set of " if one["shared"] else ""
        console.print(f"{name}: {shared}{one['negatives']} negatives, {told}", highlight=False)


def _metrics(run: dict[str, Any]) -> list[str]:
    found = {metric for one in run["sets"].values() for metric in one["metrics"]}
    hits = sorted((m for m in found if m.startswith("hits")), key=lambda m: int(m[5:]))
    return ["mrr", *hits, "auc", "ap"]


def _cell(values: list[dict[str, float] | None]) -> str:
    there = [value for value in values if value is not None]
    if not there:
        return "-"
    figures = [100 * value["value"] for value in there]
    if len(figures) > 1:
        return f"{statistics.fmean(figures):.2f} ± {statistics.stdev(figures):.2f}"
    text = f"{figures[0]:.2f}"
    if "low" in there[0]:
        text += f" ({100 * there[0]['low']:.1f} to {100 * there[0]['high']:.1f})"
    return text


def _print_buckets(results: dict[str, Any], name: str) -> None:
    """By degree, distance and common neighbours; the mean over models."""
    rows = []
    by = [run["sets"][name]["by"] for run in results["runs"]]
    for what in by[0]:
        for i, row in enumerate(by[0][what]):
            shown = [
                f"{100 * statistics.fmean(one[what][i][metric] for one in by):.2f}"
                for metric in ("mrr", "hits@10")
                if metric in row
            ]
            rows.append((f"{what} {_range(row)}", f"{row['positives']:,}", *shown))
    columns = ("positives with", "number", "mrr", "hits@10")[: len(rows[0])]
    print_table(f"against {name}, %", columns, rows)


def _range(row: dict[str, Any]) -> str:
    low, high = row["from"], row["to"]
    if high is None:
        return f"{low} or more"
    return str(low) if low == high else f"{low} to {high}"
