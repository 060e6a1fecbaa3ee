"""The default recipe: negatives, loss and score that suit a graph, and the reasons for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import EvalEdges, LinkData
from gneg.datasets.splits import drop_repeated_edges
from gneg.evaluation.audit.pairs import PairAdapter
from gneg.evaluation.ranking import evaluate_edges
from gneg.graph.heuristics import Heuristic
from gneg.nn.choices import GNNS
from gneg.nn.registration import ENCODERS
from gneg.training.config import LinkConfig
from gneg.training.expressions import fanouts
from gneg.training.options import settings

__all__ = ["GraphProfile", "Reason", "Recipe", "fast", "profile"]

MAX_POSITIVES = 500  # validation positives that heuristics are tried on
MAX_NEGATIVES = 100  # negatives of each of these positives
#: Validation edges among 1,000 walks above which no negatives are drawn by walks.
RISKY = 150.0
#: Validation MRR of a training-free score above which linked nodes are considered similar.
ALIKE = 0.2
#: Validation MRR of the features' cosine, relative to chance, up to which features are considered
#: unrelated to links.
UNRELATED = 1.5
#: Neighbours per node above which one negative per positive is enough, and only cheap heuristics
#: are stacked.
DENSE = 100.0
#: Nodes without features up to which embeddings of width 64 rank validation edges as well as those
#: of width 256, in a fifth of the time.
SMALL = 20_000
#: Nodes from which on mini-batches are faster than the whole graph in every step, and need a
#: fraction of its memory.
LARGE = 1_000_000
FANOUTS = (15, 10, 5)  # neighbours that a layer samples, of the last layer first
WALKS = "mixture(uniform:0.75, walk:0.25)"


#: Names of settings, and the sentence that explains them.
Reason = tuple[tuple[str, ...], str]


@dataclass(frozen=True)
class GraphProfile:
    """Properties of a dataset that the recipe depends on; none of them uses test edges.

    Attributes:
        nodes: N.
        edges: Number of training edges.
        degree: Mean number of neighbours of a node.
        features: Whether nodes have features.
        bipartite: Whether there are two kinds of nodes.
        heuristics: Validation MRR of training-free scores, by name.
        chance: Expected validation MRR of a random score.
        walk_risk: Expected number of validation edges among the ends of 1,000 two-step walks.
        uniform_risk: Expected number of validation edges among 1,000 uniform negatives.
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
    """A config and the reasons for it.

    Attributes:
        config: The config.
        profile: The properties of the dataset that it was chosen by; None: those of triples.
        sentences: The reasons, each with the settings that it explains.
    """

    config: Any
    profile: GraphProfile | None
    sentences: tuple[Reason, ...]

    @property
    def reasons(self) -> str:
        """The reasons as one paragraph."""
        return " ".join(text for _, text in self.sentences)


def profile(data: LinkData) -> GraphProfile:
    """Return the properties of a dataset that the recipe depends on.

    Args:
        data: The dataset; its test edges are not used.
    """
    data = drop_repeated_edges(data)
    graph = data.graph
    nodes = graph.num_src + graph.num_dst if graph.bipartite else graph.num_nodes
    mrr: dict[str, float] = {}
    chance = 0.0
    if not graph.bipartite and data.valid.pos.size(1):
        edges = _subset(data.valid)
        places = 1 + edges.num_negatives
        chance = sum(1 / place for place in range(1, places + 1)) / places
        for kind in ("ra", "cosine") if data.x is not None else ("ra",):
            mrr[kind] = evaluate_edges(edges, Heuristic(graph, kind, data.x))["mrr"]
    risk = {}
    for name in ("uniform",) if graph.bipartite else ("uniform", "walk"):
        audited = PairAdapter(data, name, held_out=data.valid.pos)
        risk[name] = 1000 * (audited.expected_share(data.train) or 0.0)
    num_edges = data.train.size(1)
    return GraphProfile(
        nodes=nodes,
        edges=num_edges,
        degree=2 * num_edges / max(nodes, 1),
        features=data.x is not None,
        bipartite=graph.bipartite,
        heuristics=mrr,
        chance=chance,
        walk_risk=risk.get("walk", 0.0),
        uniform_risk=risk["uniform"],
    )


