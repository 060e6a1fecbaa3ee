"""A sampler of triples of your own in one method: what answers the relation's most alike relation.

Relations that share many tails are easily mixed up: what answers one is a hard negative of the
other. Checking, excluding known triples and filling what is lacking are the base's.
"""

from __future__ import annotations

import numpy as np
import torch

from gneg.graph import KnownTriples, Triples
from gneg.samplers import Query, Sampler
from gneg.samplers.triples import TripleSampler, View


class Sibling(Sampler):
    """Targets of the relation that shares most targets with the query's own."""

    def __init__(self, view: View) -> None:
        super().__init__(view.graph, known=view.known)
        head, relation, tail = view.triples.triples.numpy()
        target = tail if view.replaced == "tail" else head
        answers = np.zeros((view.triples.num_relations, view.triples.num_entities), bool)
        answers[relation, target] = True
        shared = answers.astype(int) @ answers.T.astype(int)
        np.fill_diagonal(shared, -1)
        self.queries, self.sibling = view.queries, shared.argmax(axis=1)
        self.answers = [np.flatnonzero(row) for row in answers]

    def propose(self, query: Query, k: int, seed: int) -> np.ndarray:
        """Return candidates ``[B, k]``, random answers of the relation's sibling."""
        random = np.random.Generator(np.random.Philox(seed))
        relation = self.queries.relation(query.rows)
        return np.stack([random.choice(self.answers[self.sibling[r]], k) for r in relation])


def main() -> None:
    generator = torch.Generator().manual_seed(0)
    ends = torch.randint(200, (2, 1500), generator=generator)
    relation = torch.randint(6, (1500,), generator=generator)
    # Relations 0 and 1, 2 and 3, 4 and 5 answer with the same third of the entities.
    tail = ends[1] // 3 * 3 % 198 + relation // 2
    triples = Triples(torch.stack([ends[0], relation, tail]), 200, 6)
    pos = triples.triples[:, :300]
    for sampler in ("uniform", Sibling):
        neg = TripleSampler(triples, sampler, corrupt="tail").sample(pos, k=8, generator=generator)
        assert not KnownTriples(triples).contains(torch.stack(neg.triples())).any()
        alike = neg.index % 3 == (pos[1] // 2)[:, None]
        name = sampler if isinstance(sampler, str) else sampler.__name__
        print(f"{name}: {alike.float().mean():.0%} of the tails are of the kind that is asked for")


if __name__ == "__main__":
    main()
