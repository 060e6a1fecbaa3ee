"""Evaluation of triples: among all entities and against sets of negatives, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gneg import checks, records
from gneg.datasets import TripleData
from gneg.evaluation import metrics
from gneg.evaluation.bootstrap import with_intervals
from gneg.evaluation.hardset import HardSet
from gneg.evaluation.sampled import by_chance, rank_lists, sampled_lists, without_missing
from gneg.evaluation.triple import HITS, Ranks, by_relation, ranks
from gneg.evaluation.triple_scorers import as_scorer
from gneg.graph import KnownTriples

OFFICIAL, ALL = "official", "all"  # names of the dataset's own sets
ALL_BUT_KNOWN = "all entities but known ones"  # what triples are ranked among there
TIES = "mean of optimistic and pessimistic rank"


def evaluate_triple_sets(
    data: TripleData,
    score: Any,
    part: str,
    *,
    sets: Mapping[str, HardSet],
    against: metrics.Against,
    samplers: Sequence[str],
    known: KnownTriples | None,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Rank held-out triples, see :func:`gneg.evaluate`, whose arguments these are.

    Returns:
        The metrics of the dataset's own ranks as those of
        :func:`gneg.evaluation.triple.evaluate_triples`, and those of each set under ``"sets"``.

    Raises:
        ValueError: If a set ranks other triples, two have one name, or scores do not fit.
    """
    data = data.ranked
    pos = data.positives(checks.choice("part", part, ("valid", "test"))).cpu()
    if not pos.size(1):
        checks.fail("data", f"with {part} triples", data)
    resamples, seed = checks.integer("resamples", resamples, 0), checks.integer("seed", seed, 0)
    own_name = name_of_own_triples(data) if known is None else ALL
    lists = _negatives(data, pos, part, sets, samplers, seed)
    ranked: dict[str, Ranks] = {}
    if isinstance(score, Mapping):
        ranked = {name: _of_scores(name, lists, *score[name]) for name in score}
    else:
        scorer = as_scorer(score)
        if ALL in (own_name, against):
            everyone = data.known("all") if known is None else known
            ranked[ALL] = ranks(scorer.rows, pos, everyone)
        ranked |= {name: rank_lists(scorer, pos, hard.lists()) for name, hard in lists.items()}
    results: dict[str, Any] = {}
    for name, by_end in ranked.items():
        groups = by_relation(by_end, data, pos[1])
        results[name] = {
            **_described(name, lists, data),
            "metrics": _with_intervals(by_end, resamples, seed),
            "by": _tables(groups),
        }
        if name == own_name:
            whole = groups
    return {
        **(whole if own_name in ranked else {}),
        "dataset": data.name,
        "part": part,
        "split": data.split,
        "positives": pos.size(1),
        "ties": TIES,
        "resamples": resamples,
        "seed": seed,
        "sets": results,
        "versions": records.versions(),
        "machine": records.machine(),
    }


def name_of_own_triples(data: TripleData) -> str:
    """Return what triples are ranked among: ``official`` lists of the dataset, else ``all``."""
    return ALL if data.negatives is None else OFFICIAL


def _negatives(
    data: TripleData,
    pos: Tensor,
    part: str,
    sets: Mapping[str, HardSet],
    samplers: Sequence[str],
    seed: int,
) -> dict[str, HardSet]:
    """Return all sets by name: the official one, those of samplers, and others."""
    named: dict[str, HardSet] = {}
    if data.negatives is not None:
        info = {"family": "those of the dataset"}
        named[OFFICIAL] = HardSet.from_lists(pos, data.negatives[part], info)
    for name in samplers:
        lists = sampled_lists(data, pos, name, seed=seed)
        named[name] = HardSet.from_lists(pos, lists, {"family": name})
    for name, hard in sets.items():
        if name in (*named, ALL):
            checks.fail("sets", f"without the names {', '.join((*named, ALL))}", list(sets))
        if not torch.equal(hard.pos, pos):
            allowed = f"made for the {part} triples of {data.name}"
            checks.fail(f"sets[{name!r}]", allowed, f"{hard.pos.size(1)} other positives")
        present = hard.index[hard.index >= 0]
        checks.node_range(f"sets[{name!r}]", present, data.num_entities, "entity")
    return {**named, **sets}


def _of_scores(name: str, lists: Mapping[str, HardSet], pos: Tensor, neg: Tensor) -> Ranks:
    """Return ranks by given scores of the positives and negatives of a set."""
    if name not in lists:
        hint = "gneg hardset makes one, --hardset names it"
        allowed = f"of a set of negatives, {', '.join(lists) or 'of which there is none'}"
        checks.fail("score", allowed, name, hint=hint)
    hard = lists[name]
    checks.scores(f"score[{name!r}][0]", pos, hard.pos[0].shape)
    checks.scores(f"score[{name!r}][1]", neg, hard.index.shape)
    scores = without_missing(neg, hard.index)
    columns = {"tail": slice(0, hard.keep), "head": slice(hard.keep, None)}
    return {
        end: (metrics.ranks(pos, scores[:, columns[end]]), by_chance(index))
        for end, index in hard.lists().items()
    }


def _described(name: str, lists: Mapping[str, HardSet], data: TripleData) -> dict[str, Any]:
    """Return what a triple was ranked among."""
    if name not in lists:
        info, size, ends = {"family": ALL_BUT_KNOWN}, data.num_entities, 2
    else:
        by_end = lists[name].lists()
        info, ends = lists[name].info, len(by_end)
        size = max(index.size(1) for index in by_end.values())
    return {"negatives": size, "shared": False, "ends": ends, "info": info}


def _with_intervals(ranked: Ranks, resamples: int, seed: int) -> dict[str, dict[str, float]]:
    """Return the metrics over all ends, with bootstrap intervals over triples."""
    rank, chance = (torch.stack(columns) for columns in zip(*ranked.values(), strict=True))
    values = {"mr": rank, "amr": rank, **metrics.rank_metrics(rank, HITS)}
    ones = torch.ones_like(rank)
    weights = {name: chance if name == "amr" else ones for name in values}
    means = [
        {name: value.mean(dim=0).numpy() for name, value in table.items()}
        for table in (values, weights)
    ]
    return with_intervals(means[0], resamples, seed, means[1])


def _tables(groups: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the number of ranks, MRR and Hits@10 by end, by category and end, and by relation."""
    by_category = {
        f"{category}, {end}": values
        for category, ends in groups["category"].items()
        for end, values in ends.items()
    }
    named = {"end": groups["end"], "relations": by_category, "relation": groups["relation"]}
    return {
        kind: [
            {
                "name": name,
                "positives": values["triples"],
                **{metric: values[metric] for metric in ("mrr", "hits@10")},
            }
            for name, values in of_kind.items()
        ]
        for kind, of_kind in named.items()
    }