def fast(data: LinkData, *, encoder: str | None = None, **fixed: Any) -> Recipe:
    """Return the config that suits a graph by rules, without a training.

    :func:`gneg.training.race.race` tries the negatives on validation instead. The measurements
    behind each rule are in ``benchmarks/README.md``.

    Args:
        data: The dataset.
        encoder: The encoder, as in :class:`~gneg.training.config.LinkConfig`; None: without
            features LightGCN for a bipartite graph and else GCN, in which nodes do not rely on
            embeddings of their own; with features the default.
        fixed: Values of settings that the recipe must not change.

    Raises:
        ValueError: If a setting is unknown or its value is not allowed.
    """
    checks.instance("data", data, (LinkData,))
    for name in fixed:
        checks.choice("fixed", name, list(settings(LinkConfig)))
    graph = profile(data)
    suited = LinkConfig().encoder
    if not graph.features:
        suited = "lightgcn" if graph.bipartite else "gcn"
    given = fixed if encoder is None else {"encoder": encoder, **fixed}
    encoder = encoder or suited
    chosen, sentences = _choose(graph, encoder)
    batches, batch_reasons = _in_batches(graph, encoder, {**chosen, **fixed})
    chosen, sentences = chosen | batches, sentences + batch_reasons
    expected = {**vars(LinkConfig()), "encoder": suited, **chosen}
    overridden = {name: value for name, value in given.items() if value != expected[name]}
    reasons = [reason for reason in sentences if not overridden.keys() & set(reason[0])]
    if overridden:
        values = ", ".join(f"{name}={overridden[name]}" for name in sorted(overridden))
        reasons.append((tuple(overridden), f"Given, and kept: {values}."))
    config = replace(LinkConfig(encoder=encoder), **{**chosen, **fixed})
    return Recipe(config, graph, tuple(reasons))


def _choose(graph: GraphProfile, encoder: str) -> tuple[dict[str, Any], list[Reason]]:
    """Return settings of a config, and a sentence or two for each decision."""
    size = f"{graph.nodes:,} nodes with {graph.degree:.1f} neighbours each: encoder {encoder}"
    if graph.bipartite:
        settings: dict[str, Any] = {
            "sampler": "dns(uniform, m=16, n=1)",
            "loss": "bpr",
            "k": 1,
            "corrupt": "dst",
        }
        if encoder == "lightgcn":
            settings |= {"hidden": 64, "layers": 3, "lr": 0.01}
        return settings, [
            ((), f"Two kinds of nodes, {size}."),
            (
                ("sampler", "k", "loss"),
                "One negative per positive, the hardest of 16 random targets, with the pairwise "
                "loss that recommenders are trained with.",
            ),
        ]
    risky = graph.walk_risk > RISKY
    settings = {"sampler": "uniform" if risky else WALKS}  # the loss follows from the sampler
    risk = (
        f"Of 1,000 two-step walks {graph.walk_risk:.0f} end on a validation edge (of uniform "
        f"negatives {graph.uniform_risk:.1f}), "
    )
    limit = f"{RISKY:.0f} are the limit for training on them"
    negatives = (
        f"{risk}too many ({limit}): uniform negatives only."
        if risky
        else f"{risk}few enough ({limit}): a quarter of the negatives are drawn by walks, and the "
        "loss corrects for the proposal."
    )
    reasons: list[Reason] = [((), f"{size}."), (("sampler", "loss", "queries"), negatives)]
    if encoder in (*GNNS, *ENCODERS):
        gnn_settings, gnn_reasons = _choose_for_gnn(graph)
        return settings | gnn_settings, reasons + gnn_reasons
    return settings, reasons


