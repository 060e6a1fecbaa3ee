"""Know what you sample before you train: how hard and how risky negatives are.

A sampler sees training edges only. Held-out edges are counted among its negatives afterwards: each
is an edge that training would teach the model to reject.
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
        found = gneg.audit(data, sampler, negatives=20_000)
        hardness, risk = found["hardness"]["ra"], found["risk"]
        harder = hardness["negatives"]["mean"] / hardness["positives"]["mean"]
        print(
            f"{sampler:34} RA {harder:.2f} of that of held-out edges, risk {risk['per_1000']:.1f} "
            f"({risk['low']:.1f} to {risk['high']:.1f}) in 1,000, {risk['lift']:.0f} x uniform"
        )


if __name__ == "__main__":
    main()
