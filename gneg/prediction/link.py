"""A trained model of links: recommendations, scores and probabilities in the user's own names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import LinkData
from gneg.graph.lazy import cached_property
from gneg.nn import Scorer
from gneg.prediction import export
from gneg.prediction.calibrate import Sample
from gneg.prediction.link_sample import score_sample
from gneg.prediction.model import (
    MEMORY_MB,
    Nodes,
    TrainedModel,
    as_tensors,
    ids_of,
    named,
    of_one_size,
    score_columns,
)
from gneg.prediction.ranking import Candidates, Ranker
from gneg.prediction.reasons import LinkReasons
from gneg.prediction.retrieve import IntArray, Side
from gneg.training.link import LinkRun

if TYPE_CHECKING:
    import pandas as pd
    from torch_geometric.data import Data, HeteroData

RECALL_QUERIES = 20  # nodes that the recall of retrieval is measured on


class LinkModel(TrainedModel[LinkRun]):
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
        super().__init__(run, folder)
        self.data: LinkData = run.data
        self._rankers: dict[tuple[Side, bool], Ranker] = {}

    def __repr__(self) -> str:
        return f"LinkModel({self.run.config.encoder}, {self.data!r})"

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
            for name, ids, size in (
                ("src", src, self.data.graph.num_src),
                ("dst", dst, self.data.graph.num_dst),
            ):
                checks.node_range(name, checks.index_tensor(name, ids, "[...]"), size)
            checks.same_shape("dst", dst, "src", src)
            return self._scorer(src, dst)
        pair = of_one_size({"src": self.ids(src, "source"), "dst": self.ids(dst, "target")})
        return self._scorer(*as_tensors(pair.values(), self._scorer.z.device)).cpu().numpy()

    def predict_proba(self, src: Nodes, dst: Nodes) -> npt.NDArray[np.float64]:
        """Return the probabilities of pairs, see :class:`gneg.prediction.Calibration`.

        Args:
            src: Sources, names or a tensor of ids.
            dst: As many targets.

        Raises:
            ValueError: As for :meth:`score`.

        Returns:
            An array of their shape; NaN for a node with itself.
        """
        if not (isinstance(src, Tensor) and isinstance(dst, Tensor)):
            src = torch.from_numpy(self.ids(src, "source"))
            dst = torch.from_numpy(self.ids(dst, "target"))
        probabilities = self._probabilities(self.score(src, dst))
        if self.data.num_src is None:
            probabilities[(src == dst).cpu().numpy()] = np.nan
        return probabilities

    def sample(self, part: str, seed: int) -> Sample:
        """Return scores of held-out links and of other pairs; see :func:`score_sample`."""
        return score_sample(self.data, self.ranker("target"), part, seed)

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
                all for up to 16 nodes or where the score is a product of embeddings, else the
                larger of 100 and 5 k.
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
        partners, scores = ranker.best(ids, k, candidates=candidates, memory_mb=memory_mb)
        present = partners >= 0
        present[:, 0] |= ~present.any(axis=1)  # a row without a partner
        rows = np.repeat(ids, present.sum(axis=1))
        partner, score = partners[present], scores[present]
        empty = partner < 0
        known = np.zeros(len(rows), bool)
        if keep_known and (~empty).any():
            pairs = torch.from_numpy(np.stack([rows, partner])[:, ~empty])
            known[~empty] = ranker.known.contains(*pairs).numpy()
        source, target = (rows, partner) if side == "target" else (partner, rows)
        names = self.data.end_names
        columns = {
            "source": named(source, names[0]),
            "target": named(target, names[1]),
            **score_columns(score, self.calibration.probability(score), known),
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
    def _reasons(self) -> LinkReasons:
        return LinkReasons(self.data, self._scorer.z)

    def ranker(self, side: Side, *, keep_known: bool = False) -> Ranker:
        """Return what ranks one end of links; it is kept for further calls."""
        keep_known = checks.flag("keep_known", keep_known)
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
        number = ranker.number(candidates, k, ranker.known.num_src)
        if number is None:
            return 1.0
        generator = np.random.default_rng(seed)
        rows = generator.choice(ranker.known.num_src, min(RECALL_QUERIES, ranker.known.num_src))
        among_all, _ = ranker.best(rows, k, candidates="all")
        listed, _ = ranker.best(rows, k, candidates=number)
        hits = (among_all[:, :, None] == listed[:, None, :]).any(axis=2) & (among_all >= 0)
        return float(hits.sum() / max((among_all >= 0).sum(), 1))

    # -- names and embeddings ------------------------------------------------------------------

    def ids(self, nodes: Nodes | None, end: Side) -> IntArray:
        """Return the ids ``[n]`` of sources or targets that are given by name, or as a tensor.

        Raises:
            ValueError: If there is no such node.
        """
        is_source = end == "source"
        size = self.data.graph.num_src if is_source else self.data.graph.num_dst
        names, others = self.data.end_names[not is_source], self.data.end_names[is_source]
        try:
            return ids_of(nodes, names, size, "nodes")
        except ValueError:
            if self.data.num_src is not None and isinstance(nodes, str) and nodes in (others or ()):
                other, hint = (
                    ("target", "side='source', --items")
                    if is_source
                    else ("source", "side='target', --users")
                )
                checks.fail("nodes", f"names of {end}s", f"{nodes!r}, a {other}", hint=hint)
            raise

    def embeddings(self, path: str | Path | None = None) -> Tensor:
        """Return the embeddings ``[N, D]`` of all nodes, sources first in a bipartite graph.

        Args:
            path: File for them, ``.npy``, or ``.parquet`` or ``.csv`` with the names; None: none.

        Raises:
            ValueError: If the suffix is another.
        """
        z: Tensor = self._scorer.z.detach().float().cpu()
        if path is not None:
            export.write_embeddings(path, z, export.names_of_nodes(self.data))
        return z

    def to_pyg(self) -> Data | HeteroData:
        """Return the training graph with features ``x``, embeddings ``z`` and ``names``."""
        return export.to_pyg(self.data, self._scorer.z.detach().float().cpu())
