"""Answers to queries of a knowledge graph, scored: the best in full, all others by a sample."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from gneg.datasets import TripleData
from gneg.evaluation.triple import ENDS
from gneg.graph.take import distinct
from gneg.nn.kge.base_measure import BlockScorer
from gneg.prediction.calibrate import FloatArray, Sample
from gneg.rng import generator_from, split_seed

QUERIES = 1_000  # known queries of each end whose answers are scored
HEAD, TAIL = 100, 100  # answers to each: the best ones, and random ones of all others
CHUNK = 64  # queries that are scored at once
MOST = 10_000  # held-out triples that are scored


def score_sample(data: TripleData, scorer: BlockScorer, part: str, seed: int = 0) -> Sample:
    """Return scores of held-out triples, and of unknown answers to known queries.

    Queries are those (head, relation, ?) and (?, relation, tail) that a known triple answers. For
    each of some of them the best unknown answers are taken in full, and of all others a random
    sample, weighted by the number that each stands for.

    Args:
        data: The knowledge graph.
        scorer: The model.
        part: ``valid`` or ``test``.
        seed: Seed of the samples.
    """
    others: list[FloatArray] = []
    weights: list[FloatArray] = []
    links: list[FloatArray] = []
    generator = generator_from(split_seed(seed, 0))
    triples = data.positives(part)
    triples = triples[:, torch.randperm(triples.size(1), generator=generator)[:MOST]]
    for end in ENDS:
        queries, known = data.known("all").side(end)
        count = len(queries.keys)
        rows = torch.randperm(count, generator=generator)[:QUERIES].numpy()
        for low in range(0, len(rows), CHUNK):
            chunk = rows[low : low + CHUNK]
            ids = [torch.from_numpy(of(chunk)) for of in (queries.entity, queries.relation)]
            scores = scorer.rows(ids[0], ids[1], end).float().cpu()
            line, column = known.listed(chunk)
            scores[torch.from_numpy(line), torch.from_numpy(column)] = -torch.inf
            for values, stand_for in _head_and_tail(scores, generator):
                others.append(values)
                weights.append(stand_for * count / len(rows))
        links.append(_answers(scorer, triples, end))
    held_out = data.valid.size(1) + data.test.size(1)
    return Sample(
        links=np.concatenate(links),
        others=np.concatenate(others),
        weights=np.concatenate(weights),
        worth=held_out / max(triples.size(1), 1),
    )


def score_relation_sample(
    data: TripleData, scorer: BlockScorer, part: str, seed: int = 0
) -> Sample:
    """Return scores of held-out triples, and of unknown relations of known pairs.

    Pairs are those (head, ?, tail) that a known triple joins; their relations are taken as answers
    are by :func:`score_sample`.

    Args:
        data: The knowledge graph.
        scorer: The model.
        part: ``valid`` or ``test``.
        seed: Seed of the samples.
    """
    generator = generator_from(split_seed(seed, 0))
    known = data.known("all")
    triples = data.positives(part)
    triples = triples[:, torch.randperm(triples.size(1), generator=generator)[:MOST]]
    pairs, _ = distinct(known.triples[[0, 2]])
    queries = pairs[:, torch.randperm(pairs.size(1), generator=generator)[:QUERIES]]
    relations = torch.arange(data.num_relations)
    others: list[FloatArray] = []
    weights: list[FloatArray] = []
    for head, tail in zip(queries[0].split(CHUNK), queries[1].split(CHUNK), strict=True):
        shape = len(head), len(relations)
        heads, tails = (end[:, None].expand(shape).flatten() for end in (head, tail))
        relation = relations.expand(shape).flatten()
        scores = scorer.block(heads, relation, tails[:, None], "tail").view(shape).float().cpu()
        scores[known.contains(torch.stack([heads, relation, tails])).view(shape)] = -torch.inf
        for values, stand_for in _head_and_tail(scores, generator):
            others.append(values)
            weights.append(stand_for * pairs.size(1) / queries.size(1))
    return Sample(
        links=_answers(scorer, triples, "tail"),
        others=np.concatenate(others),
        weights=np.concatenate(weights),
        worth=(data.valid.size(1) + data.test.size(1)) / max(triples.size(1), 1),
    )


def _head_and_tail(
    scores: torch.Tensor, generator: torch.Generator
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield the best scores of rows, and a random sample of the others, with their weights.

    Args:
        scores: ``[b, N]``, -inf for known answers; changed in place.
        generator: Source of randomness.
    """
    best, where = scores.topk(min(HEAD, scores.size(1)))
    scores.scatter_(1, where, -torch.inf)
    size = len(scores), TAIL
    drawn = scores.gather(1, torch.randint(scores.size(1), size, generator=generator))
    left = torch.isfinite(scores).sum(dim=1).numpy()
    for values, each in ((best, None), (drawn, left)):
        present = torch.isfinite(values).numpy()
        count = present.sum(axis=1)
        weight = np.ones(len(scores)) if each is None else each / np.maximum(count, 1)
        yield values.double().numpy()[present], np.repeat(weight, count)


def _answers(scorer: BlockScorer, triples: torch.Tensor, end: str) -> FloatArray:
    """Return the scores ``[E]`` of triples as answers to the query that lacks one end."""
    head, relation, tail = triples
    entity, answer = (head, tail) if end == "tail" else (tail, head)
    block = scorer.block(entity, relation, answer[:, None], end)  # type: ignore[arg-type]
    scores: FloatArray = block[:, 0].double().cpu().numpy()
    return scores
