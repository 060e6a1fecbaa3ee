"""The default recipe against tuned uniform negatives: ``python -m benchmarks.quality.recipes``.

The baseline is a strong one: three uniform negatives per positive, with loss, learning rate and
depth tuned on validation with one seed. Both recipes select their best epoch by the dataset's
metric on validation and are tested against uniform and against HeaRT-style negatives (``gneg
hardset``), on Cora and CiteSeer also against lists like those of HeaRT's own generator. On large
datasets both train for the same number of seconds. Each cell has a JSON file under
``results/recipes/``; finished cells are not run again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.quality import heart, jobs, mcns
from gneg import KnownEdges, datasets, files, hardset
from gneg.datasets import EvalEdges, LinkData
from gneg.evaluation.ranking import Score, evaluate_edges
from gneg.experiments.grid import grid
from gneg.graph.heuristics import Heuristic
from gneg.rng import generator_from
from gneg.training import recipe
from gneg.training.config import LinkConfig
from gneg.training.link import LinkRun

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "recipes"
DATA = HERE.parent.parent.parent / "shared" / "data"
RECIPES = ("uniform, tuned", "auto")
FREE = "training-free"  # the "recipe" of resource allocation, the encoder "ra"
HARD_RANKED = 1_000  # test positives that are ranked against hard negatives, at most
SHARED = 100_000  # random non-edges that all positives of dblp2010 share, as in ogbl-collab
SMALL = {"epochs": 100, "eval_every": 5, "patience": 6}
GRID = {"loss": ("auc", "bce"), "lr": (0.003, 0.01), "layers": (1, 2)}


def dblp() -> LinkData:
    """Return a random split of dblp2010, evaluated like ogbl-collab."""
    data = datasets.load(DATA / "graphs" / "dblp2010" / "edges.csv.gz")
    known = KnownEdges(data.graph, data.valid.pos, data.test.pos)
    parts: dict[str, Any] = {}
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
        load: Loads the dataset.
        encoders: Encoders to train.
        seeds: Number of seeds.
        budget: Settings that both recipes share, such as epochs or seconds.
        grid: Values that the baseline is tuned over, by setting.
        baseline: Further settings of the baseline.
        published: Whether figures on HeaRT's own lists were published.
    """

    load: Callable[[], LinkData]
    encoders: tuple[str, ...] = ("gcn", "sage")
    seeds: int = 5
    budget: dict[str, Any] = field(default_factory=lambda: SMALL)
    grid: dict[str, tuple[Any, ...]] = field(default_factory=lambda: GRID)
    baseline: dict[str, Any] = field(default_factory=lambda: {"decoder": "mlp", "k": 3})
    published: bool = False


def _timed(seconds: float, eval_every: int) -> dict[str, Any]:
    """Return a budget of seconds of training."""
    return {"epochs": 1000, "seconds": seconds, "eval_every": eval_every, "patience": 1000}


def _named(name: str) -> Callable[[], LinkData]:
    """Return a function that loads a dataset by its name."""
    return partial(datasets.load, name, root=DATA)


