"""A knowledge graph from scratch: negatives of triples, a preset, hard sets, answers.

The graph holds families of three generations; the model has to predict grandparents.
"""

from __future__ import annotations

import tempfile

import torch

import gneg
from gneg import datasets
from gneg.samplers.triples import TripleSampler
from gneg.training.presets import preset


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

    # A preset, with settings for a graph this small; then hard negatives, and answers by name.
    small = {"dim": 32, "batch_size": 64, "n3": 0.003}
    config = gneg.TripleConfig(**preset("complex-n3") | small)
    with tempfile.TemporaryDirectory() as folder:
        test = gneg.train(data, config, out=folder)["summary"]["test"]
        metrics = ", ".join(f"{name} {test[name]['mean']:.2f}" for name in ("mrr", "hits@1", "amr"))
        print(f"ComplEx: {metrics}")

        model = gneg.load(folder)
        sets = {"hard": gneg.hardset(data, k=10)}
        against = gneg.evaluate(data, model.scorer(), sets=sets, resamples=0)["sets"]
        for name, result in against.items():
            print(f"against {name}: MRR {result['metrics']['mrr']['value']:.2f}")
        print(model.predict_target(head="second10", relation="grandchild of", k=3, keep_known=True))


if __name__ == "__main__":
    main()
