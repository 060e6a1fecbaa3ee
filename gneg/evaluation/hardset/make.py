"""Make hard evaluation sets: each positive beside negatives that are hard to tell from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from gneg import checks, files
from gneg.datasets import LinkData, as_links
from gneg.evaluation.hardset import families
from gneg.evaluation.hardset.families import Ends
from gneg.evaluation.hardset.hard_set import HardSet, checked_path
from gneg.evaluation.hardset.heart import ALPHA, Local, Merge
from gneg.graph.heuristics import default_tolerance
from gneg.graph.known import KnownPolicy
from gneg.samplers.formats.engine import Engine
from gneg.samplers.formats.parts import Parts

MOST = 2**20  # negatives of a positive
Part = Literal["valid", "test"]
#: Called with the numbers of finished and of all nodes.
Report = Callable[[int, int], None]


def hardset(
    data: LinkData | str | Path,
    *,
    family: str = "heart",
    k: int = 500,
    part: Part = "test",
    known: KnownPolicy = "all",
    ends: Ends = "both",
    merge: Merge = "best",
    local: Local = "ra",
    alpha: float = ALPHA,
    tolerance: float | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    fresh: bool = False,
    engine: Engine | None = None,
    report: Report | None = None,
    command: str = "gneg.hardset()",
) -> HardSet:
    """Make a hard evaluation set.

    Families:

    * ``"heart"``: the hardest by resource allocation, PageRank and feature cosine (see
      :mod:`gneg.evaluation.hardset.heart`). Where every heuristic is 0 the choice is random; such
      negatives are counted as ``filled``.
    * ``"stratified"``: an equal share from each fifth of that order, hardest first.
    * ``"community"``: random members of the anchor's Louvain community; the anchor is the end of
      the positive that is not replaced.
    * ``"historical"``: former neighbours, edges that did not recur (Poursafaei et al., NeurIPS
      2022); they are training edges; needs edges with times.
    * ``"densest(SAMPLER)"``: the non-edges of highest probability under a sampler with a
      closed-form ``log_q``, such as ``"densest(walk)"``. Computed over all nodes for each anchor.
    * any sampler expression that needs no model: ``"degree"``, ``"walk"``, ``"khop(hops=2)"``.

    No row holds a negative twice, its own positive, or the anchor itself. A node with fewer
    non-edges gets a short row.

    Args:
        data: The dataset, or its name or path; heuristics see its training edges only.
        family: How negatives are chosen, see above.
        k: Negatives per positive, K >= 1; half of them for each end.
        part: The positives: ``valid`` or ``test``.
        known: Edges that are never negatives. Only ``all`` excludes the true edges of other parts.
        ends: The end that is replaced: ``both``, ``dst`` (negatives share the source) or ``src``.
        merge: For ``heart``: whether the ``best`` or the ``mean`` of a candidate's ranks counts.
        local: For ``heart``: ``ra`` (resource allocation) or ``cn`` (common neighbours).
        alpha: For ``heart``: the restart probability of PageRank, in [0.0001, 1].
        tolerance: For ``heart``: the tolerance of PageRank, > 0; by the size of the graph if None.
        seed: Seed for all random choices.
        out: File to write, ``.npz``, ``.parquet`` (with names) or ``.npy``. Finished pieces are
            stored beside it while the work lasts, so that an interrupted call resumes.
        fresh: Whether to ignore pieces of an interrupted call.
        engine: What makes the pieces, with the same result; None: this process. A sampler
            expression is drawn at once, here.
        report: Called with the numbers of finished and of all nodes.
        command: The command that was run, for the record.

    Raises:
        ValueError: If an argument is out of range, or the family needs features, times or a
            homogeneous graph that the data does not have.
    """
    checks.choice("part", part, ("valid", "test"))
    checks.choice("ends", ends, ("both", "dst", "src"))
    k = checks.integer("k", k, 2 if ends == "both" else 1)
    if k > MOST:
        checks.fail("k", f"at most {MOST:,}", k)
    if ends == "both" and k % 2:
        checks.fail("k", "even with ends='both', half of them for each end", k)
    data = as_links(data)
    pos = (data.valid if part == "valid" else data.test).pos
    settings: dict[str, Any] = {
        "family": family,
        "k": k,
        "part": part,
        "known": known,
        "ends": ends,
        "seed": seed,
    }
    if family in families.ORDERED:
        if data.graph.bipartite:
            hint = "such as walk or degree: gneg hardset --family walk"
            checks.fail("family", "a sampler expression in a bipartite graph", family, hint=hint)
        settings |= {"merge": merge, "local": local, "alpha": alpha}
        if tolerance is None:
            whole = data.graph.to_undirected()
            tolerance = default_tolerance(whole.num_nodes, whole.num_edges)
        settings["tolerance"] = tolerance
    fingerprint, pieces = data.fingerprint(), None
    if out is not None:
        out = files.check_output("out", checked_path(out))
        pieces = _Pieces(out, [settings, data.name, data.split, fingerprint], fresh=fresh)
    columns, filled = families.columns(data, pos, settings, pieces, report, engine)
    info = {
        **settings,
        "dataset": data.name,
        "split": data.split,
        "positives": pos.size(1),
        "filled": filled,
        "short": int((columns < 0).sum()),
        "hash": fingerprint,
        "command": command,
        "versions": files.versions(),
    }
    keep = {"both": k // 2, "dst": k, "src": 0}[ends]
    hard_set = HardSet(pos, torch.from_numpy(columns.astype(np.int64)), keep, info)
    if out is not None and pieces is not None:
        hard_set.save(out, names=data.end_names)
        pieces.remove()
    return hard_set


class _Pieces(Parts):
    """Finished lists of candidates, each with the candidates that were chosen at random."""

    def load(self, name: str) -> tuple[Any, Any] | None:
        path = self.path(f"{name}.npz")
        if not path.exists():
            return None
        arrays = files.read_npz("out", path, "beside whole pieces", "--fresh (fresh=True) drops it")
        return arrays["index"], arrays["unseen"]

    def save(self, name: str, index: Any, unseen: Any) -> None:
        files.write_npz(self.path(f"{name}.npz"), {"index": index, "unseen": unseen})
