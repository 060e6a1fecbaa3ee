"""Knowledge graphs from PyG, PyKEEN, networkx, ids and OGB."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gneg.datasets.sources import local
from gneg.datasets.splits import hold_out_covered
from gneg.datasets.triples import PARTS, TripleData
from gneg.graph import Triples
from gneg.graph.triples import End, triple_tensor

ENDS: tuple[End, End] = ("head", "tail")


def from_triples(
    triples: Tensor | Any,
    *,
    name: str = "triples",
    shares: tuple[float, float] = (0.05, 0.1),
    seed: int = 0,
) -> TripleData:
    """From ids, split at random; every entity and relation keeps a training triple.

    Args:
        triples: ``[3, E]``; a :class:`~gneg.Triples`, a PyKEEN ``TriplesFactory``, PyG data with
            ``edge_index`` and ``edge_type``, or a networkx ``MultiDiGraph``, whose edge keys
            (or attribute ``relation``) are the relations.
        name: What to call it.
        shares: Of validation and test, each in [0, 1).
        seed: Of the split.

    Raises:
        ValueError: If ``triples`` is none of these.
    """
    whole = as_triples(triples)
    train, valid, test = hold_out_covered(whole.triples, shares, id_spaces=(0, 1, 0), seed=seed)
    return TripleData(name, train, valid, test, whole.num_entities, whole.num_relations)


def as_triples(source: Any) -> Triples:
    """Triples of ids from whatever holds some; see :func:`from_triples`.

    Raises:
        ValueError: If ``source`` is nothing of the kind.
    """
    if isinstance(source, Triples):
        return source
    if isinstance(source, Tensor):
        return Triples(triple_tensor("triples", source))
    if hasattr(source, "mapped_triples"):  # PyKEEN
        return Triples(source.mapped_triples.t(), source.num_entities, source.num_relations)
    if hasattr(source, "edge_index") and getattr(source, "edge_type", None) is not None:
        head, tail = source.edge_index
        return Triples(torch.stack([head, source.edge_type, tail]), source.num_nodes)
    if hasattr(source, "is_multigraph"):
        return _from_networkx(source)
    what = "a [3, E] tensor, Triples, a PyKEEN factory, PyG data with edge_type or a networkx graph"
    raise ValueError(f"'triples' must be {what} (got {type(source).__name__})")


def _from_networkx(graph: Any) -> Triples:
    ids = {node: i for i, node in enumerate(graph)}
    keyed = (
        graph.edges(keys=True, data=True)
        if graph.is_multigraph()
        else ((u, v, None, data) for u, v, data in graph.edges(data=True))
    )
    rows = [(ids[u], str(data.get("relation", key)), ids[v]) for u, v, key, data in keyed]
    names = {name: i for i, name in enumerate(sorted({row[1] for row in rows}))}
    index = [(head, names[relation], tail) for head, relation, tail in rows]
    return Triples(torch.tensor(index, dtype=torch.long).view(-1, 3).t(), len(ids), len(names))


def from_ogb(name: str, root: Path) -> TripleData:
    """Load ``ogbl-biokg`` or ``ogbl-wikikg2`` by OGB's own class, on any torch.

    Raises:
        MissingDataError: If it is neither there nor to be downloaded.
    """
    from gneg.datasets.sources.ogb import ogb_class

    with ogb_class() as dataset_class:
        try:
            dataset = dataset_class(name, root=str(root))
        except (Exception, SystemExit) as error:
            raise local.missing(name, root, name.replace("-", "_"), error) from error
        split, graph = dataset.get_edge_split(), dataset[0]
    return from_ogb_split(name, split, graph)


def from_ogb_split(name: str, split: Mapping[str, Mapping[str, Any]], graph: Any) -> TripleData:
    """From OGB's split and graph; biokg numbers entities by type: one type follows the other."""
    sizes: dict[str, int] = dict(getattr(graph, "num_nodes_dict", None) or {})
    start, total = {}, 0
    for kind in sorted(sizes):
        start[kind], total = total, total + int(sizes[kind])

    def shifted(part: Mapping[str, Any], end: End, name: str) -> Tensor:
        """Ids ``[E, ...]`` of what stands at an end, or of its negatives, which share its type."""
        ids = torch.as_tensor(part[name]).long()
        if not sizes:
            return ids
        shift = torch.tensor([start[kind] for kind in part[f"{end}_type"]])
        return ids + shift.view(-1, *[1] * (ids.dim() - 1))

    def triples(part: Mapping[str, Any]) -> Tensor:
        head, tail = (shifted(part, end, end) for end in ENDS)
        return torch.stack([head, torch.as_tensor(part["relation"]).long(), tail])

    train, valid, test = (triples(split[part]) for part in PARTS)
    num_relations = 1 + max(int(part[1].max()) for part in (train, valid, test))
    types = [[i] for i, kind in enumerate(sorted(sizes)) for _ in range(int(sizes[kind]))]
    num_entities = total if sizes else int(graph.num_nodes)
    negatives = {
        part: {end: shifted(split[part], end, f"{end}_neg") for end in ENDS}
        for part in ("valid", "test")
        if "head_neg" in split[part]
    }
    return TripleData(
        name,
        train,
        valid,
        test,
        num_entities,
        num_relations,
        types=types or None,
        negatives=negatives or None,
    )
