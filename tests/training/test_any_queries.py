"""Training on the negatives of any nodes, not of the ends of positives alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gneg import LinkConfig, samplers
from gneg.samplers import Sampler
from gneg.training.driver import train
from gneg.training.kinds import make_run
from gneg.training.resources import Resources
from tests.training.runs import small, stable
from tests.worlds import toy

OPTIONS = {"sampler": "uniform", "loss": "bce", "batch_size": 100, "hidden": 8, "queries": "any"}


def with_lonely_nodes():
    """Return data whose last third of nodes has no training edges."""
    data = toy(n=100, edges=600)
    kept = (data.train < 67).all(dim=0)
    return replace(data, train=data.train[:, kept])


@pytest.fixture
def queries(monkeypatch):
    """The queries of all draws."""
    seen = []
    original = Sampler.sample

    def sample(sampler, pos, k, **options):
        negatives = original(sampler, pos, k, **options)
        seen.append(negatives.src)
        return negatives

    monkeypatch.setattr(Sampler, "sample", sample)
    return seen


@pytest.mark.parametrize("fanout", ["none", "3,3"])
@pytest.mark.parametrize(("kind", "share"), [("positives", 0.0), ("any", 1 / 3)])
def test_nodes_without_edges_are_queries_as_others_are(fanout, kind, share, queries):
    run = make_run(with_lonely_nodes(), small(**{**OPTIONS, "queries": kind, "fanout": fanout}), 0)
    queries.clear()  # the negatives of the evaluation are drawn with the data
    for _ in range(5):
        run.epoch()
    drawn = torch.cat(queries)
    assert len(drawn) == 5 * run.num_items
    assert float((drawn >= 67).float().mean()) == pytest.approx(share, abs=0.06 if share else 0)


@pytest.mark.parametrize("fanout", ["none", "3,3"])
def test_workers_and_an_interrupted_run_change_nothing(fanout, tmp_path):
    data, config = toy(n=100, edges=600), small(**OPTIONS, fanout=fanout)
    whole = stable(train(data, config, resources=Resources(0)))
    epochs = iter(range(10))

    def stop(seed, state):
        if next(epochs) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data, config, out=tmp_path, report=stop, resources=Resources(2))
    assert stable(train(data, config, out=tmp_path, resources=Resources(2))) == whole


def test_the_loss_does_not_correct_for_other_queries():
    data = toy(n=100, edges=600)
    losses = {
        kind: make_run(data, small(sampler="uniform", queries=kind), 0).loss.name
        for kind in ("positives", "any")
    }
    assert losses == {"positives": "softmax", "any": "infonce"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "softmax"}, "'queries' must be positives with the loss softmax"),
        ({"loss": "nce"}, "'queries' must be positives with the loss nce"),
        ({"loss": "ntxent"}, "'queries' must be positives with the loss ntxent"),
        ({"sampler": "hardest(inbatch)"}, "with the sampler hardest.*inbatch looks at the pos"),
        ({"sampler": "mixture(uniform, memorybank)"}, "memorybank looks at the positive of each"),
        ({"sampler": "guarded(uniform, node_time=any)"}, "looks at the positive of each query"),
        ({"sampler": "selfpaced(hardest(uniform))"}, "selfpaced.* looks at the positive of each"),
        ({"queries": "all"}, "'queries' must be one of 'positives', 'any'"),
    ],
)
def test_what_looks_at_the_positive_of_a_query_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        LinkConfig(**{**OPTIONS, **options})
    assert LinkConfig(**{**OPTIONS, "sampler": "guarded(hardest(walk), percentile=ra|90)"})


class Copies(samplers.Sampler):
    """Proposes what the positives themselves have."""

    of_positives = True

    def propose(self, query, k, seed):
        raise NotImplementedError


def test_a_registered_sampler_that_looks_at_positives_is_refused(registries):
    samplers.register("copies")(Copies)
    with pytest.raises(ValueError, match="'queries' must be positives with the sampler copies"):
        LinkConfig(**{**OPTIONS, "sampler": "copies"})
