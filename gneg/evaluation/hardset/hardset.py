"""Hard evaluation sets: each positive beside negatives that a model cannot tell by chance."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, files
from gneg.datasets import EvalEdges, LinkData
from gneg.evaluation.hardset import families
from gneg.evaluation.hardset.families import Ends
from gneg.evaluation.hardset.heart import ALPHA, Local, Merge
from gneg.graph.heuristics import default_tolerance
from gneg.graph.known import KnownPolicy

Part = Literal["valid", "test"]
#: Called with the number of nodes done and that of all.
Report = Callable[[int, int], None]

__all__ = ["HardSet", "hardset"]


@dataclass(frozen=True)
class HardSet:
    """Positives and, for each, K negatives of which the first ``keep`` keep its source.

    The others keep its target.

    Attributes:
        pos: ``[2, E]`` long.
        index: ``[E, K]`` long, the replaced end; -1 where a node has no more non-edges.
        keep: How many columns keep the source, in [0, K].
        info: What it was made of: dataset, part, family, known edges, settings, versions, ...
    """

    pos: Tensor
    index: Tensor
    keep: int
    info: dict[str, Any] = field(default_factory=dict)

    def edges(self) -> EvalEdges:
        """The positives and negatives as pairs, to be ranked."""
        there = self.index >= 0
        other = self.index.clamp(min=0)
        source = torch.arange(self.index.size(1)) < self.keep
        src = torch.where(source, self.pos[0].unsqueeze(1), other)
        dst = torch.where(source, other, self.pos[1].unsqueeze(1))
        return EvalEdges(self.pos, (src, dst), None if there.all() else there)

    def save(self, path: str | Path) -> None:
        """Write an ``.npz``, or an ``.npy``: HeaRT's pairs ``[E, K, 2]``, OGB's targets ``[E, K]``.

        OGB's where all columns keep the source.

        Raises:
            ValueError: On another suffix, or if rows are short, which ``.npy`` cannot say.
        """
        path = _with_suffix(path)
        if path.suffix == ".npy":
            ogb = self.keep == self.index.size(1)
            array = self.to_ogb()["target_node_neg"].numpy() if ogb else self.to_heart()
            files.write_whole(path, lambda temporary: _save_npy(temporary, array))
            return
        arrays: dict[str, Any] = {
            "pos": self.pos.numpy(),
            "index": self.index.to(torch.int32).numpy(),
            "keep": self.keep,
            "info": json.dumps(self.info),
        }
        files.write_npz(path, arrays)

    @classmethod
    def load(cls, path: str | Path, pos: Tensor | None = None) -> HardSet:
        """Read an ``.npz`` of :meth:`save`, or an ``.npy`` of HeaRT's or OGB's form.

        Args:
            path: The file. ``[E, K, 2]`` are HeaRT's pairs, of which the first half keeps the
                source; ``[E, K]`` are OGB's targets.
            pos: ``[2, E]``, the positives in their order, for an ``.npy``.

        Raises:
            ValueError: If the file is none of these, or ``pos`` is missing or does not fit.
        """
        path = Path(path)
        if not path.exists():
            checks.fail("hardset", "an existing file", str(path))
        if _with_suffix(path).suffix == ".npz":
            with np.load(path) as arrays:
                lacking = {"pos", "index", "keep", "info"} - set(arrays)
                if lacking:
                    checks.fail("hardset", "an .npz of gneg hardset", f"no {sorted(lacking)}")
                return cls(
                    torch.from_numpy(arrays["pos"]),
                    torch.from_numpy(arrays["index"].astype(np.int64)),
                    int(arrays["keep"]),
                    json.loads(str(arrays["info"])),
                )
        if pos is None:
            checks.fail("pos", "given with an .npy, which holds negatives only", None)
        array = np.load(path)
        if array.ndim == 2:
            return cls.from_ogb(pos, torch.from_numpy(array))
        return cls.from_heart(pos, array)

    def to_heart(self) -> npt.NDArray[np.int64]:
        """HeaRT's form: pairs ``[E, K, 2]``, of which the first half keeps the source.

        Raises:
            ValueError: If rows are short, or it is not half of the columns that keep the source.
        """
        if 2 * self.keep != self.index.size(1):
            checks.fail("ends", "'both' for HeaRT's form", f"{self.keep} of {self.index.size(1)}")
        self._refuse_short("HeaRT's")
        return torch.stack(self.edges().neg, dim=2).numpy()

    @classmethod
    def from_heart(cls, pos: Tensor, array: npt.NDArray[Any]) -> HardSet:
        """From pairs ``[E, K, 2]``, of which the first half keeps the source of ``pos [2, E]``.

        Raises:
            ValueError: If shapes do not fit or the kept ends are not those of ``pos``.
        """
        shape = f"[{pos.size(1)}, K, 2] with an even K"
        if array.ndim != 3 or array.shape[::2] != (pos.size(1), 2) or array.shape[1] % 2:
            checks.fail("array", shape, list(array.shape))
        keep = array.shape[1] // 2
        pairs = torch.from_numpy(array.astype(np.int64))
        kept = torch.cat([pairs[:, :keep, 0], pairs[:, keep:, 1]], dim=1)
        wanted = pos.repeat_interleave(keep, dim=0).view(2, keep, -1).permute(2, 0, 1).flatten(1)
        if not torch.equal(kept, wanted):
            wrong = int((kept != wanted).any(dim=1).sum())
            checks.fail("array", "negatives of these positives, in order", f"{wrong} other rows")
        return cls(pos, torch.cat([pairs[:, :keep, 1], pairs[:, keep:, 0]], dim=1), keep)

    def to_ogb(self) -> dict[str, Tensor]:
        """OGB's form: ``source_node [E]``, ``target_node [E]``, ``target_node_neg [E, K]``.

        Raises:
            ValueError: If rows are short or some columns do not keep the source.
        """
        if self.keep != self.index.size(1):
            checks.fail("ends", "'dst' for OGB's form", f"{self.keep} of {self.index.size(1)}")
        self._refuse_short("OGB's")
        return {
            "source_node": self.pos[0],
            "target_node": self.pos[1],
            "target_node_neg": self.index,
        }

    @classmethod
    def from_ogb(cls, pos: Tensor, targets: Tensor) -> HardSet:
        """From OGB's ``target_node_neg [E, K]`` of the positives ``pos [2, E]``.

        Raises:
            ValueError: If shapes do not fit.
        """
        if targets.dim() != 2 or len(targets) != pos.size(1):
            checks.fail("targets", f"[{pos.size(1)}, K]", list(targets.shape))
        return cls(pos, targets.long(), targets.size(1))

    def _refuse_short(self, form: str) -> None:
        short = int((self.index < 0).any(dim=1).sum())
        if short:
            checks.fail("k", f"small enough to fill every row in {form} form", f"{short} short")

    def __repr__(self) -> str:
        family = self.info.get("family", "unknown")
        return f"HardSet(E={self.pos.size(1)}, K={self.index.size(1)}, family={family!r})"


def hardset(
    data: LinkData,
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
    report: Report | None = None,
    command: str = "gneg.hardset()",
) -> HardSet:
    """Make a hard evaluation set.

    Families:

    * ``"heart"``: the hardest by resource allocation, PageRank and feature cosine (see
      :mod:`gneg.evaluation.hardset.heart`). What no heuristic sees is chosen at random and
      counted, as ``filled``.
    * ``"stratified"``: an equal share from each fifth of that order, hardest first.
    * ``"community"``: random members of the kept end's Louvain community.
    * ``"historical"``: partners of earlier times that did not come back (Poursafaei et al.,
      NeurIPS 2022), which are training edges; needs edges with times.
    * ``"densest(SAMPLER)"``: the non-edges that a sampler with a closed-form ``log_q`` proposes
      most, such as ``"densest(walk)"``: hard for whatever its base measure is made of. Looks at
      every node for each kept end.
    * any sampler expression that needs no model: ``"degree"``, ``"walk"``, ``"khop(hops=2)"``.

    No row holds a negative twice, its own positive, or the kept end. A node with fewer non-edges
    gets a short row.

    Args:
        data: The dataset; heuristics see its training edges only.
        family: How negatives are chosen.
        k: Negatives per positive, K; half of them for each end.
        part: The positives: ``valid`` or ``test``.
        known: Edges that are no negatives. Only ``all`` keeps true edges of other parts out.
        ends: Which end is replaced: ``both``, ``dst`` (the source is kept) or ``src``.
        merge: Of ``heart``: the best or the mean of a candidate's ranks.
        local: Of ``heart``: ``ra`` or ``cn``.
        alpha: Of ``heart``: the restart probability of PageRank, in (0, 1].
        tolerance: Of ``heart``: that of PageRank.
        seed: Of whatever is random.
        out: File to write; finished parts of long work are kept beside it until all is done.
        fresh: Start again even if there are such parts.
        report: Called after each piece of long work.
        command: What was typed, for the record.

    Raises:
        ValueError: If an argument is out of range, or the family needs what the data has not.
    """
    checks.choice("part", part, ("valid", "test"))
    checks.choice("ends", ends, ("both", "dst", "src"))
    checks.integer("k", k, 2 if ends == "both" else 1)
    if ends == "both" and k % 2:
        checks.fail("k", "even, half of it for each end", k)
    pos = (data.valid if part == "valid" else data.test).pos
    settings: dict[str, Any] = {
        "family": family,
        "k": k,
        "part": part,
        "known": known,
        "ends": ends,
    }
    settings["seed"] = seed
    if family in families.ORDERED:
        if data.graph.bipartite:
            checks.fail("family", "a sampler in a bipartite graph", family)
        settings |= {"merge": merge, "local": local, "alpha": alpha}
        if tolerance is None:
            whole = data.graph.to_undirected()
            tolerance = default_tolerance(whole.num_nodes, whole.num_edges)
        settings["tolerance"] = tolerance
    mark, parts = data.fingerprint(), None
    if out is not None:
        out = _with_suffix(out)
        parts = _Pieces(out, [settings, data.name, data.split, mark], fresh=fresh)
    columns, filled = families.columns(data, pos, settings, parts, report)
    info = {
        **settings,
        "dataset": data.name,
        "split": data.split,
        "positives": pos.size(1),
        "filled": filled,
        "short": int((columns < 0).sum()),
        "hash": mark,
        "command": command,
        "versions": files.versions(),
    }
    keep = {"both": k // 2, "dst": k, "src": 0}[ends]
    made = HardSet(pos, torch.from_numpy(columns.astype(np.int64)), keep, info)
    if out is not None and parts is not None:
        made.save(out)
        parts.remove()
    return made


class _Pieces(files.Parts):
    """Lists of candidates that are done."""

    def load(self, name: str) -> tuple[Any, Any] | None:
        path = self.path(f"{name}.npz")
        if not path.exists():
            return None
        with np.load(path) as arrays:
            return arrays["index"], arrays["unseen"]

    def save(self, name: str, index: Any, unseen: Any) -> None:
        files.write_npz(self.path(f"{name}.npz"), {"index": index, "unseen": unseen})


def _with_suffix(path: str | Path) -> Path:
    path = Path(path)
    if path.suffix not in (".npz", ".npy"):
        checks.fail("out", "a name that ends in .npz or .npy", str(path))
    return path


def _save_npy(path: Path, array: Any) -> None:
    with path.open("wb") as file:
        np.save(file, array)
