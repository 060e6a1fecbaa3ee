"""The same scores evaluated against uniform, stratified and hard negatives.

Random non-edges flatter a model. HeaRT's negatives are those that heuristics rank best; a
stratified set has an equal share of each fifth of that order. Any function of pairs can be
evaluated: here resource allocation, the cosine of features, and their sum.
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
    ra, cosine = Heuristic(data.graph, "ra"), Heuristic(data.graph, "cosine", data.x)

    def total(src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        return ra(src, dst) + cosine(src, dst)

    for name, score in (("RA", ra), ("cosine", cosine), ("sum", total)):
        results = gneg.evaluate(data, score, sets=sets, resamples=200)
        mrr = {kind: result["metrics"]["mrr"] for kind, result in results["sets"].items()}
        cells = (
            f"{kind} {100 * ci['value']:.1f} ({100 * ci['low']:.1f} to {100 * ci['high']:.1f})"
            for kind, ci in mrr.items()
        )
        print(f"{name:7} MRR, %:", ", ".join(cells))


if __name__ == "__main__":
    main()