def _choose_for_gnn(graph: GraphProfile) -> tuple[dict[str, Any], list[Reason]]:
    """Return decoder, depth and stack for a GNN, and a sentence for each decision."""
    best = max(graph.heuristics.values(), default=0.0)
    related = graph.heuristics.get("cosine", 0.0) > UNRELATED * graph.chance
    alike = related and best > ALIKE
    settings: dict[str, Any] = {"decoder": "cosine" if alike else "hybrid", "layers": 1}
    # The best epoch may be one of the first; learned embeddings can improve again later.
    settings |= {"eval_every": 2, "patience": 10 if alike else 25}
    inputs = ""
    if graph.features and not related:
        settings["inputs"] = "both"
        inputs = " on features, which alone do not predict links, and node embeddings"
    if graph.features:
        settings["lr"] = 0.003  # learned embeddings start further from their optimum
    small = not graph.features and graph.nodes <= SMALL and graph.degree <= DENSE
    if small:  # a large model fits the edges of a small graph in one or two epochs
        settings |= {"hidden": 64, "patience": 10}
    decoder = (
        "Nodes have features, and linked nodes are alike: one layer and a cosine, which keep "
        "what the neighbours' features say."
        if alike
        else f"One layer{inputs}; the score is a cosine plus a correction by a perceptron, because "
        "linked nodes need not be alike."
    )
    reasons: list[Reason] = [(("decoder", "layers", "inputs"), decoder)]
    if small:
        text = "The graph is small and has no features: width 64, which is enough for it."
        reasons.append((("hidden",), text))
    settings["stack"] = "all"
    if graph.degree > DENSE:
        settings |= {"k": 1, "stack": "cn,aa,ra,degree"}
        text = "The graph is dense enough for one negative per positive: more steps per second."
        reasons.append((("k",), text))
    text = (
        "After training the model is combined with training-free scores of pairs, if "
        "cross-validation says that MRR does not get worse against easy or hard negatives."
    )
    reasons.append((("stack",), text))
    return settings, reasons


def _in_batches(
    graph: GraphProfile, encoder: str, values: dict[str, Any]
) -> tuple[dict[str, Any], list[Reason]]:
    """Return the settings of mini-batches, and a sentence, where the graph is large.

    Args:
        graph: The properties of the dataset.
        encoder: The encoder.
        values: Settings that were chosen or given.
    """
    if values.get("fanout", "none") != "none":
        return {"layers": len(fanouts(values["fanout"]))}, []
    whole = values.get("decoder") == "ncn" or values.get("norm") == "layer" or "fanout" in values
    if encoder not in GNNS or graph.nodes < LARGE or whole:
        return {}, []
    layers = values.get("layers", LinkConfig().layers)
    numbers = (FANOUTS + FANOUTS[-1:] * layers)[:layers]
    settings: dict[str, Any] = {"fanout": ",".join(map(str, numbers)), "layers": layers}
    text = "The graph is large: mini-batches, in which a layer samples at most "
    text += f"{' or '.join(map(str, numbers))} neighbours of a node"
    if not graph.features:
        settings["hidden"] = 64
        text += ", and embeddings of width 64"
    return settings, [(("fanout", "hidden"), f"{text}.")]


def _subset(edges: EvalEdges) -> EvalEdges:
    """Return the first :data:`MAX_POSITIVES` positives, with :data:`MAX_NEGATIVES` each."""
    pos = edges.pos[:, :MAX_POSITIVES]
    if edges.shared:  # split into one list for each positive, as in sets that are not shared
        index = torch.arange(pos.size(1) * MAX_NEGATIVES).view(-1, MAX_NEGATIVES)
        index = index % len(edges.neg[0])
        return EvalEdges(pos, (edges.neg[0][index], edges.neg[1][index]))

    def first(table: Tensor) -> Tensor:
        return table[:MAX_POSITIVES, :MAX_NEGATIVES]

    mask = None if edges.mask is None else first(edges.mask)
    return EvalEdges(pos, (first(edges.neg[0]), first(edges.neg[1])), mask)
