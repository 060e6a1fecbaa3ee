"""``gneg evaluate``."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from gneg import checks, files
from gneg.cli.app import app, command_line, say, say_path
from gneg.cli.groups import expand_groups
from gneg.cli.output import print_json
from gneg.cli.repeat import repeat
from gneg.cli.scores import SCORES, check_model, record_of, scores_of
from gneg.cli.sources import DataOptions, DataSource
from gneg.cli.tables import LABELS, print_table
from gneg.cli.values import Checked, at_least, hard_sets, one_of
from gneg.evaluation.metrics import MEAN_RANKS, Against
from gneg.evaluation.triple_sets import ALL_BUT_KNOWN

MOST_RELATIONS = 20  # that are printed
ESTIMATE, ESTIMATED = "estimate", "all, estimated"  # a value of --against and its column


@app.command("evaluate")
@expand_groups
def evaluate_command(
    model: Annotated[
        str,
        typer.Argument(
            help="A run folder or model-SEED.pt of gneg train (gneg kg train); cn, aa, ra, ppr, "
            "katz, pa, cosine, of edges; log_q(SAMPLER), a base measure alone; scores in .npy or "
            ".npz; FILE.py:FUNCTION, of (source, target) or of (head, relation, tail), "
            "which are tensors of ids."
        ),
        Checked(check_model),
    ],
    dataset: Annotated[
        str | None,
        typer.Argument(
            help="Name, edge list or folder of triples; for a trained model that of its run."
        ),
    ] = None,
    hardset: Annotated[
        list[Path] | None,
        typer.Option(help="A file of gneg hardset; may be given several times."),
        Checked(hard_sets),
    ] = None,
    against: Annotated[
        str,
        typer.Option(
            help="sets: the dataset's own negatives and hard sets; all: beside them all nodes but "
            "known ones, from both ends, as lists of answers are read (triples always are, unless "
            "the dataset has negatives); estimate: all, of a trained model of edges, with ranks "
            "that are exact among the likeliest nodes and estimated beyond."
        ),
        one_of(*get_args(Against), ESTIMATE),
    ] = "sets",
    budget: Annotated[
        int | None,
        typer.Option(
            help="Pairs that are scored at most with --against all; beyond it a random sample of "
            "the edges is ranked. Without it a number that takes minutes. Not for triples."
        ),
        at_least(1),
    ] = None,
    part: Annotated[
        str, typer.Option(help="Positives to rank: valid or test."), one_of("valid", "test")
    ] = "test",
    resamples: Annotated[
        int,
        typer.Option(help="Bootstrap samples for the 95 % intervals; 0: no intervals."),
        at_least(0),
    ] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap."), at_least(0)] = 0,
    out: Annotated[Path | None, typer.Option(help="File for all figures as JSON.")] = None,
    source: DataSource = DataOptions(either=True),  # type: ignore[assignment]
) -> None:
    """Rank held-out edges against easy and hard negatives, or among all nodes: Hits@K, MRR, AUC.

    With 95 % bootstrap intervals, and by degree, distance and common neighbours. A [bold].npy[/]
    holds scores [E, 1 + K], the positive first, of the hard set or, without one, of the dataset's
    own negatives.

    Triples are ranked from both ends, among all entities but known ones and among uniform, typed
    and khop negatives, by end, category of relations and relation.

    [bold]gneg evaluate runs/Cora-sage-... --hardset hard.npz[/]

    [bold]gneg evaluate ra Cora --hardset hard.npz --against all[/]

    [bold]gneg evaluate runs/umls-complex-... --part valid[/]
    """
    from gneg.datasets import TripleData
    from gneg.evaluation.hardset.hard_set import load_sets
    from gneg.evaluation.sampled import SAMPLERS

    if out is not None:
        inputs = (dataset, model, source.features, *(hardset or ()))
        files.check_file("out", out, (".json",), replaces='{\n  "model": ', inputs=inputs)
    if dataset is None and not source.typed:
        from gneg.training.load import load_data

        record_of(model)
        data: Any = load_data(model)
    else:
        if dataset is None:
            dataset, source = repeat(None, source, record_of(model))
        data = source.load_any(dataset)
    sets = load_sets(hardset or (), data.positives(part))
    options = {"part": part, "sets": sets, "resamples": resamples, "seed": seed}
    options |= {"against": against, "budget": budget}
    samplers: list[str] = []
    if isinstance(data, TripleData):
        if against == ESTIMATE:
            checks.fail("against", "sets or all for a knowledge graph", ESTIMATE)
        if Path(model).suffix not in SCORES:
            samplers = [name for name in SAMPLERS if name not in sets]
        options["samplers"] = samplers
    results: dict[str, Any] = {"model": model, "runs": _evaluate(model, data, options)}
    results["command"] = command_line()
    _print_metrics(results)
    for name, result in results["runs"][0]["sets"].items():
        if result["by"] and name not in samplers:
            _print_buckets(results, name)
    if out is not None:
        files.write_json(out, results)
        say_path("results", out)
    print_json(results)


def _evaluate(model: str, data: Any, options: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one evaluation for each weights file, or a single one."""
    from gneg.evaluation.link import evaluate

    path = Path(model)
    if options["against"] == ESTIMATE:
        return _estimates(path, data, {**options, "against": "sets"})
    try:
        return [
            evaluate(data, score, **options) for score in scores_of(model, data, options["sets"])
        ]
    except ValueError as error:
        if path.suffix not in SCORES:
            raise
        raise ValueError(f"{path}: {error}") from error


