"""PyG's GraphSAGE and GCN models on sparse CSR message passing, whole or layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch_geometric.nn.conv import GCNConv, MessagePassing, SAGEConv
from torch_geometric.nn.models import GCN, GraphSAGE
from torch_geometric.nn.models.basic_gnn import BasicGNN

from gneg.loader.blocks import Array, Blocks
from gneg.nn.adjacency import Adjacency
from gneg.nn.features import Features, SparseFeatures, linear
from gneg.nn.messages import Gathered, Messages, gather, of_blocks


class _SAGEConv(SAGEConv):
    """PyG's GraphSAGE layer (mean), computed on an :class:`Adjacency`."""

    def weights_of(self, messages: Messages) -> Array:
        """Return the weights of messages."""
        return messages.mean_weights

    def forward(self, x: Features, adjacency: Adjacency | Messages) -> Tensor:
        weight = self.lin_l.weight
        if isinstance(adjacency, Messages):
            if isinstance(x, SparseFeatures):
                stacked = torch.cat([weight, self.lin_r.weight])
                mean, roots = adjacency.mean_and_roots(linear(x, stacked))
                left, right = mean[:, : self.out_channels], roots[:, self.out_channels :]
            else:  # fewer rows are multiplied afterwards
                mean, roots = adjacency.mean_and_roots(x)
                left, right = linear(mean, weight), linear(roots, self.lin_r.weight)
            rows: Tensor = left + self.lin_l.bias + right
            return rows
        assert not isinstance(x, Gathered)
        # By linearity the smaller of the two widths is aggregated.
        if isinstance(x, SparseFeatures) or self.out_channels < self.in_channels:
            out = adjacency.mean(linear(x, weight))
        else:
            out = linear(adjacency.mean(x), weight)
        z: Tensor = out + self.lin_l.bias + linear(x, self.lin_r.weight)
        return z


class _GCNConv(GCNConv):
    """PyG's GCN layer, computed on an :class:`Adjacency`."""

    def weights_of(self, messages: Messages) -> Array:
        """Return the weights of messages."""
        return messages.normalized_weights

    def forward(self, x: Features, adjacency: Adjacency | Messages) -> Tensor:
        if isinstance(adjacency, Messages) and not isinstance(x, SparseFeatures):
            h = linear(adjacency.normalized(x), self.lin.weight)
        else:
            assert not isinstance(x, Gathered)
            h = adjacency.normalized(linear(x, self.lin.weight))
        z: Tensor = h + self.bias
        return z


class Layered(BasicGNN):
    """PyG's models layer by layer, each on messages of its own."""

    @property
    def joins(self) -> bool:
        """Whether the outputs of all layers are joined by jumping knowledge."""
        return self.jk_mode is not None

    def layer(self, i: int, x: Features, messages: Messages) -> Tensor:
        """Return the output of layer ``i`` at the messages' targets, ready for the next layer."""
        h: Tensor = self.convs[i](x, messages)
        if i < self.num_layers - 1 or self.joins:
            h = self.dropout(self.act(self.norms[i](h)))
        return h

    def gather(self, blocks: Blocks, x: Tensor) -> Gathered:
        """Return what the first layer makes of features ``[N, F]`` of all nodes, ahead of it."""
        return gather(blocks, self.convs[0].weights_of(of_blocks(blocks, 0)), x)

    def join(self, outputs: Sequence[Tensor]) -> Tensor:
        """Return embeddings by the outputs of all layers, at the same nodes."""
        h: Tensor = self.jk(list(outputs)) if hasattr(self, "jk") else outputs[-1]
        return self.lin(h) if hasattr(self, "lin") else h


class SparseGraphSAGE(GraphSAGE, Layered):
    """GraphSAGE on an :class:`Adjacency` or on :class:`Messages`."""

    def init_conv(self, in_channels: Any, out_channels: int, **kwargs: Any) -> MessagePassing:
        """Return a layer."""
        return _SAGEConv(in_channels, out_channels, **kwargs)


class SparseGCN(GCN, Layered):
    """GCN on an :class:`Adjacency` or on :class:`Messages`."""

    supports_edge_weight = False  # the layer takes nothing but the adjacency

    def init_conv(self, in_channels: int, out_channels: int, **kwargs: Any) -> MessagePassing:
        """Return a layer."""
        return _GCNConv(in_channels, out_channels, **kwargs)
