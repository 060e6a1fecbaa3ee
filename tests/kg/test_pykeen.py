"""PyKEEN trains with our negatives; what its own sampler test cases promise."""

from __future__ import annotations

import pytest
import torch

pykeen_datasets = pytest.importorskip("pykeen.datasets")

from pykeen.sampling import NegativeSampler, negative_sampler_resolver  # noqa: E402
from pykeen.training import SLCWATrainingLoop  # noqa: E402
from pykeen.triples import CoreTriplesFactory  # noqa: E402

from gneg import datasets  # noqa: E402
from gneg.integrations.pykeen import GnegCallback, GnegNegativeSampler  # noqa: E402
from gneg.triples import KnownTriples, Triples  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def factory(shared):
    data = datasets.load_triples("nations", root=shared)
    return CoreTriplesFactory(data.train.t(), num_entities=14, num_relations=55)


def make(factory, **options) -> GnegNegativeSampler:
    return GnegNegativeSampler(
        mapped_triples=factory.mapped_triples,
        num_entities=factory.num_entities,
        num_relations=factory.num_relations,
        **options,
    )


@pytest.mark.parametrize("sampler", ["uniform", "typed", "khop", "walk", "relwalk"])
@pytest.mark.parametrize("corrupt", ["both", "bernoulli"])
def test_what_pykeen_asks_of_a_sampler(factory, sampler, corrupt):
    instance = make(factory, num_negs_per_pos=10, sampler=sampler, corrupt=corrupt)
    assert isinstance(instance, NegativeSampler)
    assert instance.get_normalized_name() == "gneg"
    batch = factory.mapped_triples[:64]
    negatives, mask = instance.sample(batch)
    assert negatives.shape == (64, 10, 3)
    assert negatives.dtype == torch.long
    assert (negatives >= 0).all()
    assert (negatives[..., [0, 2]] < 14).all()
    assert (negatives[..., 1] == batch[:, None, 1]).all()
    # One end or the other is replaced, never both, never none.
    changed = (negatives != batch[:, None]).sum(-1)
    known = KnownTriples(Triples(factory.mapped_triples.t(), 14, 55))
    usable = torch.ones_like(changed, dtype=torch.bool) if mask is None else mask
    assert (changed[usable] == 1).all()
    assert not known.contains(negatives.permute(2, 0, 1))[usable].any()
    assert instance.corrupt_batch(batch.view(8, 8, 3)).shape == (8, 8, 10, 3)


def test_a_short_row_repeats_and_is_masked():
    """All tails of (0, 0) but one are known."""
    rows = torch.tensor([(0, 0, t) for t in range(7)])
    instance = GnegNegativeSampler(
        mapped_triples=rows, num_entities=8, num_relations=1, num_negs_per_pos=3, corrupt="tail"
    )
    negatives, mask = instance.sample(rows[:1])
    assert negatives[0, :, 2].tolist() == [7, 7, 7]
    assert mask.tolist() == [[True, False, False]]


def test_the_resolver_knows_it_as_a_class():
    assert negative_sampler_resolver.lookup(GnegNegativeSampler) is GnegNegativeSampler


@pytest.mark.parametrize(
    "sampler", ["uniform", "hardest(uniform, m=8)", "cached(typed, size=4, m=4)"]
)
def test_the_pipeline_learns(factory, sampler, shared):
    from pykeen.pipeline import pipeline

    data = datasets.load_triples("nations", root=shared)
    testing = CoreTriplesFactory(data.test.t(), num_entities=14, num_relations=55)
    callback = GnegCallback()
    result = pipeline(
        training=factory,
        testing=testing,
        model="DistMult",
        model_kwargs={"embedding_dim": 32},
        negative_sampler=GnegNegativeSampler,
        negative_sampler_kwargs={
            "sampler": sampler,
            "num_negs_per_pos": 4,
            "callback": None if sampler == "uniform" else callback,
        },
        training_loop=SLCWATrainingLoop,
        training_kwargs={
            "num_epochs": 30,
            "batch_size": 128,
            "use_tqdm": False,
            "callbacks": callback,
        },
        evaluation_kwargs={"use_tqdm": False},
        random_seed=0,
        device="cpu",
    )
    assert result.losses[-1] < result.losses[0]
    assert result.get_metric("both.realistic.inverse_harmonic_mean_rank") > 0.3


def test_what_a_selector_needs_is_named(factory):
    with pytest.raises(ValueError, match="'callback' must be a GnegCallback"):
        make(factory, sampler="hardest(uniform)")
    alone = make(factory, sampler="hardest(uniform)", callback=GnegCallback())
    with pytest.raises(ValueError, match="'callback' must be one that the training is given too"):
        alone.sample(factory.mapped_triples[:4])
