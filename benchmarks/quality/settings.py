"""The datasets of the ablation: how each is loaded, split and trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.quality import heart, mcns
from gneg import KnownEdges, datasets, hardset
from gneg.datasets import EvalEdges, LinkData
from gneg.datasets.splits import drop_repeated_edges
from gneg.rng import generator_from

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data"
HARD_RANKED = 1_000  # positives that are ranked against hard negatives, at most
SHARED = 100_000  # random non-edges that all positives of dblp2010 share, as in ogbl-collab
SMALL = {"epochs": 60, "eval_every": 2, "patience": 8, "lr": 0.003, "layers": 1}
DECODERS, LOSSES = ("mlp", "cosine", "hybrid"), ("bce", "auc", "infonce", "softmax")
SAMPLERS = (
    "mixture(uniform:0.75, walk:0.25)",
    "hardest(uniform, m=32)",
    "hardest(mixture(uniform, walk), m=32)",
)


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
        budget: Settings that all models share, such as epochs or seconds.
        trial: What differs from it in a trial of the tuning.
        decoders: Decoders that are tried.
        losses: Losses that are tried.
        samplers: Hard negatives that are tried.
        pairs: Pair features; none in a bipartite graph, or where they take too long here.
        stack: Heuristics that are stacked; none in a bipartite graph.
        published: Whether figures on HeaRT's own lists were published.
        scored: Pairs that are scored to rank a model among all nodes; 0: it is not ranked so.
    """

    load: Callable[[], LinkData]
    encoders: tuple[str, ...] = ("gcn",)
    seeds: int = 3
    budget: dict[str, Any] = field(default_factory=lambda: SMALL)
    trial: dict[str, Any] = field(default_factory=dict)
    decoders: tuple[str, ...] = DECODERS
    losses: tuple[str, ...] = LOSSES
    samplers: tuple[str, ...] = SAMPLERS
    pairs: str = "cn,aa,ra,ppr,cosine,smooth"
    stack: str = "all"
    published: bool = False
    scored: int = 300_000


def _epochs(epochs: int, trial: int, every: int = 1, **options: Any) -> dict[str, dict[str, Any]]:
    """Return a budget of epochs, that of a trial, and evaluations every so many of them."""
    budget = {"epochs": epochs, "eval_every": every, "patience": epochs, **options}
    return {"budget": budget, "trial": {"epochs": trial}}


def _named(name: str) -> Callable[[], LinkData]:
    """Return a function that loads a dataset by its name."""
    return partial(datasets.load, name, root=DATA)


SETTINGS = {
    "CiteSeer": Setting(_named("CiteSeer"), ("gcn", "sage"), published=True),
    "Cora": Setting(_named("Cora"), ("gcn", "sage"), published=True),
    "dblp2010": Setting(
        dblp,
        decoders=("mlp", "cosine"),
        losses=("bce", "infonce"),
        samplers=(SAMPLERS[0], "hardest(uniform, m=64)"),
        pairs="cn,aa,ra,degree",
        stack="cn,aa,ra,degree",
        scored=0,
        **_epochs(4, 2, hidden=64, layers=1, lr=0.01),
    ),
    "gowalla": Setting(
        _named("gowalla"),
        ("lightgcn",),
        decoders=("dot",),
        losses=("bpr", "bce", "infonce"),
        samplers=("hardest(uniform, m=16)", "hardest(uniform, m=64)", "hardest(uniform, m=256)"),
        pairs="none",
        stack="none",
        scored=0,
        **_epochs(60, 12, every=4, hidden=64, layers=3, lr=0.01, corrupt="dst", k=4),
    ),
    "arxiv_mcns": Setting(
        mcns.load, budget={**SMALL, "lr": 0.01, "hidden": 64}, pairs="cn,aa,ra,ppr,degree"
    ),
    "Photo": Setting(
        _named("Photo"),
        pairs="cn,ra,degree,cosine",
        **_epochs(12, 6, lr=0.003, layers=1),
    ),
    "ogbl-ddi": Setting(
        _named("ogbl-ddi"),
        decoders=("mlp", "hybrid"),
        losses=("bce", "auc", "infonce"),
        samplers=(SAMPLERS[0], "hardest(uniform, m=8)"),
        pairs="none",
        stack="cn,aa,ra,degree",
        **_epochs(80, 10, every=8, hidden=128, layers=2, lr=0.005, k=1),
    ),
}


@cache
def load(name: str) -> tuple[LinkData, dict[str, EvalEdges]]:
    """Return a dataset and its harder test sets, of which a bipartite graph has none."""
    data = SETTINGS[name].load()
    if data.num_src is not None:
        return data, {}
    harder = {"hard": hard_edges(data, "test")}
    if SETTINGS[name].published:
        harder["heart"] = heart.published(data)
    return data, harder


@cache
def validation(name: str) -> tuple[LinkData, dict[str, EvalEdges]]:
    """Return a dataset and its harder validation set, without repeated training edges."""
    data = drop_repeated_edges(SETTINGS[name].load())
    return data, {} if data.num_src is not None else {"hard": hard_edges(data, "valid")}


def hard_edges(data: LinkData, part: str) -> EvalEdges:
    """Return a part with HeaRT-style negatives, at most :data:`HARD_RANKED` of its positives."""
    edges: EvalEdges = getattr(data, part)
    order = torch.randperm(edges.pos.size(1), generator=generator_from(0))
    ranked, unranked = order[:HARD_RANKED].sort()[0], order[HARD_RANKED:]
    # Edges that are not ranked stay known edges, so that none of them is a negative.
    others = data.valid.pos if part == "test" else data.valid.pos[:, :0]
    known = torch.cat([others, edges.pos[:, unranked]], dim=1)
    subset = replace(
        data,
        valid=replace(data.valid, pos=known),
        test=EvalEdges(edges.pos[:, ranked], data.test.neg),
    )
    return hardset(subset).edges()
