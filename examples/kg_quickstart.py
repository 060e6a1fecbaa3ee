"""A knowledge graph from scratch: negatives of triples, training, filtered ranks.

The graph holds families of three generations; the model has to predict grandparents.
"""

from __future__ import annotations

import torch

import gneg
from gneg import datasets
from gneg.samplers.triples import TripleSampler


def families(count: int = 120) -> list[tuple[str, str, str]]:
    """Return the triples of families with a grandmother, two parents and two children each."""
    rows = []
    for i in range(count):
        grandmother, parent, partner = f"grandmother{i}", f"parent{i}", f"partner{i}"
        rows += [(parent, "child of", grandmother), (parent, "married to", partner)]
        for child in (f"first{i}", f"second{i}"):
            rows += [(child, "child of", parent), (child, "child of", partner)]
            rows += [(child, "grandchild of", grandmother)]
    return rows


def main() -> None:
    rows = families()
    # In every tenth family it is held out whose grandchild the second child is.
    held_out = [
        (head, relation, tail)
        for head, relation, tail in rows
        if relation == "grandchild of" and head.startswith("second") and head.endswith("0")
    ]
    train = [row for row in rows if row not in held_out]
    data = datasets.from_named_triples(train, held_out[:6], held_out[6:], name="families")
    print(data)

    known = data.known()
    for expression in ("uniform", "typed", "khop(hops=2)", "walk", "nearmiss(band=0|20)"):
        z = torch.randn(data.num_entities, 16, generator=torch.Generator().manual_seed(0))
        sampler = TripleSampler(data.triples, expression, corrupt="bernoulli", z=z)
        neg = sampler.sample(data.train[:, :200], k=4, generator=torch.Generator().manual_seed(0))
        head, relation, tail = neg.triples()
        assert not known.contains(torch.stack([head, relation, tail])).any()
        example = f"({data.entities[head[0, 0]]}, {data.relations[relation[0, 0]]}, "
        print(f"{expression}: {example}{data.entities[tail[0, 0]]})")

    for epochs in (10, 60):
        config = gneg.TripleConfig(model="transe", dim=32, epochs=epochs, batch_size=256, lr=0.02)
        test = gneg.train(data, config)["summary"]["test"]
        metrics = ", ".join(f"{name} {test[name]['mean']:.2f}" for name in ("mrr", "hits@1", "amr"))
        print(f"TransE, {epochs} epochs: {metrics}")


if __name__ == "__main__":
    main()
