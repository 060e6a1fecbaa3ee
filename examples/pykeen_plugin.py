"""PyKEEN's pipeline with negatives that are not training triples, and hard ones by its model."""

from __future__ import annotations

import logging
import warnings

import torch
from pykeen.pipeline import pipeline
from pykeen.triples import CoreTriplesFactory

from gneg import datasets
from gneg.integrations.pykeen import GnegCallback, GnegNegativeSampler


def world() -> datasets.TripleData:
    """Return 60 places on a ring; a relation says how many steps lie between two of them."""
    rows = [(i, step - 1, (i + step) % 60) for i in range(60) for step in (1, 2, 3, 5)]
    return datasets.from_triples(torch.tensor(rows).t(), shares=(0.05, 0.15))


def main(epochs: int = 30) -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    data = world()
    sizes = {"num_entities": data.num_entities, "num_relations": data.num_relations}
    parts = [CoreTriplesFactory(part.t(), **sizes) for part in (data.train, data.test)]
    for sampler in ("uniform", "hardest(uniform, m=32)"):
        result = pipeline(
            training=parts[0],
            testing=parts[1],
            model="RotatE",
            model_kwargs={"embedding_dim": 16},
            negative_sampler=GnegNegativeSampler,  # or "gneg", in a config of PyKEEN
            negative_sampler_kwargs={"sampler": sampler, "num_negs_per_pos": 8},
            optimizer_kwargs={"lr": 0.05},
            training_kwargs={
                "num_epochs": epochs,
                "batch_size": 64,
                "use_tqdm": False,
                "callbacks": GnegCallback(),  # or "gneg"; hands the model to the sampler
            },
            evaluation_kwargs={"use_tqdm": False},
            random_seed=0,
            device="cpu",
        )
        logging.disable(logging.WARNING)
        mrr = result.get_metric("both.realistic.inverse_harmonic_mean_rank")
        print(f"{sampler}: test MRR {100 * mrr:.1f} %")


if __name__ == "__main__":
    main()
