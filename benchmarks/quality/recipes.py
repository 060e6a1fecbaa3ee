"""The default recipe against tuned uniform negatives: ``python -m benchmarks.quality.recipes``.

The baseline is the strong one: three uniform negatives a positive, its loss, learning rate and
depth picked on validation with one seed. Both recipes choose their epoch on validation by the
dataset's metric and are tested against uniform negatives and against HeaRT-style ones (``gneg
hardset``), on Cora and CiteSeer also against lists as HeaRT's own generator makes them. Large
datasets get the same seconds of training for either. One JSON file a cell under
``results/recipes/``; finished ones are kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.quality import heart, jobs, mcns
from gneg import KnownEdges, datasets, files, hardset
from gneg.datasets import EvalEdges, LinkData
from gneg.evaluation.link import Score
from gneg.evaluation.ranking import evaluate_edges
from gneg.graph.heuristics import Heuristic
from gneg.rng import generator_from
from gneg.training.config import LinkConfig
from gneg.training.link import LinkRun

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "recipes"
DATA = HERE.parent.parent.parent / "shared" / "data"
RECIPES = ("uniform, tuned", "auto")
FREE = "training-free"  # what stands for a recipe beside the encoder "ra"
HARD_RANKED = 1_000  # test positives ranked against hard negatives, at the most
SHARED = 100_000  # random non-edges of dblp2010, as of ogbl-collab
SMALL = {"epochs": 100, "eval_every": 5, "patience": 6}
GRID = {"loss": ("auc", "bce"), "lr": (0.003, 0.01), "layers": (1, 2)}


def dblp() -> LinkData:
    """A random split of dblp2010, judged as ogbl-collab is."""
    data = datasets.load(DATA / "graphs" / "dblp2010" / "edges.csv.gz")
    known = KnownEdges(data.graph, data.valid.pos, data.test.pos)
    parts = {}
    for seed, part in enumerate(("valid", "test")):
        shape = 2, SHARED + SHARED // 100
        pairs = torch.randint(data.num_nodes, shape, generator=generator_from(seed))
        free = ~known.contains(*pairs) & (pairs[0] != pairs[1])
        src, dst = pairs[:, free][:, :SHARED]
        parts[part] = EvalEdges(getattr(data, part).pos, (src, dst))
    return replace(data, name="dblp2010", metric="hits@50", **parts)


@dataclass(frozen=True)
class Setting:
    """How a dataset is loaded and trained on.

    Attributes:
        load: Makes the data.
        encoders: Which are trained.
        seeds: How many.
        budget: Of both recipes.
        grid: What the baseline is tuned over.
        baseline: What else the baseline is.
        published: Whether figures on HeaRT's own lists were published.
    """

    load: Callable[[], LinkData]
    encoders: tuple[str, ...] = ("gcn", "sage")
    seeds: int = 5
    budget: dict[str, Any] = field(default_factory=lambda: SMALL)
    grid: dict[str, tuple[Any, ...]] = field(default_factory=lambda: GRID)
    baseline: dict[str, Any] = field(default_factory=lambda: {"decoder": "mlp", "k": 3})
    published: bool = False


def _timed(seconds: float, every: int, **more: Any) -> dict[str, Any]:
    """A budget of seconds."""
    return {"epochs": 1000, "seconds": seconds, "eval_every": every, "patience": 1000, **more}


def _named(name: str) -> Callable[[], LinkData]:
    return partial(datasets.load, name, root=DATA)


LOSSES = {"loss": ("auc", "bce")}
SETTINGS = {
    "Cora": Setting(_named("Cora"), published=True),
    "CiteSeer": Setting(_named("CiteSeer"), published=True),
    "Photo": Setting(_named("Photo"), budget=_timed(40, 2), grid={**LOSSES, "lr": (0.003, 0.01)}),
    "arxiv_mcns": Setting(mcns.load, ("sage",), grid={**LOSSES, "lr": (0.01,), "layers": (1, 2)}),
    "dblp2010": Setting(
        dblp, ("gcn",), budget=_timed(100, 1, hidden=64), grid={**LOSSES, "lr": (0.01,)}
    ),
    "ogbl-ddi": Setting(
        _named("ogbl-ddi"),
        ("gcn",),
        seeds=10,
        budget=_timed(150, 1, hidden=64),
        grid={**LOSSES, "lr": (0.005,)},
    ),
    "gowalla": Setting(
        _named("gowalla"),
        ("lightgcn",),
        budget=_timed(60, 5),
        grid={"lr": (0.003, 0.01)},
        baseline={"k": 1, "loss": "bpr", "corrupt": "dst", "hidden": 64, "layers": 3},
    ),
}


@cache
def load(name: str) -> tuple[LinkData, dict[str, EvalEdges]]:
    """The data and harder test sets; HeaRT's order is not for two kinds of nodes."""
    data = SETTINGS[name].load()
    if data.num_src is not None:
        return data, {}
    order = torch.randperm(data.test.pos.size(1), generator=generator_from(0))
    some, others = order[:HARD_RANKED].sort()[0], order[HARD_RANKED:]
    # What is not ranked stays known: it is no negative.
    known = torch.cat([data.valid.pos, data.test.pos[:, others]], dim=1)
    few = replace(
        data,
        valid=replace(data.valid, pos=known),
        test=EvalEdges(data.test.pos[:, some], data.test.neg),
    )
    harder = {"hard": hardset(few).edges()}
    return data, {**harder, "heart": heart.published(data)} if SETTINGS[name].published else harder


