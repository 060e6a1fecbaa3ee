"""Embeddings of all nodes layer by layer, in chunks of rows: memory is bounded."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gneg import checks
from gneg.loader.blocks import MessageGraph
from gneg.nn import messages
from gneg.nn.encoders import Encoder
from gneg.nn.features import SparseFeatures, linear

MEMORY_MB = 4096


def embed_all(
    encoder: Encoder,
    x: Tensor | SparseFeatures | None,
    graph: MessageGraph,
    *,
    memory_mb: int = MEMORY_MB,
) -> Tensor:
    """Return the embeddings ``[N, D]`` that the encoder has on the whole graph, without gradients.

    Each layer is computed for all nodes before the next, a chunk of rows at a time. Tables that
    would take more than half of the memory lie in a temporary file (``$TMPDIR``), mapped.

    Args:
        encoder: The encoder, on one device; dropout and the like as they are set.
        x: ``[N, F]`` features; None if the encoder takes none.
        graph: The edges that messages pass along.
        memory_mb: Memory for chunks and tables, in megabytes.
    """
    device = next(encoder.parameters()).device
    memory, gnn = memory_mb * 2**20, encoder.layered
    with torch.no_grad():
        table = _inputs(encoder, x, graph, memory)
        strength = graph.strengths(slice(0, graph.num_nodes))
        outputs: list[Tensor] = []
        for layer in range(gnn.num_layers):
            width = gnn.convs[layer].out_channels
            out = _table(graph.num_nodes, width, memory, device)
            whole = isinstance(table, SparseFeatures)
            columns = width if isinstance(table, SparseFeatures) else table.size(1) + 3 * width
            for low, high in _chunks(graph, columns, graph.num_nodes if whole else 0, memory // 8):
                part = messages.of_rows(graph, strength, low, high, device)
                out[low:high] = gnn.layer(layer, table, part)
            if gnn.joins:
                outputs.append(out)
            table = out
        if not gnn.joins:
            assert isinstance(table, Tensor)
            return table
        joined = _table(graph.num_nodes, gnn.out_channels, memory, device)
        for low, high in _chunks(graph, 4 * len(outputs) * width, 0, memory // 8):
            joined[low:high] = gnn.join([output[low:high] for output in outputs])
        return joined


def _inputs(
    encoder: Encoder, x: Tensor | SparseFeatures | None, graph: MessageGraph, memory: int
) -> Tensor | SparseFeatures:
    """Return the input of the first layer; features beside embeddings in chunks."""
    if encoder.project is None or not isinstance(x, Tensor):
        return encoder.inputs_of(x, None)
    assert encoder.embedding is not None
    width = encoder.embedding.size(1)
    table = _table(graph.num_nodes, 2 * width, memory, encoder.embedding.device)
    for low, high in _chunks(graph, 4 * width, 0, memory // 8):
        table[low:high, :width] = linear(x[low:high], encoder.project.weight)
        table[low:high, width:] = encoder.embedding[low:high]
    return table


def _chunks(graph: MessageGraph, width: int, least: int, memory: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of rows that need at most ``memory`` bytes, or are a single row.

    Args:
        graph: The edges that messages pass along.
        width: Numbers beside each row.
        least: The smallest number of rows.
        memory: Bytes.
    """
    low = 0
    while low < graph.num_nodes:
        high = min(graph.num_nodes, low + max(1, least, memory // (4 * width)))
        limit = graph.indptr[low] + memory // 16
        fitting = int(np.searchsorted(graph.indptr, limit, side="right")) - 1
        high = max(low + max(1, least), min(high, fitting))
        yield low, min(high, graph.num_nodes)
        low = high


def _table(rows: int, width: int, memory: int, device: torch.device) -> Tensor:
    """Return an uninitialised table of floats, in a temporary file if it is large."""
    size = 4 * rows * width
    if size <= memory // 2 or device.type != "cpu":
        return torch.empty(rows, width, device=device)
    return mapped_table(rows, width)


def mapped_table(rows: int, width: int) -> Tensor:
    """Return an uninitialised table of floats in a temporary file, which ends with the table.

    Raises:
        ValueError: If there is no room for it.
    """
    size = 4 * rows * width
    try:
        with tempfile.TemporaryFile() as file:
            if hasattr(os, "posix_fallocate"):  # a full disk is an error here, not a crash later
                os.posix_fallocate(file.fileno(), 0, size)
            array: Any = np.memmap(file, np.float32, "w+", shape=(rows, width))
    except OSError as error:
        allowed = f"a folder with room for {size / 2**30:.1f} GiB"
        value = f"{tempfile.gettempdir()}: {error.strerror or error}"
        checks.fail("TMPDIR", allowed, value, hint="or allow more memory")
    return torch.from_numpy(array)
