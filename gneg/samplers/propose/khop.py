"""Negatives from exact shortest-path shells."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from torch import Tensor

from gneg import checks, kernels
from gneg.graph import Graph, KnownEdges
from gneg.graph.csr import frozen
from gneg.graph.placement import steps_on_device
from gneg.graph.second_neighbors import NONE, keeps_second_neighbors, second_neighbors
from gneg.samplers.base import Corrupt, FloatArray, IntArray, Query, Sampler
from gneg.samplers.device import shell_density
from gneg.samplers.device import shells as device_shells
from gneg.samplers.device.query import DeviceQuery
from gneg.samplers.device.slots import Shells

Hop = int | Literal["far"]

MOST_HOPS = 1000  # each costs a row about a tenth of a microsecond, even where it is empty


class KHop(Sampler):
    """Draws uniformly from the nodes at an exact distance from the query.

    Each draw first chooses a shell, then a target uniformly from it. An empty shell passes its
    draws on to the next one outwards, in the end to ``"far"`` (further than every named shell, or
    unreachable), and if that is empty too to all non-edges (``Negatives.counts["fell"]``).
    ``log_q`` is exact, but lists the shells: it costs more than the draws. Of a graph of up to
    about 20,000 nodes the nodes at distance two are kept as bitmaps, N ** 2 / 8 bytes: draws and
    ``log_q`` of distance two alone cost little there.

    Args:
        graph: The graph whose structure guides the proposals.
        hops: One distance or several, each from 2 to 1000, or ``"far"``: more than the largest
            distance named (more than 2 if none is). Odd numbers in a bipartite graph.
        weights: Share of each of ``hops``; equal if None. Or a mapping that names both at once,
            ``weights={2: .5, 3: .3, "far": .2}``.
        known: The edges that are never returned; those of ``graph`` if None.
        corrupt: The end to replace: ``"dst"``, ``"src"`` or ``"both"`` (a fair coin per row).
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If a hop or weight is out of range, or the two do not match.
    """

    name = "khop"
    proposes = "non-edges"

    def __init__(
        self,
        graph: Graph,
        hops: Hop | Sequence[Hop] | None = None,
        weights: Sequence[float] | Mapping[Hop, float] | None = None,
        *,
        known: KnownEdges | None = None,
        corrupt: Corrupt = "dst",
        unique: bool = False,
    ) -> None:
        super().__init__(graph, known=known, corrupt=corrupt, unique=unique)
        self.hops, self.weights = _shells(hops, weights, 3 if graph.bipartite else 2)
        for hop in self.hops:
            if graph.bipartite and hop != "far" and hop % 2 == 0:
                checks.fail(
                    "hops",
                    "odd in a bipartite graph: the other side is never at an even distance",
                    hop,
                )

    def settings(self) -> list[str]:
        """Return ``hops``, whose value is then a single shell."""
        return ["hops"]

    def tune(self, setting: str, value: float) -> None:
        """Draw from the shell nearest to ``value`` from now on."""
        if setting != "hops":
            super().tune(setting, value)
        value = checks.number("hops", value, 2, MOST_HOPS)
        hop = 2 * round((value - 1) / 2) + 1 if self.graph.bipartite else round(value)
        self.hops, self.weights = (max(hop, 3 if self.graph.bipartite else 2),), (1.0,)

    def _plan(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any], int]:
        """Return distances, "far" as one past the largest, their shares, and the step."""
        step = 2 if self.graph.bipartite else 1
        shares = dict(zip(self.hops, self.weights, strict=True))
        named = sorted(hop for hop in shares if hop != "far")
        far = (named[-1] if named else 1 + step) + step
        hops = np.array([*named, far], np.int64)
        weights = np.array([*(shares[hop] for hop in named), shares.get("far", 0.0)])
        return hops, weights / weights.sum(), step

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Draw a shell for each candidate, then a node uniformly from it."""
        index, known = query.blank(k), query.known
        view = self.view(query.side)
        steps, second = view.steps(), second_neighbors(view) if 2 in self.hops else NONE
        hops, weights, step = self._plan()

        def draw(*args: Any) -> int:
            return kernels.shells.draws(*args, *kernels.threads.balls(self.graph.num_nodes))  # type: ignore[no-any-return]

        fell = query.run(
            draw,
            index,
            *steps[:5],
            known.num_dst,
            *self._beyond_edges(query),
            hops,
            np.cumsum(weights),
            step,
            second.bits,
            second.sizes,
            seed,
        )
        query.counts["fell"] += sum(fell)
        return index

    def _beyond_edges(self, query: Query) -> tuple[IntArray, IntArray]:
        """Return the arrays of known edges, empty where they are the graph's: none is drawn."""
        steps, known = self.view(query.side).steps(), query.known
        if known.indices is not steps.indices:
            return known.arrays
        return self.cached(  # type: ignore[no-any-return]
            "none known", lambda: (frozen(np.zeros_like(steps.indptr)), steps.indices[:0])
        )

    def propose_on_device(self, query: DeviceQuery, k: int, seed: int) -> Tensor:
        """Draw a shell for each candidate, then a node uniformly from it."""
        shells, _ = self._there(query)
        index, fell = device_shells.draws(shells, query.non_edges, query.ids, k, seed)
        query.counts["fell"] += fell
        return index

    def log_density_on_device(self, query: DeviceQuery, index: Tensor) -> Tensor:
        """Return the exact log density over the shells of each query."""
        shells, weights = self._there(query)
        return shell_density.log_density(shells, weights, query.non_edges, query.ids, index)

    def _there(self, query: DeviceQuery) -> tuple[Shells, Tensor]:
        """Return the shells, and their shares, on the device."""
        view, (hops, shares, step) = self.view(query.side), self._plan()
        edges, back = steps_on_device(view)
        weights, cumulative = edges.tensors(shares, np.cumsum(shares))
        shift = view.steps().target_shift
        second = None
        if 2 in self.hops and keeps_second_neighbors(view):
            sizes = lambda: edges.tensors(second_neighbors(view).sizes)  # noqa: E731
            (second,) = self.cached(("second", query.side), sizes)
        return Shells(edges, back, shift, hops.tolist(), cumulative, step, second), weights

    def log_density(self, query: Query, index: IntArray) -> FloatArray:
        """Return the exact log density over the shells of each query."""
        view = self.view(query.side)
        if self.hops != (2,) or not keeps_second_neighbors(view):
            return self._by_listing(query, index)
        second = second_neighbors(view)
        out, at = np.empty(index.shape), np.maximum(index, 0)
        arrays = second.bits, second.sizes, *self._beyond_edges(query)
        query.run(kernels.second_neighbors.log_prob, out, at, *arrays)
        without = np.flatnonzero(np.isnan(out[:, :1]).any(axis=1))
        if len(without):
            out[without] = self._by_listing(query.take(without), index[without])
        return out

    def _by_listing(self, query: Query, index: IntArray) -> FloatArray:
        """Return the log density ``[B, K]`` of targets, by listing the shells of each query."""
        out, known = np.empty(index.shape), query.known
        steps = self.view(query.side).steps()

        def measure(*args: Any) -> None:
            size = self.graph.num_nodes
            inside, _, queue = kernels.threads.balls(size)
            kernels.ball.log_prob(*args, inside, queue, kernels.threads.places(size))

        with np.errstate(divide="ignore"):
            query.run(
                measure,
                out,
                np.maximum(index, 0),
                *steps[:2],
                steps.target_shift,
                known.num_dst,
                *known.arrays,
                *self._plan(),
                known.no_self,
            )
        return out


