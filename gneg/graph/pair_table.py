"""A hash table of (row, column) pairs on a device: exact membership at the cost of one read."""

from __future__ import annotations

import torch
from torch import Tensor

from gneg.graph.streams import GOLDEN
from gneg.graph.take import take

SLOTS = 4  # for each pair, at least
MOST_SLOTS = 2**28


class PairTable:
    """A set of pairs.

    The number of a pair times an odd number, modulo a power of two, is another number of the same
    range, of which the high bits are the pair's slot. So a slot needs to hold no more than the low
    bits to be exact. Of pairs with the same slot one is held, as a negative number, and all others
    are in a sorted list, which few look-ups have to search.

    Args:
        rows: ``[E]``.
        columns: ``[E]``, no pair twice.
        num_rows: Number of rows.
        num_columns: Number of columns.
    """

    def __init__(self, rows: Tensor, columns: Tensor, num_rows: int, num_columns: int) -> None:
        self.num_columns = num_columns
        slots = min(max(SLOTS * len(rows), 64), MOST_SLOTS)
        slot_bits = (slots - 1).bit_length()
        self._last_slot = 2**slot_bits - 1
        self._low_bits = max((num_rows * num_columns).bit_length() - slot_bits, 0)
        dtype = torch.int32 if self._low_bits < 31 else torch.int64
        empty = torch.iinfo(dtype).max
        self._table = torch.full((2**slot_bits,), empty, dtype=dtype, device=rows.device)
        number = rows * num_columns + columns
        slot, low = self._hashed(number)
        low = low.to(dtype)
        self._table[slot] = low
        lost = self._table[slot] != low
        self._lost = number[lost].sort()[0]
        crowded = slot[lost]
        self._table[crowded] = ~self._table[crowded]

    def _hashed(self, number: Tensor) -> tuple[Tensor, Tensor]:
        """Return the slot of each pair and what it holds if the pair is there."""
        product = number * GOLDEN
        low = product & (2**self._low_bits - 1)
        return product.bitwise_right_shift_(self._low_bits).bitwise_and_(self._last_slot), low

    def contain(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Return whether each (row, column) is in the set, bool, of the shape of ``columns``.

        Args:
            rows: Rows, of a shape that expands to that of ``columns``.
            columns: Columns.
        """
        number = torch.add(columns, rows, alpha=self.num_columns)
        slot, low = self._hashed(number)
        differs = low.bitwise_xor_(take(self._table, slot))
        contained = (differs == 0).logical_or_(differs == -1)
        crowded = (differs < -1).view(-1).nonzero().squeeze(1)  # not the pair that the slot holds
        if len(crowded):
            searched = take(number.view(-1), crowded)
            place = torch.searchsorted(self._lost, searched).clamp_(max=len(self._lost) - 1)
            contained.view(-1)[crowded] = take(self._lost, place) == searched
        return contained
