"""Knowledge-graph models and encoders against slow references and PyG."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.nn import kge as pyg

from gneg.nn.kge import MODELS, CompGCN, ComplEx, DistMult, RotatE, TransE
from gneg.samplers.triples import TripleSampler
from gneg.training.config import TripleConfig
from gneg.training.triple_models import make_triple_model
from tests.triple_worlds import sparse_data

#: Models that predict both ends by one score.
TWO_WAY = [name for name in MODELS if name != "conve"]


@pytest.mark.parametrize("name", MODELS)
def test_mixed_negatives_are_scored_by_vectors_between_theirs_and_the_positives(name):
    data = sparse_data()
    config = TripleConfig(model=name, dim=8, sampler="mixup(uniform, high=0.9)", inverse=True)
    model = make_triple_model(config, data).eval()
    sampler = TripleSampler(data.triples, config.sampler)
    neg = sampler.sample(data.train, 5, generator=torch.Generator().manual_seed(0))
    assert float(neg.mix.min()) < 0.2
    assert 0.7 < float(neg.mix.max()) < 0.9
    pos_score, neg_score = model.score_both(data.train, neg)
    tables = model.tables()
    for row in range(0, data.train.size(1), 7):
        end = "head" if neg.side[row] else "tail"
        query = model.embed_queries(tables, neg.src[row], data.train[1, row], end)
        positive = tables[0][neg.replaced[row]]
        mix = neg.mix[row, :, None]
        mixed = mix * positive + (1 - mix) * tables[0][neg.index[row]]
        torch.testing.assert_close(
            neg_score[row], model.compare(query, mixed), rtol=1e-4, atol=1e-5
        )
        torch.testing.assert_close(
            pos_score[row], model.compare(query, positive), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("encoder", ["none", "rgcn", "compgcn"])
@pytest.mark.parametrize("name", TWO_WAY)
def test_all_ways_to_score_a_triple_agree(name, encoder):
    data = sparse_data()
    config = TripleConfig(model=name, encoder=encoder, dim=8)
    if (name, encoder) == ("rotate", "compgcn"):
        with pytest.raises(ValueError, match="'encoder' must be rgcn where relations are narrower"):
            make_triple_model(config, data)
        return
    model = make_triple_model(config, data).eval()
    neg = TripleSampler(data.triples).sample(
        data.train, 5, generator=torch.Generator().manual_seed(0)
    )
    pos_score, neg_score = model.score_both(data.train, neg)
    torch.testing.assert_close(pos_score, model(*data.train), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(neg_score, model(*neg.triples()), rtol=1e-4, atol=1e-5)
    head, relation, tail = data.train
    all_entities = torch.arange(30)[None].expand(len(head), 30)
    h, r, t = (ids[:, None].expand_as(all_entities) for ids in data.train)
    by_end = {"tail": (head, model(h, r, all_entities)), "head": (tail, model(all_entities, r, t))}
    for end, (entity, expected) in by_end.items():
        rows = model.rows(entity, relation, end)
        torch.testing.assert_close(rows, expected, rtol=1e-4, atol=1e-5)
        scorer = model.scorer()
        rows = scorer.rows(entity, relation, end)
        torch.testing.assert_close(rows, expected, rtol=1e-4, atol=1e-5)
        index = torch.randint(30, (len(entity), 7), generator=torch.Generator().manual_seed(1))
        block = scorer.block(entity, relation, index, end)
        torch.testing.assert_close(block, expected.gather(1, index), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.scorer()(*data.train), pos_score.detach())


@pytest.mark.parametrize("name", MODELS)
def test_blocks_of_unknown_entities_are_refused(name):
    scorer = MODELS[name](30, 3, 8).eval().scorer()
    for entity in (30, 10**7, -1):
        with pytest.raises((ValueError, IndexError, RuntimeError), match=r"index|range"):
            scorer.block(torch.tensor([0]), torch.tensor([0]), torch.tensor([[1, entity]]), "tail")


def test_blocks_and_rows_of_euclidean_distances_agree():
    model, data = TransE(30, 3, 8, p=2), sparse_data()
    index = torch.arange(30)[None].expand(data.train.size(1), 30)
    block = model.scorer().block(data.train[0], data.train[1], index, "tail")
    expected = model.scorer().rows(data.train[0], data.train[1], "tail")
    torch.testing.assert_close(block, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", TWO_WAY)
def test_heads_are_predicted_by_inverse_relations(name):
    model, data = MODELS[name](30, 3, 8, inverse=True).eval(), sparse_data()
    assert model.relation.num_embeddings == 6
    neg = TripleSampler(data.triples, corrupt="head").sample(data.train, 5)
    head, relation, tail = data.train
    reference, tables = MODELS[name](30, 6, 8).eval(), model.tables()
    reference.load_state_dict(model.state_dict())
    pos_score, neg_score = model.score_both(data.train, neg)
    torch.testing.assert_close(pos_score, reference(tail, relation + 3, head))
    entity, inverse = (ids[:, None].expand(-1, 5) for ids in (tail, relation + 3))
    torch.testing.assert_close(neg_score, reference(entity, inverse, neg.index))
    rows = model.rows(tail, relation, "head", tables)
    torch.testing.assert_close(rows, reference.rows(tail, relation + 3, "tail"))
    mean = (reference(head, relation, tail) + reference(tail, relation + 3, head)) / 2
    torch.testing.assert_close(model(*data.train), mean)
    torch.testing.assert_close(model.scorer()(*data.train), mean)


@pytest.mark.parametrize("power", [2, 3])
def test_norms_are_those_of_inverse_relations_too(power):
    model = MODELS["distmult"](10, 3, 4, inverse=True)
    pos = torch.tensor([[0, 1], [2, 1], [5, 6]])
    entity, relation = (table.weight.abs() ** power for table in (model.entity, model.relation))
    ends = entity[pos[[0, 2]].flatten()].sum()
    both = (relation[pos[1]].sum() + relation[3 + pos[1]].sum()) / 2
    norm = model.norms(pos, power)
    torch.testing.assert_close(norm, (ends + both) / 2)
    norm.backward()
    touched = model.relation.weight.grad.abs().sum(dim=1) > 0
    assert touched.tolist() == [False, True, True, False, True, True]


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_compgcn_equals_a_loop_over_messages(layers, inverse):
    data, dim = sparse_data(), 4
    torch.manual_seed(0)
    encoder = CompGCN(data.train, 30, 3, dim, layers=layers)
    entity, relation = torch.randn(30, dim, requires_grad=True), torch.randn(3 + 3 * inverse, dim)
    dropped = torch.tensor([0, 5, 6])
    entities, relations = encoder(entity, relation, dropped)
    present = [i for i in range(data.train.size(1)) if i not in dropped.tolist()]
    x = entity
    for i, layer in enumerate(encoder.layers):
        x = x.tanh() if i else x
        out = []
        for v in range(30):
            along, against = [], []
            for h, r, t in data.train[:, present].t().tolist():
                if t == v:
                    along.append(x[h] - relation[r])
                if h == v:
                    against.append(x[t] - (relation[3 + r] if inverse else -relation[r]))
            means = [
                torch.stack(messages).mean(0) if messages else torch.zeros(dim)
                for messages in (along, against)
            ]
            total = layer.along(means[0]) + layer.against(means[1]) + layer.loop(x[v])
            out.append(total / 3)
        x, relation = torch.stack(out), layer.relation(relation)
    torch.testing.assert_close(entities, x, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(relations, relation, rtol=1e-4, atol=1e-5)
    weight = torch.randn_like(x)
    gradients = [torch.autograd.grad((z * weight).sum(), entity)[0] for z in (entities, x)]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("encoder", ["rgcn", "compgcn"])
def test_no_message_passes_along_dropped_triples(encoder):
    data = sparse_data()
    model = make_triple_model(TripleConfig(model="distmult", encoder=encoder, dim=8), data)
    dropped = torch.arange(data.train.size(1))
    without_messages = model.tables(dropped)[0]
    model.entity.weight.data[1:] += 1.0
    torch.testing.assert_close(model.tables(dropped)[0][0], without_messages[0])
    head = data.train[0, 0]
    assert not torch.equal(model.tables()[0][head], without_messages[head])


def test_scores_equal_pyg():
    """PyG's modules hold real and imaginary parts in tables of their own."""
    data = sparse_data()
    for ours, theirs in (
        (TransE(30, 3, 6, p=2), pyg.TransE(30, 3, 6, p_norm=2.0)),
        (DistMult(30, 3, 6), pyg.DistMult(30, 3, 6)),
        (ComplEx(30, 3, 6), pyg.ComplEx(30, 3, 6)),
    ):
        entity, relation = theirs.node_emb.weight, theirs.rel_emb.weight
        if isinstance(ours, ComplEx):
            entity = torch.cat([entity, theirs.node_emb_im.weight], dim=1)
            relation = torch.cat([relation, theirs.rel_emb_im.weight], dim=1)
        ours.entity.weight.data, ours.relation.weight.data = entity.data, relation.data
        expected = theirs(*data.train)
        if isinstance(ours, TransE):  # PyG normalises entities while it scores
            ours.entity.weight.data = torch.nn.functional.normalize(entity.data, dim=1)
        torch.testing.assert_close(ours(*data.train), expected, rtol=1e-4, atol=1e-5)
    ours, theirs = RotatE(30, 3, 6), pyg.RotatE(30, 3, 6, margin=0.0)
    entity = torch.cat([theirs.node_emb.weight, theirs.node_emb_im.weight], dim=1)
    ours.entity.weight.data, ours.relation.weight.data = entity.data, theirs.rel_emb.weight.data
    # PyG takes the norm over all moduli; the paper, and we, their sum.
    query = ours.query(ours.entity(data.train[0]), ours.relation(data.train[1]), "tail")
    real, imaginary = (query - ours.entity(data.train[2])).chunk(2, dim=1)
    norm = (real**2 + imaginary**2).sum(1).sqrt()
    torch.testing.assert_close(-norm, theirs(*data.train), rtol=1e-4, atol=1e-5)


def test_the_distance_of_rotate_is_the_sum_of_moduli():
    model = RotatE(2, 1, 2)
    with torch.no_grad():
        model.relation.weight.zero_()
        model.entity.weight.copy_(torch.tensor([[3.0, 0.0, 4.0, 12.0], [0.0, 0.0, 0.0, 0.0]]))
    ids = torch.tensor([0]), torch.tensor([0]), torch.tensor([1])
    assert model(*ids).item() == pytest.approx(-(5 + 12))  # not that of their L2 norm, -13
