"""Encoders: a GNN over features, learned node embeddings, or both."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, get_args

import torch
from torch import Tensor, nn

from gneg import checks
from gneg.loader.blocks import Blocks
from gneg.nn.adjacency import Adjacency
from gneg.nn.choices import GNNS, Inputs, JumpingKnowledge, Norm
from gneg.nn.features import Features, SparseFeatures, linear
from gneg.nn.messages import Gathered, of_blocks, rows_of
from gneg.nn.registration import ENCODERS, make

if TYPE_CHECKING:
    from gneg.nn.gnns import Layered


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
        dropout: Share of hidden values dropped, in [0, 1).
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
        dropout = checks.number("dropout", dropout, 0, 1, open_high=True)
        norm_layer = None if norm is None else f"{norm}_norm"
        self.gnn: Layered | _Registered
        if kind in GNNS:
            from gneg.nn.gnns import SparseGCN, SparseGraphSAGE  # PyG takes seconds

            model: type[Layered] = SparseGraphSAGE if kind == "sage" else SparseGCN
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
        z: Tensor = self.gnn(self.inputs_of(x, None), adjacency)
        return z

    def inputs_of(
        self, x: Tensor | SparseFeatures | None, nodes: Tensor | None
    ) -> Tensor | SparseFeatures:
        """Return the input of the first layer.

        Args:
            x: Features ``[n, F]`` of the nodes; None if the input is ``"embedding"``.
            nodes: ``[n]``, different ids, whose embeddings get a sparse gradient; None: all nodes.
        """
        if self.embedding is None:
            assert x is not None
            return x
        rows = self.embedding if nodes is None else rows_of(self.embedding, nodes)
        if self.project is None:
            return rows
        assert x is not None
        return torch.cat([linear(x, self.project.weight), rows], dim=1)

    @property
    def layered(self) -> Layered:
        """The GNN, layer by layer.

        Raises:
            ValueError: If it is a user's own, which has no such layers.
        """
        if isinstance(self.gnn, _Registered):
            checks.fail("kind", " or ".join(GNNS), self.gnn)
        return self.gnn

    def embed_blocks(self, x: Features | None, blocks: Blocks) -> Tensor:
        """Return embeddings of the seeds of sampled neighbourhoods.

        Args:
            x: Features ``[n, F]`` of all nodes of the blocks, or what :meth:`Layered.gather` made
                of them; None if the encoder takes none.
            blocks: The neighbourhoods.
        """
        device = next(self.parameters()).device
        h: Features
        if isinstance(x, Gathered):
            h = x
        else:
            h = self.inputs_of(x, torch.from_numpy(blocks.nodes).to(device))
        outputs: list[Tensor] = []
        for layer in range(blocks.num_layers):
            h = self.layered.layer(layer, h, of_blocks(blocks, layer, device))
            outputs.append(h)
        seeds = blocks.sizes[0]
        joined: Tensor = self.layered.join([output[:seeds] for output in outputs])
        return joined
