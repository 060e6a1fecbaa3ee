"""Answers to the queries of a knowledge graph, scored: the head in full, the tail by a sample."""

from __future__ import annotations

import numpy as np
import torch

from gneg.datasets import TripleData
from gneg.evaluation.triple import ENDS
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
        ids = (torch.from_numpy(queries.entity(rows)), torch.from_numpy(queries.relation(rows)))
        chunks = zip(ids[0].split(CHUNK), ids[1].split(CHUNK), strict=True)
        scores = torch.cat([scorer.rows(*chunk, end).float().cpu() for chunk in chunks])
        line, column = known.listed(rows)
        scores[torch.from_numpy(line), torch.from_numpy(column)] = -torch.inf
        head = min(HEAD, scores.size(1))
        best, where = scores.topk(head)
        scores.scatter_(1, where, -torch.inf)
        drawn = scores.gather(
            1, torch.randint(scores.size(1), (len(rows), TAIL), generator=generator)
        )
        left = torch.isfinite(scores).sum(dim=1).numpy()
        usable = torch.isfinite(drawn).numpy()
        each = left / np.maximum(usable.sum(axis=1), 1) * count / len(rows)
        of_best = torch.isfinite(best).numpy()
        others += [best.double().numpy()[of_best], drawn.double().numpy()[usable]]
        weights += [np.full(int(of_best.sum()), count / len(rows))]
        weights += [np.repeat(each, usable.sum(axis=1))]
        links.append(_answers(scorer, triples, end))
    held_out = data.valid.size(1) + data.test.size(1)
    return Sample(
        links=np.concatenate(links),
        others=np.concatenate(others),
        weights=np.concatenate(weights),
        worth=held_out / max(triples.size(1), 1),
    )


def _answers(scorer: BlockScorer, triples: torch.Tensor, end: str) -> FloatArray:
    """Return the scores ``[E]`` of triples as answers to the query that lacks one end."""
    head, relation, tail = triples
    entity, answer = (head, tail) if end == "tail" else (tail, head)
    block = scorer.block(entity, relation, answer[:, None], end)  # type: ignore[arg-type]
    scores: FloatArray = block[:, 0].double().cpu().numpy()
    return scores