LOSSES = {"loss": ("auc", "bce")}
SETTINGS = {
    "Cora": Setting(_named("Cora"), published=True),
    "CiteSeer": Setting(_named("CiteSeer"), published=True),
    "Photo": Setting(_named("Photo"), budget=_timed(40, 2), grid={**LOSSES, "lr": (0.003, 0.01)}),
    "arxiv_mcns": Setting(mcns.load, ("sage",), grid={**LOSSES, "lr": (0.01,), "layers": (1, 2)}),
    "dblp2010": Setting(
        dblp,
        ("gcn",),
        budget={**_timed(100, 1), "hidden": 64},
        grid={**LOSSES, "lr": (0.01,)},
    ),
    "ogbl-ddi": Setting(
        _named("ogbl-ddi"),
        ("gcn",),
        seeds=10,
        budget={**_timed(150, 1), "hidden": 64},
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
    """Return a dataset and its harder test sets, of which a bipartite graph has none."""
    data = SETTINGS[name].load()
    if data.num_src is not None:
        return data, {}
    order = torch.randperm(data.test.pos.size(1), generator=generator_from(0))
    ranked, unranked = order[:HARD_RANKED].sort()[0], order[HARD_RANKED:]
    # Test edges that are not ranked stay known edges, so that none of them is a negative.
    known = torch.cat([data.valid.pos, data.test.pos[:, unranked]], dim=1)
    subset = replace(
        data,
        valid=replace(data.valid, pos=known),
        test=EvalEdges(data.test.pos[:, ranked], data.test.neg),
    )
    harder = {"hard": hardset(subset).edges()}
    if SETTINGS[name].published:
        harder["heart"] = heart.published(data)
    return data, harder


def trained(data: LinkData, config: LinkConfig, seed: int) -> LinkRun:
    """Train one seed and return the run with its best weights, before it is stacked."""
    with torch.random.fork_rng():
        run = LinkRun(data, config, seed)
        run.train(None)
    run.model.load_state_dict(run.best_state)
    return run


def tuned(
    data: LinkData, encoder: str, setting: Setting
) -> tuple[LinkConfig, list[dict[str, Any]]]:
    """Return the config of the baseline's grid that is best on validation, and all trials."""
    options = {**setting.budget, **setting.baseline}
    base = LinkConfig(encoder=encoder, sampler="uniform", **options)
    configs = grid(base, **setting.grid)
    trials = [
        {
            **{name: getattr(config, name) for name in setting.grid},
            "valid": trained(data, config, 0).progress.best,
        }
        for config in configs
    ]
    best = max(range(len(configs)), key=lambda i: trials[i]["valid"])
    return configs[best], trials


def figures(
    data: LinkData, score: Score, harder: dict[str, EvalEdges]
) -> dict[str, dict[str, float]]:
    """Return the test metrics against the dataset's own negatives and against harder ones."""
    sets = {"easy": data.test, **harder}
    return {name: evaluate_edges(edges, score) for name, edges in sets.items()}


def train_seed(
    data: LinkData, config: LinkConfig, seed: int, harder: dict[str, EvalEdges]
) -> dict[str, Any]:
    """Train one seed, stack it and return the record, with the figures before and after."""
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
    """Train all seeds of a cell and write its file."""
    dataset, encoder, recipe_name, command = job
    setting = SETTINGS[dataset]
    data, harder = load(dataset)
    choice: dict[str, Any] = {}
    if recipe_name == FREE:
        runs = [{"seed": 0, "test": figures(data, Heuristic(data.graph, "ra"), harder)}]
        config = LinkConfig(encoder=encoder)
    elif recipe_name == "auto":
        # With a budget of epochs the recipe decides how often to evaluate and when to stop.
        free = set() if "seconds" in setting.budget else {"eval_every", "patience"}
        fixed = {name: value for name, value in setting.budget.items() if name not in free}
        suited = recipe.auto(data, encoder=encoder, **fixed)
        config = suited.config
        choice = {"reasons": suited.reasons, "profile": asdict(suited.profile)}
    else:
        config, choice["tried"] = tuned(data, encoder, setting)
    if recipe_name != FREE:
        runs = [train_seed(data, config, seed, harder) for seed in range(setting.seeds)]
    result = {
        "command": command,
        "dataset": dataset,
        "encoder": encoder,
        "recipe": recipe_name,
        "metric": data.metric,
        "split": data.split,
        "ranked": data.test.pos.size(1),
        "ranked_hard": harder["hard"].pos.size(1) if harder else 0,
        "config": asdict(config),
        **choice,
        "runs": runs,
        "machine": files.machine(),
        "versions": files.versions(),
    }
    files.write_json(path(dataset, encoder, recipe_name), result)
    return f"{dataset} {encoder} {recipe_name}"


def cells(dataset: str) -> list[tuple[str, str, str]]:
    """Return dataset, encoder and recipe of each cell; in a bipartite graph RA is always 0."""
    setting = SETTINGS[dataset]
    keys = [(dataset, encoder, name) for encoder in setting.encoders for name in RECIPES]
    return keys if "lightgcn" in setting.encoders else [(dataset, "ra", FREE), *keys]


def path(dataset: str, encoder: str, recipe_name: str) -> Path:
    """Return the file of a cell's result."""
    return RESULTS / f"{dataset}-{encoder}-{recipe_name.split(',')[0]}.json"


def main() -> None:
    parser = jobs.parser(__doc__)
    parser.add_argument("--dataset", nargs="+", default=list(SETTINGS), choices=SETTINGS)
    parser.add_argument("--recipe", nargs="+", default=(FREE, *RECIPES), choices=(FREE, *RECIPES))
    options = parser.parse_args()
    command = jobs.command("recipes")
    pending = [
        (*key, command)
        for dataset in options.dataset
        for key in cells(dataset)
        if key[2] in options.recipe and not path(*key).exists()
    ]
    jobs.run(cell, pending, options.jobs)


if __name__ == "__main__":
    main()
