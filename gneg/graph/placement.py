"""Where edges are sampled from: by kernels on the CPU, or by torch operations on any device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import torch
from torch import Tensor

from gneg import checks
from gneg.graph.csr import IntArray
from gneg.graph.device_rows import DeviceRows
from gneg.graph.devices import check_usable
from gneg.graph.streams import LIMIT

if TYPE_CHECKING:
    from gneg.graph.graph import Graph
    from gneg.graph.second_neighbors import SecondNeighbors

#: What draws: kernels compiled by numba, on the CPU, or torch operations, on any device.
Engine = Literal["kernels", "torch"]
P = TypeVar("P", bound="Placed")


class Placed:
    """Edges that samplers draw from on a device.

    Attributes:
        device: The device.
        engine: What draws: ``"kernels"`` (numba) or ``"torch"``.
    """

    device: torch.device = torch.device("cpu")
    engine: Engine = "kernels"
    num_src: int
    num_dst: int
    indptr: IntArray
    indices: IntArray
    _reversed: Any
    _rows_there: DeviceRows | None = None
    _walks_there: DeviceRows | None = None  # both ways, of a bipartite graph
    _second_neighbors: SecondNeighbors | None = None

    def to(self: P, device: torch.device | str, *, engine: Engine | None = None) -> P:
        """Return the same edges on a device: samplers of the result draw there.

        Their negatives are the same to the bit, whatever the device and the engine. Positives and
        embeddings have to be on that device, and so is the result. The arrays on the CPU stay;
        those on the device, 30 to 90 bytes an edge with a table of all pairs, are made when they
        are first needed.

        Args:
            device: The device.
            engine: ``"kernels"`` (numba), on the CPU only, or ``"torch"``; kernels on the CPU and
                torch elsewhere if None.

        Raises:
            ValueError: If the device does not exist here, has no kernels, or there are 2**31 nodes
                or more.
        """
        place = torch.empty(0, device=check_usable("device", device)).device  # with its number
        engine = engine or ("kernels" if place.type == "cpu" else "torch")
        checks.choice("engine", engine, get_args(Engine))
        if engine == "kernels" and place.type != "cpu":
            checks.fail("engine", f"'torch' on {place}: kernels run on the CPU", repr(engine))
        if engine == "torch" and self.num_src + self.num_dst >= LIMIT:
            checks.fail("graph", "of fewer than 2**31 nodes for torch", self)
        return self._placed(place, engine)

    def _placed(self: P, device: torch.device, engine: Engine) -> P:
        moved = self._copied(device, engine)
        if self._reversed is self:
            moved._reversed = moved
        elif self._reversed is not None:
            moved._reversed = self._reversed._copied(device, engine)
            moved._reversed._reversed = moved
        return moved

    def _copied(self: P, device: torch.device, engine: Engine) -> P:
        copied = object.__new__(type(self))
        placement = {"device": device, "engine": engine, "_rows_there": None, "_walks_there": None}
        copied.__dict__.update(self.__dict__ | placement)
        return copied

    def check_place(self, name: str, ids: Tensor) -> None:
        """Refuse ids that are not where torch draws; kernels take them from anywhere.

        Raises:
            ValueError: If they are elsewhere.
        """
        if self.engine == "torch" and ids.device != self.device:
            hint = f"move it with {name}.to({str(self.device)!r})"
            checks.fail(name, f"on {self.device}, where the edges are", ids.device, hint=hint)

    def on_device(self) -> DeviceRows:
        """Return the edges as tensors on the device, made once."""
        if self._rows_there is None:
            self._rows_there = DeviceRows(self.indptr, self.indices, self.num_dst, self.device)
        return self._rows_there


def steps_on_device(graph: Graph) -> tuple[DeviceRows, DeviceRows]:
    """Return the out-edges and in-edges of :meth:`Graph.steps` as tensors on its device."""
    if not graph.bipartite:
        return graph.on_device(), graph.reversed().on_device()
    if graph._walks_there is None:
        graph._walks_there = DeviceRows(*graph.steps()[:2], graph.num_nodes, graph.device)
    return graph._walks_there, graph._walks_there
