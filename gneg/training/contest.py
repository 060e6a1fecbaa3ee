"""What takes part in a race between negatives: the configs, and what compares them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from gneg.datasets import LinkData, TripleData
from gneg.datasets.splits import drop_repeated_edges
from gneg.graph.sizes import with_sizes
from gneg.graph.triples import End
from gneg.nn.choices import GNNS
from gneg.nn.registration import ENCODERS
from gneg.training import recipe
from gneg.training.config import LinkConfig, TripleConfig
from gneg.training.judge import Judge, TripleJudge
from gneg.training.link import LinkRun
from gneg.training.recipe import Recipe
from gneg.training.triple import TripleRun
from gneg.training.triple_config import OVER_ALL

UNIFORM = "uniform"
FIRST, LAST = 4, 6  # epochs after which entrants are compared, at least
SHORTEST = 5  # trainings of so many times :data:`LAST` epochs have a race
FEWEST = 50  # validation positives that a difference can be seen on
MOST = 0.5  # share of positives from which on samplers hardly differ
LOOKED_AT = 10_000  # positives that this share is taken of
CANDIDATES, A_NEGATIVE = 32, 2  # of selectors: at least, and so many for each negative


@dataclass(eq=False)
class Entrant:
    """A config in the race.

    Attributes:
        name: Its negatives, in words.
        config: The config.
        values: The metric of each validation positive against easy and hard negatives, ``[E]``
            each, in the last comparison; of triples their reciprocal ranks.
        gain: Its advantage over uniform negatives, relative, with the standard error: of the
            geometric mean of both metrics.
        loss: The loss that it was trained with.
    """

    name: str
    config: LinkConfig | TripleConfig
    values: list[Tensor] = field(default_factory=list)
    gain: tuple[float, float] = (0.0, 0.0)
    loss: str = ""

    __repr__ = with_sizes


class Comparison(Protocol):
    """Compares models on the same validation positives."""

    def values(self, run: Any) -> list[Tensor]:
        """Return the metric of each validation positive, ``[E]``, of each kind of negatives."""

    def gain(self, values: list[Tensor], baseline: list[Tensor]) -> tuple[float, float]:
        """Return the relative advantage, and its standard error."""


@dataclass(frozen=True)
class Contest:
    """A race before it starts.

    Attributes:
        data: The dataset.
        recipe: The config without a race, and the reasons for it.
        entrants: The configs that race, the uniform negatives first; fewer than two: none does.
        rungs: Epochs after which entrants are compared.
        obstacle: Why there can be no race; None: there can be one.
        run: Makes the run of a config.
        judge: Makes what compares, of one of the runs; on a share of the validation positives.
    """

    data: LinkData | TripleData
    recipe: Recipe
    entrants: list[Entrant]
    rungs: list[int]
    obstacle: str | None
    run: Callable[[Any, Any, int], Any]
    judge: Callable[[Any, Any, int, float], Comparison]

    __repr__ = with_sizes


def of_links(data: LinkData, *, encoder: str | None = None, **fixed: Any) -> Contest:
    """Return the contest of uniform negatives, the rule's and the hardest of some uniform ones."""
    data = drop_repeated_edges(data)
    fast = recipe.fast(data, encoder=encoder, **fixed)
    config, graph = fast.config, fast.profile
    assert graph is not None
    changes: dict[str, str] = {}
    if config.sampler != UNIFORM:
        name = "the hardest of 16" if graph.bipartite else "a quarter of walks"
        changes[name] = config.sampler
    if not graph.bipartite and config.encoder in (*GNNS, *ENCODERS):
        num = max(CANDIDATES, A_NEGATIVE * config.k)
        changes[f"the hardest of {num} uniform ones"] = f"hardest(uniform, m={num})"
    entrants, rungs = _entrants(config, changes, fixed), _rungs(config)
    large = graph.nodes >= recipe.LARGE  # three models at once would not fit
    obstacle = "the graph is too large for a race" if large else None
    obstacle = _too_few(data.valid.pos.size(1), config.epochs, rungs) or obstacle
    obstacle = obstacle or no_choice(data, config)
    return Contest(data, fast, entrants, rungs, obstacle, LinkRun, Judge)


