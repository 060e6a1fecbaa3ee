"""A generator of negatives that learns what the model scores high, mixed with uniform negatives.

Here the model is frozen, which shows the generator learning: the mean score of its negatives rises
above that of uniform ones. In a training loop, call ``sampler.step`` after ``optimizer.step``.
"""

from __future__ import annotations

import torch

from gneg import datasets
from gneg.samplers import Adversarial, Mixture, Uniform


def main(steps: int = 60) -> float:
    generator = torch.Generator().manual_seed(0)
    data = datasets.load("digits")
    uniform = Uniform(data.graph, corrupt="both")
    adversary = Adversarial(uniform, m=32, lr=0.05)
    sampler = Mixture([uniform, adversary], [0.5, 0.5])

    z = torch.nn.functional.normalize(data.x)

    def score(src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        return 5 * (z[src] * z[dst]).sum(-1)

    for step in range(steps):
        sampler.sample(data.train, k=4, score=score, generator=generator)
        sampler.step(score=score)
        if step % 20 == 19:
            means = [
                score(*part.sample(data.train, 4, score=score, generator=generator).pairs()).mean()
                for part in (uniform, adversary)
            ]
            entropy = adversary.report()["generator_entropy"]
            print(f"step {step + 1}: uniform {means[0]:.2f}, adversarial {means[1]:.2f}, ", end="")
            print(f"entropy {entropy:.2f}")
    return float(means[1] - means[0])


if __name__ == "__main__":
    main()
