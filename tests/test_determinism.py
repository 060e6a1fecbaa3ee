"""Floats that decide a rank are the same on any processor and number of threads."""

from __future__ import annotations

import math
import zlib
from decimal import Decimal

import numpy as np
import pytest
import torch

from gneg import Graph, KnownEdges, datasets, hardset, kernels, samplers
from gneg.evaluation.hardset.heart import Order
from gneg.graph import heuristics
from gneg.graph.cosines import Cosines
from gneg.graph.heuristics import Heuristic
from tests.heart_reference import added, cosine

STRUCTURAL = ("cn", "aa", "ra", "katz")


def crc(array: np.ndarray | torch.Tensor) -> str:
    """Checksum of integers, in hexadecimal digits."""
    values = np.ascontiguousarray(np.asarray(array), "<i8")
    return f"{zlib.crc32(values.tobytes()):08x}"


def integers(count: int, below: int, seed: int) -> np.ndarray:
    """Pseudo-random integers in [0, below) by a congruential generator (Knuth's MMIX)."""
    state, out = seed, []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append((state >> 33) % below)
    return np.array(out)


def golden_world() -> datasets.LinkData:
    """100 nodes, two thirds of whose edges stay in one of four groups, and counts as features."""
    src, dst = integers(900, 100, 1).reshape(2, -1)
    dst = np.where(integers(450, 3, 2) < 2, dst - dst % 4 + src % 4, dst)
    graph = Graph.from_edge_index(torch.from_numpy(np.stack([src, dst])), 100, undirected=True)
    x = integers(100 * 12, 4, 3).reshape(100, 12) - 1
    return datasets.make_split("golden", graph, torch.from_numpy(x).float(), seed=0)


def relabelled(graph: Graph, place: torch.Tensor) -> Graph:
    """The graph in which node v is called ``place[v]``."""
    return Graph.from_edge_index(place[graph.edge_index], graph.num_nodes, undirected=True)


def layouts(x: torch.Tensor) -> list[torch.Tensor]:
    """Dense rows, sparse rows, and rows of which most columns are 0, which are made sparse."""
    wide = torch.cat([x, torch.zeros(len(x), 9 * x.size(1))], dim=1)
    return [x, x.to_sparse_csr(), wide]


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning")
@pytest.mark.parametrize("layout", range(3))
def test_orthogonal_rows_have_cosine_0_and_nothing_sees_them(layout):
    x = torch.tensor([[-1.0, 0, 1], [-1, 2, -1], [1, 2, 3], [1, 1, -1], [0, 0, 0]]).double()
    x[4] = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)  # 0.1 + 0.2 - 0.3 is 6e-17
    features = layouts(x)[layout]
    cosines = Cosines(features)
    rows, targets = np.array([0, 2, 3]), np.array([1, 3, 4])
    assert cosines.pairs(rows, targets).tolist() == [0.0, 0.0, 0.0]
    assert cosines.to_all(rows)[[0, 1, 2], targets].tolist() == [0.0, 0.0, 0.0]
    graph = Graph.from_edge_index(torch.empty(2, 0, dtype=torch.long), 5, undirected=True)
    scores = heuristics.scores(graph, "cosine", rows, targets[:, None], x=features)
    assert scores.tolist() == [[0.0]] * 3
    lists, unseen = Order(graph, KnownEdges(graph), x=features).hardest(rows, 4)
    for row, chance, target in zip(lists, unseen, targets, strict=True):
        assert chance[row == target].all()


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning")
@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
@pytest.mark.parametrize("layout", range(3))
def test_cosines_are_sums_from_the_first_to_the_last_feature(layout, precision):
    """To the last bit: a fused product or a sum in another order would differ."""
    x = torch.randn(23, 39, generator=torch.Generator().manual_seed(0), dtype=precision)
    x[x.abs() < 0.5] = 0
    cosines, rows = Cosines(layouts(x)[layout]), x.double().tolist()
    expected = np.array([[cosine(a, b) for b in rows] for a in rows])
    every = np.arange(23)
    found = cosines.pairs(every.repeat(23), np.tile(every, 23))
    assert found.tolist() == expected.ravel().tolist()
    assert cosines.to_all(every).tolist() == expected.astype(np.float32).tolist()


