"""A hard evaluation set and its files: ``.npz``, ``.parquet``, HeaRT's and OGB's form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, files
from gneg.datasets import EvalEdges, Names
from gneg.evaluation.hardset import parquet
from gneg.graph.triples import End

NAMES = ("pos", "index", "keep", "info", "digest")  # of the arrays in an .npz
REMEDY = "make it again with gneg hardset"
SUFFIXES = (".npz", ".parquet", ".npy")  # the last one of edges alone
TRIPLE = 3  # rows of triples: heads, relations, tails


@dataclass(frozen=True)
class HardSet:
    """Positives and, for each, K negatives: the first ``keep`` share its source, others its target.

    The source of a triple is its head, the target its tail.

    Attributes:
        pos: ``[2, E]`` edges or ``[3, E]`` triples, long, the positives.
        index: ``[E, K]`` long, the replaced ends; -1 where a node has no more non-edges.
        keep: Number of columns that share the source, in [0, K].
        info: How the set was made: dataset, part, family, known edges, settings, versions, ...
    """

    pos: Tensor
    index: Tensor
    keep: int
    info: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no set.

        Raises:
            ValueError: If shapes do not fit, ids are negative or ``keep`` is out of range.
        """
        pos = checks.index_tensor("pos", self.pos, "[2, E] or [3, E]")
        if pos.dim() != 2 or len(pos) not in (2, 3):
            checks.fail("pos", "edges [2, E] or triples [3, E]", list(pos.shape))
        index = checks.index_tensor("index", self.index, "[E, K]")
        if index.dim() != 2 or len(index) != self.pos.size(1):
            checks.fail("index", f"of shape [{self.pos.size(1)}, K]", list(index.shape))
        for name, ids, low in (("pos", self.pos, 0), ("index", index, -1)):
            if ids.numel() and int(ids.min()) < low:
                checks.fail(name, f"node ids >= {low}", int(ids.min()))
        if checks.integer("keep", self.keep, 0) > index.size(1):
            checks.fail("keep", f"an integer in [0, {index.size(1)}]", self.keep)

    @property
    def of_triples(self) -> bool:
        """Whether positives are triples."""
        return len(self.pos) == TRIPLE

    def lists(self) -> dict[End, Tensor]:
        """Return the negatives of triples by the end that they replace, -1 where there is none."""
        parts: dict[End, Tensor] = {
            "head": self.index[:, self.keep :],
            "tail": self.index[:, : self.keep],
        }
        return {end: index for end, index in parts.items() if index.size(1)}

    @classmethod
    def from_lists(cls, pos: Tensor, lists: Mapping[End, Tensor], info: dict[str, Any]) -> HardSet:
        """Build a set from what :meth:`lists` returns for both ends.

        Args:
            pos: ``[3, E]``, the triples.
            lists: For each end entities ``[E, M]``, -1 where there is none.
            info: How the set was made.
        """
        index = torch.cat([lists["tail"], lists["head"]], dim=1)
        return cls(pos, index, lists["tail"].size(1), info)

    def edges(self) -> EvalEdges:
        """Return the positives and negatives as pairs, to be ranked.

        Raises:
            ValueError: If they are triples.
        """
        checks.pairs("pos", self.pos)
        mask = self.index >= 0
        replaced = self.index.clamp(min=0)
        shares_source = torch.arange(self.index.size(1)) < self.keep
        src = torch.where(shares_source, self.pos[0].unsqueeze(1), replaced)
        dst = torch.where(shares_source, replaced, self.pos[1].unsqueeze(1))
        return EvalEdges(self.pos, (src, dst), None if mask.all() else mask)

    def save(self, path: str | Path, *, names: tuple[Names | None, ...] = (None, None)) -> None:
        """Write an ``.npz`` or ``.parquet``, or, of edges, an ``.npy`` in HeaRT's or OGB's form.

        Args:
            path: The file. An ``.npy`` holds OGB's targets ``[E, K]`` where all columns share the
                source, else HeaRT's pairs ``[E, K, 2]``.
            names: Names of each row of ``pos`` (``end_names`` of the data), which a ``.parquet``
                holds beside the ids.

        Raises:
            ValueError: On another suffix, or if rows are short, which an ``.npy`` cannot record.
        """
        path = checked_path(path, of_triples=self.of_triples)
        if path.suffix == ".npy":
            ogb = self.keep == self.index.size(1)
            array = self.to_ogb()["target_node_neg"].numpy() if ogb else self.to_heart()
            files.write_whole(path, lambda temporary: _save_npy(temporary, array))
            return
        if path.suffix == ".parquet":
            header = {"keep": self.keep, "info": self.info, "digest": self._digest()}
            table = self.pos.numpy(), self.index.numpy(), header, names
            files.write_whole(path, lambda temporary: parquet.write(temporary, *table))
            return
        short = self.index.numel() == 0 or int(self.index.max()) < 2**15
        arrays: dict[str, Any] = {
            "pos": self.pos.numpy(),
            "index": self.index.to(torch.int16 if short else torch.int32).numpy(),
            "keep": self.keep,
            "info": json.dumps(self.info),
            "digest": self._digest(),
        }
        files.write_npz(path, arrays)

    def _digest(self) -> str:
        """Return a hash of everything that an ``.npz`` holds."""
        header = self.pos.shape, self.index.shape, self.keep, json.dumps(self.info, sort_keys=True)
        return files.digest(header, self.pos, self.index)

    @classmethod
    def load(cls, path: str | Path, pos: Tensor | None = None) -> HardSet:
        """Read what :meth:`save` wrote, or an ``.npy`` of HeaRT's or OGB's form.

        Args:
            path: The file. An array ``[E, K, 2]`` holds HeaRT's pairs, of which the first half
                shares the source; ``[E, K]`` OGB's targets.
            pos: ``[2, E]`` or ``[3, E]``, the positives in their order, for an ``.npy`` of edges.

        Raises:
            ValueError: If the file has another form, or ``pos`` is missing or does not fit.
        """
        triples = pos is not None and len(pos) == TRIPLE
        path = checked_path(path, "hardset", of_triples=triples)
        if path.suffix != ".npy":
            return cls._from_own(path)
        if pos is None:
            checks.fail("pos", "the positives of an .npy, which holds negatives only", None)
        array = files.read_npy("hardset", path, "an .npy of HeaRT's or OGB's form", REMEDY)
        try:
            if array.dtype.kind not in "iu" or array.size == 0 or array.min() < 0:
                checks.fail("array", "node ids >= 0", f"{array.dtype} {list(array.shape)}")
            if array.ndim == 2:
                return cls.from_ogb(pos, torch.from_numpy(array.astype(np.int64)))
            return cls.from_heart(pos, array)
        except ValueError as error:
            checks.fail("hardset", "an .npy for these positives", f"{path}: {error}", hint=REMEDY)

    @classmethod
    def _from_own(cls, path: Path) -> HardSet:
        kind = "a whole file of gneg hardset"
        npz = path.suffix == ".npz"
        arrays = files.read_npz("hardset", path, kind, REMEDY, NAMES) if npz else {}
        with files.reading("hardset", path, kind, REMEDY):
            parts = _of_arrays(arrays) if npz else parquet.read(path)
            hard_set = cls(parts["pos"], parts["index"], int(parts["keep"]), parts["info"])
            intact = parts["digest"] == hard_set._digest()
        if not intact:
            checks.fail("hardset", kind, f"{path}, which was changed", hint=REMEDY)
        return hard_set

    def to_heart(self) -> npt.NDArray[np.int64]:
        """Return HeaRT's form: pairs ``[E, K, 2]``, of which the first half shares the source.

        Raises:
            ValueError: If rows are short, or not half of the columns share the source.
        """
        if 2 * self.keep != self.index.size(1):
            checks.fail("ends", "'both' for HeaRT's form", f"{self.keep} of {self.index.size(1)}")
        self._refuse_short("HeaRT's")
        return torch.stack(self.edges().neg, dim=2).numpy()

    @classmethod
    def from_heart(cls, pos: Tensor, array: npt.NDArray[Any]) -> HardSet:
        """Build a set from pairs ``[E, K, 2]``, of which the first half shares the source.

        Args:
            pos: ``[2, E]``, the positives.
            array: The negatives in HeaRT's form.

        Raises:
            ValueError: If shapes do not fit or the shared ends are not those of ``pos``.
        """
        shape = f"[{pos.size(1)}, K, 2] with an even K"
        if array.ndim != 3 or array.shape[::2] != (pos.size(1), 2) or array.shape[1] % 2:
            checks.fail("array", shape, list(array.shape))
        keep = array.shape[1] // 2
        pairs = torch.from_numpy(array.astype(np.int64))
        shared = torch.cat([pairs[:, :keep, 0], pairs[:, keep:, 1]], dim=1)
        expected = pos.repeat_interleave(keep, dim=0).view(2, keep, -1).permute(2, 0, 1).flatten(1)
        if not torch.equal(shared, expected):
            wrong = int((shared != expected).any(dim=1).sum())
            allowed = "negatives of the positives 'pos', in their order"
            checks.fail("array", allowed, f"{wrong} rows of other positives")
        return cls(pos, torch.cat([pairs[:, :keep, 1], pairs[:, keep:, 0]], dim=1), keep)

    def to_ogb(self) -> dict[str, Tensor]:
        """Return OGB's form: ``source_node [E]``, ``target_node [E]``, ``target_node_neg [E, K]``.

        Raises:
            ValueError: If rows are short or some columns do not share the source.
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
        """Build a set from OGB's form.

        Args:
            pos: ``[2, E]``, the positives.
            targets: ``[E, K]`` long, their ``target_node_neg``.

        Raises:
            ValueError: If shapes do not fit.
        """
        if targets.dim() != 2 or len(targets) != pos.size(1):
            checks.fail("targets", f"[{pos.size(1)}, K]", list(targets.shape))
        return cls(pos, targets.long(), targets.size(1))

    def _refuse_short(self, form: str) -> None:
        short = int((self.index < 0).any(dim=1).sum())
        if short:
            checks.fail("k", f"small enough to fill all rows in {form} form", f"{short} short rows")

    def __repr__(self) -> str:
        family = self.info.get("family", "unknown")
        return f"HardSet(E={self.pos.size(1)}, K={self.index.size(1)}, family={family!r})"


def load_sets(paths: Iterable[Path], pos: Tensor) -> dict[str, HardSet]:
    """Return the sets of files, by the names of the files.

    Args:
        paths: The files, see :meth:`HardSet.load`.
        pos: ``[2, E]`` edges or ``[3, E]`` triples, the positives.

    Raises:
        ValueError: If a file is damaged, or two have the same name.
    """
    sets: dict[str, HardSet] = {}
    for path in paths:
        if path.stem in sets:
            checks.fail("hardset", "files of different names", str(path))
        sets[path.stem] = HardSet.load(path, pos)
    return sets


def _of_arrays(arrays: dict[str, Any]) -> dict[str, Any]:
    ids = {name: torch.from_numpy(arrays[name].astype(np.int64)) for name in ("pos", "index")}
    info = json.loads(str(arrays["info"]))
    return {**ids, "keep": arrays["keep"], "info": info, "digest": str(arrays["digest"])}


def checked_path(path: str | Path, name: str = "out", *, of_triples: bool = False) -> Path:
    """Return a path if its suffix is that of a hard set.

    Args:
        path: The path.
        name: The argument, for errors.
        of_triples: Whether it is a set of triples.

    Raises:
        ValueError: If it is another.
    """
    return files.check_suffix(name, path, SUFFIXES[:2] if of_triples else SUFFIXES)


def _save_npy(path: Path, array: Any) -> None:
    with path.open("wb") as file:
        np.save(file, array)
