"""Which negatives, loss and score suit a graph: a rule, and what it was read from."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import EvalEdges, LinkData
from gneg.evaluation.audit.pairs import PairAdapter
from gneg.evaluation.ranking import evaluate_edges
from gneg.graph.heuristics import Heuristic
from gneg.nn.encoders import GNNS
from gneg.training.config import TrainConfig

__all__ = ["Reading", "Recipe", "auto", "read"]

RANKED = 500  # validation positives that heuristics are tried on
AGAINST = 100  # negatives each
#: Held-out edges among 1,000 walks from which on no negatives are drawn by walks.
RISKY = 150.0
#: Validation MRR of a training-free score from which on linked nodes count as alike.
ALIKE = 0.2
#: Validation MRR of features' cosine, of a random score's, up to which they say nothing of links.
UNRELATED = 1.5
#: Neighbours a node from which on one negative a positive is enough, and only what costs least is
#: stacked.
DENSE = 100.0
WALKS = "mixture(uniform:0.75, walk:0.25)"


@dataclass(frozen=True)
class Reading:
    """What a rule looks at; nothing of it needs the test edges.

    Attributes:
        nodes: N.
        edges: Training edges.
        degree: Neighbours of a node on average.
        features: Whether nodes have features.
        bipartite: Whether there are two kinds of nodes.
        heuristics: MRR of training-free scores on validation, by name.
        chance: That of a random score.
        walk_risk: Validation edges among 1,000 two-step walks.
        uniform_risk: Among 1,000 uniform negatives.
    """

    nodes: int
    edges: int
    degree: float
    features: bool
    bipartite: bool
    heuristics: dict[str, float]
    chance: float
    walk_risk: float
    uniform_risk: float


@dataclass(frozen=True)
class Recipe:
    """A config and why it is that.

    Attributes:
        config: What to train.
        reading: What was read from the graph.
        why: One paragraph.
    """

    config: TrainConfig
    reading: Reading
    why: str


def read(data: LinkData) -> Reading:
    """Read a graph: size, density, what heuristics are worth and how risky walks are."""
    data = data.unseen()
    graph = data.graph
    nodes = graph.num_src + graph.num_dst if graph.bipartite else graph.num_nodes
    tried: dict[str, float] = {}
    chance = 0.0
    if not graph.bipartite and data.valid.pos.size(1):
        some = _some(data.valid)
        places = 1 + some.num_negatives
        chance = sum(1 / place for place in range(1, places + 1)) / places
        for kind in ("ra", "cosine") if data.x is not None else ("ra",):
            tried[kind] = evaluate_edges(some, Heuristic(graph, kind, data.x))["mrr"]
    risk = {}
    for name in ("uniform",) if graph.bipartite else ("uniform", "walk"):
        audited = PairAdapter(data, name, held_out=data.valid.pos)
        risk[name] = 1000 * (audited.expected_share(data.train) or 0.0)
    edges = data.train.size(1)
    return Reading(
        nodes,
        edges,
        2 * edges / max(nodes, 1),
        data.x is not None,
        graph.bipartite,
        tried,
        chance,
        risk.get("walk", 0.0),
        risk["uniform"],
    )


def auto(data: LinkData, *, encoder: str = TrainConfig().encoder, **given: Any) -> Recipe:
    """The config that suits a graph, by what :func:`read` finds; what is ``given`` stands.

    See ``benchmarks/README.md`` for what the rule rests on.

    Args:
        data: What will be trained on.
        encoder: See :class:`~gneg.training.config.TrainConfig`.
        given: Attributes of it that are not to be chosen.

    Raises:
        ValueError: If an attribute is unknown.
    """
    names = [field.name for field in fields(TrainConfig)]
    for name in given:
        checks.choice("given", name, names)
    reading = read(data)
    chosen, reasons = _chosen(reading, encoder)
    kept = sorted(name for name in given if given[name] != chosen.get(name, given[name]))
    if kept:
        reasons.append(f"You chose {', '.join(kept)}.")
    config = replace(TrainConfig(encoder=encoder), **{**chosen, **given})
    return Recipe(config, reading, " ".join(reasons))


def _chosen(reading: Reading, encoder: str) -> tuple[dict[str, Any], list[str]]:
    """Attributes of a config, and a sentence or two for each decision."""
    size = f"{reading.nodes:,} nodes with {reading.degree:.1f} neighbours each"
    if reading.bipartite:
        chosen: dict[str, Any] = {
            "sampler": "dns(uniform, m=16, n=1)",
            "loss": "bpr",
            "k": 1,
            "corrupt": "dst",
        }
        if encoder == "lightgcn":
            chosen |= {"hidden": 64, "layers": 3, "lr": 0.01}
        return chosen, [
            f"Two kinds of nodes, {size}: the hardest of 16 random targets, one a positive, with "
            "the pairwise loss that recommenders are trained with."
        ]
    risky = reading.walk_risk > RISKY
    chosen = {"sampler": "uniform" if risky else WALKS}  # the loss follows from the sampler
    told = f"{reading.walk_risk:.0f} of 1,000 two-step walks end on a validation edge"
    reasons = [
        f"{size}; {told}, too many to be taught as negatives: uniform ones only."
        if risky
        else f"{size}; {told}, {reading.uniform_risk:.1f} of 1,000 random ones: a quarter of the "
        "negatives are walks, and the loss corrects for where they were drawn from."
    ]
    if encoder in GNNS:
        best = max(reading.heuristics.values(), default=0.0)
        related = reading.heuristics.get("cosine", 0.0) > UNRELATED * reading.chance
        alike = related and best > ALIKE
        chosen |= {"decoder": "cosine" if alike else "hybrid", "layers": 1}
        # The best epoch may be one of the first; embeddings that are learned can come back later.
        chosen |= {"eval_every": 2, "patience": 10 if alike else 25}
        beside = ""
        if reading.features and not related:
            chosen["inputs"] = "both"
            beside = " on features, which say nothing of links by themselves, and embeddings"
        if reading.features:
            chosen["lr"] = 0.003  # learned embeddings have further to go
        reasons.append(
            "Nodes have features, and linked nodes are alike: one layer and a cosine, which keep "
            "what neighbours' features say."
            if alike
            else f"One layer{beside}, and a cosine that a perceptron corrects: linked nodes need "
            "not be alike."
        )
        chosen["stack"] = "all"
        if reading.degree > DENSE:
            chosen |= {"k": 1, "stack": "cn,aa,ra,degree"}
            reasons.append(
                "So many edges that one negative each is enough: more steps in the same time."
            )
        told = ", ".join(f"{kind} {100 * value:.1f}" for kind, value in reading.heuristics.items())
        reasons.append(
            f"Training-free scores have a validation MRR of {told} %: in the end the model is "
            "weighed against them on validation, if folds say that both easy and hard negatives "
            "gain or lose nothing by it."
        )
    return chosen, reasons


def _some(edges: EvalEdges) -> EvalEdges:
    """At most :data:`RANKED` positives and :data:`AGAINST` negatives each, the first ones."""
    pos = edges.pos[:, :RANKED]
    if edges.shared:  # dealt out, so that every set is read alike
        dealt = torch.arange(pos.size(1) * AGAINST).view(-1, AGAINST) % len(edges.neg[0])
        return EvalEdges(pos, (edges.neg[0][dealt], edges.neg[1][dealt]))

    def first(table: Tensor) -> Tensor:
        return table[:RANKED, :AGAINST]

    mask = None if edges.mask is None else first(edges.mask)
    return EvalEdges(pos, (first(edges.neg[0]), first(edges.neg[1])), mask)