def _estimates(path: Path, data: Any, options: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the evaluations of a run's models, with estimates of their ranks among all nodes."""
    from gneg.evaluation.link import evaluate
    from gneg.prediction import estimate_ranks
    from gneg.training.load import load_run, weights_of

    if not path.exists() or ".py:" in str(path):
        checks.fail("against", "sets or all for a score that is not a trained model", ESTIMATE)
    results = []
    for weights in weights_of(path):
        scorer = load_run(data, weights).scorer()
        result = evaluate(data, scorer, **options)
        estimate = estimate_ranks(data, scorer, options["part"], seed=options["seed"])
        described = {"negatives": estimate.candidates, "shared": False, **estimate.describe()}
        metrics = {"info": {}, "metrics": estimate.metrics(), "by": {}}
        result["sets"][ESTIMATED] = described | metrics
        results.append(result)
    return results


def _print_metrics(results: dict[str, Any]) -> None:
    from gneg.evaluation.full_ranks import sentence

    runs = results["runs"]
    first = runs[0]
    names = list(first["sets"])
    rows = [
        (
            LABELS.get(metric, metric),
            *(
                _cell([run["sets"][name]["metrics"].get(metric) for run in runs], metric)
                for name in names
            ),
        )
        for metric in _metrics(first)
    ]
    title = f"{results['model']} on {first['dataset']} {first['part']}, %"
    print_table(title, ("metric", *names), rows)
    if len(runs) > 1:
        say(f"mean ± standard deviation of {len(runs)} models")
    elif first["resamples"]:
        estimated = ", of estimates by the normal distribution" if ESTIMATED in names else ""
        say(f"in brackets: 95 % bootstrap intervals{estimated}")
    for name in names:
        result = first["sets"][name]
        if "ranked" in result:
            say(f"{name}: {sentence(result)}")
            continue
        family = result["info"].get("family", "those of the dataset")
        shared = "one shared set of " if result["shared"] else ""
        end = " at each end" if result.get("ends", 1) > 1 else ""
        among = f"{shared}{result['negatives']} negatives{end}, {family}"
        say(f"{name}: {f'{family}{end}' if family == ALL_BUT_KNOWN else among}")


def _metrics(run: dict[str, Any]) -> list[str]:
    names = {metric for result in run["sets"].values() for metric in result["metrics"]}
    hits = sorted((name for name in names if name.startswith("hits")), key=lambda n: int(n[5:]))
    optional = "recall@20", "ndcg@20", "auc", "ap", *MEAN_RANKS
    return ["mrr", *hits, *(name for name in optional if name in names)]


def _cell(values: list[dict[str, float] | None], metric: str) -> str:
    """Return a figure with its interval, or the mean and deviation over models."""
    figures = [value for value in values if value is not None]
    if not figures:
        return "-"
    scale = 1 if metric in MEAN_RANKS else 100
    scaled = [scale * figure["value"] for figure in figures]
    if len(scaled) > 1:
        return f"{statistics.fmean(scaled):.2f} ± {statistics.stdev(scaled):.2f}"
    text = f"{scaled[0]:.2f}"
    if "low" in figures[0]:
        digits = 1 if scale > 1 else 2
        low, high = (f"{scale * figures[0][end]:.{digits}f}" for end in ("low", "high"))
        text += f" ({low} to {high})"
    return text


def _print_buckets(results: dict[str, Any], name: str) -> None:
    """Print figures by degree, distance and common neighbours; means over models.

    Of triples by end, category and relation, the most frequent ones in test.
    """
    rows = []
    buckets = [run["sets"][name]["by"] for run in results["runs"]]
    for measure, table in buckets[0].items():
        numbered = list(enumerate(table))
        if measure == "relation":
            numbered.sort(key=lambda pair: -pair[1]["positives"])
            del numbered[MOST_RELATIONS:]
        for i, row in numbered:
            figures = [
                f"{100 * statistics.fmean(by[measure][i][metric] for by in buckets):.2f}"
                for metric in ("mrr", "hits@10")
                if metric in row
            ]
            rows.append((f"{measure} {_range(row)}", f"{row['positives']:,}", *figures))
    columns = ("positives with", "number", "mrr", "hits@10")[: len(rows[0])]
    print_table(f"against {name}, %", columns, rows)
    relations = len(buckets[0].get("relation", ()))
    if relations > MOST_RELATIONS:
        say(f"the {MOST_RELATIONS} most frequent of {relations:,} relations; --out has all")


def _range(row: dict[str, Any]) -> str:
    if "name" in row:
        return str(row["name"])
    low, high = row["from"], row["to"]
    if high is None:
        return f"{low} or more"
    return str(low) if low == high else f"{low} to {high}"
