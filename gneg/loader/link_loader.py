"""Mini-batches of links with neighbourhoods and hard negatives."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch_geometric.loader
import torch_geometric.typing
from torch import Tensor
from torch_geometric.data import Data, HeteroData
from torch_geometric.loader.utils import get_edge_label_index

from gneg import checks
from gneg.graph import Graph, KnownEdges
from gneg.loader.arguments import check_links, check_sampler, negative_sampling
from gneg.loader.negatives import LinkSampler
from gneg.loader.neighbors import Neighbors, NeighborSampler
from gneg.loader.structure import AnyData, features, structure
from gneg.rng import draw_seed, generator_from, split_seed
from gneg.samplers import Sampler, Uniform, Weighted, build
from gneg.transforms.stores import EdgeType


class LinkLoader(torch_geometric.loader.LinkLoader):  # type: ignore[misc]
    """PyG's ``LinkNeighborLoader`` with exact negatives of each positive.

    Arguments and batches are those of PyG's loader. Neighbours are drawn by pyg-lib or torch-sparse
    where one is installed, else by :class:`~gneg.loader.NeighborSampler`, so that a plain
    ``pip install`` is enough.
    Negatives avoid all edges of the input type and the positives of ``edge_label_index``. Where
    nodes have times, those of a link are no later than the link (``edge_label_time``). A positive
    with fewer than k non-edges repeats them, PyG's batches being rectangular.

    Args:
        data: ``Data``, ``HeteroData`` or a pair (feature store, graph store).
        num_neighbors: Neighbours of a node in each hop, -1 for all; by edge type if a dictionary.
        edge_label_index: The links ``[2, P]``, for ``HeteroData`` with their edge type; all edges
            if None.
        edge_label: ``[P]`` or ``[P, C]``, their labels; links with labels 0 are no positives.
        edge_label_time: ``[P]``, their times; neighbours are then no later.
        replace: Whether a neighbour may be drawn twice.
        subgraph_type: ``"directional"`` or ``"bidirectional"``.
        disjoint: Whether each link has a neighbourhood of its own.
        temporal_strategy: ``"uniform"`` or ``"last"``.
        neg_sampling: ``"binary"``, ``"triplet"`` or PyG's ``NegativeSampling`` with an amount.
        neg_sampling_ratio: Negatives per positive in ``"binary"`` mode.
        time_attr: The attribute of nodes or edges that holds times.
        weight_attr: The attribute of edges that neighbours are drawn in proportion to.
        transform: Applied to every batch.
        transform_sampler_output: Applied to the sampler's output, before features are looked up.
        is_sorted: Whether edges are sorted by target; read by PyG's neighbour sampler only.
        filter_per_worker: Whether features are looked up in the worker.
        neighbor_sampler: A neighbour sampler to use instead of a new one.
        directed: Read by PyG's neighbour sampler only.
        sampler: An expression, or a sampler on the graph of the input type. If None, in proportion
            to the weights of ``neg_sampling`` if it has any, else uniform.
        known: ``[2, E]``, further edges that negatives avoid, such as those of validation.
        exclude_targets: Whether the links of the batch are left out of message passing, in both
            directions.
        rev_edge_type: The edge type with the same edges in the other direction, for
            ``exclude_targets``.
        generator: Source of randomness. The same state gives the same batches for any number of
            workers.
        **kwargs: Arguments of ``torch.utils.data.DataLoader``: ``batch_size``, ``shuffle``, ...

    Raises:
        ValueError: If an argument is out of range or does not fit the data.
    """

    def __init__(
        self,
        data: AnyData,
        num_neighbors: Neighbors,
        edge_label_index: Any = None,
        edge_label: Tensor | None = None,
        edge_label_time: Tensor | None = None,
        replace: bool = False,
        subgraph_type: Any = "directional",
        disjoint: bool = False,
        temporal_strategy: Any = "uniform",
        neg_sampling: Any = None,
        neg_sampling_ratio: int | float | None = None,
        time_attr: str | None = None,
        weight_attr: str | None = None,
        transform: Callable[..., Any] | None = None,
        transform_sampler_output: Callable[..., Any] | None = None,
        is_sorted: bool = False,
        filter_per_worker: bool | None = None,
        neighbor_sampler: Any = None,
        directed: bool = True,
        *,
        sampler: str | Sampler | None = None,
        known: Tensor | None = None,
        exclude_targets: bool = False,
        rev_edge_type: EdgeType | None = None,
        generator: torch.Generator | None = None,
        **kwargs: Any,
    ) -> None:
        if (edge_label_time is not None) != (time_attr is not None):
            checks.fail(
                "edge_label_time",
                "given together with 'time_attr': temporal sampling needs both",
                f"edge_label_time={'None' if edge_label_time is None else 'a tensor'}, "
                f"time_attr={time_attr!r}",
            )
        whole = structure(data, time_attr)
        if whole is data:  # a pair of stores has checks of its own
            check_links(data, edge_label_index, edge_label, known)
        check_sampler(sampler, exclude_targets=exclude_targets)
        seed = draw_seed(generator)
        if neighbor_sampler is None:
            options: dict[str, Any] = {
                "replace": replace,
                "subgraph_type": subgraph_type,
                "disjoint": disjoint,
                "temporal_strategy": temporal_strategy,
                "time_attr": time_attr,
                "weight_attr": weight_attr,
            }
            for_pyg = {
                "is_sorted": is_sorted,
                "share_memory": kwargs.get("num_workers", 0) > 0,
                "directed": directed,
            }
            if _pyg_works(options):
                pyg = torch_geometric.loader.link_neighbor_loader.NeighborSampler
                neighbor_sampler = pyg(data, num_neighbors, **for_pyg, **options)
            else:
                options["seed"] = split_seed(seed, 0)
                neighbor_sampler = NeighborSampler(whole, num_neighbors, **options)
        request = negative_sampling(neg_sampling, neg_sampling_ratio)
        negatives = node_time = None
        if request is None and not neg_sampling_ratio and sampler is not None:
            checks.fail("sampler", "None without 'neg_sampling'", sampler)
        if request is not None or neg_sampling_ratio:
            weight = None if request is None else request.dst_weight
            chosen = sampler if sampler is not None or weight is None else weight
            edge_type, links = get_edge_label_index(data, edge_label_index)
            positive = links.cpu() if edge_label is None else links.cpu()[:, _positive(edge_label)]
            known_links = [positive] if known is None else [positive, known.cpu()]
            z = functools.partial(features, data)
            negatives = _sampler(whole, edge_type, chosen, known_links, z)
            node_time = _node_time(whole, edge_type, time_attr)
        # Without shuffling too: a loader draws a seed for its workers in every epoch.
        kwargs["generator"] = generator_from(split_seed(seed, 1))
        super().__init__(
            data,
            LinkSampler(
                neighbor_sampler,
                negatives,
                exclude_targets=exclude_targets,
                reverse=rev_edge_type,
                node_time=node_time,
                seed=split_seed(seed, 2),
            ),
            edge_label_index=edge_label_index,
            edge_label=edge_label,
            edge_label_time=edge_label_time,
            neg_sampling=neg_sampling,
            neg_sampling_ratio=neg_sampling_ratio,
            transform=transform,
            transform_sampler_output=transform_sampler_output,
            filter_per_worker=filter_per_worker,
            **kwargs,
        )
        triplets = self.neg_sampling is not None and self.neg_sampling.is_triplet()
        if triplets and negatives is not None and negatives.corrupt != "dst":
            checks.fail("sampler", "a sampler that replaces targets, in triplets", negatives)

    def refresh(self, z: Tensor | tuple[Tensor, Tensor]) -> None:
        """Set the embeddings that adaptive samplers read; running workers see them at once.

        Samplers that select by a model score with the dot product of the embeddings.

        Args:
            z: ``[N, D]`` embeddings; a pair, of sources and of targets, between two node types.

        Raises:
            ValueError: If the shape differs from the one before.
        """
        pair = z if isinstance(z, tuple) else (z, z)
        embeddings = self.link_sampler.z
        if embeddings is None:
            source = pair[0].detach().float().cpu().clone().share_memory_()
            target = source
            if isinstance(z, tuple):
                target = pair[1].detach().float().cpu().clone().share_memory_()
            self.link_sampler.z = source, target
            return
        for old, new in zip(embeddings, pair, strict=True):
            if old.shape != new.shape:
                checks.fail("z", f"of shape {list(old.shape)}, as before", list(new.shape))
            old.copy_(new.detach())

    def __iter__(self) -> Iterator[Any]:
        self.link_sampler.state += 1  # new negatives in every epoch
        iterator: Iterator[Any] = super().__iter__()
        return iterator

    def _get_iterator(self) -> Iterator[Any]:
        iterator: Iterator[Any] = super()._get_iterator()
        of_workers = getattr(iterator, "iterator", iterator)
        queues = getattr(of_workers, "_index_queues", None)
        if self.persistent_workers and queues is not None:
            # PyG's loader refers to itself, so that it is freed by the garbage collector, which may
            # close the queues before the workers are told to end: each then takes 5 s. The
            # finalizer keeps the queues open until then.
            weakref.finalize(self, list.clear, [*queues]).atexit = False
        return iterator


def _sampler(
    data: Data | HeteroData,
    edge_type: EdgeType | None,
    sampler: str | Sampler | Tensor | None,
    links: list[Tensor],
    features_of: Callable[[str | None], Any],
) -> Sampler:
    """Return a sampler on the graph of an edge type that avoids its edges and ``links``."""
    sizes = [int(store.num_nodes) for store in _ends(data, edge_type)]
    same = edge_type is None or edge_type[0] == edge_type[-1]
    edges = torch.empty(2, 0, dtype=torch.long)
    store: Any = data if edge_type is None else data[edge_type]
    if "edge_index" in store and store.edge_index is not None:
        edges = store.edge_index.cpu()
    graph = Graph.from_edge_index(edges, sizes[0] if same else (sizes[0], sizes[1]))
    avoided = KnownEdges(graph, *links)
    if sampler is None:
        return Uniform(graph, known=avoided)
    if isinstance(sampler, Tensor):
        return Weighted(graph, sampler, known=avoided)
    if isinstance(sampler, str):
        x = features_of(None if edge_type is None else edge_type[0]) if same else None
        return build(sampler, graph, z=x, known=avoided)
    if (sampler.graph.num_src, sampler.graph.num_dst) != (graph.num_src, graph.num_dst):
        checks.fail("sampler", f"a sampler on {graph}", sampler.graph)
    return sampler


def _ends(data: Any, edge_type: EdgeType | None) -> list[Any]:
    """Return the node stores of the sources and the targets of an edge type."""
    return [data, data] if edge_type is None else [data[edge_type[i]] for i in (0, -1)]


def _node_time(
    data: Any, edge_type: EdgeType | None, name: str | None
) -> tuple[Tensor, Tensor] | None:
    """Return the times of sources and of targets; those of a type without any are the earliest."""
    stores = _ends(data, edge_type)
    times = [
        store[name] if name is not None and name in store and store.is_node_attr(name) else None
        for store in stores
    ]
    if times[0] is None and times[1] is None:
        return None
    source, target = (
        torch.full((int(store.num_nodes),), -torch.inf) if time is None else time
        for time, store in zip(times, stores, strict=True)
    )
    return source, target


def _positive(label: Tensor) -> Tensor:
    """Return the mask of links that are positives, by labels ``[P]`` or ``[P, C]``."""
    label = label.cpu()
    return label > 0 if label.dim() == 1 else (label != 0).flatten(1).any(dim=1)


def _pyg_works(options: dict[str, Any]) -> bool:
    """Return whether PyG's neighbour sampler works with these options here."""
    if torch_geometric.typing.WITH_PYG_LIB:
        return True
    special = options["disjoint"] or options["time_attr"] or options["weight_attr"]
    return torch_geometric.typing.WITH_TORCH_SPARSE and not special
