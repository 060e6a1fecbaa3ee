"""The best candidates of queries by a model: all of them, or those that retrieval proposes."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import LinkData
from gneg.graph import Graph, KnownEdges
from gneg.nn.model import Scorer
from gneg.prediction.retrieve import IntArray, Retriever, Side
from gneg.prediction.top import top

FloatArray = npt.NDArray[np.float32]
#: Candidates of a query that are scored: a number, all of them, or what suits the model.
Candidates = int | Literal["all"] | None
LEAST, TIMES = 100, 5  # candidates that are scored: so many, or so many times k
FEW, PAIRS = 16, 2**22  # queries, or pairs, up to which all are scored: it costs as much
BYTES = 16  # of a score while the best are chosen


class Ranker:
    """Ranks the nodes that a query may be linked with.

    Args:
        data: The dataset.
        scorer: The model on its embeddings.
        side: The end that is looked for.
        keep_known: Whether known links are ranked as well.
    """

    def __init__(
        self, data: LinkData, scorer: Scorer, side: Side, *, keep_known: bool = False
    ) -> None:
        self.scorer, self.side, self.keep_known = scorer, side, keep_known
        no_links = torch.empty(2, 0, dtype=torch.long) if data.negatives is None else data.negatives
        links: list[Graph | Tensor] = [data.graph, data.valid.pos, data.test.pos]
        size, undirected = data.size, data.undirected
        #: Known links, as (query, candidate), and what is not ranked: pairs labelled 0 neither.
        self.known = _turned(KnownEdges(*links), side)
        self.excluded = self.known
        if keep_known or no_links.numel():
            excluded = [no_links] if keep_known else [*links, no_links]
            edges = KnownEdges(*excluded, num_nodes=size, undirected=undirected)
            self.excluded = _turned(edges, side)
        self.num_candidates = self.known.num_dst
        self.retriever = Retriever(data, scorer, side, self.excluded)

    def number(self, candidates: Candidates, k: int, queries: int) -> int | None:
        """Return the number of candidates that are scored; None: all.

        All are where the score is a product of embeddings, for up to 16 queries or four million
        pairs, or where retrieval would not save work.

        Args:
            candidates: What is asked for.
            k: Length of the lists.
            queries: Number of queries.

        Raises:
            ValueError: If ``candidates`` is no number >= k.
        """
        if candidates == "all" or (
            candidates is None and (self.scorer.is_product or self._are_few(queries))
        ):
            return None
        if candidates is None:
            candidates = max(LEAST, TIMES * k)
        number = checks.integer("candidates", candidates, k)
        return None if number >= self.num_candidates else number

    def _are_few(self, queries: int) -> bool:
        return queries <= FEW or queries * self.num_candidates <= PAIRS

    def best(
        self, rows: IntArray, k: int, *, candidates: Candidates = None, memory_mb: int = 1024
    ) -> tuple[IntArray, FloatArray]:
        """Return the ``k`` best of each query, best first, and their scores, ``[B, k]``.

        Equal scores by ascending id; -1 and NaN where a query has fewer.

        Args:
            rows: ``[B]``, queries.
            k: Length of the lists, >= 1.
            candidates: Candidates of a query that are scored, see :meth:`number`.
            memory_mb: Memory for scores, in megabytes.
        """
        k = min(k, self.num_candidates)
        number = self.number(candidates, k, len(rows))
        ids = np.full((len(rows), k), -1, np.int64)
        scores = np.full((len(rows), k), np.nan, np.float32)
        width = self.num_candidates if number is None else number
        step = max(1, memory_mb * 2**20 // (BYTES * width))
        for low in range(0, len(rows), step):
            part = slice(low, low + step)
            if number is None:
                ids[part], scores[part] = self._among_all(rows[part], k)
            else:
                ids[part], scores[part] = self._among(rows[part], k, number, memory_mb)
        return ids, scores

    def _among_all(self, rows: IntArray, k: int) -> tuple[IntArray, FloatArray]:
        device = self.scorer.z.device
        query = torch.from_numpy(rows).to(device)
        scores = self.scorer.matrix(query, side="dst" if self.side == "target" else "src").cpu()
        line, known = self.excluded.listed(rows)
        scores[torch.from_numpy(line), torch.from_numpy(known)] = -torch.inf
        if not self.excluded.bipartite:
            scores[torch.arange(len(rows)), torch.from_numpy(rows)] = -torch.inf
        values, ids = top(scores, min(k, scores.size(1)))
        return ordered(ids.numpy(), values.numpy(), k)

    def _among(
        self, rows: IntArray, k: int, number: int, memory_mb: int
    ) -> tuple[IntArray, FloatArray]:
        ids = self.retriever.candidates(rows, number, memory_mb)
        if self.keep_known:
            ids = self._with_known(rows, ids)
        return ordered(ids, self.scores(rows, ids), k)

    def _with_known(self, rows: IntArray, ids: IntArray) -> IntArray:
        """Return candidates with the known links of each query, each once."""
        line, known = self.known.listed(rows)
        place = np.arange(len(line)) - np.searchsorted(line, line)
        links = np.full((len(rows), int(place.max(initial=-1)) + 1), -1, np.int64)
        links[line, place] = known
        repeated = (ids[:, :, None] == links[:, None, :]).any(axis=2) if links.size else False
        return np.concatenate([np.where(repeated, -1, ids), links], axis=1)

    def scores(self, rows: IntArray, ids: IntArray) -> FloatArray:
        """Return the model's scores of candidates ``ids [B, C]``; -inf where there are none."""
        return score_candidates(self.scorer, self.side, rows, ids)


def score_candidates(scorer: Scorer, side: Side, rows: IntArray, ids: IntArray) -> FloatArray:
    """Return the scores of candidates ``ids [B, C]`` of queries; -inf where there are none.

    Args:
        scorer: The model on its embeddings.
        side: The end that the candidates are.
        rows: ``[B]``, queries.
        ids: ``[B, C]``, candidates; -1 where there are none.
    """
    present = ids >= 0
    query = torch.from_numpy(np.repeat(rows, present.sum(axis=1)))
    pairs = [query, torch.from_numpy(ids[present])]
    step = 1 if side == "target" else -1
    source, target = (end.to(scorer.device) for end in pairs[::step])
    out = np.full(ids.shape, -np.inf, np.float32)
    out[present] = scorer(source, target).cpu().numpy()
    return out


def _turned(known: KnownEdges, side: Side) -> KnownEdges:
    """Return links as (query, candidate)."""
    return known if side == "target" else known.reversed()


def ordered(ids: IntArray, scores: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """Return the first k by descending score and ascending id; -1, NaN where there are fewer."""
    ids = np.where(np.isneginf(scores), -1, ids)
    by_id = np.argsort(np.where(ids < 0, np.iinfo(np.int64).max, ids), axis=1, kind="stable")
    ids, scores = np.take_along_axis(ids, by_id, 1), np.take_along_axis(scores, by_id, 1)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    ids, scores = np.take_along_axis(ids, best, 1), np.take_along_axis(scores, best, 1)
    scores = np.where(ids < 0, np.nan, scores).astype(np.float32)
    missing = k - ids.shape[1]
    if missing > 0:
        pad = ((0, 0), (0, missing))
        ids = np.pad(ids, pad, constant_values=-1)
        scores = np.pad(scores, pad, constant_values=np.nan)
    return ids, scores
