"""``gneg compare`` and ``gneg report``."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

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
    print_table,
    progress,
)
from gneg.training.config import TrainConfig

DATA, MODEL, RUN = "Data", "Model", "Run"
DEFAULT = TrainConfig()


@app.command("compare")
def compare_command(
    dataset: Annotated[str, typer.Argument(help="A name (see gneg datasets) or the path of an edge list.")],
    samplers: Annotated[str, typer.Option(help="Sampler expressions with commas between; the first is what others are compared with.")] = "uniform,mixture(uniform:0.75, walk:0.25)",
    encoders: Annotated[str, typer.Option(help="sage, gcn, lightgcn, heuristics, with commas.")] = "sage",
    losses: Annotated[str, typer.Option(help="Losses with commas; auto is what suits the sampler.")] = "auto",
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each combination.")] = 5,
    hardset: Annotated[list[Path] | None, typer.Option(help="Files of gneg hardset for the test edges; one is made if none is given.")] = None,
    hard: Annotated[bool, typer.Option(help="Rank against a hard set.")] = True,
    k: Annotated[int, typer.Option("--k", "-k", help="Negatives per positive in training.", rich_help_panel=MODEL)] = DEFAULT.k,
    decoder: Annotated[str | None, typer.Option(help="mlp, dot, cosine, hybrid or bilinear; by the encoder and the data.", rich_help_panel=MODEL)] = DEFAULT.decoder,
    hidden: Annotated[int, typer.Option(help="Width of embeddings and layers.", rich_help_panel=MODEL)] = DEFAULT.hidden,
    layers: Annotated[int, typer.Option(help="Layers of the encoder.", rich_help_panel=MODEL)] = DEFAULT.layers,
    dropout: Annotated[float, typer.Option(help="Dropout of the encoder.", rich_help_panel=MODEL)] = DEFAULT.dropout,
    lr: Annotated[float, typer.Option(help="Learning rate.", rich_help_panel=MODEL)] = DEFAULT.lr,
    corrupt: Annotated[str, typer.Option(help="End that negatives replace: dst, src or both.", rich_help_panel=MODEL)] = DEFAULT.corrupt,
    pair_features: Annotated[str, typer.Option(help="What decoders see of a pair: none, all, or some of cn, aa, ra, ppr, katz, shell, degree, cosine, smooth, smooth2.", rich_help_panel=MODEL)] = DEFAULT.pair_features,
    stack: Annotated[str, typer.Option(help="Heuristics that models are weighed against in the end, on validation: none, all, or some kinds.", rich_help_panel=MODEL)] = DEFAULT.stack,
    base_measure: Annotated[str, typer.Option(help="Added to scores: none, the log density of each sampler (sampler), or of an expression.", rich_help_panel=MODEL)] = DEFAULT.base_measure,
    known: Annotated[str, typer.Option(help="Edges negatives avoid in training: train (honest), train+valid or all.", rich_help_panel=DATA)] = DEFAULT.known,
    root: Root = None,
    features: Features = None,
    directed: Directed = False,
    bipartite: Bipartite = False,
    split_seed: SplitSeed = 0,
    epochs: Annotated[int, typer.Option(help="Epochs of a run at the most.", rich_help_panel=RUN)] = DEFAULT.epochs,
    seconds: Annotated[float | None, typer.Option(help="Seconds of training of a run at the most.", rich_help_panel=RUN)] = DEFAULT.seconds,
    patience: Annotated[int, typer.Option(help="Evaluations without progress before stopping.", rich_help_panel=RUN)] = DEFAULT.patience,
    eval_every: Annotated[int, typer.Option(help="Epochs between evaluations.", rich_help_panel=RUN)] = DEFAULT.eval_every,
    batch_size: Annotated[int | None, typer.Option(help="Positives per step; by the size of the graph.", rich_help_panel=RUN)] = DEFAULT.batch_size,
    device: Annotated[str, typer.Option(help="Where models live: cpu, cuda, ...", rich_help_panel=RUN)] = DEFAULT.device,
    search: Annotated[int, typer.Option(help="Trials of a search over learning rate, temperature and mixture weight (needs optuna).", rich_help_panel=RUN)] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at once.", rich_help_panel=RUN)] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder of the results; runs/compare-DATASET otherwise.", rich_help_panel=RUN)] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page: report.html (needs gneg[report]).", rich_help_panel=RUN)] = None,
) -> None:  # fmt: skip
    """Train a grid of samplers, encoders and losses over seeds, and say which differ.

    The same command goes on where it was interrupted.

    [bold]gneg compare Cora --samplers "uniform,walk,hardest(uniform, m=64)" --encoders sage,gcn --seeds 5 --jobs 2 --report report.html[/]
    """
    given = dict(locals())
    from gneg.experiments.grid import compare
    from gneg.samplers.text.parse import parse_list

    with plain_errors():
        data = load_data(dataset, root, features, directed, bipartite, split_seed)
        names = (
            "k decoder hidden layers dropout lr corrupt known epochs seconds patience eval_every"
        )
        names += " batch_size device pair_features base_measure stack"
        base = replace(DEFAULT, **{name: given[name] for name in names.split()})
        folder = out or Path("runs") / f"compare-{re.sub(r'[^A-Za-z0-9]+', '-', data.name)}"
        sets = _sets(data, hardset or [], hard, folder)
        with _Watch() as watch:
            results = compare(
                data,
                samplers=[str(one) for one in parse_list(samplers)],
                encoders=encoders.split(","),
                losses=[None if one == "auto" else one for one in losses.split(",")],
                seeds=seeds,
                base=base,
                sets=sets,
                out=folder,
                jobs=jobs,
                search=search,
                report=watch.report,
                command=command(),
            )
        _print_comparison(results)
        console.print(f"results: [bold]{folder / 'compare.json'}[/]", highlight=False)
        if report is not None:
            _write_report(results, report)


@app.command("report")
def report_command(
    results: Annotated[Path, typer.Argument(help="A compare.json of gneg compare, or its folder.")],
    out: Annotated[Path, typer.Option(help="Page to write.")] = Path("report.html"),
    figures: Annotated[Path | None, typer.Option(help="Folder for the same figures as PNG and SVG (needs Chrome or Chromium).")] = None,
) -> None:  # fmt: skip
    """Make a page, and figures for papers, of what gneg compare found."""
    from gneg import checks

    with plain_errors():
        path = results / "compare.json" if results.is_dir() else results
        if not path.exists():
            checks.fail("results", "a compare.json of gneg compare, or its folder", str(results))
        found = json.loads(path.read_text())
        _write_report(found, out)
        if figures is not None:
            from gneg.experiments.report import style
            from gneg.experiments.report.figures import comparison

            paths = style.write(comparison(found), figures)
            console.print(f"figures: [bold]{', '.join(map(str, paths))}[/]", highlight=False)


def _write_report(results: dict[str, Any], out: Path) -> None:
    from gneg.experiments.report import write_page

    write_page(results, out)
    console.print(f"report: [bold]{out}[/]", highlight=False)


def _sets(data: Any, paths: list[Path], hard: bool, folder: Path) -> dict[str, Any]:
    """The hard sets that were named, or HeaRT's (walks' for users and items), made once."""
    from gneg.evaluation.hardset import HardSet, hardset

    found = {path.stem: HardSet.load(path, data.test.pos) for path in paths}
    if found or not hard:
        return found
    path = folder / "hard.npz"
    if path.exists():
        return {"hard": HardSet.load(path)}
    bipartite = data.num_src is not None
    options: dict[str, Any] = {"family": "walk", "ends": "dst", "k": 100} if bipartite else {}
    with progress("hard negatives, nodes") as report:
        return {"hard": hardset(data, **options, out=path, report=report, command=command())}


class _Watch:
    """A bar over cells, and one for each cell that runs."""

    def __init__(self) -> None:
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[told]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self.all = self.bar.add_task("cells", total=None, told="")
        self.cells: dict[str, Any] = {}

    def __enter__(self) -> _Watch:
        self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()

    def report(self, event: Any) -> None:
        """Take in an :class:`~gneg.experiments.grid.Event`."""
        told = f"{event.done}/{event.total}"
        self.bar.update(self.all, completed=event.done, total=event.total, told=told)
        if event.epoch is None:
            if event.cell in self.cells:
                self.bar.remove_task(self.cells.pop(event.cell))
            return
        if event.cell not in self.cells:
            self.cells[event.cell] = self.bar.add_task(escape(event.cell), total=None, told="")
        best = f"{100 * event.best:.2f} %" if event.best >= 0 else "-"
        self.bar.update(self.cells[event.cell], told=f"epoch {event.epoch}, best valid {best}")


def _print_comparison(results: dict[str, Any]) -> None:
    metric = results["metric"]
    names = list(results["rows"][0]["summary"])
    shown = list(dict.fromkeys([metric, "mrr", "hits@10"]))
    columns = ["encoder", "sampler", "loss"]
    there = [
        (one, name) for one in shown for name in names if one in results["rows"][0]["summary"][name]
    ]
    columns += [f"{name} {one}" for one, name in there]
    rows = []
    for row in results["rows"]:
        cells = []
        for one, name in there:
            mark = row["against"][name].get(one, {}).get("mark", "")
            cells.append(mean_std(row["summary"][name][one]) + mark)
        rows.append([row["encoder"], row["sampler"], row["loss"], *cells])
    for kind, sets in results["heuristics"].items():
        cells = [
            f"{100 * sets[name][one]:.2f}" if one in sets[name] else "-" for one, name in there
        ]
        rows.append([kind, "-", "-", *cells])
    print_table(f"{results['dataset']} test, {results['seeds']} seed(s), %", columns, rows, texts=3)
    console.print(
        f"* differs from {results['baseline']}, p < 0.05 (** 0.01, *** 0.001): paired t-tests over "
        "seeds, Holm's correction",
        highlight=False,
    )
