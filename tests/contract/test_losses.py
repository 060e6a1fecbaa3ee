"""The contract of every loss, checked against slow loops."""

from __future__ import annotations

import math

import pytest
import torch

from gneg import Negatives, losses, samplers
from gneg.losses import Loss
from gneg.samplers.negatives import Density
from tests.contract.cases import LOSSES
from tests.contract.slow_losses import slow
from tests.worlds import random_graph

every_loss = pytest.mark.parametrize("case", LOSSES)


def world(batch: int = 9, k: int = 5, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    pos = torch.randn(batch, generator=generator, dtype=torch.double)
    neg = torch.randn(batch, k, generator=generator, dtype=torch.double)
    mask = torch.rand(batch, k, generator=generator) < 0.7
    if batch:
        mask[0], mask[1] = True, False
    log_q = -3 - torch.rand(batch, k, generator=generator, dtype=torch.double)
    pos_log_q = -3 - torch.rand(batch, generator=generator, dtype=torch.double)
    if batch:
        pos_log_q[2] = -torch.inf
    src = torch.randint(4, (batch,), generator=generator)
    index = torch.randint(50, (batch, k), generator=generator) * mask
    return pos, neg, Negatives(src, index, mask, Density(log_q, pos_log_q))


def test_every_loss_has_a_case():
    def below(cls):
        return {cls, *(c for sub in cls.__subclasses__() for c in below(sub))}

    every = below(Loss) - {Loss}
    public = {cls.__name__ for cls in every if cls.__module__.startswith("gneg.")}
    assert public == {case.split("-")[0] for case in LOSSES}
    assert public == {cls.__name__ for cls in losses.LOSSES.values()}


@pytest.mark.parametrize("seed", range(5))
@every_loss
def test_equals_slow_loops(case, seed):
    pos, neg, negatives = world(seed=seed)
    assert float(LOSSES[case]()(pos, neg, negatives)) == pytest.approx(
        slow(case, pos, neg, negatives), rel=1e-9
    )


@pytest.mark.parametrize("poison", [1e30, -1e30, float("inf"), float("nan")])
@every_loss
def test_masked_scores_never_count(case, poison):
    pos, neg, negatives = world()
    clean = LOSSES[case]()(pos, neg, negatives)
    poisoned = torch.where(negatives.mask, neg, poison).requires_grad_()
    pos.requires_grad_()
    loss = LOSSES[case]()(pos, poisoned, negatives)
    assert float(loss.detach()) == pytest.approx(float(clean))
    loss.backward()
    assert torch.isfinite(pos.grad).all()
    if math.isfinite(poison):
        assert torch.isfinite(poisoned.grad).all()
    assert (poisoned.grad[~negatives.mask].nan_to_num() == 0).all()


@every_loss
def test_gradient_is_right(case):
    if case == "SelfAdversarial":
        pytest.skip("its weights have no gradient, by definition")
    pos, neg, negatives = world()
    loss = LOSSES[case]()
    assert torch.autograd.gradcheck(
        lambda p, n: loss(p, n, negatives), (pos.requires_grad_(), neg.requires_grad_())
    )


@every_loss
def test_pushes_the_right_way(case):
    pos, neg, negatives = world()
    pos.requires_grad_()
    neg.requires_grad_()
    LOSSES[case]()(pos, neg, negatives).backward()
    # Squares pull back what is too far apart; weights move from easy to hard negatives.
    if case not in ("AUCSquared", "HardInfoNCE"):
        assert (pos.grad <= 0).all()
        assert (neg.grad >= 0).all()
    assert pos.grad.sum() < 0
    assert neg.grad.sum() > 0


@every_loss
def test_nothing_to_compare_costs_nothing(case):
    pos, neg, negatives = world(batch=0)
    loss = LOSSES[case]()(pos.requires_grad_(), neg, negatives)
    loss.backward()
    assert float(loss.detach()) == 0
    pos, neg, negatives = world(batch=4)
    nothing = Negatives(
        negatives.src,
        negatives.index,
        torch.zeros_like(negatives.mask),
        negatives.density,
    )
    loss = LOSSES[case]()(pos.requires_grad_(), neg.requires_grad_(), nothing)
    loss.backward()
    assert torch.isfinite(loss)
    assert (neg.grad == 0).all()


@every_loss
def test_bad_shapes_are_named(case):
    pos, neg, negatives = world()
    with pytest.raises(ValueError, match="'pos' must be scores of shape"):
        LOSSES[case]()(pos.unsqueeze(1), neg, negatives)
    with pytest.raises(ValueError, match="'neg' must be scores of shape"):
        LOSSES[case]()(pos, neg[:, 1:], negatives)
    with pytest.raises(ValueError, match="one a positive"):
        LOSSES[case]()(pos[1:], neg, negatives)


@pytest.mark.parametrize("case", ["SampledSoftmax", "NCE"])
def test_missing_log_q_is_named(case):
    graph = random_graph(60, 150)
    selected = samplers.Metropolis(samplers.Uniform(graph))
    negatives = selected.sample(graph.edge_index[:, :4], 3, score=lambda src, dst: src.float())
    with pytest.raises(ValueError, match="closed-form log_q"):
        LOSSES[case]()(torch.zeros(4), torch.zeros(4, 3), negatives)


def test_sampled_softmax_estimates_the_full_softmax():
    """From walk negatives, the mean estimate of the partition sum is that over all non-edges."""
    graph = random_graph(40, 120, seed=1)
    scores = torch.randn(40, 40, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    pos = graph.edge_index[:, :1].expand(2, 4000)
    mixture = samplers.Mixture([samplers.Uniform(graph), samplers.Walk(graph)])
    neg = mixture.sample(pos, 20, generator=torch.Generator().manual_seed(0))
    src, dst = neg.pairs()
    estimate = (torch.exp(scores[src, dst] - neg.log_q) / 20).sum(1).mean()
    u = int(pos[0, 0])
    free = torch.ones(40, dtype=torch.bool)
    free[u] = False
    free[graph.edge_index[1][graph.edge_index[0] == u]] = False
    assert float(estimate) == pytest.approx(float(scores[u, free].exp().sum()), rel=0.01)


def test_debiased_is_infonce_without_false_negatives():
    pos, neg, negatives = world()
    plain = losses.InfoNCE(0.5)(pos, neg, negatives)
    for loss in (
        losses.DebiasedInfoNCE(0.0, 0.5, lowest=-50.0),
        losses.HardInfoNCE(0.0, 0.0, 0.5, lowest=-50.0),
    ):
        torch.testing.assert_close(loss(pos, neg, negatives), plain)


def test_large_scores_do_not_overflow():
    negatives = Negatives(torch.zeros(1).long(), torch.ones(1, 2).long(), torch.ones(1, 2).bool())
    for high in (800.0, -800.0):
        pos = torch.tensor([high], requires_grad=True)
        loss = losses.HardInfoNCE(2.0)(pos, torch.tensor([[-high, high]]), negatives)
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(pos.grad).all()


def test_self_adversarial_weights_are_a_softmax_without_gradient():
    neg = torch.tensor([[1.0, 2.0, 9.0], [0.0, 0.0, 0.0]], requires_grad=True)
    mask = torch.tensor([[True, True, False], [False, False, False]])
    weights = losses.self_adversarial_weights(neg, mask, 0.5)
    expected = torch.softmax(torch.tensor([2.0, 4.0]), 0)
    torch.testing.assert_close(
        weights, torch.stack([torch.cat([expected, torch.zeros(1)]), torch.zeros(3)])
    )
    assert not weights.requires_grad


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.DebiasedInfoNCE(1.0), r"'tau_plus' must be a number in \[0, 1\)"),
        (lambda: losses.HardInfoNCE(-0.1), "'beta' must be a number in"),
        (lambda: losses.PositiveUnlabelled(1), r"'prior' must be a number in \(0, 1\)"),
        (lambda: losses.SelfAdversarial(0), "'temperature' must be a number in"),
    ],
)
def test_bad_settings_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
