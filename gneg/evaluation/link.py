"""Evaluation of anything that scores pairs or triples: the front door, :func:`gneg.evaluate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, records
from gneg.datasets import EvalEdges, LinkData, TripleData, as_data
from gneg.evaluation import metrics
from gneg.evaluation.bootstrap import FloatArray, with_intervals
from gneg.evaluation.buckets import BUCKETS, buckets, by_bucket
from gneg.evaluation.full_ranks import FullRanks, full_ranks
from gneg.evaluation.hardset import HardSet
from gneg.evaluation.metrics import Scored
from gneg.evaluation.ranking import Score
from gneg.evaluation.triple import Rows
from gneg.evaluation.triple_scorers import TripleScorer
from gneg.evaluation.triple_sets import evaluate_triple_sets, name_of_own_triples
from gneg.graph import KnownTriples

__all__ = ["evaluate"]


@overload
def evaluate(
    data: LinkData | str | Path,
    score: Score | Mapping[str, Scored],
    *,
    part: str = "test",
    sets: Mapping[str, HardSet | EvalEdges] | None = None,
    against: metrics.Against = "sets",
    budget: int | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]: ...


@overload
def evaluate(
    data: TripleData,
    score: TripleScorer | Rows | Mapping[str, Scored],
    *,
    part: str = "test",
    sets: Mapping[str, HardSet] | None = None,
    against: metrics.Against = "sets",
    resamples: int = 1000,
    seed: int = 0,
    known: KnownTriples | None = None,
    samplers: Sequence[str] = (),
) -> dict[str, Any]: ...


def evaluate(
    data: LinkData | TripleData | str | Path,
    score: Any,
    *,
    part: str = "test",
    sets: Mapping[str, HardSet | EvalEdges] | None = None,
    against: metrics.Against = "sets",
    budget: int | None = None,
    resamples: int = 1000,
    seed: int = 0,
    known: KnownTriples | None = None,
    samplers: Sequence[str] = (),
) -> dict[str, Any]:
    """Rank held-out edges against easy and hard negatives, or held-out triples among all entities.

    Edges get Hits@K, MRR, AUC and AP with confidence intervals; triples MRR, Hits@K and mean ranks
    of filtered ranks from both ends, see :func:`gneg.evaluation.triple.evaluate_triples`.

    Args:
        data: A dataset of edges, or a knowledge graph, or the name or path of one. Degrees,
            distances and common neighbours are those of the training graph.
        score: For edges ``score(src, dst) -> Tensor`` of one shape. For triples a model's scorer,
            or ``rows(entity, relation, end) -> [b, N]``, the scores of all entities, such as
            ``KGE.rows``; :class:`gneg.evaluation.triple_scorers.EachTriple` makes one of a function
            of (head, relation, tail). Or for each set the scores of its positives and negatives.
        part: The positives to rank: ``valid`` or ``test``.
        sets: The sets to rank against by name, beside the dataset's own negatives, which come first
            and are called ``"uniform"`` (``"official"`` where the dataset brings them); of triples
            ``"all"``: all entities but known ones (``"official"``).
        against: Whether positives are ranked against these only (``sets``) or also among all nodes
            but known ones, from both ends (``all``), a set called ``"all"``: see
            :func:`gneg.evaluation.full_ranks.full_ranks`.
        budget: For edges, pairs that are scored at most to rank them among all nodes; beyond it a
            random sample of them is. If None a number that takes minutes.
        resamples: Bootstrap samples of the positives, for 95 % intervals; 0: no intervals.
        seed: Seed for the bootstrap, for that sample, and for negatives of samplers.
        known: For triples, those that are left out of the ranking; those of all parts if None.
        samplers: For triples, samplers whose negatives they are ranked against too, as in
            :func:`gneg.evaluation.sampled.evaluate_sampled`.

    Returns:
        For each set under ``"sets"``: ``"metrics"`` (``value``, ``low``, ``high``), and ``"by"``:
        MRR and Hits@10 by the smaller degree of the ends, by their distance and by the number of
        their common neighbours; for the set ``"all"`` Recall@20 and NDCG@20 as well, and how many
        of the positives were ``ranked``. For triples ``"by"`` is by end, by category and by
        relation, and beside ``"sets"`` stand the metrics of the dataset's own as
        :func:`gneg.evaluation.triple.evaluate_triples` returns them.

    Raises:
        ValueError: If a set ranks other positives than the part's, scores do not fit, or an
            argument is for the other kind of data.
    """
    checks.choice("against", against, get_args(metrics.Against))
    data = as_data(data)
    if isinstance(data, TripleData):
        if budget is not None:
            checks.fail(
                "budget", "None for a knowledge graph, whose entities are all ranked", budget
            )
        return evaluate_triple_sets(
            data,
            score,
            part,
            sets=check_sets(sets, (HardSet,)),
            against=against,
            samplers=samplers,
            known=known,
            resamples=resamples,
            seed=seed,
        )
    for name, value in (("known", known), ("samplers", samplers or None)):
        if value is not None:
            checks.fail(name, "None for a dataset of edges, which has its own negatives", value)
    named = check_sets(sets, (HardSet, EvalEdges))
    if not callable(score) and not isinstance(score, Mapping):
        hint = "Heuristic(data.graph, 'ra') of gneg.graph.heuristics is one"
        checks.fail("score", "a function of (src, dst), or scores by set", score, hint=hint)
    full = None
    if against == "all":
        if not callable(score):
            checks.fail("score", "a function of (src, dst), to rank among all nodes", "a mapping")
        if "all" in named:
            checks.fail("sets", "without the name 'all', which stands for all nodes", list(named))
        full = full_ranks(data, score, part, budget=budget, seed=checks.integer("seed", seed, 0))
    return _evaluate_sets(data, score, part, named, full, resamples, seed)


def _evaluate_sets(
    data: LinkData,
    score: Score | Mapping[str, Scored],
    part: str,
    sets: Mapping[str, HardSet | EvalEdges],
    full: FullRanks | None,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Rank the positives of a part against each set, and add their ranks among all nodes."""
    checks.choice("part", part, ("valid", "test"))
    resamples = checks.integer("resamples", resamples, 0)
    seed = checks.integer("seed", seed, 0)
    split = data.valid if part == "valid" else data.test
    ranked: dict[str, HardSet | EvalEdges] = {name_of_own(data): split, **sets}
    if not callable(score):
        unknown = set(score) - set(ranked)
        if unknown:
            checks.fail("score", f"of the sets {', '.join(ranked)}", sorted(unknown))
        ranked = {name: negatives for name, negatives in ranked.items() if name in score}
    groups = buckets(data, split.pos)
    results: dict[str, Any] = {}
    for name, negatives in ranked.items():
        if not torch.equal(negatives.pos, split.pos):
            allowed = f"made for the {part} positives of {data.name} ({data.split})"
            checks.fail(f"sets[{name!r}]", allowed, f"{negatives.pos.size(1)} other positives")
        edges = negatives.edges() if isinstance(negatives, HardSet) else negatives
        for ids, size in zip(edges.neg, (data.graph.num_src, data.graph.num_dst), strict=True):
            checks.node_range(f"sets[{name!r}]", ids, size)
        if callable(score):
            pos, neg = _scored(edges, score)
        else:
            pos, neg = score[name]
            checks.scores(f"score[{name!r}][0]", pos, edges.pos[0].shape)
            checks.scores(f"score[{name!r}][1]", neg, edges.neg[0].shape)
        values = per_positive(pos, neg, edges.mask)
        results[name] = {
            "negatives": edges.num_negatives,
            "shared": edges.shared,
            "info": negatives.info if isinstance(negatives, HardSet) else {},
            "metrics": with_intervals(values, resamples, seed),
            "by": {kind: by_bucket(values, groups[kind], BUCKETS[kind]) for kind in groups},
        }
        if full is not None and name == name_of_own(data):
            results["all"] = _among_all(full, groups, resamples, seed)
    return {
        "dataset": data.name,
        "part": part,
        "split": data.split,
        "positives": split.pos.size(1),
        "ties": metrics.TIES,
        "resamples": resamples,
        "seed": seed,
        "sets": results,
        "versions": records.versions(),
        "machine": records.machine(),
    }


