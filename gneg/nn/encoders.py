"""Encoders: PyG's GraphSAGE and GCN models on sparse CSR message passing."""

from __future__ import annotations

import inspect
from functools import cached_property
from typing import Any, get_args

import torch
from torch import Tensor, nn
from torch_geometric.nn.conv import GCNConv, MessagePassing, SAGEConv
from torch_geometric.nn.models import GCN, GraphSAGE
from torch_geometric.nn.models.basic_gnn import BasicGNN

from gneg import checks
from gneg.graph import sparse
from gneg.nn.adjacency import Adjacency
from gneg.nn.choices import GNNS, Inputs, JumpingKnowledge, Norm
from gneg.nn.registration import ENCODERS, make


class SparseFeatures:
    """Sparse node features together with their transpose, which gradients need.

    Args:
        x: ``[N, F]`` features, sparse CSR.
    """

    def __init__(self, x: Tensor) -> None:
        self.x = x
        self.transposed = sparse.transpose(x)

    @cached_property
    def dense(self) -> Tensor:
        """The features as a dense tensor, for layers that take no other."""
        rows, columns = self.x.shape
        checks.memory("x", 4 * rows * columns, f"sparse features {[rows, columns]}")
        return self.x.to_dense()

    def linear(self, weight: Tensor) -> Tensor:
        """Return ``x @ weight.t()``, dense ``[N, D]``, for ``weight [D, F]``."""
        return sparse.product(self.x, self.transposed, weight.t().contiguous())


def _linear(x: Tensor | SparseFeatures, weight: Tensor) -> Tensor:
    return x.linear(weight) if isinstance(x, SparseFeatures) else x @ weight.t()


class _SAGEConv(SAGEConv):
    """PyG's GraphSAGE layer (mean), computed on an :class:`Adjacency`."""

    def forward(self, x: Tensor | SparseFeatures, adjacency: Adjacency) -> Tensor:
        weight = self.lin_l.weight
        # By linearity the smaller of the two widths is aggregated.
        if isinstance(x, SparseFeatures) or self.out_channels < self.in_channels:
            out = adjacency.mean(_linear(x, weight))
        else:
            out = _linear(adjacency.mean(x), weight)
        z: Tensor = out + self.lin_l.bias + _linear(x, self.lin_r.weight)
        return z


class _GCNConv(GCNConv):
    """PyG's GCN layer, computed on an :class:`Adjacency`."""

    def forward(self, x: Tensor | SparseFeatures, adjacency: Adjacency) -> Tensor:
        z: Tensor = adjacency.normalized(_linear(x, self.lin.weight)) + self.bias
        return z


class _GraphSAGE(GraphSAGE):
    def init_conv(self, in_channels: Any, out_channels: int, **kwargs: Any) -> MessagePassing:
        return _SAGEConv(in_channels, out_channels, **kwargs)


class _GCN(GCN):
    supports_edge_weight = False  # the layer takes nothing but the adjacency

    def init_conv(self, in_channels: int, out_channels: int, **kwargs: Any) -> MessagePassing:
        return _GCNConv(in_channels, out_channels, **kwargs)


class _Registered(nn.Module):
    """A user's GNN, called with what its ``forward`` takes.

    Args:
        kind: The name of the GNN.
        values: What its constructor may ask for, see :func:`gneg.nn.register_encoder`.
    """

    def __init__(self, kind: str, values: dict[str, Any]) -> None:
        super().__init__()
        cls = ENCODERS[kind]
        parameters = inspect.signature(cls).parameters
        for name in ("norm", "jk"):
            if values[name] is not None and name not in parameters:
                checks.fail(name, f"None for the encoder {kind}, which takes none", values[name])
        self.module = make(cls, {name: v for name, v in values.items() if v is not None})
        self.inductive = "num_nodes" not in parameters
        self.name, self.shape = (
            f"{cls.__name__}.forward",
            (values["num_nodes"], values["out_channels"]),
        )
        self.takes = list(inspect.signature(self.module.forward).parameters)

    def reset_parameters(self) -> None:
        reset = getattr(self.module, "reset_parameters", None)  # as PyG's models have it
        if callable(reset):
            reset()

    def forward(self, x: Tensor | SparseFeatures, adjacency: Adjacency) -> Tensor:
        x = x.dense if isinstance(x, SparseFeatures) else x
        if "adjacency" in self.takes:
            z = self.module(x, adjacency)
        elif adjacency.weighted and "edge_weight" in self.takes:
            z = self.module(x, adjacency.edge_index, edge_weight=adjacency.edge_weight)
        else:
            z = self.module(x, adjacency.edge_index)
        allowed = f"a function that returns embeddings {list(self.shape)}"
        if not isinstance(z, Tensor) or z.shape != self.shape:
            returned = list(z.shape) if isinstance(z, Tensor) else type(z).__name__
            checks.fail(self.name, allowed, returned, hint="their width is out_channels")
        return z


