"""The contract of DESIGN.md, section 3, for every sampler in every world."""

from __future__ import annotations

import inspect
import itertools

import pytest
import torch

from gneg import KnownEdges, samplers
from gneg.samplers import Sampler, SelectionRule, Similar
from tests import reference
from tests.contract.cases import SAMPLERS, draw, every_sampler, model, seeded
from tests.worlds import WORLDS, naming, positives, random_graph

SIDES = ("dst", "src", "both")


def test_every_sampler_has_a_case():
    def below(cls):
        return {cls, *(c for sub in cls.__subclasses__() for c in below(sub))}

    public = {
        cls.__name__
        for cls in below(Sampler)
        if cls.__module__.startswith("gneg.")
        and not inspect.isabstract(cls)
        # Those of triples have a contract of their own, in tests/samplers.
        and not cls.__module__.startswith("gneg.samplers.triples.")
    }
    assert public == {case.split("-")[0] for case in SAMPLERS}
    assert public <= set(samplers.__all__)
    rules = {rule.__name__ for rule in below(SelectionRule) if rule.__module__.startswith("gneg.")}
    assert rules - {"SelectionRule"} == {
        case.split("-")[1] for case in SAMPLERS if case.startswith("Select-")
    }
    assert rules <= set(samplers.__all__)


def check_exact_and_full(neg, pos, k: int, free: torch.Tensor, *, unique: bool) -> None:
    """Zero known edges, zero self-loops; K where there are K non-edges, else each one once."""
    batch = pos.size(1)
    assert neg.index.shape == neg.mask.shape == (batch, k)
    assert neg.index.dtype == neg.src.dtype == torch.int64
    assert neg.mask.dtype == torch.bool
    assert (neg.index[~neg.mask] == 0).all()
    swapped = torch.full((batch,), False) | (
        neg.side if isinstance(neg.side, torch.Tensor) else neg.side == "src"
    )
    assert torch.equal(neg.src, torch.where(swapped, pos[1], pos[0]))
    assert torch.equal(neg.replaced, torch.where(swapped, pos[0], pos[1]))
    src, dst = neg.pairs()
    assert free[src[neg.mask], dst[neg.mask]].all()
    num_free = torch.empty_like(neg.src)
    num_free[swapped] = free.sum(0)[neg.src[swapped]]
    num_free[~swapped] = free.sum(1)[neg.src[~swapped]]
    assert torch.equal(neg.mask.sum(1), num_free.clamp(max=k))
    targets = torch.where(neg.mask, neg.index, -1 - torch.arange(k)).sort(dim=1).values
    repeats = (targets.diff(dim=1) == 0).any(dim=1)
    assert not (repeats & (unique | (num_free < k))).any()


@every_sampler
def test_exact_and_full(case):
    """In every world, for every end, before a sampler has learned and after."""
    options = [("dst", False, (5, 50)), ("src", False, (5, 50)), ("both", False, (1, 5))]
    options.append(("both", True, (5, 50)))
    for world, make in WORLDS.items():
        graph = make()
        free, pos = torch.from_numpy(reference.non_edges(graph)), positives(graph)
        z, score = model(graph)
        for corrupt, unique, sizes in options:
            sampler = SAMPLERS[case](graph, corrupt=corrupt, unique=unique)
            for k in sizes:
                neg = draw(sampler, pos, k, generator=seeded())
                with naming(f"{world}, corrupt={corrupt}, unique={unique}, k={k}"):
                    check_exact_and_full(neg, pos, k, free, unique=unique)
                sampler.step(score=score)
                sampler.end_epoch(z=z)


def of_positives(sampler) -> bool:
    """Whether a sampler, or what it draws from, looks at the positive of a query."""
    parts = [sampler, *getattr(sampler, "guards", ()), getattr(sampler, "rule", sampler)]
    inner = [getattr(sampler, "sampler", None), *getattr(sampler, "samplers", ())]
    return any(part.of_positives for part in parts) or any(map(of_positives, filter(None, inner)))


#: What they take from positives does not show in the targets of the first draw: stored and mixed
#: embeddings, a setting that is learned slowly, pools of positives if they are asked for.
LATER = {"MemoryBank", "Mixup", "SelfPaced", "Fixed"}


@every_sampler
def test_what_does_not_look_at_positives_draws_the_same_for_others(case):
    graph = random_graph(60, 150)
    pos, sampler = positives(graph, 40), SAMPLERS[case]
    other = torch.stack([pos[0], pos[1].roll(7)])
    a, b = (draw(sampler(graph), each, 6, generator=seeded()) for each in (pos, other))
    looks = of_positives(sampler(graph)) and case.split("-")[0] not in LATER
    assert torch.equal(a.index, b.index) != looks


@every_sampler
def test_log_q_is_finite_for_what_was_drawn(case):
    for world, corrupt in itertools.product(WORLDS.values(), SIDES):
        graph = world()
        neg = draw(SAMPLERS[case](graph, corrupt=corrupt), positives(graph), 6, generator=seeded())
        if neg.log_q is None:
            assert neg.pos_log_q is None
            continue
        assert neg.log_q.shape == neg.index.shape
        assert neg.pos_log_q.shape == neg.src.shape
        assert torch.isfinite(neg.log_q).all()
        assert (neg.log_q <= 1e-6).all()


