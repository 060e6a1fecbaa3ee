"""How hard and how risky the negatives of several samplers are, before any training.

A sampler sees the training edges only. Held-out edges among its negatives are counted afterwards:
each of them is an edge that training would teach the model to reject.
"""

from __future__ import annotations

import gneg
from gneg import datasets

SAMPLERS = (
    "uniform",
    "khop(hops=2)",
    "walk",
    "mixture(uniform:0.75, walk:0.25)",
    "guarded(walk, percentile=ra|80)",
)


def main() -> None:
    data = datasets.load("digits")
    for sampler in SAMPLERS:
        results = gneg.audit(data, sampler, negatives=20_000)
        ra, risk = results["hardness"]["ra"], results["risk"]
        ratio = ra["negatives"]["mean"] / ra["positives"]["mean"]
        print(
            f"{sampler:34} RA {ratio:.2f} x that of held-out edges; held-out edges per 1,000 "
            f"negatives: {risk['per_1000']:.1f} ({risk['low']:.1f} to {risk['high']:.1f}), "
            f"{risk['lift']:.0f} x uniform"
        )


if __name__ == "__main__":
    main()
