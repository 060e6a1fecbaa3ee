"""A sampler of triples of your own in one method: it draws from the most similar relation.

Relations that share many tails are easily mixed up, so that targets of one are hard negatives of
the other. The base class checks arguments, excludes known triples and fills short rows.
"""

from __future__ import annotations

import numpy as np
import torch

import gneg
from gneg.graph import KnownTriples, Triples
from gneg.samplers import Query, Sampler
from gneg.samplers.triples import TripleSampler, View


@gneg.samplers.register("sibling")
class Sibling(Sampler):
    """Draws targets of the relation that shares most targets with the query's relation."""

    def __init__(self, view: View, *, unique: bool = False) -> None:
        super().__init__(view.graph, known=view.known, unique=unique)
        head, relation, tail = view.triples.triples.numpy()
        target = tail if view.replaced == "tail" else head
        has_target = np.zeros((view.triples.num_relations, view.triples.num_entities), bool)
        has_target[relation, target] = True
        overlap = has_target.astype(int) @ has_target.T.astype(int)
        np.fill_diagonal(overlap, -1)
        self.queries, self.sibling = view.queries, overlap.argmax(axis=1)
        self.targets = [np.flatnonzero(row) for row in has_target]

    def propose(self, query: Query, k: int, seed: int) -> np.ndarray:
        """Return candidates ``[B, k]``, random targets of the relation's sibling."""
        random = np.random.Generator(np.random.Philox(seed))
        relation = self.queries.relation(query.rows)
        return np.stack([random.choice(self.targets[self.sibling[r]], k) for r in relation])


def main() -> None:
    generator = torch.Generator().manual_seed(0)
    ends = torch.randint(200, (2, 1500), generator=generator)
    relation = torch.randint(6, (1500,), generator=generator)
    # The tails of relations 0 and 1 (2 and 3, 4 and 5) are the same third of the entities.
    tail = ends[1] // 3 * 3 % 198 + relation // 2
    triples = Triples(torch.stack([ends[0], relation, tail]), 200, 6)
    pos = triples.triples[:, :300]
    for sampler in ("uniform", "sibling"):
        neg = TripleSampler(triples, sampler, corrupt="tail").sample(pos, k=8, generator=generator)
        assert not KnownTriples(triples).contains(torch.stack(neg.triples())).any()
        plausible = neg.index % 3 == (pos[1] // 2)[:, None]
        print(
            f"{sampler}: {plausible.float().mean():.0%} of the tails are plausible for the relation"
        )


if __name__ == "__main__":
    main()
