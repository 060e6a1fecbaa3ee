"""The default recipe: the profile of a graph, the choices that follow, and their effect.

Run it with ``python examples/recipe.py``; it takes half a minute.
"""

from __future__ import annotations

import gneg
from gneg import datasets
from gneg.training import recipe


def main() -> None:
    data = datasets.load("hyperbolic")
    suited = recipe.fast(data, epochs=30)
    print(suited.profile)
    print(suited.reasons, "\n")

    changed = recipe.fast(data, epochs=30, sampler="uniform", stack="none")
    configs = {"recipe": suited.config, "uniform, no stack": changed.config}
    runs = {name: gneg.train(data, config)["runs"][0] for name, config in configs.items()}
    for name, run in runs.items():
        mrr, epoch = 100 * run["test"]["mrr"], run["best_epoch"]
        print(f"{name:18} test MRR {mrr:.1f} %, best epoch {epoch}")

    # How the stack was chosen: cross-validated MRR against easy and hard validation negatives.
    stack = runs["recipe"]["stack"]
    for name in ("decoder alone", "linear", "perceptron"):
        print(f"{name:14} easy {stack[name]['easy']:.3f}, hard {stack[name]['hard']:.3f}")
    print("chosen:", stack["chosen"])


if __name__ == "__main__":
    main()
