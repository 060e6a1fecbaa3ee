"""The default recipe: the profile of a graph, the race of negatives, and the effect of the stack.

Run it with ``python examples/recipe.py``; it takes half a minute.
"""

from __future__ import annotations

import gneg
from gneg import datasets
from gneg.training.race import race


def main(epochs: int = 40) -> None:
    data = datasets.load("hyperbolic")
    result = race(data, epochs=epochs)
    print(result.recipe.profile)
    for entrant in result.entrants:
        gain, error = (100 * value for value in entrant.gain)
        print(f"{entrant.name:32} {gain:+.1f} % ± {error:.1f}")
    print(result.recipe.reasons, "\n")

    run = gneg.train(data, result.recipe.config)["runs"][0]
    alone, stacked = (100 * part["mrr"] for part in (run["stack"]["alone"], run["test"]))
    print(f"test MRR {alone:.1f} %, with heuristics {stacked:.1f} %; epoch {run['best_epoch']}")

    # How the stack was chosen: cross-validated MRR against easy and hard validation negatives.
    stack = run["stack"]
    for name in ("decoder alone", "linear", "perceptron"):
        print(f"{name:14} easy {stack[name]['easy']:.3f}, hard {stack[name]['hard']:.3f}")
    print("chosen:", stack["chosen"])


if __name__ == "__main__":
    main()