def _shells(
    hops: Hop | Sequence[Hop] | None,
    weights: Sequence[float] | Mapping[Hop, float] | None,
    default: int,
) -> tuple[tuple[Hop, ...], tuple[float, ...]]:
    if isinstance(weights, Mapping):
        if hops is not None:
            checks.fail("hops", "None when 'weights' is a mapping", hops)
        hops, weights = list(weights), list(weights.values())
    if hops is None:
        hops = default
    single = not isinstance(hops, Sequence) or isinstance(hops, str)
    listed: tuple[Hop, ...] = (hops,) if single else tuple(hops)  # type: ignore[arg-type, assignment]
    listed = tuple(_distance(hop) for hop in listed)
    if not listed or len(set(listed)) < len(listed):
        checks.fail("hops", "one or more different distances", hops)
    shares: Sequence[Any] = (1.0,) * len(listed)
    if weights is not None:
        shares = checks.items("weights", weights, "one for each distance")
    if len(shares) != len(listed):
        checks.fail("weights", f"one for each of the {len(listed)} hops", f"{len(shares)}")
    shares = tuple(checks.number("weights", share, 0) for share in shares)
    if sum(shares) <= 0:
        checks.fail("weights", "of a positive sum", shares)
    return listed, shares


def _distance(hop: object) -> Hop:
    """Return a hop that is "far" or an integer of at least 2."""
    if isinstance(hop, str) and hop == "far":
        return "far"
    distance = 0
    if isinstance(hop, numbers.Integral) and not isinstance(hop, bool):
        distance = int(hop)
    if not 2 <= distance <= MOST_HOPS:
        checks.fail("hops", f"integers from 2 to {MOST_HOPS} or 'far'", checks.shown(hop))
    return distance
