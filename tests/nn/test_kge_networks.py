"""TuckER and ConvE against their definitions and PyKEEN, and models that drop values."""

from __future__ import annotations

import pytest
import torch

from gneg import TripleConfig
from gneg.nn.kge import ComplEx, ConvE, DistMult, TuckER
from gneg.training.driver import train
from gneg.training.triple import TripleRun
from gneg.training.triple_models import make_triple_model
from tests.triple_worlds import sparse_data


def ids(*shape: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randint(high, shape, generator=generator) for high in (20, 3, 20)]


def test_tucker_is_the_core_times_three_vectors():
    torch.manual_seed(0)
    model = TuckER(20, 3, 5).eval()
    head, relation, tail = ids(4, 7)
    vectors = model.entity(head), model.relation(relation), model.entity(tail)
    scale = 1 / (1 + model.before.eps)  # two batch norms of fresh statistics
    expected = scale * torch.einsum("xyi,xyr,xyj,irj->xy", *vectors, model.core)
    torch.testing.assert_close(model(head, relation, tail), expected)
    # The norms see the head if tails are predicted, and the tail if heads are.
    rows = model.rows(tail[0], relation[0], "head")
    torch.testing.assert_close(rows.gather(1, head[0][:, None])[:, 0], expected[0])


def test_conve_is_that_of_pykeen():
    pykeen = pytest.importorskip("pykeen.nn.modules")
    torch.manual_seed(0)
    model = ConvE(20, 3, 12).eval()
    with torch.no_grad():
        model.entity.weight[:, -1] = torch.randn(20)
        for part in model.network:
            if isinstance(part, torch.nn.BatchNorm2d | torch.nn.BatchNorm1d):
                part.running_mean.normal_()
                part.running_var.uniform_(0.5, 2)
    theirs = pykeen.ConvEInteraction(
        embedding_dim=12,
        embedding_height=3,
        embedding_width=4,
        output_channels=32,
    ).eval()
    ours, fresh = model.network.state_dict(), theirs.state_dict()
    assert len(ours) == len(fresh)
    theirs.load_state_dict(dict(zip(fresh, ours.values(), strict=True)))
    head, relation, tail = ids(9)
    entity, bias = model.entity(tail)[:, :-1], model.entity(tail)[:, -1]
    expected = theirs(model.entity(head)[:, :-1], model.relation(relation), (entity, bias))
    tables = model.tables()
    query = model.embed_queries(tables, head, relation, "tail")
    torch.testing.assert_close(model.compare(query, model.entity(tail)), expected.view(-1))


@pytest.mark.parametrize(("dim", "shape"), [(200, (10, 20)), (6, (2, 3)), (9, (3, 3))])
def test_embeddings_of_conve_are_images(dim, shape):
    assert ConvE(5, 2, dim).shape == shape


@pytest.mark.parametrize("dim", [1, 4, 13])
def test_widths_that_are_no_image_are_refused(dim):
    with pytest.raises(ValueError, match="'dim' must be a product of two integers"):
        ConvE(5, 2, dim)


@pytest.mark.parametrize("loss", ["nssa", "1vsall"])
@pytest.mark.parametrize("model", ["tucker", "conve"])
def test_networks_are_trained_by_any_loss_with_the_same_scores_afterwards(model, loss, tmp_path):
    data = sparse_data()
    config = TripleConfig(
        model=model, dim=12, dropout=0.1, loss=loss, inverse=True, epochs=2, eval_every=1
    )
    result = train(data, config, out=tmp_path)
    run = TripleRun(data, config, 0)
    weights = torch.load(tmp_path / "model-0.pt", weights_only=True)
    run.model.load_state_dict(weights)
    assert run.measure("test")["mrr"] == result["runs"][0]["test"]["mrr"]


def test_conve_predicts_tails_only():
    with pytest.raises(ValueError, match="'inverse' must be True for conve"):
        TripleConfig(model="conve")
    model = make_triple_model(TripleConfig(model="conve", dim=6, inverse=True), sparse_data())
    with pytest.raises(ValueError, match="'end' must be tail"):
        model.query(model.entity.weight, model.relation.weight[:1], "head")


@pytest.mark.parametrize("model", [DistMult, ComplEx])
def test_a_share_of_the_values_of_queries_is_dropped_in_training_alone(model):
    torch.manual_seed(0)
    plain, dropping = model(20, 3, 500), model(20, 3, 500, dropout=0.3)
    dropping.load_state_dict(plain.state_dict())
    entity, relation, _ = ids(9)
    whole = plain.embed_queries(plain.tables(), entity, relation, "tail")
    query = dropping.embed_queries(dropping.tables(), entity, relation, "tail")
    dropped = query == 0
    assert float(dropped.float().mean()) == pytest.approx(0.3, abs=0.02)
    torch.testing.assert_close(query[~dropped], whole[~dropped] / 0.7)
    dropping.eval()
    assert torch.equal(dropping.embed_queries(dropping.tables(), entity, relation, "tail"), whole)


@pytest.mark.parametrize("model", [DistMult, TuckER, ConvE])
def test_a_model_that_is_trained_scores_as_one_that_is_evaluated(model):
    torch.manual_seed(0)
    model = model(20, 3, 12, dropout=0.5)
    scorer, triple = model.scorer(), ids(9)
    index = torch.arange(20).expand(9, 20)

    def scores():
        with torch.random.fork_rng():
            of_rows = scorer.rows(triple[0], triple[1], "tail")
            return scorer(*triple), of_rows, scorer.block(triple[0], triple[1], index, "tail")

    before = {name: value.clone() for name, value in model.state_dict().items()}
    in_training = scores()
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    model.eval()
    for one, other in zip(in_training, scores(), strict=True):
        assert torch.equal(one, other)
    assert not model.training