def trained(data: LinkData, config: LinkConfig, seed: int) -> LinkRun:
    """A run with its best weights, not stacked yet."""
    with torch.random.fork_rng():
        run = LinkRun(data, config, seed)
        run.train(seed, None, True, None)
    run.model.load_state_dict(run.best_state)
    return run


def tuned(
    data: LinkData, encoder: str, setting: Setting
) -> tuple[LinkConfig, list[dict[str, Any]]]:
    """The baseline's config, and what was tried."""
    tried = []
    for values in itertools.product(*setting.grid.values()):
        given = dict(zip(setting.grid, values, strict=True))
        options = {**setting.budget, **setting.baseline, **given}
        config = LinkConfig(encoder=encoder, sampler="uniform", **options)
        run = trained(data, config, 0)
        tried.append({**given, "valid": run.progress.best, "config": config})
    best = max(tried, key=lambda one: one["valid"])["config"]
    return best, [{key: one[key] for key in (*setting.grid, "valid")} for one in tried]


def figures(
    data: LinkData, score: Score, harder: dict[str, EvalEdges]
) -> dict[str, dict[str, float]]:
    """Test figures against each kind of negatives."""
    every = {"easy": data.test, **harder}
    return {name: evaluate_edges(edges, score) for name, edges in every.items()}


def seeded(data: LinkData, config: LinkConfig, seed: int, harder: dict[str, EvalEdges]) -> Any:
    """The record of one seed."""
    run = trained(data, config, seed)
    alone = figures(data, run.scorer(), harder)
    stack = run.stack()
    return {
        "seed": seed,
        "epochs": run.progress.epoch,
        "best_epoch": run.progress.best_epoch,
        "best_valid": run.progress.best,
        "curve": run.progress.curve,
        "seconds": dict(run.progress.seconds),
        "alone": alone,
        "stack": stack,
        "test": alone if stack is None else figures(data, run.scorer(), harder),
    }


def cell(job: tuple[str, str, str, str]) -> str:
    """Run all seeds of one cell and write its file."""
    name, encoder, recipe, command = job
    setting = SETTINGS[name]
    data, harder = load(name)
    told: dict[str, Any] = {}
    if recipe == FREE:
        runs = [{"seed": 0, "test": figures(data, Heuristic(data.graph, "ra"), harder)}]
        config = LinkConfig(encoder=encoder)
    elif recipe == "auto":
        # Of the same epochs a recipe decides when to look and when to stop.
        own = set() if "seconds" in setting.budget else {"eval_every", "patience"}
        given = {name: value for name, value in setting.budget.items() if name not in own}
        found = recipe.auto(data, encoder=encoder, **given)
        config, told["why"], told["reading"] = found.config, found.why, asdict(found.reading)
    else:
        config, told["tried"] = tuned(data, encoder, setting)
    if recipe != FREE:
        runs = [seeded(data, config, seed, harder) for seed in range(setting.seeds)]
    result = {
        "command": command,
        "dataset": name,
        "encoder": encoder,
        "recipe": recipe,
        "metric": data.metric,
        "split": data.split,
        "ranked": data.test.pos.size(1),
        "ranked_hard": harder["hard"].pos.size(1) if harder else 0,
        "config": asdict(config),
        **told,
        "runs": runs,
        "machine": files.machine(),
        "versions": files.versions(),
    }
    files.write_json(path(name, encoder, recipe), result)
    return f"{name} {encoder} {recipe}"


def cells(dataset: str) -> list[tuple[str, str, str]]:
    """Dataset, encoder and recipe of what is run; RA joins no source to a target."""
    setting = SETTINGS[dataset]
    found = [(dataset, encoder, recipe) for encoder in setting.encoders for recipe in RECIPES]
    return found if "lightgcn" in setting.encoders else [(dataset, "ra", FREE), *found]


def path(dataset: str, encoder: str, recipe: str) -> Path:
    """Where the result of a cell is."""
    return RESULTS / f"{dataset}-{encoder}-{recipe.split(',')[0]}.json"


def main() -> None:
    parser = jobs.parser(__doc__)
    parser.add_argument("--dataset", nargs="+", default=list(SETTINGS), choices=SETTINGS)
    parser.add_argument("--recipe", nargs="+", default=(FREE, *RECIPES), choices=(FREE, *RECIPES))
    options = parser.parse_args()
    command = jobs.command("recipes")
    todo = [
        (*one, command)
        for dataset in options.dataset
        for one in cells(dataset)
        if one[2] in options.recipe and not path(*one).exists()
    ]
    jobs.run(cell, todo, options.jobs)


if __name__ == "__main__":
    main()
