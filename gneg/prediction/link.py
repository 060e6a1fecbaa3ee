"""A trained model of links: recommendations, scores and probabilities in the user's own names."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from gneg import checks, files
from gneg.datasets import LinkData, Names
from gneg.nn import Scorer
from gneg.prediction import calibrate, export
from gneg.prediction.link_sample import score_sample
from gneg.prediction.ranking import Candidates, Ranker
from gneg.prediction.reasons import Reasons
from gneg.prediction.retrieve import IntArray, Side
from gneg.training.link import LinkRun

if TYPE_CHECKING:
    import pandas as pd
    from torch_geometric.data import Data, HeteroData

#: A name, or several; ids are given as a tensor.
Nodes = str | int | Iterable[str | int] | Tensor
MEMORY_MB = 1024
RECALL_QUERIES = 20  # nodes that the recall of retrieval is measured on


class LinkModel:
    """A trained link predictor that answers in the user's own names.

    Nodes are given by name, or as a tensor of ids. Links of all parts of the data are known; the
    model itself passes messages along those of training only, as in its evaluation.

    Args:
        run: The run, with its best weights.
        folder: Its folder, where the calibration is stored; None: it is not stored.

    Example:
        >>> import gneg
        >>> model = gneg.load("runs/friends-sage-...")  # doctest: +SKIP
        >>> model.recommend("Ann", k=5)  # doctest: +SKIP
        >>> model.predict_proba(["Ann"], ["Bob"])  # doctest: +SKIP
    """

    def __init__(self, run: LinkRun, folder: Path | None = None) -> None:
        self.run, self.folder = run, folder
        self.data: LinkData = run.data
        self._rankers: dict[tuple[Side, bool], Ranker] = {}

    # -- scores --------------------------------------------------------------------------------

    def scorer(self) -> Scorer:
        """Return the model as ``score(src, dst)`` of ids, for :func:`gneg.evaluate`."""
        return self._scorer

    @cached_property
    def _scorer(self) -> Scorer:
        return self.run.scorer()

    def score(self, src: Nodes, dst: Nodes) -> Any:
        """Return the model's scores of pairs, higher is likelier.

        Args:
            src: Sources, names or a tensor of ids.
            dst: As many targets.

        Returns:
            A tensor of the shape of ``src`` for tensors, else an array ``[n]``.

        Raises:
            ValueError: If a name is unknown, or there are not as many targets as sources.
        """
        if isinstance(src, Tensor) and isinstance(dst, Tensor):
            return self._scorer(src, dst)
        pair = self.ids(src, "source"), self.ids(dst, "target")
        if len(pair[0]) != len(pair[1]):
            checks.fail("dst", f"{len(pair[0])} targets, one for each source", len(pair[1]))
        device = self._scorer.z.device
        return self._scorer(*(torch.from_numpy(ids).to(device) for ids in pair)).cpu().numpy()

    def predict_proba(self, src: Nodes, dst: Nodes) -> npt.NDArray[np.float64]:
        """Return the probabilities of pairs, see :class:`gneg.prediction.Calibration`.

        Args:
            src: Sources, names or a tensor of ids.
            dst: As many targets.

        Raises:
            ValueError: As for :meth:`score`.
        """
        scores = self.score(src, dst)
        values = scores.cpu().numpy() if isinstance(scores, Tensor) else scores
        return self.calibration.probability(values)

    @cached_property
    def calibration(self) -> calibrate.Calibration:
        """The calibration, fitted when it is first needed and stored beside the run."""
        model = self.fingerprint
        stored = None if self.folder is None else calibrate.load(self.folder, model)
        if stored is not None:
            return stored
        ranker = self.ranker("target")
        samples = [
            score_sample(self.data, ranker, part, seed=i)
            if self.data.positives(part).size(1)
            else None
            for i, part in enumerate(("valid", "test"))
        ]
        assert samples[0] is not None
        fitted = calibrate.fit(samples[0], samples[1], model)
        if self.folder is not None:
            fitted.save(self.folder)
        return fitted

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the model's weights and of its data."""
        weights = self.run.model.state_dict()
        tensors = [value for value in weights.values() if isinstance(value, Tensor)]
        return files.digest((sorted(weights), self.data.describe()), *(t.cpu() for t in tensors))

    # -- recommendations -----------------------------------------------------------------------

    def recommend(
        self,
        nodes: Nodes | None = None,
        k: int = 20,
        *,
        side: Side = "target",
        candidates: Candidates = None,
        keep_known: bool = False,
        why: bool = False,
        memory_mb: int = MEMORY_MB,
    ) -> pd.DataFrame:
        """Return the likeliest new links of nodes, best first.

        Args:
            nodes: Names, or a tensor of ids; None: all nodes.
            k: Links of each node, >= 1; fewer where a node has no more.
            side: The end that is looked for: ``target``, or ``source`` for the likeliest sources
                of given targets (users for an item).
            candidates: Candidates that are scored for each node: a number >= k, ``"all"``, or None:
                all where the score is a product of embeddings, else the larger of 200 and 10 k.
            keep_known: Whether known links are listed too, marked in the column ``known``.
            why: Whether to say what the graph has between both ends, in a column ``why``.
            memory_mb: Memory for scores, in megabytes.

        Returns:
            A table with the columns ``source``, ``target``, ``score``, ``probability`` and
            ``known``. A node with no candidate left has one row without a partner.

        Raises:
            ValueError: If a name is unknown (the nearest names are said) or an argument is out of
                range.
        """
        ids = self.ids(nodes, "source" if side == "target" else "target")
        table = self.answers(
            ids,
            k,
            side=side,
            candidates=candidates,
            keep_known=keep_known,
            why=why,
            memory_mb=memory_mb,
        )
        return table.to_pandas()

    def answers(
        self,
        ids: IntArray,
        k: int,
        *,
        side: Side = "target",
        candidates: Candidates = None,
        keep_known: bool = False,
        why: bool = False,
        memory_mb: int = MEMORY_MB,
    ) -> pa.Table:
        """Return :meth:`recommend` for ids ``[B]`` as an Arrow table."""
        checks.choice("side", side, ("target", "source"))
        k = checks.integer("k", k, 1)
        memory_mb = checks.integer("memory_mb", memory_mb, 1)
        ranker = self.ranker(side, keep_known=keep_known)
        found, scores = ranker.best(ids, k, candidates=candidates, memory_mb=memory_mb)
        present = found >= 0
        present[:, 0] |= ~present.any(axis=1)  # a row without a partner
        rows = np.repeat(ids, present.sum(axis=1))
        partner, score = found[present], scores[present]
        empty = partner < 0
        known = np.zeros(len(rows), bool)
        if keep_known and (~empty).any():
            pairs = torch.from_numpy(np.stack([rows, partner])[:, ~empty])
            known[~empty] = ranker.known.contains(*pairs).numpy()
        query, answer = self._named(rows, side == "target"), self._named(partner, side != "target")
        ends = (query, answer) if side == "target" else (answer, query)
        columns = {
            "source": ends[0],
            "target": ends[1],
            "score": pa.array(score, pa.float32(), from_pandas=True),
            "probability": pa.array(self.calibration.probability(score), from_pandas=True),
            "known": pa.array(known),
        }
        if why:
            columns["why"] = pa.array(self._why(rows, partner, side), pa.string())
        return pa.table(columns)

    def _why(self, rows: IntArray, partner: IntArray, side: Side) -> list[str]:
        pair = (rows, np.maximum(partner, 0))
        texts = self._reasons.of(*(pair if side == "target" else pair[::-1]))
        left = zip(texts, partner < 0, strict=True)
        return ["no node is left to link with" if empty else text for text, empty in left]

    @cached_property
    def _reasons(self) -> Reasons:
        return Reasons(self.data, self._scorer.z)

    def ranker(self, side: Side, *, keep_known: bool = False) -> Ranker:
        """Return what ranks one end of links; it is kept for further calls."""
        if (side, keep_known) not in self._rankers:
            ranker = Ranker(self.data, self._scorer, side, keep_known=keep_known)
            self._rankers[side, keep_known] = ranker
        return self._rankers[side, keep_known]

    def retrieval_recall(
        self, k: int = 20, *, side: Side = "target", candidates: Candidates = None, seed: int = 0
    ) -> float:
        """Return the share of the k best of all nodes that are among those of the candidates.

        Measured on 20 random nodes.

        Args:
            k: Length of the lists.
            side: The end that is looked for.
            candidates: As in :meth:`recommend`.
            seed: Seed of the choice of nodes.
        """
        ranker = self.ranker(side)
        if ranker.number(candidates, k) is None:
            return 1.0
        generator = np.random.default_rng(seed)
        rows = generator.choice(ranker.known.num_src, min(RECALL_QUERIES, ranker.known.num_src))
        among_all, _ = ranker.best(rows, k, candidates="all")
        listed, _ = ranker.best(rows, k, candidates=candidates)
        hits = (among_all[:, :, None] == listed[:, None, :]).any(axis=2) & (among_all >= 0)
        return float(hits.sum() / max((among_all >= 0).sum(), 1))

    # -- names and embeddings ------------------------------------------------------------------

    def ids(self, nodes: Nodes | None, end: Side) -> IntArray:
        """Return the ids ``[n]`` of sources or targets that are given by name, or as a tensor.

        Raises:
            ValueError: If there is no such node.
        """
        size = self.data.graph.num_src if end == "source" else self.data.graph.num_dst
        if nodes is None:
            return np.arange(size)
        if isinstance(nodes, Tensor):
            ids = checks.index_tensor("nodes", nodes, "[n]").reshape(-1).cpu().long()
            checks.node_range("nodes", ids, size)
            return ids.numpy()
        several = [nodes] if isinstance(nodes, str | int | np.integer) else list(nodes)
        names = self._names(end)
        return names.ids(several, "nodes")

    def _names(self, end: Side) -> Names:
        own = self.data.end_names[end == "target"]
        if own is not None:
            return own
        size = self.data.graph.num_src if end == "source" else self.data.graph.num_dst
        return Names(np.arange(size))

    def _named(self, ids: IntArray, is_source: bool) -> pa.Array:
        """Return names, or ids where there are none; null for -1."""
        mask = pa.array(ids < 0)
        own = self.data.end_names[not is_source]
        values = pa.array(ids) if own is None else own.of(np.maximum(ids, 0))
        return pa.compute.if_else(mask, None, values)

    def embeddings(self, path: str | Path | None = None) -> Tensor:
        """Return the embeddings ``[N, D]`` of all nodes, sources first in a bipartite graph.

        Args:
            path: File to write them to: ``.npy``, or ``.parquet`` with the names; None: none.

        Raises:
            ValueError: If the suffix is another.
        """
        z: Tensor = self._scorer.z.detach().float().cpu()
        if path is not None:
            export.write_embeddings(Path(path), z, self.data)
        return z

    def to_pyg(self) -> Data | HeteroData:
        """Return the training graph with features ``x``, embeddings ``z`` and ``names``."""
        return export.to_pyg(self.data, self._scorer.z.detach().float().cpu())
