"""The query of samplers on a device: tensors in place of arrays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gneg import checks
from gneg.graph.lazy import cached_property
from gneg.graph.non_edges import NonEdges
from gneg.samplers.device import rows as device_rows
from gneg.samplers.query import BYTES_PER_PAIR, HIGHEST, MEMORY_MB, Query


class DeviceQuery(Query):
    """A query whose arrays are tensors on the device of its graph.

    It has the methods of :class:`~gneg.samplers.query.Query` that samplers are written with, so
    that those which only combine others run on it as they are.
    """

    @property
    def targets(self) -> Any:
        """``[B]``, the end of each row's positive that is to be replaced."""
        return self.array(self.batch)[self.array(self.position)]

    @property
    def ids(self) -> Tensor:
        """``[B]``, the query of each row."""
        rows: Any = self.rows
        return rows  # type: ignore[no-any-return]

    @property
    def non_edges(self) -> NonEdges:
        """The targets that each row may hold."""
        return self.known.non_edges

    @property
    def xp(self) -> Any:
        """The module whose functions take this query's arrays."""
        return torch

    def array(self, values: Any) -> Any:
        """Return an array or a tensor as a tensor on the device."""
        tensor = torch.from_numpy(values) if isinstance(values, np.ndarray) else values
        return tensor.to(self.device)

    def gather(self, values: Any, columns: Any) -> Any:
        """Return the entries of each row of ``values [B, M]`` at ``columns [B, K]``, integers."""
        return values.gather(1, columns.long())

    @cached_property
    def num_free(self) -> Any:
        """``[B]``, number of targets that each row may hold."""
        return self.non_edges.sizes(self.ids)

    @property
    def log_uniform(self) -> Any:
        """``[B, 1]`` double, log density of a uniform non-edge; 0 for a row without any."""
        return -self.num_free.clamp(min=1).double().log()[:, None]

    def take(self, positions: Any) -> DeviceQuery:
        """Return the query for some of the rows."""
        where = self.array(positions)
        rows: Any = self.ids[where]
        return replace(self, rows=rows, position=self.array(self.position)[where])

    def blank(self, k: int) -> Any:
        """Return an index ``[B, k]`` without any target: -1 everywhere."""
        return torch.full((len(self.rows), k), -1, device=self.device)

    def where(self, condition: Any) -> Any:
        """Return the positions at which ``condition [B]`` holds."""
        return condition.nonzero().squeeze(1)

    def reversed(self, values: Any) -> Any:
        """Return each row of ``values [B, M]`` from its end."""
        return values.flip(1)

    def packed(self, index: Any) -> Any:
        """Return the rows of ``index [B, K]`` with their -1 entries at the end."""
        return index.gather(1, (index < 0).to(torch.uint8).sort(dim=1, stable=True)[1])

    def front(self, index: Any, k: int) -> Any:
        """Return the first ``k`` columns of ``index``."""
        return index[:, :k]

    def lacking(self, index: Any) -> Any:
        """Return the rows of ``index [B, K]`` that hold a -1."""
        return self.where((index < 0).any(dim=1))

    def exclude(self, out: Any, candidates: Any, *, unique: bool) -> int:
        """Copy usable candidates to the -1 entries of ``out [B, K]``; return how many stay -1."""
        device_rows.exclude(self.non_edges, self.ids, out, candidates, unique=unique)
        return int((out < 0).sum())

    def fill(self, index: Any, seed: int, *, unique: bool) -> tuple[int, int]:
        """Replace the -1 entries of ``index [B, K]`` by uniform non-edges, as many as there are."""
        return device_rows.fill(self.non_edges, self.ids, index, seed, unique=unique)

    def shuffle(self, index: Any, seed: int) -> None:
        """Put the entries of each row into random order."""
        device_rows.shuffle(index, seed)

    def ranks(self, key: Any) -> Any:
        """Return the rank of each entry in its row of ``key [B, M]``, 0 the highest."""
        return (-key).sort(dim=1, stable=True)[1].argsort(dim=1)

    def top(self, index: Any, key: Any, k: int) -> Any:
        """Return the ``k`` entries of each row with the highest ``key``, ties in their order."""
        order = torch.where(index < 0, torch.inf, -key).sort(dim=1, stable=True)[1]
        return index.gather(1, order[:, :k])

    def scores(self, index: Any, memory_mb: int = MEMORY_MB) -> Any:
        """Return the current model's scores of candidates; -inf where there is none."""
        if not callable(self.score):
            allowed = "the current model as score(src, dst) -> Tensor"
            checks.fail("score", f"{allowed}, for a sampler that selects by it", self.score)
        present = index >= 0
        line, column = present.nonzero(as_tuple=True)
        ends = self.ids[line], index[line, column]
        src, dst = ends if self.side == "dst" else ends[::-1]
        chunk = max(1, memory_mb * 2**20 // BYTES_PER_PAIR)
        values = torch.empty(len(src), device=self.device)
        for lo in range(0, len(src), chunk):
            pair = src[lo : lo + chunk], dst[lo : lo + chunk]
            with torch.no_grad():
                output = checks.scores("score", self.score(*pair), pair[0].shape)
            values[lo : lo + chunk] = output.detach().float()
        self.counts["scored"] += len(src)
        if bool(values.isnan().any()):
            checks.fail("score", "a number", "NaN")
        scores = torch.full(index.shape, -torch.inf, device=self.device)
        scores[line, column] = values.clamp_(-float(HIGHEST), float(HIGHEST))
        return scores

    def run(self, kernel: Any, out: Any, *args: Any) -> list[Any]:
        """Refuse to run a kernel: it reads arrays on the CPU."""
        raise TypeError("kernels do not run on tensors; this sampler has no torch path")
