"""A selector of your own: a rule that picks K of each row's M candidates.

This one subtracts the log degree of a candidate from its score: hubs score high for all queries, so
that the hardest candidates are often the same few nodes. ``Select`` draws the candidates, excludes
known edges and computes the scores. The decorator gives the rule a name in expressions, such as
``hardest_but_hubs(walk, m=64, weight=0.5)``.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

import gneg
from gneg import checks
from gneg.samplers import Curriculum, Hardest, Pool, Schedule, Select, SelectionRule, Uniform


@gneg.samplers.register("hardest_but_hubs")
@dataclass(frozen=True)
class HardestButHubs(SelectionRule):
    """Keeps the candidates with the highest score less ``weight`` times their log degree."""

    weight: float = 1.0

    tunable: ClassVar = {"weight": float}  # a curriculum may change it

    def __post_init__(self) -> None:
        checks.number("weight", self.weight, 0)

    def pick(self, pool: Pool, k: int, seed: int) -> np.ndarray:
        """Return the negatives ``[B, k]``, of candidates ``pool.index [B, M]``."""
        degree = pool.query.graph.reversed().degree().numpy()[np.maximum(pool.index, 0)]
        return pool.top(pool.scores - self.weight * np.log1p(degree), k)


def main() -> None:
    generator = torch.Generator().manual_seed(0)
    popular = torch.randint(500, (2, 4000), generator=generator).min(dim=0).values
    edge_index = torch.stack([torch.randint(500, (4000,), generator=generator), popular])
    graph = gneg.Graph.from_edge_index(edge_index, 500, undirected=True)
    degree = graph.degree().float()
    z = torch.randn(500, 8, generator=generator)

    def score(src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        return (z[src] * z[dst]).sum(-1) + degree[dst].log1p()

    for rule in (Hardest(), HardestButHubs(1.0)):
        sampler = Select(Uniform(graph), rule, m=64)
        negatives = sampler.sample(edge_index[:, :200], 4, score=score, generator=generator)
        print(f"{rule}: mean degree of the negatives {degree[negatives.index].mean():.1f}")
    schedule = Schedule("linear", 2.0, 0.0, epochs=10)
    curriculum = Curriculum(Select(Uniform(graph), HardestButHubs()), schedule, "weight")
    curriculum.end_epoch()
    print(curriculum.sampler.rule)


if __name__ == "__main__":
    main()
