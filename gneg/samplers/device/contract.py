"""What a sampler adds to its proposal so that it runs on the device of its graph."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from gneg import checks
from gneg.graph import Graph
from gneg.samplers.device.query import DeviceQuery


class OnDevice:
    """The torch path of a sampler, beside its kernels.

    A sampler that only combines what others draw (``combines``) runs as it is: its ``propose`` and
    ``log_density`` use nothing but the methods of the query. Any other has methods of its own.
    """

    #: Whether `propose` and `log_density` take queries on a device, too.
    combines: ClassVar[bool] = False
    name: str

    def propose_on_device(self, query: DeviceQuery, k: int, seed: int) -> Tensor:
        """Return the candidates ``[B, k]`` that ``propose`` returns, as a tensor on the device.

        To the bit, in the same order.

        Args:
            query: The query of each row.
            k: Number of candidates per row.
            seed: Seed of all randomness of this call.
        """
        raise NotImplementedError

    def log_density_on_device(self, query: DeviceQuery, index: Tensor) -> Tensor | None:
        """Return what ``log_density`` returns up to rounding, double on the device; None: unknown.

        Args:
            query: The query of each row.
            index: ``[B, K]``, targets; -1 entries may get any value.
        """
        return None

    @classmethod
    def has_torch_path(cls) -> bool:
        """Return whether torch draws what the kernels draw."""
        lacks: Any = cls.propose_on_device is OnDevice.propose_on_device
        return cls.combines or not lacks

    def check_engine(self, graph: Graph) -> None:
        """Refuse a graph that torch draws from where this sampler has no torch path.

        Raises:
            ValueError: If it has none.
        """
        if graph.engine == "torch" and not self.has_torch_path():
            checks.fail(
                "graph",
                f"one that kernels draw from, for {type(self).__name__}",
                f"one on {graph.device} with engine='torch'",
                hint="give it the graph as it was before to(); torch draws Uniform, Degree, "
                "Weighted, KHop and Walk, and Mixture, Mixup, Select, Guarded, Curriculum and "
                "SelfPaced of them",
            )
