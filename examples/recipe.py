"""What suits a graph: the default recipe, read, changed and trained (about a minute).

python examples/recipe.py
"""

from __future__ import annotations

from gneg import datasets
from gneg.training import recipe
from gneg.training.driver import train


def main() -> None:
    data = datasets.load("digits")
    chosen = recipe.auto(data, encoder="gcn", epochs=30)
    print(chosen.why, "\n")

    plain = recipe.auto(data, encoder="gcn", epochs=30, sampler="uniform", stack="none")
    found = {"recipe": chosen, "uniform, not weighed": plain}
    runs = {name: train(data, one.config)["runs"][0] for name, one in found.items()}
    for name, run in runs.items():
        print(
            f"{name:22} test MRR {100 * run['test']['mrr']:.1f} %, best epoch {run['best_epoch']}"
        )

    # The stack's own judgement, out of folds: MRR against easy and hard validation negatives.
    stack = runs["recipe"]["stack"]
    for name in ("decoder alone", "linear", "perceptron"):
        print(f"{name:14} easy {stack[name]['easy']:.3f}, hard {stack[name]['hard']:.3f}")
    print("chosen:", stack["chosen"])


if __name__ == "__main__":
    main()