class NoEmbeddings(nn.Module):
    """An encoder that returns zeros, for decoders that need no embeddings (``PairFeatures``).

    Args:
        num_nodes: Number of nodes, N.
    """

    inputs: Inputs = "embedding"
    inductive = True

    def __init__(self, num_nodes: int) -> None:
        super().__init__()
        self.zeros: Tensor
        self.register_buffer("zeros", torch.zeros(num_nodes, 1), persistent=False)

    def forward(self, x: object, adjacency: Adjacency) -> Tensor:
        """Return zeros ``[N, 1]``; the arguments are not used."""
        return self.zeros


class Encoder(nn.Module):
    """Node embeddings from a GNN over features, learned node embeddings, or both side by side.

    Args:
        kind: ``"sage"`` (Hamilton et al., NeurIPS 2017, mean aggregation), ``"gcn"`` (Kipf and
            Welling, ICLR 2017), or the name of a GNN of :func:`gneg.nn.register_encoder`.
        num_nodes: Number of nodes, N.
        in_channels: Width of the features, F; 0 without features.
        hidden: Width of the layers, of learned embeddings and of the result, D >= 1.
        layers: Number of GNN layers, >= 1.
        dropout: Share of hidden values dropped, in [0, 1].
        inputs: Input of the first layer; None: ``"features"`` if there are any, else
            ``"embedding"``.
        norm: Normalisation between layers; None: no normalisation.
        jk: Jumping knowledge over the layers' outputs; None: the output of the last layer.

    Raises:
        ValueError: If an argument is out of range, or ``inputs`` names features and there are
            none.
    """

    def __init__(
        self,
        kind: str,
        num_nodes: int,
        in_channels: int,
        *,
        hidden: int = 256,
        layers: int = 2,
        dropout: float = 0.0,
        inputs: Inputs | None = None,
        norm: Norm | None = None,
        jk: JumpingKnowledge | None = None,
    ) -> None:
        super().__init__()
        checks.choice("kind", kind, (*GNNS, *ENCODERS))
        hidden = checks.integer("hidden", hidden, 1)
        layers = checks.integer("layers", layers, 1)
        checks.choice("norm", norm, (*get_args(Norm), None))
        checks.choice("jk", jk, (*get_args(JumpingKnowledge), None))
        if inputs is None:
            inputs = "features" if in_channels else "embedding"
        checks.choice("inputs", inputs, get_args(Inputs))
        if inputs != "embedding" and not in_channels:
            checks.fail("inputs", "'embedding' for a graph without features", repr(inputs))
        self.inputs = inputs
        self.embedding: nn.Parameter | None = None
        if inputs != "features":
            self.embedding = nn.Parameter(torch.empty(num_nodes, hidden))
        # Features beside embeddings are projected to the same width, so that neither dominates.
        self.project: nn.Linear | None = None
        if inputs == "both":
            self.project = nn.Linear(in_channels, hidden, bias=False)
        width = {"features": in_channels, "embedding": hidden, "both": 2 * hidden}[inputs]
        dropout = checks.number("dropout", dropout, 0, 1)
        norm_layer = None if norm is None else f"{norm}_norm"
        self.gnn: BasicGNN | _Registered
        if kind in GNNS:
            model: type[BasicGNN] = _GraphSAGE if kind == "sage" else _GCN
            options = {"dropout": dropout, "norm": norm_layer, "jk": jk}
            self.gnn = model(width, hidden, layers, out_channels=hidden, **options)
        else:
            values: dict[str, Any] = {
                "in_channels": width,
                "hidden_channels": hidden,
                "out_channels": hidden,
            }
            values |= {"num_layers": layers, "dropout": dropout, "num_nodes": num_nodes}
            self.gnn = _Registered(kind, {**values, "norm": norm_layer, "jk": jk})
        self.reset_parameters()

    @property
    def inductive(self) -> bool:
        """Whether it can embed nodes that were not there in training."""
        return self.inputs == "features" and getattr(self.gnn, "inductive", True)

    def reset_parameters(self) -> None:
        """Draw new parameters."""
        self.gnn.reset_parameters()
        if self.embedding is not None:
            nn.init.xavier_uniform_(self.embedding)
        if self.project is not None:
            self.project.reset_parameters()

    def forward(self, x: Tensor | SparseFeatures | None, adjacency: Adjacency) -> Tensor:
        """Return embeddings ``[N, D]``.

        Args:
            x: Features, ``[N, F]``; None if the input is ``"embedding"``.
            adjacency: The message-passing graph.
        """
        if self.inputs == "embedding":
            x = self.embedding
        elif self.inputs == "both":
            assert x is not None
            assert self.project is not None
            assert self.embedding is not None
            x = torch.cat([_linear(x, self.project.weight), self.embedding], dim=1)
        z: Tensor = self.gnn(x, adjacency)
        return z
