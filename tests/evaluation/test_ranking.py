"""Ranks among all targets, and what recommenders are measured by, against a slow reference."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gneg import KnownEdges
from gneg.evaluation import ranking

QUERIES, TARGETS = 5, 24
pair = st.tuples(st.integers(0, QUERIES - 1), st.integers(0, TARGETS - 1))


def tensor(pairs) -> torch.Tensor:
    return torch.tensor(list(pairs), dtype=torch.long).view(-1, 2).t()


def slow(score: np.ndarray, pos, known) -> tuple[list[float], list[float]]:
    """Filtered and raw ranks, one comparison at a time."""
    filtered, raw = [], []
    for q, t in pos:
        ranks = {}
        for name, out in (("filtered", set(known) | set(pos)), ("raw", set(known))):
            targets = [v for v in range(TARGETS) if v != t and (q, v) not in out]
            above = sum(score[q, v] > score[q, t] for v in targets)
            level = sum(score[q, v] == score[q, t] for v in targets)
            ranks[name] = 1 + above + level / 2
        filtered.append(ranks["filtered"])
        raw.append(ranks["raw"])
    return filtered, raw


@settings(max_examples=80, deadline=None)
@given(
    st.lists(pair, min_size=1, max_size=30, unique=True),
    st.lists(pair, max_size=60, unique=True),
    st.integers(0, 10**6),
    st.integers(2, 60),
)
def test_ranks_equal_the_slow_reference(pos, known, seed, levels):
    generator = torch.Generator().manual_seed(seed)
    score = torch.randint(levels, (QUERIES, TARGETS), generator=generator).float()
    edges = KnownEdges(tensor(known), num_nodes=(QUERIES, TARGETS))
    ranked = ranking.ranks(lambda rows: score[rows], tensor(pos), edges)
    filtered, raw = slow(score.numpy(), pos, known)
    assert ranked.filtered.tolist() == filtered
    assert ranked.raw.tolist() == raw
    metrics = ranking.summary(ranked, tensor(pos)[0])
    assert metrics["mrr"] == pytest.approx(np.mean([1 / rank for rank in filtered]))
    assert metrics["hits@10"] == pytest.approx(np.mean([rank <= 10 for rank in filtered]))
    recall, ndcg = [], []
    for q in {q for q, _ in pos}:
        query_ranks = [rank for rank, (query, _) in zip(raw, pos, strict=True) if query == q]
        recall.append(sum(rank <= 20 for rank in query_ranks) / len(query_ranks))
        gain = sum(1 / math.log2(rank + 1) for rank in query_ranks if rank <= 20)
        ndcg.append(gain / sum(1 / math.log2(i + 2) for i in range(min(20, len(query_ranks)))))
    assert metrics["recall@20"] == pytest.approx(np.mean(recall))
    assert metrics["ndcg@20"] == pytest.approx(np.mean(ndcg))


def test_chunks_do_not_matter(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    score = torch.rand(40, 50, generator=generator)
    pos = torch.stack([torch.arange(40), torch.arange(40)])
    known = KnownEdges(torch.randint(40, (2, 300), generator=generator), num_nodes=(40, 50))
    whole = ranking.ranks(lambda rows: score[rows], pos, known)
    monkeypatch.setattr(ranking, "CHUNK", 130)
    parts = ranking.ranks(lambda rows: score[rows], pos, known)
    assert torch.equal(whole.filtered, parts.filtered)


def test_what_cannot_be_ranked_is_refused():
    known = KnownEdges(torch.empty(2, 0, dtype=torch.long), num_nodes=(3, 4))
    pos = torch.tensor([[0], [1]])
    with pytest.raises(ValueError, match="'rows' must be free of NaN"):
        ranking.ranks(lambda rows: torch.full((len(rows), 4), torch.nan), pos, known)
    with pytest.raises(ValueError, match=r"'rows' must be of shape \[1, 4\]"):
        ranking.ranks(lambda rows: torch.zeros(len(rows), 3), pos, known)
    with pytest.raises(ValueError, match="'pos' must be at least one positive"):
        ranking.ranks(lambda rows: torch.zeros(len(rows), 4), pos[:, :0], known)
    for wrong in ([[3], [1]], [[0], [4]], [[0], [-1]]):
        with pytest.raises(ValueError, match=r"'pos\[[01]\]' must be node ids in \[0, [34]\)"):
            ranking.ranks(lambda rows: torch.zeros(len(rows), 4), torch.tensor(wrong), known)