def negatives_of_triples(k: int) -> tuple[str, ...]:
    """Return the negatives that race beside uniform ones, for ``k`` of each triple."""
    num = max(CANDIDATES, A_NEGATIVE * k)
    return (
        "mixture(uniform, typed)",
        f"tempered(uniform, m={num})",
        f"tempered(mixture(uniform, typed), m={num})",
    )


def of_triples(data: TripleData, **fixed: Any) -> Contest:
    """Return the contest of uniform negatives, the relation's own and tempered ones."""
    config = TripleConfig(**fixed)
    rungs = _rungs(config)
    obstacle = _too_few(data.ranked.valid.size(1), config.epochs, rungs)
    obstacle = obstacle or no_choice(data, config)
    entrants = (
        []
        if config.loss in OVER_ALL
        else _entrants(config, {name: name for name in negatives_of_triples(config.k)}, fixed)
    )
    origin = "as was given" if "sampler" in fixed else "the default"
    text = f"The sampler is {config.sampler}, {origin}."
    if config.loss in OVER_ALL:
        text = f"The loss {config.loss} is over all entities: there are no negatives to choose."
    plain = Recipe(config, None, ((("sampler",), text),))
    return Contest(data, plain, entrants, rungs, obstacle, TripleRun, TripleJudge)


def _rungs(config: LinkConfig | TripleConfig) -> list[int]:
    """Return epochs of evaluations, so that a training that goes on from there is as any."""
    return [-(-epochs // config.eval_every) * config.eval_every for epochs in (FIRST, LAST)]


def _too_few(positives: int, epochs: int, rungs: list[int]) -> str | None:
    """Return why there is too little to race; None where there is enough."""
    if positives < FEWEST:
        return f"{positives} validation positives, fewer than {FEWEST}, are too few for a race"
    least = SHORTEST * rungs[1]
    return (
        f"{epochs} epochs, fewer than {least}, are too few for a race" if epochs < least else None
    )


def no_choice(data: LinkData | TripleData, config: LinkConfig | TripleConfig) -> str | None:
    """Return why samplers hardly differ: most queries have few negatives; None where they do."""
    if isinstance(data, TripleData):
        assert isinstance(config, TripleConfig)
        if config.loss in OVER_ALL:
            return None
        left = _left_of_triples(data, config)
    else:
        assert isinstance(config, LinkConfig)
        left = _left(data, config)
    share = float(np.mean(np.concatenate(left) <= config.k))
    if share < MOST:
        return None
    return (
        f"for {100 * share:.0f} % of the positives there are no more than {config.k} negatives, "
        "which all samplers return"
    )


def _some(positives: Tensor) -> Any:
    """Return the rows of at most about :data:`LOOKED_AT` positives, evenly spaced, as arrays."""
    step = max(1, positives.size(1) // LOOKED_AT)
    return positives[:, ::step].cpu().numpy()


def _left(data: LinkData, config: LinkConfig) -> list[Any]:
    """Return the numbers of non-edges of training edges' sources, targets or both."""
    known = data.known(config.known)
    src, dst = _some(data.train)
    left = [known.sizes(src)] if config.corrupt in ("dst", "both") else []
    return left + ([known.reversed().sizes(dst)] if config.corrupt in ("src", "both") else [])


def _left_of_triples(data: TripleData, config: TripleConfig) -> list[Any]:
    """Return the numbers of entities that can replace the tails, heads or both of training."""
    known = data.sampler("uniform", known=config.known, corrupt=config.corrupt).known
    head, relation, tail = _some(data.train)
    sizes = []
    ends: tuple[tuple[End, Any], ...] = (("tail", head), ("head", tail))
    for end, entity in ends:
        if config.corrupt in (end, "both", "bernoulli"):
            queries, edges = known.side(end)
            sizes.append(edges.sizes(queries.rows(entity, relation)))
    return sizes


def _entrants(
    config: LinkConfig | TripleConfig, changes: dict[str, str], fixed: dict[str, Any]
) -> list[Entrant]:
    """Return the config with uniform negatives and with those of ``changes``; none if given."""
    entrants: list[Entrant] = []
    if "sampler" in fixed:
        return entrants
    for name, sampler in {"uniform negatives": UNIFORM, **changes}.items():
        try:
            entrants.append(Entrant(name, replace(config, sampler=sampler)))
        except ValueError:  # a loss that was given, for example, needs another sampler
            continue
    return entrants if entrants and entrants[0].config.sampler == UNIFORM else []