def test_many_rows_and_features_pass_the_bounds_of_a_tile():
    x = torch.randn(1100, 6, generator=torch.Generator().manual_seed(1))
    cosines, some = Cosines(x), np.array([0, 511, 512, 1023, 1024, 1099, 3, 4, 5])
    found = cosines.to_all(some)
    for u, row in zip(some, found, strict=True):
        pairs = cosines.pairs(np.full(1100, u), np.arange(1100))
        assert row.tolist() == pairs.astype(np.float32).tolist()


def test_a_row_of_zeros_has_cosine_0_and_equal_directions_cosine_1():
    cosines = Cosines(torch.tensor([[0.0, 0], [1, 1], [3, 3], [1, 0]]))
    found = cosines.pairs(np.array([0, 0, 1, 1]), np.array([0, 1, 2, 3]))
    assert found.tolist() == [0.0, 0.0, 1.0, 1 / math.sqrt(2)]


def test_common_neighbours_are_added_in_ascending_order():
    """To the last bit, with weights of which no sum is exact."""
    graph = Graph.from_edge_index(
        torch.from_numpy(integers(1600, 40, 4).reshape(2, -1)), 40, undirected=True
    )
    weight = np.random.Generator(np.random.Philox(0)).random(40)
    every = np.arange(40)
    targets, out, steps = np.tile(every, (40, 1)), np.empty((40, 40)), graph.steps()
    kernels.heuristics.weighted(0, 40, out, every, targets, *steps[:4], weight, np.zeros(40))
    near = [set(graph.indices[graph.indptr[v] : graph.indptr[v + 1]].tolist()) for v in every]
    for u in every:
        for v in every:
            assert out[u, v] == added([float(weight[w]) for w in sorted(near[u] & near[v])])


@pytest.mark.parametrize("kind", STRUCTURAL)
def test_scores_do_not_depend_on_the_labels_of_nodes(kind):
    """Other labels are another order of summation; equal scores stay equal."""
    graph = golden_world().graph
    place = torch.from_numpy(np.argsort(integers(100, 2**30, 5), kind="stable"))
    other = relabelled(graph, place)
    every = np.arange(100)
    targets = np.tile(every, (100, 1))
    expected = heuristics.scores(graph, kind, every, targets)
    found = heuristics.scores(other, kind, place.numpy(), place.numpy()[targets])
    assert np.array_equal(found, expected)


