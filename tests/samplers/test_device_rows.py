"""Operations on rows of targets on a device."""

from __future__ import annotations

import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gneg import Graph, samplers
from gneg.samplers.device import balls, slots, torch_threads, tries, walk_ends
from gneg.samplers.device.rows import CPU_CELLS, append, inverted, numbered
from gneg.samplers.device.shares import Shares
from tests.worlds import random_graph


def test_shares_fall_on_entries_of_a_running_sum():
    mass = torch.tensor([[1.0, 2.0, 1.0], [3.0, 1.0, 9.0], [0.0, 5.0, 0.0]], dtype=torch.float64)
    share = torch.tensor([0.0, 0.24, 0.25, 0.74, 0.75, 0.99], dtype=torch.float64)
    entries = inverted(mass, torch.tensor([3, 2, 3]), share.expand(3, -1).contiguous())
    assert entries.tolist() == [[0, 0, 1, 1, 2, 2], [0, 0, 0, 0, 1, 1], [1] * 6]
    nothing = inverted(torch.zeros(1, 2, dtype=torch.float64), torch.tensor([0]), share[None])
    assert nothing.tolist() == [[0] * 6]


@given(
    st.lists(st.sampled_from([0.0, 1e-12, 1e-5, 0.25, 0.3, 1 / 2**14]), min_size=1, max_size=40),
    st.lists(st.floats(0, 1, exclude_max=True), max_size=30),
)
def test_draws_fall_on_shares_as_a_search_says(parts, draws):
    upto = torch.tensor(parts, dtype=torch.float64).cumsum(0).clamp(max=1)
    upto = torch.cat([upto, torch.ones(1, dtype=torch.float64)])
    on_sums = [float(x) for x in upto if x < 1]  # and right below
    draws = [*draws, *on_sums, *(x - x / 2**52 for x in on_sums), 1 - 2.0**-53, 0.0]
    draws = torch.tensor(draws, dtype=torch.float64)
    assert torch.equal(Shares(upto).at(draws), torch.searchsorted(upto, draws, right=True))


def test_what_is_appended_stands_behind_the_entries_of_a_row():
    out = torch.tensor([[7, -1, -1], [-1, -1, -1], [8, 9, -1]])
    filled, at = torch.tensor([1, 0, 2]), torch.tensor([0, 0, 1])
    number, of_row = numbered(at, 2)
    append(out, filled, torch.tensor([0, 2]), at, number, torch.tensor([1, 2, 3]))
    assert (number.tolist(), of_row.tolist()) == ([0, 1, 0], [2, 1])
    assert out.tolist() == [[7, 1, 2], [-1, -1, -1], [8, 9, 3]]
    assert filled.tolist() == [3, 0, 3]


def test_threads_of_torch_are_as_before_where_calls_overlap():
    """A thread that begins while another call has set one thread does not keep that."""
    inside, leave = threading.Event(), threading.Event()
    seen = []

    def first():
        torch.set_num_threads(3)
        with torch_threads.one_thread():
            inside.set()
            leave.wait(10)
        seen.append(torch.get_num_threads())

    @torch_threads.one_thread()
    def fail():
        seen.append(torch.get_num_threads())
        leave.set()
        others[0].join(10)
        raise ValueError("score")

    def second():
        inside.wait(10)
        with pytest.raises(ValueError, match="score"):
            fail()
        seen.append(torch.get_num_threads())
        torch_threads.share()  # of a call that was given up
        seen.append(torch.get_num_threads())

    before = torch.get_num_threads()
    others = [threading.Thread(target=work) for work in (first, second)]
    try:
        for other in others:
            other.start()
        for other in others:
            other.join(20)
        afterwards = []
        new = threading.Thread(target=lambda: afterwards.append(torch.get_num_threads()))
        new.start()
        new.join()
    finally:
        torch.set_num_threads(before)
    assert sorted(seen) == [1, 3, 3, 3]
    assert afterwards == [3]


@pytest.mark.slow
def test_balls_that_take_too_much_memory_are_drawn_apart(monkeypatch):
    """By halves until there is one ball: with the same draws and densities."""
    graph = random_graph(80, 240).to("cpu", engine="torch")
    pos = graph.edge_index[:, torch.arange(60) % 45]

    def drawn():
        sampler = samplers.KHop(graph, weights={2: 0.4, 3: 0.3, 4: 0.2, "far": 0.1})
        negatives = sampler.sample(pos, 6, generator=torch.Generator().manual_seed(0))
        return negatives.index, negatives.log_q, negatives.pos_log_q, negatives.counts["fell"]

    at_once = drawn()
    largest = []
    whole = torch.repeat_interleave

    def watched(sizes, output_size=None):
        largest.append(output_size or 0)
        return whole(sizes, output_size=output_size)

    monkeypatch.setattr(balls, "CPU_CELLS_OF_ROUNDS", 100)
    monkeypatch.setattr(torch, "repeat_interleave", watched)
    apart = drawn()
    for one, other in zip(at_once, apart, strict=True):
        assert torch.equal(torch.as_tensor(one), torch.as_tensor(other))
    assert max(largest) <= graph.num_edges  # of a single ball


def test_tries_of_a_round_are_bounded(monkeypatch):
    """In a clique every try is rejected, and as many are made as there are walks."""
    graph = complete_graph(60)
    pos = graph.edge_index[:, :40]
    made = []
    whole = slots.ranges

    def watched(begin, sizes):
        made.append(int(sizes.sum()))
        return whole(begin, sizes)

    monkeypatch.setattr(slots, "CPU_CELLS_OF_ROUNDS", 500)
    monkeypatch.setattr(slots, "ranges", watched)
    index = [
        samplers.KHop(end).sample(pos, 5, generator=torch.Generator().manual_seed(0)).index
        for end in (graph, graph.to("cpu", engine="torch"))
    ]
    assert torch.equal(*index)
    assert 0 < max(made) <= 500


def complete_graph(size):
    """All pairs but those of a last node, which knows one."""
    pairs = torch.combinations(torch.arange(size)).t()
    pairs = torch.cat([pairs, torch.tensor([[0], [size]])], dim=1)
    return Graph.from_edge_index(pairs, size + 3, undirected=True)


def test_walks_that_lead_nowhere_are_followed_in_parts():
    """Many rows whose second or third step ends walks: parts count the edges of every step."""
    sources, middles = 200, 300
    ends = torch.cartesian_prod(torch.arange(sources), sources + torch.arange(middles)).t()
    graph = Graph.from_edge_index(ends, sources + middles, undirected=False)
    there = graph.to("cpu", engine="torch").on_device()
    rows = torch.arange(sources).repeat(20)
    parts = tries.in_budget(there, rows, torch.arange(len(rows)))
    assert max(len(part) for part in parts) * middles <= 9 * CPU_CELLS
    most = walk_ends.StepEnds(there, torch.empty(0), 3, 0)._most_entries
    assert most.tolist() == [middles] * sources + [1] * middles