def _among_all(
    full: FullRanks, groups: dict[str, npt.NDArray[np.int64]], resamples: int, seed: int
) -> dict[str, Any]:
    """Return the results of ranks among all nodes, in the form of those of a set."""
    values = {name: value.numpy() for name, (value, _) in full.per_positive().items()}
    chosen = full.chosen.numpy()
    return {
        "negatives": full.candidates,
        "shared": False,
        "info": {"family": "all nodes but known ones"},
        **full.describe(),
        "metrics": full.metrics(resamples, seed),
        "by": {
            kind: by_bucket(values, bucket[chosen], BUCKETS[kind])
            for kind, bucket in groups.items()
        },
    }


def check_sets(sets: Any, kinds: tuple[type, ...]) -> dict[str, Any]:
    """Return sets by name.

    Args:
        sets: The argument of the user; None: no sets.
        kinds: Types that a set may have.

    Raises:
        ValueError: If it is no mapping of names to such sets.
    """
    if sets is None:
        return {}
    checks.instance("sets", sets, (Mapping,), hint="{'hard': HardSet.load(path)}, by name")
    for name, hard in sets.items():
        checks.instance(f"sets[{name!r}]", hard, kinds, hint="gneg.HardSet.load(path) reads a file")
    return dict(sets)


def name_of_own(data: LinkData | TripleData) -> str:
    """Return the name of the dataset's own negatives: ``official``, ``uniform`` or ``all``."""
    if isinstance(data, TripleData):
        return name_of_own_triples(data)
    return "official" if data.split == "official" else "uniform"


def _scored(edges: EvalEdges, score: Score) -> Scored:
    with torch.no_grad():
        pos, neg = score(edges.pos[0], edges.pos[1]), score(*edges.neg)
    shapes = edges.pos[0].shape, edges.neg[0].shape
    return checks.scores("score", pos, shapes[0]), checks.scores("score", neg, shapes[1])


def per_positive(pos: Tensor, neg: Tensor, mask: Tensor | None = None) -> dict[str, FloatArray]:
    """Return each metric and the average precision as values of the positives, ``[E]``.

    Arguments are those of :func:`gneg.evaluation.metrics.per_positive`.

    Raises:
        ValueError: On NaN, or shapes that do not fit.
    """
    values = metrics.per_positive(pos, neg, mask)
    values["ap"] = metrics.precisions(pos, neg if mask is None else neg[mask])
    return {name: value.cpu().numpy() for name, value in values.items()}