@every_sampler
def test_log_prob_agrees_with_log_q(case):
    graph = random_graph(60, 150)
    sampler = SAMPLERS[case](graph)
    neg = draw(sampler, positives(graph, 30), 6, generator=seeded())
    src, dst = neg.pairs()
    log_prob = sampler.log_prob(src.flatten(), dst.flatten())
    if neg.log_q is None:
        assert log_prob is None
        return
    drawn = torch.isfinite(log_prob)  # the uniform fallback is no part of log_prob
    assert drawn.float().mean() > 0.95
    torch.testing.assert_close(log_prob[drawn], neg.log_q.flatten()[drawn])


@every_sampler
def test_empty_batch(case):
    nothing = torch.empty(2, 0, dtype=torch.long)
    for make in WORLDS.values():
        neg = draw(SAMPLERS[case](make(), corrupt="both"), nothing, 4, generator=seeded())
        assert neg.index.shape == neg.mask.shape == (0, 4)
        assert neg.edge_index().shape == (2, 0)
        assert neg.log_q is None or neg.log_q.shape == (0, 4)


@every_sampler
def test_repr_names_class_and_settings(case):
    sampler = SAMPLERS[case](random_graph(60, 150), corrupt="src")
    assert repr(sampler).startswith(type(sampler).__name__ + "(")
    assert "corrupt='src'" in repr(sampler)


@every_sampler
def test_what_is_missing_is_named(case):
    sampler = SAMPLERS[case](random_graph(60, 150))
    pos = positives(sampler.graph)
    if "keys" in sampler.needs:
        with pytest.raises(ValueError, match=r"'z' must be embeddings of shape \[60, D\]"):
            sampler.sample(pos, 3)
        return
    if "score" not in sampler.needs:
        sampler.sample(pos, 3)
        return

    def learn(score) -> None:
        sampler.sample(pos, 3, score=score)
        sampler.step()

    with pytest.raises(ValueError, match="'score' must be the current model"):
        learn(None)
    with pytest.raises(ValueError, match=r"'score' must be a number \(got NaN\)"):
        learn(lambda src, dst: torch.full(src.shape, torch.nan))
    with pytest.raises(ValueError, match="'score' must be of shape"):
        learn(lambda src, dst: torch.zeros(1))


@every_sampler
def test_settings_can_be_tuned_or_say_what_can(case):
    sampler = SAMPLERS[case](random_graph(60, 150))
    with pytest.raises(ValueError, match="'setting' must be"):
        sampler.tune("colour", 1.0)
    for setting in sampler.settings():
        value = 2.0 if setting in ("m", "n", "hops") else 0.5
        sampler.tune(setting, value)
        with pytest.raises(ValueError, match=f"'{setting}' must be"):
            sampler.tune(setting, -5.0)
    draw(sampler, positives(sampler.graph), 3)


@every_sampler
def test_held_out_edges_are_known_only_if_said(case):
    graph = random_graph(20, 25)
    extra = torch.tensor([[0, 0, 0, 0], [11, 12, 13, 14]])
    known = KnownEdges(graph, extra)
    pos = torch.tensor([[0] * 40, [1] * 40])
    neg = draw(SAMPLERS[case](graph, known=known), pos, 30, generator=seeded())
    assert not known.contains(*neg.edge_index()).any()


BAD_INPUT = [
    (
        torch.zeros(4, 2, dtype=torch.long),
        3,
        r"'pos' must be .*\[2, B\] \(got shape \[4, 2\]\)"
        r"; pos has shape \[B, 2\]; did you mean its transpose",
    ),
    (torch.zeros(3, 4, dtype=torch.long), 3, "triples need a sampler for knowledge graphs"),
    (torch.zeros(2, 4), 3, r"'pos' must be an integer tensor.*float32"),
    ([[0], [1]], 3, r"'pos' must be an integer tensor.*\(got list\)"),
    (torch.tensor([[0], [60]]), 3, r"'pos' must be node ids in \[0, 60\) \(got 60\)"),
    (torch.tensor([[-1], [0]]), 3, r"'pos' must be node ids in \[0, 60\) \(got -1\)"),
    (torch.tensor([[0], [1]]), 0, r"'k' must be an integer >= 1 \(got 0\)"),
    (torch.tensor([[0], [1]]), 2.5, r"'k' must be an integer >= 1 \(got 2.5\)"),
]


@every_sampler
def test_bad_input_is_named(case):
    sampler = SAMPLERS[case](random_graph(60, 150))
    for pos, k, message in BAD_INPUT:
        with pytest.raises(ValueError, match=message):
            draw(sampler, pos, k)


@every_sampler
def test_bad_arguments_are_named(case):
    graph = random_graph(60, 150)
    with pytest.raises(ValueError, match="'corrupt' must be one of"):
        SAMPLERS[case](graph, corrupt="tail")
    with pytest.raises(ValueError, match="'known' must be KnownEdges over"):
        SAMPLERS[case](graph, known=KnownEdges(random_graph(61, 10)))
    sampler = SAMPLERS[case](graph)
    with pytest.raises(ValueError, match=r"'generator' must be a torch\.Generator"):
        draw(sampler, positives(graph), 3, generator=7)
    meta = torch.empty(60, 4, device="meta")
    with pytest.raises(ValueError, match="'z' must be on the device of 'pos'"):
        draw(sampler, positives(graph), 3, z=meta)


def test_similar_without_vectors_says_so():
    graph = random_graph(60, 150)
    with pytest.raises(ValueError, match=r"'z' must be embeddings of shape \[N, D\]"):
        Similar(graph).sample(positives(graph), 3)
