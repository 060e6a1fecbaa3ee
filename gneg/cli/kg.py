"""``gneg kg``: knowledge-graph completion."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from gneg.cli.app import (
    Root,
    app,
    command,
    console,
    load_knowledge_graph,
    mean_std,
    plain_errors,
    print_table,
)
from gneg.samplers.text.parse import parse_list

MODEL, DATA, RUN = "Model", "Data", "Run"
kg = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Knowledge-graph completion: train, compare samplers.",
)
app.add_typer(kg, name="kg")

Dataset = Annotated[str, typer.Argument(help="fb15k237, wn18rr, codex-s, umls, ..., or a folder with train.txt, valid.txt, test.txt.")]  # fmt: skip
Sampler = Annotated[str, typer.Option(help="A sampler expression: uniform, frequency, typed, khop, walk, relwalk, similar, nearmiss, and selectors around them.", rich_help_panel=MODEL)]  # fmt: skip
Corrupt = Annotated[str, typer.Option(help="End that negatives replace: both, head, tail or bernoulli.", rich_help_panel=MODEL)]  # fmt: skip
Model = Annotated[str, typer.Option(help="transe, distmult, complex or rotate.", rich_help_panel=MODEL)]  # fmt: skip
EncoderOf = Annotated[str, typer.Option(help="Message passing under the model: none, rgcn or compgcn (then with large batches, say 8192).", rich_help_panel=MODEL)]  # fmt: skip
Layers = Annotated[int, typer.Option(help="Layers of the encoder.", rich_help_panel=MODEL)]
Dropout = Annotated[float, typer.Option(help="Between the encoder's layers.", rich_help_panel=MODEL)]  # fmt: skip
Inverse = Annotated[bool, typer.Option("--inverse", help="Ask for heads by inverse relations.", rich_help_panel=MODEL)]  # fmt: skip
Dim = Annotated[int, typer.Option(help="Width of embeddings.", rich_help_panel=MODEL)]
K = Annotated[int, typer.Option("--k", "-k", help="Negatives per positive.", rich_help_panel=MODEL)]
LossName = Annotated[str, typer.Option(help="A loss (see gneg losses), or 1vsall, which takes no negatives.", rich_help_panel=MODEL)]  # fmt: skip
MarginOf = Annotated[float | None, typer.Option(help="Of the losses margin and nssa.", rich_help_panel=MODEL)]  # fmt: skip
N3 = Annotated[float, typer.Option(help="Weight of the cubed norm of embeddings.", rich_help_panel=MODEL)]  # fmt: skip
L2 = Annotated[float, typer.Option(help="Weight of the squared norm of embeddings.", rich_help_panel=MODEL)]  # fmt: skip
BaseMeasure = Annotated[str, typer.Option(help="Added to the score: none, the log density of the sampler, or of another sampler expression.", rich_help_panel=MODEL)]  # fmt: skip
BaseWeight = Annotated[float | None, typer.Option(help="Its weight; otherwise the best on validation.", rich_help_panel=MODEL)]  # fmt: skip
KnownOf = Annotated[str, typer.Option(help="Triples negatives avoid: train (honest), train+valid or all.", rich_help_panel=DATA)]  # fmt: skip
Unseen = Annotated[str, typer.Option(help="Held-out triples with what is not in training: keep or drop.", rich_help_panel=DATA)]  # fmt: skip
Epochs = Annotated[int, typer.Option(help="Epochs at the most.", rich_help_panel=RUN)]
Seconds = Annotated[float | None, typer.Option(help="Seconds of training at the most.", rich_help_panel=RUN)]  # fmt: skip
Patience = Annotated[int, typer.Option(help="Evaluations without progress before stopping.", rich_help_panel=RUN)]  # fmt: skip
EvalEvery = Annotated[int, typer.Option(help="Epochs between evaluations.", rich_help_panel=RUN)]
BatchSize = Annotated[int, typer.Option(help="Positives per step.", rich_help_panel=RUN)]
LearningRate = Annotated[float, typer.Option(help="Learning rate.", rich_help_panel=RUN)]
Seeds = Annotated[int, typer.Option(min=1, help="Number of runs, with seeds 0, 1, ...", rich_help_panel=RUN)]  # fmt: skip
Device = Annotated[str, typer.Option(help="Where the model lives: cpu, cuda, ...", rich_help_panel=RUN)]  # fmt: skip
Out = Annotated[Path | None, typer.Option(help="Folder of the results.", rich_help_panel=RUN)]
Fresh = Annotated[bool, typer.Option("--fresh", help="Start again instead of going on from the folder.", rich_help_panel=RUN)]  # fmt: skip


@kg.command("train")
def train_command(
    dataset: Dataset,
    model: Model = "transe",
    encoder: EncoderOf = "none",
    layers: Layers = 1,
    dropout: Dropout = 0.0,
    inverse: Inverse = False,
    sampler: Sampler = "uniform",
    corrupt: Corrupt = "bernoulli",
    k: K = 16,
    dim: Dim = 100,
    loss: LossName = "nssa",
    margin: MarginOf = None,
    n3: N3 = 0.0,
    l2: L2 = 0.0,
    base_measure: BaseMeasure = "none",
    base_weight: BaseWeight = None,
    root: Root = None,
    known: KnownOf = "train",
    unseen: Unseen = "keep",
    epochs: Epochs = 200,
    seconds: Seconds = None,
    patience: Patience = 5,
    eval_every: EvalEvery = 20,
    batch_size: BatchSize = 1024,
    lr: LearningRate = 0.003,
    device: Device = "cpu",
    seeds: Seeds = 1,
    out: Out = None,
    fresh: Fresh = False,
) -> None:
    """Train embeddings of a knowledge graph and rank held-out triples from both ends.

    The same command goes on where it was interrupted. Where there are verified negatives (CoDEx),
    triples are classified as well.

    [bold]gneg kg train umls --epochs 50[/]   [bold]gneg kg train fb15k237 --sampler "cached(uniform)"[/]
    """
    given = dict(locals())
    from gneg.training.triple_config import KGConfig
    from gneg.training.triple_train import run_folder, train

    with plain_errors():
        names = set(asdict(KGConfig())) & set(given)
        config = KGConfig(**{name: given[name] for name in names})
        data = load_knowledge_graph(dataset, root, unseen)
        folder = out or Path("runs") / run_folder(data, config)
        with _Watch(config.epochs) as watch:
            results = train(
                data,
                config,
                seeds=tuple(range(seeds)),
                out=folder,
                fresh=fresh,
                command=command(),
                report=watch.report,
            )
    _print_results(results)
    console.print(f"results: [bold]{folder / 'results.json'}[/]", highlight=False)
    if not results["runs"][-1]["complete"]:
        console.print("interrupted; the same command goes on from the last checkpoint")
        raise typer.Exit(130)


@kg.command("compare")
def compare_command(
    dataset: Dataset,
    samplers: Annotated[str, typer.Option(help="Sampler expressions with commas between; the first is what others are compared with.")] = "uniform,typed,mixture(uniform:0.75, typed:0.25)",
    models: Annotated[str, typer.Option(help="Models, with commas.")] = "transe",
    encoder: EncoderOf = "none",
    inverse: Inverse = False,
    corrupt: Corrupt = "bernoulli",
    k: K = 16,
    dim: Dim = 100,
    loss: LossName = "nssa",
    root: Root = None,
    known: KnownOf = "train",
    unseen: Unseen = "keep",
    epochs: Epochs = 200,
    seconds: Seconds = None,
    patience: Patience = 5,
    eval_every: EvalEvery = 20,
    batch_size: BatchSize = 1024,
    lr: LearningRate = 0.003,
    seeds: Seeds = 3,
    out: Out = None,
    fresh: Fresh = False,
) -> None:  # fmt: skip
    """Train every model with every sampler over seeds, and test the differences.

    [bold]gneg kg compare umls --samplers "uniform,typed,cached(uniform)" --seeds 3[/]
    """
    given = dict(locals())
    from gneg.experiments.triple_grid import compare
    from gneg.training.triple_config import KGConfig

    with plain_errors():
        names = set(asdict(KGConfig())) & set(given)
        base = KGConfig(**{name: given[name] for name in names})
        data = load_knowledge_graph(dataset, root, unseen)
        folder = out or Path("runs") / f"kg-compare-{data.name}"
        grid = [
            replace(base, model=model, sampler=str(one))
            for model in models.split(",")
            for one in parse_list(samplers)
        ]
        with _Watch(base.epochs) as watch:
            results = compare(
                data,
                grid,
                seeds=seeds,
                out=folder,
                fresh=fresh,
                command=command(),
                report=watch.report,
            )
    shown = ("mrr", "hits@1", "hits@10")
    rows = [
        (
            row["model"],
            row["sampler"],
            *(
                mean_std(row["summary"]["test"][name])
                + row["against"]["test"].get(name, {}).get("mark", "")
                for name in shown
            ),
            f"{row['false_negatives_per_1000']:.1f}",
            f"{row['seconds']:.0f}",
        )
        for row in results["rows"]
    ]
    columns = ("model", "sampler", *shown, "held-out per 1,000", "seconds")
    print_table(f"{data.name} test, {seeds} seed(s), %", columns, rows, texts=2)
    console.print(f"results: [bold]{folder / 'compare.json'}[/]", highlight=False)


class _Watch:
    """A progress bar over the epochs of each run."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("epoch {task.completed}/{task.total}  best valid mrr {task.fields[best]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self.tasks: dict[str, Any] = {}

    def __enter__(self) -> _Watch:
        self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()

    def report(self, seed: int, state: dict[str, Any], run: str = "") -> None:
        name = f"{run} seed {seed}".strip()
        if name not in self.tasks:
            self.tasks[name] = self.bar.add_task(escape(name), total=self.epochs, best="-")
        best = f"{100 * state['best']:.2f} %" if state["best"] >= 0 else "-"
        self.bar.update(self.tasks[name], completed=state["epoch"], best=best)


def _print_results(results: dict[str, Any]) -> None:
    summary, runs = results["summary"], results["runs"]
    rows = [
        (name, *(_shown(name, summary[part][name]) for part in ("valid", "test")))
        for name in summary["test"]
    ]
    title = f"{results['dataset']['name']}, {len(runs)} seed(s)"
    print_table(title, ("metric", "valid", "test"), rows)
    rows = [
        (sampler, *(_shown(name, one[name]) for name in ("mrr", "hits@1", "hits@10")))
        for sampler, one in summary["sampled"].items()
    ]
    print_table(results["protocol"]["sampled"], ("negatives", "mrr", "hits@1", "hits@10"), rows)
    parts = runs[0]["test"].get("category", {})
    rows = [
        (name, str(ends["head"]["triples"]), *(f"{100 * ends[end]['mrr']:.1f}" for end in ends))
        for name, ends in parts.items()
    ]
    columns = ("relations", "triples", "head MRR, %", "tail MRR, %")
    if rows:
        print_table("test by category, seed 0", columns, rows)
    console.print(f"{results['protocol']['ranked']}; * = 100 %", highlight=False)
    if "classification" in summary:
        told = ", ".join(
            f"{name} {mean_std(one)} %" for name, one in summary["classification"].items()
        )
        console.print(f"against verified negatives: {told}", highlight=False)
    risk = summary["false_negatives_per_1000"]["mean"]
    console.print(f"negatives that are held-out triples: {risk:.2f} of 1,000", highlight=False)
    seconds = {name: sum(run["seconds"][name] for run in runs) for name in runs[0]["seconds"]}
    told = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items() if value)
    best = ", ".join(str(run["best_epoch"]) for run in runs)
    console.print(f"time: {told}; best epoch: {best}", highlight=False)


def _shown(name: str, value: dict[str, Any]) -> str:
    if name in ("mr", "amr"):
        std = value["std"]
        return f"{value['mean']:.3g}" + (f" ± {std:.2g}" if std is not None else "")
    return mean_std(value) + " %"
