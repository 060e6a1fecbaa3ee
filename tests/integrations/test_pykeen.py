"""PyKEEN trains with our negatives; what its own sampler test cases promise."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset

pykeen_datasets = pytest.importorskip("pykeen.datasets")

from pykeen.sampling import NegativeSampler, negative_sampler_resolver  # noqa: E402
from pykeen.training import SLCWATrainingLoop  # noqa: E402
from pykeen.training.callbacks import callback_resolver  # noqa: E402
from pykeen.triples import CoreTriplesFactory  # noqa: E402

from gneg import datasets  # noqa: E402
from gneg.evaluation import metrics  # noqa: E402
from gneg.graph import KnownTriples, Triples  # noqa: E402
from gneg.integrations.pykeen import GnegCallback, GnegNegativeSampler  # noqa: E402
from gneg.samplers.formats import export  # noqa: E402
from gneg.samplers.triples import TripleSampler  # noqa: E402

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
def test_negatives_have_the_shape_and_form_of_pykeen(factory, sampler, corrupt):
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


@pytest.mark.parametrize("filtered", [False, True])
def test_a_short_row_repeats_and_is_masked_if_filtered(filtered):
    """All tails of (0, 0) but one are known."""
    rows = torch.tensor([(0, 0, t) for t in range(7)])
    instance = GnegNegativeSampler(
        mapped_triples=rows,
        num_entities=8,
        num_relations=1,
        num_negs_per_pos=3,
        corrupt="tail",
        filtered=filtered,
    )
    negatives, mask = instance.sample(rows[:1])
    assert negatives[0, :, 2].tolist() == [7, 7, 7]
    if filtered:
        assert mask.tolist() == [[True, False, False]]
        assert instance.filterer(negatives).all()
        assert not instance.filterer(rows[:, None]).any()
    else:
        assert mask is None


@pytest.mark.parametrize("tails", [range(1, 4), range(4)])
def test_rows_without_negatives_of_the_sampler_get_uniform_ones(tails):
    """Tails of (0, 0) that are typed are all known; in the second case all tails are."""
    rows = torch.tensor([(0, 0, t) for t in tails])
    instance = GnegNegativeSampler(
        mapped_triples=rows,
        num_entities=4,
        num_relations=1,
        num_negs_per_pos=2,
        sampler="typed",
        corrupt="tail",
    )
    negatives, mask = instance.sample(rows)
    known = KnownTriples(Triples(rows.t(), 4, 1))
    assert mask is None
    assert not known.contains(negatives.movedim(-1, 0)).any()


def test_a_triple_without_any_negative_is_masked():
    rows = torch.tensor([(0, 0, 0)])
    instance = GnegNegativeSampler(mapped_triples=rows, num_entities=1, num_relations=1)
    assert instance.sample(rows)[1].tolist() == [[False]]


def test_pykeen_knows_both_by_name():
    assert negative_sampler_resolver.lookup("gneg") is GnegNegativeSampler
    assert negative_sampler_resolver.lookup(GnegNegativeSampler) is GnegNegativeSampler
    assert callback_resolver.lookup("gneg") is GnegCallback


class SameBatch(IterableDataset):
    """Negatives of one batch, twice in each worker."""

    def __init__(self, sampler: GnegNegativeSampler, batch: torch.Tensor) -> None:
        self.sampler, self.batch = sampler, batch

    def __iter__(self):
        for _ in range(2):
            yield self.sampler.sample(self.batch)[0]


@pytest.mark.slow
def test_every_worker_and_epoch_has_a_stream_of_its_own(factory):
    """As PyKEEN does it: a copy of the sampler in each worker, and new workers in each epoch."""
    runs = []
    for _ in range(2):
        batches = SameBatch(make(factory), factory.mapped_triples[:64])
        torch.manual_seed(0)
        loader = DataLoader(batches, batch_size=None, num_workers=2)
        runs.append([negatives for _ in range(3) for negatives in loader])
    assert len({tuple(negatives.flatten().tolist()) for negatives in runs[0]}) == 12
    assert all(torch.equal(*pair) for pair in zip(*runs, strict=True))


def test_a_copy_goes_on_where_the_sampler_is(factory):
    sampler, batch = make(factory, callback=GnegCallback()), factory.mapped_triples[:64]
    sampler.sample(batch)
    copy = pickle.loads(pickle.dumps(sampler))
    assert torch.equal(copy.sample(batch)[0], sampler.sample(batch)[0])


def test_adaptive_samplers_reach_workers_or_are_refused(factory):
    callback = GnegCallback()
    text = "curriculum(mixture(frequency, itself), start=0, end=1, epochs=1)"
    scheduled = make(factory, sampler=text, corrupt="tail", callback=callback)
    loader = DataLoader(SameBatch(scheduled, factory.mapped_triples[:8]), None, num_workers=1)
    for loops in (False, True):
        negatives = torch.cat(list(loader))
        known = KnownTriples(Triples(factory.mapped_triples.t(), 14, 55))
        free = ~known.contains(negatives[:, 0, [0, 1, 0]].t())  # loops that are no known triples
        assert ((negatives[free, 0, 0] == negatives[free, 0, 2]).all()) == loops
        callback.sampler.end_epoch()
    adaptive = make(factory, sampler="hardest(uniform)", callback=callback)
    with pytest.raises(ValueError, match="'num_workers' must be 0 for a sampler that selects"):
        list(DataLoader(SameBatch(adaptive, factory.mapped_triples[:8]), None, num_workers=1))


@pytest.mark.slow
def test_a_saved_config_replicates(factory, tmp_path):
    """Everything in it is JSON, the callback and vectors and types of entities included."""
    from pykeen.pipeline import replicate_pipeline_from_config

    sampler = "hardest(mixture(similar(band=0|5), typed(by=types)), m=8)"
    vectors = torch.randn(14, 3, generator=torch.Generator().manual_seed(0))
    config = {
        "metadata": {},
        "pipeline": {
            "training": str(tmp_path / "triples.tsv"),
            "testing": str(tmp_path / "triples.tsv"),
            "model": "DistMult",
            "model_kwargs": {"embedding_dim": 4},
            "negative_sampler": "gneg",
            "negative_sampler_kwargs": {
                "sampler": sampler,
                "z": vectors.tolist(),
                "types": [[i % 2] for i in range(14)],
            },
            "training_loop": "slcwa",
            "training_kwargs": {"num_epochs": 1, "callbacks": "gneg", "use_tqdm": False},
            "evaluation_kwargs": {"use_tqdm": False},
            "random_seed": 0,
            "device": "cpu",
        },
    }
    rows = factory.mapped_triples.tolist()
    (tmp_path / "triples.tsv").write_text("\n".join("\t".join(map(str, row)) for row in rows))
    path = tmp_path / "pipeline_config.json"
    path.write_text(json.dumps(config))
    losses = []
    for name in ("first", "second"):
        options = {"replicates": 1, "save_replicates": False, "keep_seed": True}
        config = json.loads(path.read_text())
        replicate_pipeline_from_config(config, directory=tmp_path / name, **options)
        losses.append((tmp_path / name / "all_replicates_losses.tsv").read_text())
    assert losses[0] == losses[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "sampler", ["hardest(uniform, m=8)", "uniform", "cached(typed, size=4, m=4)"]
)
def test_the_pipeline_learns(factory, sampler, shared):
    """Untrained models have an MRR of 0.32 to 0.34 on nations."""
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
        optimizer_kwargs={"lr": 0.03},
        training_loop=SLCWATrainingLoop,
        training_kwargs={
            "num_epochs": 4,
            "batch_size": 128,
            "use_tqdm": False,
            "callbacks": callback,
        },
        evaluation_kwargs={"use_tqdm": False},
        random_seed=0,
        device="cpu",
    )
    assert result.losses[-1] < result.losses[0]
    assert result.get_metric("both.realistic.inverse_harmonic_mean_rank") > 0.45


@pytest.mark.slow
def test_a_selector_without_a_callback_is_refused(factory):
    with pytest.raises(ValueError, match="'callback' must be a GnegCallback"):
        make(factory, sampler="hardest(uniform)")
    alone = make(factory, sampler="hardest(uniform)", callback=GnegCallback())
    with pytest.raises(ValueError, match="'callback' must be passed to the training"):
        alone.sample(factory.mapped_triples[:4])
    with pytest.raises(ValueError, match="'callback' must be a GnegCallback"):
        make(factory, sampler="similar(refresh_every=1)", z=torch.eye(14).tolist())


@pytest.mark.slow
def test_pykeen_ranks_against_exported_negatives(factory, shared):
    from pykeen.evaluation import SampledRankBasedEvaluator
    from pykeen.models import DistMult

    data = datasets.load_triples("nations", root=shared)
    testing = CoreTriplesFactory(data.test.t(), num_entities=14, num_relations=55)
    pos = testing.mapped_triples.t()
    drawn = {
        end: TripleSampler(data.triples, known=data.known("all"), corrupt=end).sample(
            pos, 2, generator=torch.Generator().manual_seed(0)
        )
        for end in ("head", "tail")
    }
    # Short rows cannot be exported: only triples with two negatives at both ends.
    whole = drawn["head"].mask.all(1) & drawn["tail"].mask.all(1)
    testing = CoreTriplesFactory(pos.t()[whole], num_entities=14, num_relations=55)
    full = {
        end: replace(
            one,
            **{name: getattr(one, name)[whole] for name in ("src", "index", "mask", "replaced")},
            relation=one.relation[whole],
        )
        for end, one in drawn.items()
    }
    arrays = export.to_pykeen(full["tail"], full["head"])
    evaluator = SampledRankBasedEvaluator(evaluation_factory=testing, **arrays)
    model = DistMult(triples_factory=factory, embedding_dim=8, random_seed=0)
    results = evaluator.evaluate(model, testing.mapped_triples, batch_size=32, use_tqdm=False)

    def score(*triple: torch.Tensor) -> torch.Tensor:
        rows = torch.stack(triple, dim=-1)
        with torch.no_grad():
            return model.score_hrt(rows.view(-1, 3)).view(rows.shape[:-1])

    positive = score(*testing.mapped_triples.t())
    for end, negatives in full.items():
        ours = metrics.summary(positive, score(*negatives.triples()))["mrr"]
        theirs = results.get_metric(f"{end}.realistic.inverse_harmonic_mean_rank")
        assert theirs == pytest.approx(ours, rel=1e-5)
