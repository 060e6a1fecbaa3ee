"""A hash table of keys on a device: where each key first stands, at the cost of two reads."""

from __future__ import annotations

import torch
from torch import Tensor

from gneg.graph.streams import GOLDEN
from gneg.graph.take import take

SLOTS = 2  # for each key, at least


class KeyTable:
    """The first place of each key of a list that may hold keys more than once.

    A slot holds the first place of all keys that hash to it; the key there tells whose place it is.
    A slot of several keys is marked by a negative number, and the others of them are in a sorted
    list, which few look-ups have to search.

    Args:
        keys: ``[n]`` long.
        limit: Number that no key reaches. If there are no more of them than slots, each has one of
            its own: a smaller table, of which more stays in the caches.

    Attributes:
        first: ``[n]`` bool, whether no equal key stands before each.
    """

    def __init__(self, keys: Tensor, limit: int) -> None:
        self._keys, self._bits = keys, (SLOTS * max(len(keys), 16)).bit_length()
        self._direct = limit <= 2**self._bits
        dtype = torch.int32 if len(keys) < 2**31 else torch.int64
        place = torch.arange(len(keys), dtype=dtype, device=keys.device)
        slot = self._slot(keys)
        slots = limit if self._direct else 2**self._bits
        empty = torch.full((slots,), len(keys), dtype=dtype, device=keys.device)
        self._table = empty.scatter_reduce_(0, slot, place, "amin")
        occupant = take(self._table, slot)
        self.first = occupant == place
        lost = (take(keys, occupant) != keys).nonzero().squeeze(1)
        self._lost, order = take(keys, lost).sort(stable=True)
        self._place_of_lost = take(lost, order)
        begins = torch.ones_like(self._lost, dtype=torch.bool)
        torch.ne(self._lost[1:], self._lost[:-1], out=begins[1:])
        self.first[self._place_of_lost] = begins
        crowded = take(slot, lost)
        self._table[crowded] = ~take(occupant, lost)

    def _slot(self, keys: Tensor) -> Tensor:
        if self._direct:
            return keys
        product = keys * GOLDEN
        return product.bitwise_right_shift_(64 - self._bits).bitwise_and_(2**self._bits - 1)

    def find(self, keys: Tensor) -> Tensor:
        """Return the first place of each key, of their shape; -1 of a key that is not there."""
        if not len(self._keys):
            return torch.full_like(keys, -1)
        occupant = take(self._table, self._slot(keys))
        crowded = (occupant < 0).view(-1).nonzero().squeeze(1)
        place = torch.where(occupant < 0, ~occupant, occupant).clamp_(max=len(self._keys) - 1)
        first = torch.where(take(self._keys, place) == keys, place, -1).long()
        if len(crowded):
            searched = take(keys.view(-1), crowded)
            position = torch.searchsorted(self._lost, searched).clamp_(max=len(self._lost) - 1)
            lost = take(self._lost, position) == searched
            of_slot = take(first.view(-1), crowded)
            first.view(-1)[crowded] = torch.where(
                lost, take(self._place_of_lost, position), of_slot
            )
        return first
