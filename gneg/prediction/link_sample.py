"""Pairs outside training, scored: the head of the lists in full, the tail by a sample."""

from __future__ import annotations

import numpy as np
import torch

from gneg.datasets import LinkData
from gneg.prediction.calibrate import Sample
from gneg.prediction.ranking import Ranker
from gneg.rng import generator_from, split_seed
from gneg.samplers.propose.uniform import Uniform

QUERIES = 2_000  # nodes whose lists are scored
HEAD, TAIL = 100, 100  # pairs of each: candidates, and uniform ones of all others
MOST = 20_000  # held-out links that are scored


def score_sample(data: LinkData, ranker: Ranker, part: str, seed: int = 0) -> Sample:
    """Return scores of the links of a part, and of a sample of pairs that are no links.

    For each of some nodes the candidates of retrieval, among which the high scores are, are
    scored in full, and of all its other pairs a uniform sample, each weighted by the number of
    pairs that it stands for.

    Args:
        data: The dataset.
        ranker: Ranks targets; known links are no candidates.
        part: ``valid`` or ``test``.
        seed: Seed of the samples.
    """
    generator = generator_from(split_seed(seed, 0))
    size = ranker.excluded.num_src
    rows = torch.randperm(size, generator=generator)[:QUERIES].sort().values.numpy()
    head = ranker.retriever.candidates(rows, min(HEAD, ranker.num_candidates), 256)
    sampler = Uniform(data.graph, known=ranker.excluded)
    positives = torch.stack([torch.from_numpy(rows), torch.zeros(len(rows), dtype=torch.long)])
    drawn = sampler.sample(positives, TAIL, generator=generator)
    tail = np.where(drawn.mask.numpy(), drawn.index.numpy(), -1)
    tail[(tail[:, :, None] == head[:, None, :]).any(axis=2)] = -1
    free = ranker.excluded.sizes(rows) - (head >= 0).sum(axis=1)
    each = free / np.maximum((tail >= 0).sum(axis=1), 1)
    weights = np.concatenate([np.ones(head.shape), np.repeat(each[:, None], TAIL, axis=1)], axis=1)
    ids = np.concatenate([head, tail], axis=1)
    scores = ranker.scores(rows, ids).astype(np.float64)
    present = ids >= 0
    links = data.positives(part)
    held_out = sum(data.positives(name).size(1) for name in ("valid", "test"))
    links = links[:, torch.randperm(links.size(1), generator=generator)[:MOST]]
    both = torch.cat([links, links.flip(0)], dim=1) if data.undirected else links
    with torch.no_grad():
        of_links = ranker.scorer(*both.to(ranker.scorer.z.device)).cpu().double().numpy()
    directions = 2 if data.undirected else 1
    return Sample(
        links=of_links,
        others=scores[present],
        weights=weights[present] * size / len(rows),
        worth=directions * held_out / max(len(of_links), 1),
    )
