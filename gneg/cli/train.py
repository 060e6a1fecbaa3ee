"""``gneg train``."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from gneg import checks
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
    mean_std,
    plain_errors,
)
from gneg.training.config import TrainConfig

DEFAULT = TrainConfig()
MODEL, DATA, RUN = "Model", "Data", "Run"


@app.command("train")
def train_command(
    ctx: typer.Context,
    dataset: Annotated[str, typer.Argument(help="A name (see gneg datasets) or the path of an edge list.")],
    recipe: Annotated[str, typer.Option(help="auto: whatever is not given is chosen to suit the graph, and explained; none: the defaults told here.", rich_help_panel=MODEL)] = "auto",
    encoder: Annotated[str, typer.Option(help="sage, gcn, lightgcn, heuristics (pair features alone), or training-free: cn, aa, ra, ppr, katz, pa, cosine.", rich_help_panel=MODEL)] = DEFAULT.encoder,
    decoder: Annotated[str | None, typer.Option(help="mlp, dot, cosine, hybrid or bilinear; dot for lightgcn and bipartite graphs, cosine if there are features, else mlp.", rich_help_panel=MODEL)] = DEFAULT.decoder,
    sampler: Annotated[str, typer.Option(help="A sampler expression, see gneg samplers.", rich_help_panel=MODEL)] = DEFAULT.sampler,
    loss: Annotated[str | None, typer.Option(help="A loss, see gneg losses; softmax if the sampler has log_q, else infonce.", rich_help_panel=MODEL)] = DEFAULT.loss,
    k: Annotated[int, typer.Option("--k", "-k", help="Negatives per positive.", rich_help_panel=MODEL)] = DEFAULT.k,
    hidden: Annotated[int, typer.Option(help="Width of embeddings and layers.", rich_help_panel=MODEL)] = DEFAULT.hidden,
    layers: Annotated[int, typer.Option(help="Layers of the encoder.", rich_help_panel=MODEL)] = DEFAULT.layers,
    decoder_layers: Annotated[int, typer.Option(help="Layers of the mlp decoder.", rich_help_panel=MODEL)] = DEFAULT.decoder_layers,
    dropout: Annotated[float, typer.Option(help="Dropout of the encoder.", rich_help_panel=MODEL)] = DEFAULT.dropout,
    decoder_dropout: Annotated[float, typer.Option(help="Dropout of the mlp decoder.", rich_help_panel=MODEL)] = DEFAULT.decoder_dropout,
    inputs: Annotated[str | None, typer.Option(help="features, embedding or both; by what there is.", rich_help_panel=MODEL)] = DEFAULT.inputs,
    norm: Annotated[str | None, typer.Option(help="batch or layer normalisation.", rich_help_panel=MODEL)] = DEFAULT.norm,
    jk: Annotated[str | None, typer.Option(help="Jumping knowledge: last, cat or max.", rich_help_panel=MODEL)] = DEFAULT.jk,
    corrupt: Annotated[str, typer.Option(help="End that negatives replace: dst, src or both.", rich_help_panel=MODEL)] = DEFAULT.corrupt,
    mask_targets: Annotated[bool, typer.Option(help="Hide a batch's own edges from message passing.", rich_help_panel=MODEL)] = DEFAULT.mask_targets,
    pair_features: Annotated[str, typer.Option(help="What the decoder sees of a pair beside embeddings: none, all, or some of cn, aa, ra, ppr, katz, shell, degree, cosine, smooth, smooth2, with commas.", rich_help_panel=MODEL)] = DEFAULT.pair_features,
    base_measure: Annotated[str, typer.Option(help="Added to the score: none, the log density of the sampler, or of another sampler expression.", rich_help_panel=MODEL)] = DEFAULT.base_measure,
    base_weight: Annotated[float | None, typer.Option(help="Its weight; otherwise the best on validation.", rich_help_panel=MODEL)] = DEFAULT.base_weight,
    base_form: Annotated[str, typer.Option(help="Whether losses see the score without it (plain) or minus it (nce).", rich_help_panel=MODEL)] = DEFAULT.base_form,
    stack: Annotated[str, typer.Option(help="Heuristics that are weighed against the model in the end, on validation: none, all, or some kinds of pair features.", rich_help_panel=MODEL)] = DEFAULT.stack,
    root: Root = None,
    features: Features = None,
    directed: Directed = False,
    bipartite: Bipartite = False,
    split_seed: SplitSeed = 0,
    known: Annotated[str, typer.Option(help="Edges negatives avoid: train (honest), train+valid or all.", rich_help_panel=DATA)] = DEFAULT.known,
    epochs: Annotated[int, typer.Option(help="Epochs at the most.", rich_help_panel=RUN)] = DEFAULT.epochs,
    seconds: Annotated[float | None, typer.Option(help="Seconds of training at the most, beside the epochs.", rich_help_panel=RUN)] = DEFAULT.seconds,
    patience: Annotated[int, typer.Option(help="Evaluations without progress before stopping.", rich_help_panel=RUN)] = DEFAULT.patience,
    eval_every: Annotated[int, typer.Option(help="Epochs between evaluations.", rich_help_panel=RUN)] = DEFAULT.eval_every,
    batch_size: Annotated[int | None, typer.Option(help="Positives per step; by the size of the graph.", rich_help_panel=RUN)] = DEFAULT.batch_size,
    lr: Annotated[float, typer.Option(help="Learning rate.", rich_help_panel=RUN)] = DEFAULT.lr,
    weight_decay: Annotated[float, typer.Option(help="L2 penalty.", rich_help_panel=RUN)] = DEFAULT.weight_decay,
    grad_clip: Annotated[float, typer.Option(help="Largest norm of the gradient.", rich_help_panel=RUN)] = DEFAULT.grad_clip,
    device: Annotated[str, typer.Option(help="Where the model lives: cpu, cuda, ...", rich_help_panel=RUN)] = DEFAULT.device,
    seeds: Annotated[int, typer.Option(min=1, help="Number of runs, with seeds 0, 1, ...", rich_help_panel=RUN)] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder of the results; runs/DATASET-ENCODER-... otherwise.", rich_help_panel=RUN)] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start again instead of going on from the folder.", rich_help_panel=RUN)] = False,
) -> None:  # fmt: skip
    """Train a link predictor and rank held-out edges: Hits@K, MRR, AUC.

    The same command goes on where it was interrupted. Ctrl-C keeps the best state so far.

    [bold]gneg train digits[/]   [bold]gneg train Cora --encoder gcn --sampler walk[/]
    """
    given = dict(locals())
    from gneg.training.train import run_folder, train

    with plain_errors():
        config = TrainConfig(**{name: given[name] for name in asdict(DEFAULT)})
        checks.choice("recipe", recipe, ("auto", "none"))
        data = load_data(dataset, root, features, directed, bipartite, split_seed)
        why = None
        if recipe == "auto" and not config.training_free:
            config, why = _recipe(ctx, data, given)
            console.print(f"[bold]recipe:[/] {escape(why)}", highlight=False)
        folder = out or Path("runs") / run_folder(data, config)
        with _Watch(config, data.metric) as watch:
            results = train(
                data,
                config,
                seeds=tuple(range(seeds)),
                out=folder,
                fresh=fresh,
                command=command(),
                report=watch.report,
                recipe=why,
            )
    _print_results(results)
    console.print(f"results: [bold]{folder / 'results.json'}[/]", highlight=False)
    if not results["runs"][-1]["complete"]:
        console.print("interrupted; the same command goes on from the last checkpoint")
        raise typer.Exit(130)


def _recipe(ctx: typer.Context, data: Any, given: dict[str, Any]) -> tuple[TrainConfig, str]:
    """The config that suits the data, where the command line says nothing else; and why."""
    from gneg.training import recipe

    typed = {
        name: given[name]
        for name in asdict(DEFAULT)
        if getattr(ctx.get_parameter_source(name), "name", "") != "DEFAULT"
    }
    found = recipe.auto(data, **typed)
    return found.config, found.why


class _Watch:
    """A progress bar over the epochs of each seed."""

    def __init__(self, config: Any, metric: str) -> None:
        self.config, self.metric = config, metric
        self.bar = Progress(
            TextColumn("seed {task.fields[seed]}"),
            BarColumn(),
            TextColumn(
                "epoch {task.completed}/{task.total}  loss {task.fields[loss]:.4f}  "
                "best valid " + metric + " {task.fields[best]}"
            ),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self.tasks: dict[int, Any] = {}

    def __enter__(self) -> _Watch:
        if not self.config.training_free:
            self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if not self.config.training_free:
            self.bar.stop()

    def report(self, seed: int, state: dict[str, Any]) -> None:
        if seed not in self.tasks:
            self.tasks[seed] = self.bar.add_task(
                "", total=self.config.epochs, seed=seed, loss=0.0, best="-"
            )
        best = f"{100 * state['best']:.2f} %" if state["best"] >= 0 else "-"
        self.bar.update(self.tasks[seed], completed=state["epoch"], loss=state["loss"], best=best)


def _print_results(results: dict[str, Any]) -> None:
    runs, protocol = results["runs"], results["protocol"]
    table = Table(title=f"{results['dataset']['name']}, {len(runs)} seed(s), %")
    table.add_column("metric")
    for part in ("valid", "test"):
        table.add_column(part, justify="right")
    for name in results["summary"]["test"]:
        cells = [mean_std(results["summary"][part][name]) for part in ("valid", "test")]
        mark = " *" if name == results["dataset"]["metric"] else ""
        table.add_row(name + mark, *cells)
    console.print(table)
    console.print(
        f"against {protocol['negatives_per_positive']} negatives per positive "
        f"({protocol['negatives']}); known to the sampler: {protocol['known']}; "
        f"* selected by {protocol['select_by']}",
        highlight=False,
    )
    if "seconds" in runs[0]:
        total = {part: sum(run["seconds"][part] for run in runs) for part in runs[0]["seconds"]}
        split = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in total.items() if seconds)
        share = 100 * statistics.fmean(run["sampling_share"] for run in runs)
        console.print(
            f"time: {split} (sampling and scoring are {share:.1f} % of an epoch)", highlight=False
        )
        best = ", ".join(str(run["best_epoch"]) for run in runs)
        console.print(
            f"loss: {runs[0]['loss']}; decoder: {runs[0]['decoder']}; best epoch: {best}",
            highlight=False,
        )
        if runs[0].get("stack") is not None:
            chosen = ", ".join(run["stack"]["chosen"] for run in runs)
            console.print(
                f"weighed against heuristics: {chosen} (test only: validation is told as it was "
                "before, because that is what the weights were learned from)",
                highlight=False,
            )
        if runs[0].get("base_weight") is not None:
            told = ", ".join(f"{run['base_weight']:g}" for run in runs)
            console.print(f"weight of the base measure: {told}", highlight=False)
        _print_sampler(runs)


def _print_sampler(runs: list[dict[str, Any]]) -> None:
    """What guards dropped, and what an adaptive sampler has to say."""
    counts: Counter[str] = Counter()
    for run in runs:
        counts.update(run["sampler_counts"])
    if counts["guarded"]:
        table = Table(title=f"guards, of {counts['guarded']:,} candidates")
        for column in ("guard", "candidates", "share"):
            table.add_column(column, justify="left" if column == "guard" else "right")
        shown = [name for name in counts if name.startswith("dropped ")]
        for name in [*shown, "easier", "starved"]:
            share = f"{100 * counts[name] / counts['guarded']:.2f} %"
            table.add_row(_GUARD_ROWS.get(name, name), f"{counts[name]:,}", share)
        console.print(table)
    for name, value in _leaves(runs[-1]["sampler_report"]):
        console.print(f"{name}: {value}", highlight=False)


_GUARD_ROWS = {
    "easier": "replaced by uniform ones",
    "starved": "taken though dropped, or left out",
}


def _leaves(report: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Name and text of every figure; curves as bars from 0 to their largest value."""
    for name, value in report.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name} ")
        elif isinstance(value, list):
            for key in value[0] if value else ():
                points = [row[key] for row in value]
                yield f"{prefix}{key}", f"{_bars(points)} {points[-1]:.3g}"
        else:
            yield f"{prefix}{name}", f"{value:.3g}" if isinstance(value, float) else str(value)


def _bars(points: Sequence[float], width: int = 40) -> str:
    step = max(1, -(-len(points) // width))
    some, top = points[::step], max(max(points), 1e-9)
    return "".join("▁▂▃▄▅▆▇█"[min(7, int(8 * max(value, 0) / top))] for value in some)