def test_cosines_do_not_depend_on_the_order_of_features():
    x = torch.randn(60, 31, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    graph, every = golden_world().graph, np.arange(60)
    targets = np.tile(every, (60, 1))
    found = [heuristics.scores(graph, "cosine", every, targets, x=rows) for rows in (x, x.flip(1))]
    assert np.array_equal(*found)
    assert np.array_equal(found[0], found[0].T)


def test_equal_sums_of_other_terms_are_equal():
    """1/3 + 1/6 is 1/2, and 1/10 three times 0.3."""
    sums = np.array([1 / 3 + 1 / 6, 0.1 + 0.1 + 0.1, -0.7 - 0.1, np.inf, 0.0])
    found = heuristics.rounded(sums)
    expected = heuristics.rounded(np.array([0.5, 0.3, -0.8, np.inf, 0.0]))
    assert found.tolist() == expected.tolist()
    assert np.abs(found[:3] / sums[:3] - 1).max() < 2**-32
    assert heuristics.rounded(np.array([1.0, 1 + 2**-31])).tolist() == [1.0, 1 + 2**-31]


@pytest.mark.parametrize("family", ["heart", "stratified", "densest(walk)", "degree"])
def test_any_number_of_threads_gives_the_same_set(family):
    lists = []
    for threads in (1, 3):
        kernels.threads.set_num_threads(threads)
        lists.append(hardset(golden_world(), family=family, k=20).index)
    assert torch.equal(*lists)


def test_any_number_of_threads_gives_the_same_scores(monkeypatch):
    monkeypatch.setattr(kernels.threads, "MIN_WORK", 1)
    data = golden_world()
    src, dst = (torch.from_numpy(ends) for ends in integers(4000, 100, 6).reshape(2, -1))
    for kind in heuristics.KINDS:
        scores = []
        for threads in (1, 3):
            kernels.threads.set_num_threads(threads)
            scores.append(Heuristic(data.graph, kind, data.x)(src, dst))
        assert torch.equal(*scores)


def test_logarithms_are_within_a_unit_in_the_last_place():
    values = np.concatenate([np.arange(1, 500), [1e-300, 5e-324, 0.99999, 1.00001, 1e300]])
    for value, found in zip(values.tolist(), kernels.logs.logs(values).tolist(), strict=True):
        exact = Decimal(value).ln()
        assert abs(Decimal(found) - exact) <= Decimal(math.ulp(float(exact)))
    edges = kernels.logs.logs(np.array([[0.0, np.inf], [-1.0, np.nan]]))
    assert edges[0].tolist() == [-np.inf, np.inf]
    assert np.isnan(edges[1]).all()


def test_logarithms_have_the_golden_bits():
    bits = kernels.logs.logs(np.arange(1, 10_001) / 64).view(np.int64)
    assert crc(bits) == "93c2b7e2"


#: Checksums of ``hardset(golden_world(), family=..., k=20).index``.
HARD_SETS = {
    "heart": "6079bf75",
    "stratified": "444f8308",
    "community": "ffd7ff25",
    "degree": "c6f2deea",
    "uniform": "2d1efa10",
    "khop(hops=2)": "6195a410",
    "densest(walk)": "5e690cb7",
    "densest(walk(kind=aa))": "575d43c7",
    "densest(degree)": "9a8eb8bb",
}
#: Checksums of 8 negatives of each of 128 edges.
NEGATIVES = {
    "uniform": "84dbacfd",
    "degree": "901ef22f",
    "khop(hops=2)": "3bc8af88",
    "walk": "465c564e",
    "walk(kind=aa)": "52576809",
    "walk(kind=ppr)": "61c0ca3b",
    "guarded(walk, percentile=ra|80)": "7613e5d8",
    "guarded(uniform, percentile=cosine|80)": "d209278a",
}


def test_the_golden_world_is_the_same():
    data = golden_world()
    assert crc(data.graph.edge_index) == "b1d0b964"
    assert crc(data.test.pos) == "bafd5ff3"


@pytest.mark.parametrize("family", HARD_SETS)
def test_hard_sets_have_the_golden_checksums(family):
    """A processor, library or release on which one fails makes other hard sets than published."""
    assert crc(hardset(golden_world(), family=family, k=20).index) == HARD_SETS[family]


@pytest.mark.parametrize("text", NEGATIVES)
def test_negatives_have_the_golden_checksums(text):
    data = golden_world()
    negatives = data.sampler(text, known="train").sample(
        data.graph.edge_index[:, :128], 8, generator=torch.Generator().manual_seed(0)
    )
    assert crc(negatives.index) == NEGATIVES[text]


def test_nearest_non_edges_have_the_golden_checksum():
    data = golden_world()
    sampler = samplers.Similar(data.graph, data.x, band=(2, 30))
    negatives = sampler.sample(
        data.graph.edge_index[:, :128], 8, generator=torch.Generator().manual_seed(0)
    )
    assert crc(negatives.index) == "c9b925f1"


def test_the_digits_graph_is_the_same_everywhere():
    """Many digits are equally near to another: which of them are neighbours is decided by ids."""
    assert datasets.load("digits").fingerprint() == "e514a0f10370d75c"
