"""Evaluation as hard as the training: the same scores among easy, hard and in-between negatives.

Random non-edges flatter a model. HeaRT's negatives are those that heuristics rank best; a
stratified set has an equal share from each fifth of that order. What scores pairs may be anything:
here resource allocation, a cosine of features, and their sum.
"""

from __future__ import annotations

import torch

import gneg
from gneg import datasets
from gneg.graph.heuristics import Heuristic


def main() -> None:
    data = datasets.load("digits")
    sets = {
        "stratified": gneg.hardset(data, family="stratified"),
        "hard": gneg.hardset(data),
    }
    paths, pixels = Heuristic(data.graph, "ra"), Heuristic(data.graph, "cosine", data.x)

    def both(src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        return paths(src, dst) + pixels(src, dst)

    for name, score in (("paths", paths), ("pixels", pixels), ("both", both)):
        found = gneg.evaluate(data, score, sets=sets, resamples=200)["sets"]
        figures = ((which, one["metrics"]["mrr"]) for which, one in found.items())
        cells = (
            f"{which} {100 * mrr['value']:.1f} ({100 * mrr['low']:.1f} to {100 * mrr['high']:.1f})"
            for which, mrr in figures
        )
        print(f"{name:7} MRR, %:", ", ".join(cells))


if __name__ == "__main__":
    main()
