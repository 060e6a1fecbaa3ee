"""A knowledge graph from scratch: negatives of triples, training, filtered ranking.

Families of three generations; the model has to find grandparents.
"""

from __future__ import annotations

import torch

from gneg import datasets
from gneg.graph import KnownTriples
from gneg.samplers.triples import TripleSampler
from gneg.training.config import TripleConfig
from gneg.training.driver import train as kg_train


def families(count: int = 120) -> list[tuple[str, str, str]]:
    """Each with a grandmother, two parents and two children."""
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
    # Every fourth family keeps one of its grandchildren secret.
    test = [row for row in rows if row[1] == "grandchild of" and row[0].endswith("0")]
    test = [row for row in test if row[0].startswith("second")]
    train = [row for row in rows if row not in test]
    data = datasets.from_named_triples(train, test[:6], test[6:], name="families")
    print(data)

    known = KnownTriples(data.triples)
    for expression in ("uniform", "typed", "khop(hops=2)", "walk", "nearmiss(band=0|20)"):
        z = torch.randn(data.num_entities, 16, generator=torch.Generator().manual_seed(0))
        sampler = TripleSampler(data.triples, expression, corrupt="bernoulli", z=z)
        neg = sampler.sample(data.train[:, :200], k=4, generator=torch.Generator().manual_seed(0))
        head, relation, tail = neg.triples()
        assert not known.contains(torch.stack([head, relation, tail])).any()
        example = f"({data.entities[head[0, 0]]}, {data.relations[relation[0, 0]]}, "
        print(f"{expression}: {example}{data.entities[tail[0, 0]]})")

    for epochs in (10, 60):
        config = TripleConfig(model="transe", dim=32, epochs=epochs, batch_size=256, lr=0.02)
        found = kg_train(data, config)["summary"]["test"]
        shown = ", ".join(f"{name} {found[name]['mean']:.2f}" for name in ("mrr", "hits@1", "amr"))
        print(f"TransE, {epochs} epochs: {shown}")


if __name__ == "__main__":
    main()
