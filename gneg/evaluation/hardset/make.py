"""Make hard evaluation sets: each positive beside negatives that are hard to tell from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from gneg import checks, files, records
from gneg.datasets import LinkData, TripleData, as_data
from gneg.evaluation.hardset import families
from gneg.evaluation.hardset.families import Ends
from gneg.evaluation.hardset.hard_set import SUFFIXES, HardSet, checked_path
from gneg.evaluation.hardset.heart import ALPHA, Local, Merge
from gneg.evaluation.sampled import NEGATIVES, default_negatives
from gneg.graph.heuristics import default_tolerance
from gneg.graph.known import KnownPolicy
from gneg.samplers.formats.engine import Engine
from gneg.samplers.formats.parts import Parts

MOST = 2**20  # negatives of a positive
OF_TRIPLES = "densest(mixture(relwalk:0.9, typed:0.1))"  # the family where none is given
Part = Literal["valid", "test"]
#: Called with the numbers of finished and of all nodes.
Report = Callable[[int, int], None]


def hardset(
    data: LinkData | TripleData | str | Path,
    *,
    family: str | None = None,
    k: int | None = None,
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

    Of triples, whose queries (an entity and a relation) are the anchors, there are
    ``"densest(SAMPLER)"`` and sampler expressions, such as ``"densest(relwalk)"``, the answers of
    similar queries, or ``"typed"``, entities that the relation has at this end. The default orders
    by the former and, where that is 0, prefers the latter.

    No row holds a negative twice, its own positive, or the anchor itself. A node with fewer
    non-edges gets a short row.

    Args:
        data: The dataset of edges or the knowledge graph, or its name or path; heuristics see its
            training edges only.
        family: How negatives are chosen, see above; if None ``heart``, of triples
            :data:`OF_TRIPLES`.
        k: Negatives per positive, K >= 1, half of them for each end; of a triple K at each end. If
            None 500, of triples at most a quarter of the entities.
        part: The positives: ``valid`` or ``test``.
        known: Edges or triples that are never negatives. Only ``all`` excludes the true ones of
            other parts.
        ends: The end that is replaced: ``both``, ``dst`` (negatives share the source) or ``src``;
            of triples ``both``, ``tail`` or ``head``.
        merge: For ``heart``: whether the ``best`` or the ``mean`` of a candidate's ranks counts.
        local: For ``heart``: ``ra`` (resource allocation) or ``cn`` (common neighbours).
        alpha: For ``heart``: the restart probability of PageRank, in [0.0001, 1].
        tolerance: For ``heart``: the tolerance of PageRank, > 0; by the size of the graph if None.
        seed: Seed for all random choices.
        out: File to write, ``.npz``, ``.parquet`` (with names) or, of edges, ``.npy``. Finished
            pieces are stored beside it while the work lasts, so that an interrupted call resumes.
        fresh: Whether to ignore pieces of an interrupted call, and to replace a finished file.
        engine: What makes the pieces, with the same result; None: this process. A sampler
            expression is drawn at once, here.
        report: Called with the numbers of finished and of all nodes (queries).
        command: The command that was run, for the record.

    Raises:
        ValueError: If an argument is out of range, or the family needs features, times or a
            homogeneous graph that the data does not have.
    """
    checks.choice("part", part, ("valid", "test"))
    data = as_data(data)
    of_triples = isinstance(data, TripleData)
    if isinstance(data, TripleData):
        data = data.ranked
    family, k = _family_of(data, family), _number_of(data, k, ends)
    pos = data.positives(part).cpu()
    if of_triples and not pos.size(1):
        checks.fail("data", f"with {part} triples", data)
    settings: dict[str, Any] = {
        "family": family,
        "k": k,
        "part": part,
        "known": known,
        "ends": ends,
        "seed": seed,
    }
    if family in families.ORDERED and isinstance(data, LinkData):
        if data.graph.bipartite:
            hint = "such as walk or degree: gneg hardset --family walk"
            checks.fail("family", "a sampler expression in a bipartite graph", family, hint=hint)
        settings |= {"merge": merge, "local": local, "alpha": alpha}
        if tolerance is None:
            whole = data.graph.to_undirected()
            tolerance = default_tolerance(whole.num_nodes, whole.num_edges)
        settings["tolerance"] = tolerance
    else:
        heart = {"merge": merge, "local": local, "alpha": alpha, "tolerance": tolerance}
        default = {"merge": "best", "local": "ra", "alpha": ALPHA, "tolerance": None}
        for name, value in heart.items():
            if value != default[name]:
                checks.fail(name, f"left out for the family {family}, which is not HeaRT's", value)
    fingerprint, pieces = data.fingerprint(), None
    if out is not None:
        checked_path(out, of_triples=of_triples)
        out = files.check_file("out", out, SUFFIXES, fresh=fresh)
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
        "versions": records.versions(),
    }
    sides = families.sides_of(ends)
    keep = columns.shape[1] // len(sides) if "dst" in sides else 0
    hard_set = HardSet(pos, torch.from_numpy(columns.astype(np.int64)), keep, info)
    if out is not None and pieces is not None:
        hard_set.save(out, names=data.end_names)
        pieces.remove()
    return hard_set


def _family_of(data: LinkData | TripleData, family: str | None) -> str:
    """Return the family, the default of the data if it is None."""
    if not isinstance(data, TripleData):
        return family or "heart"
    if family in (*families.ORDERED, *families.POOLED):
        hint = "such as densest(relwalk) or typed"
        allowed = "densest(SAMPLER) or a sampler expression for triples"
        checks.fail("family", allowed, repr(family), hint=hint)
    return family or OF_TRIPLES


def _number_of(data: LinkData | TripleData, k: int | None, ends: Ends) -> int:
    """Return the number of negatives of a positive, at each end of a triple."""
    if isinstance(data, TripleData):
        checks.choice("ends", ends, ("both", "tail", "head"))
        k = checks.integer("k", default_negatives(data) if k is None else k, 1)
    else:
        checks.choice("ends", ends, ("both", "dst", "src"))
        k = checks.integer("k", NEGATIVES if k is None else k, 2 if ends == "both" else 1)
    most = min(MOST, data.num_entities) if isinstance(data, TripleData) else MOST
    if k > most:
        checks.fail("k", f"at most {most:,}", k)
    if ends == "both" and k % 2 and isinstance(data, LinkData):
        checks.fail("k", "even with ends='both', half of them for each end", k)
    return k


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
