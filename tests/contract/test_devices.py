"""The torch path of samplers: the negatives of the kernels to the bit, wherever it runs."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gneg import Graph, KnownEdges, samplers
from tests.contract.cases import SAMPLERS
from tests.worlds import WORLDS, naming, positives, random_graph

#: Samplers that have no torch path, each with the reason.
ON_THE_CPU = {
    "Similar": "lists of nearest nodes are kept as arrays",
    "InBatch": "targets of the batch are drawn by kernels",
    "Fixed": "pools are arrays",
    "MemoryBank": "embeddings of earlier batches are stored as arrays",
    "Select-AHNS": "medians of the whole call",
    "Metropolis": "a chain that is walked in NumPy",
    "Adversarial": "a model of its own on the CPU",
    "Cached": "caches are arrays",
    "Cached-top": "caches are arrays",
    "Guarded": "DegreeCap looks at the graph on the CPU",
    "Across": "a graph of all node types on the CPU",
}
#: Kinds of edges; `test_any_graph` and long rows are quick tests of dense, complete and empty ones.
QUICK_WORLDS = ("sparse", "hub", "directed", "bipartite", "weighted", "multigraph")
EVERY_WORLD = [
    pytest.param(name, marks=[] if name in QUICK_WORLDS else [pytest.mark.slow]) for name in WORLDS
]
ON_DEVICE = [name for name in SAMPLERS if name not in ON_THE_CPU]


def score(src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
    """Scores with ties, the same on any device."""
    return (src * 31 + dst * 17) % 23 / 4.0


def by_torch(graph: Graph) -> Graph:
    return graph.to("cpu", engine="torch")


def assert_same(kernels, there, pos, k, seed, close=1e-6):
    """Assert that two samplers draw the same, with the same counts and densities."""
    first, second = (
        sampler.sample(pos, k, score=score, generator=torch.Generator().manual_seed(seed))
        for sampler in (kernels, there)
    )
    for name in ("src", "index", "mask", "replaced"):
        assert torch.equal(getattr(first, name), getattr(second, name)), name
    assert type(first.side) is type(second.side)
    assert not isinstance(first.side, torch.Tensor) or torch.equal(first.side, second.side)
    assert dict(first.counts) == dict(second.counts)
    if first.log_q is not None:
        for name in ("log_q", "pos_log_q"):
            values = getattr(first, name), getattr(second, name)
            assert torch.allclose(*values, rtol=close, atol=close), name


@pytest.mark.parametrize("world", EVERY_WORLD)
@pytest.mark.parametrize("name", ON_DEVICE)
def test_torch_draws_what_kernels_draw(name, world):
    graph = WORLDS[world]()
    pos, moved = positives(graph, 30), by_torch(graph)
    for corrupt, unique, k in [("dst", False, 9), ("src", True, 3), ("both", False, 1)]:
        with naming(f"corrupt={corrupt}, unique={unique}, k={k}"):
            options = {"corrupt": corrupt, "unique": unique}
            pair = (SAMPLERS[name](end, **options) for end in (graph, moved))
            assert_same(*pair, pos, k, seed=k)


@pytest.mark.parametrize("name", ["Uniform", "Degree", "Walk", "Walk-cn", "KHop", "Mixture"])
def test_long_and_short_rows(name):
    """More negatives than there are non-edges, and far more than one chunk of rows holds."""
    graph = WORLDS["dense"]()
    for k in (40, 400):
        pair = (SAMPLERS[name](end, corrupt="both") for end in (graph, by_torch(graph)))
        assert_same(*pair, positives(graph, 200), k, seed=1)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(2, 40),
    edges=st.integers(0, 200),
    seed=st.integers(0, 2**31),
    name=st.sampled_from(["Uniform", "Degree", "Walk", "Walk-aa", "Walk-ppr", "KHop-shells"]),
    k=st.integers(1, 12),
    undirected=st.booleans(),
)
def test_any_graph(n, edges, seed, name, k, undirected):
    graph = random_graph(n, edges, seed, undirected=undirected)
    pair = (SAMPLERS[name](end, corrupt="both") for end in (graph, by_torch(graph)))
    assert_same(*pair, positives(graph, 8), k, seed=seed % 1000)


def test_other_known_edges():
    graph = WORLDS["directed"]()
    more = torch.stack([torch.arange(25), (torch.arange(25) + 3) % 25])
    known = KnownEdges(graph, more)
    moved = by_torch(graph)
    for make in (samplers.Uniform, samplers.Walk, samplers.KHop, samplers.Degree):
        here = make(graph, known=known, corrupt="both")
        there = make(moved, known=known.to("cpu", engine="torch"), corrupt="both")
        assert_same(here, there, positives(graph, 40), 6, seed=3)


@pytest.mark.parametrize("world", WORLDS)
def test_membership_and_ranks_of_non_edges(world):
    graph = WORLDS[world]()
    for end in (graph, graph.reversed()):
        here, there = KnownEdges(end), KnownEdges(by_torch(end))
        src = torch.arange(end.num_src).repeat_interleave(end.num_dst + 2)
        dst = (torch.arange(end.num_dst + 2) - 1).repeat(end.num_src)
        inside = dst.clamp(0, end.num_dst - 1)
        assert torch.equal(here.contains(src, inside), there.contains(src, inside))
        assert torch.equal(here.complement_size(src), there.complement_size(src))
        assert torch.equal(here.non_neighbor(src, dst), there.non_neighbor(src, dst))


@pytest.mark.parametrize("name", ON_THE_CPU)
def test_samplers_without_a_torch_path_say_so(name):
    with pytest.raises(ValueError, match=r"'(graph|rule|guards|known)' must be"):
        SAMPLERS[name](by_torch(WORLDS["sparse"]()))


def test_guards_that_need_only_scores():
    graph = WORLDS["sparse"]()
    guards = [samplers.RankRange(1, 9), samplers.ScoreRange(0.5), samplers.AbsoluteMargin(0.1)]
    pair = (
        samplers.Guarded(samplers.Select(samplers.Walk(end), samplers.Hardest(), 16), guards, 12)
        for end in (graph, by_torch(graph))
    )
    assert_same(*pair, positives(graph, 40), 5, seed=0)


@pytest.mark.parametrize("world", EVERY_WORLD)
def test_densities_of_longer_walks(world, monkeypatch):
    graph = WORLDS[world]()
    pos = positives(graph, 20)
    more = 5 if graph.bipartite else 4
    for options in ({"hops": 3}, {"hops": more}, {"kind": "ppr", "alpha": 0.3}):
        for corrupt in ("dst", "both"):
            pair = (
                samplers.Walk(end, corrupt=corrupt, **options) for end in (graph, by_torch(graph))
            )
            assert_same(*pair, pos, 5, seed=1)
    monkeypatch.setattr("gneg.graph.pagerank.TABLE", 0)  # no table: rows are pushed
    monkeypatch.setattr("gneg.samplers.propose.walk.TABLE", 0)
    pair = [samplers.Walk(end, "ppr", corrupt="both") for end in (graph, by_torch(graph))]
    assert_same(*pair, pos, 5, seed=2)
    known = pair[1].sample(pos, 5).log_q is not None
    assert known == (graph.weights is None)


def test_densities_of_rows_that_hardly_any_walk_leaves():
    """Known loops, and weights of which all but rounding leads to known edges.

    Kernels subtract what is known, so that a small rest has fewer digits.
    """
    loops = torch.arange(60).expand(2, -1)
    graph = WORLDS["sparse"]()
    generator = torch.Generator().manual_seed(0)
    weights = 10 ** (28 * torch.rand(150, generator=generator, dtype=torch.float64) - 14)
    index = torch.randint(60, (2, 150), generator=generator)
    extreme = Graph.from_edge_index(index, 60, undirected=True, weight=weights)
    for world, more in ((graph, [loops]), (extreme, [])):
        known = KnownEdges(world, *more)
        for options in ({"hops": 3}, {"hops": 5}, {"kind": "ppr"}, {"kind": "ppr", "alpha": 0.9}):
            here = samplers.Walk(world, known=known, **options)
            moved = known.to("cpu", engine="torch")
            there = samplers.Walk(by_torch(world), known=moved, **options)
            assert_same(here, there, positives(world, 150), 3, seed=0, close=1e-3)


def test_densities_of_pairs():
    graph = WORLDS["sparse"]()
    src, dst = positives(graph, 30)
    for make in (samplers.Uniform, samplers.Walk, samplers.KHop, samplers.Degree):
        here, there = make(graph, corrupt="both"), make(by_torch(graph), corrupt="both")
        assert torch.allclose(here.log_prob(src, dst), there.log_prob(src, dst), atol=1e-6)


def test_places_are_checked():
    graph = WORLDS["sparse"]()
    moved = by_torch(graph)
    assert moved.device == torch.device("cpu")
    assert (graph.engine, moved.engine, moved.to("cpu").engine) == ("kernels", "torch", "kernels")
    with pytest.raises(ValueError, match=r"'known' must be on the device.*known\.to\('cpu'"):
        samplers.Uniform(moved, known=KnownEdges(graph))
    with pytest.raises(
        ValueError, match=r"'pos' must be on cpu, where the edges.*pos\.to\('cpu'\)"
    ):
        moved.check_place("pos", torch.empty(2, 1, device="meta"))
    assert repr(moved) == f"{str(graph)[:-1]}, torch on cpu)"
    with pytest.raises(ValueError, match="graph as it was before"):
        samplers.InBatch(moved)
    with pytest.raises(ValueError, match=r"'rule' must be Hardest, .*\(got AHNS"):
        samplers.Select(samplers.Uniform(moved), samplers.AHNS())
    with pytest.raises(ValueError, match="'engine' must be"):
        graph.to("cpu", engine="numba")
    with pytest.raises(ValueError, match="'device' must be a device that torch has here"):
        graph.to("nowhere")
    with pytest.raises(ValueError, match=r"has here: cpu.*\(got 'gpu'\); .*'cuda'$"):
        graph.to("gpu")
    with pytest.raises(ValueError, match=r"\(got None\)$"):
        graph.to(None)
    with pytest.raises(ValueError, match=r"torch has here: cpu.*its tensors hold no values"):
        graph.to("meta")
