"""The queries of triples, and the training over all entities that they serve."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from gneg import TripleConfig
from gneg.training.queries import Queries
from gneg.training.triple import TripleRun
from tests.triple_worlds import sparse_data

triples = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 4)), min_size=1, unique=True
)


@given(triples=triples, seed=st.integers(0, 9))
def test_queries_have_all_their_answers_once(triples, seed):
    tensor = torch.tensor(triples).t()
    queries = Queries(tensor, 3)
    order = torch.randperm(len(queries), generator=torch.Generator().manual_seed(seed))
    found = []
    for ids in order.split(2):
        positions, batch = queries.take(ids)
        owner = torch.repeat_interleave(torch.arange(len(ids)), batch.answers.ptr.diff())
        given, relation = batch.entity[owner], batch.relation[owner]
        for i in range(len(positions)):
            e, r, answer = int(given[i]), int(relation[i]), int(batch.answers.entity[i])
            is_tail = int(owner[i]) < batch.num_tails
            triple = (e, r, answer) if is_tail else (answer, r, e)
            assert triple == triples[positions[i]]
            found.append((triple, is_tail))
    assert sorted(found) == sorted((triple, end) for triple in triples for end in (True, False))


def test_an_epoch_over_all_entities_has_every_triple_from_both_ends_in_steps_of_the_batch_size():
    data = sparse_data()
    config = TripleConfig(model="distmult", dim=4, loss="1vsall", batch_size=20)
    run = TripleRun(data, config, 0)
    batches = list(run.batches(torch.randperm(run.num_items)))
    size = data.train.size(1)
    assert len(batches) == -(-size // 20)
    edges = torch.cat([batch.edges for batch in batches])
    assert torch.equal(edges.bincount(), torch.full((size,), 2))


def test_the_loss_of_an_epoch_in_one_step_is_the_mean_cross_entropy_of_both_ends():
    data = sparse_data()
    config = TripleConfig(model="complex", dim=4, loss="1vsall", batch_size=10**6)
    run = TripleRun(data, config, 0)
    model, (head, relation, tail) = run.model, data.train
    losses = [
        torch.nn.functional.cross_entropy(model.rows(entity, relation, end), answer)
        for entity, end, answer in ((head, "tail", tail), (tail, "head", head))
    ]
    expected = float(sum(losses).detach() / 2)
    assert abs(run.epoch() - expected) < 1e-5
