"""Every way of splitting edges and triples into train, valid and test.

* :mod:`~gneg.datasets.splits.random` - node pairs at random, or a random share that leaves every
  node (entity, relation) a training edge;
* :mod:`~gneg.datasets.splits.temporal` - by the times of edges or of nodes;
* :mod:`~gneg.datasets.splits.ordered` - edges in a given order, copies of an edge together;
* :mod:`~gneg.datasets.splits.overlap` - edges that stand in two parts: refused or left out;
* :mod:`~gneg.datasets.splits.make` - a :class:`~gneg.datasets.link.LinkData` from any of these.
"""

from __future__ import annotations

from gneg.datasets.splits.make import make_split
from gneg.datasets.splits.ordered import edge_order, one_direction, split_in_order
from gneg.datasets.splits.overlap import check_no_overlap, drop_repeated_edges
from gneg.datasets.splits.random import hold_out, hold_out_covered, split_edges
from gneg.datasets.splits.temporal import split_by_node_time, split_by_time

__all__ = [
    "check_no_overlap",
    "drop_repeated_edges",
    "edge_order",
    "hold_out",
    "hold_out_covered",
    "make_split",
    "one_direction",
    "split_by_node_time",
    "split_by_time",
    "split_edges",
    "split_in_order",
]
