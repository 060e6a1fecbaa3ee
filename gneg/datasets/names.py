"""The user's own names of nodes, entities and relations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from torch import Tensor

from gneg import checks, files
from gneg.graph.lazy import cached_property

IntArray = npt.NDArray[np.int64]


class Names(Sequence[str]):
    """Names by id: text, or the integers of a file whose ids have gaps.

    Args:
        values: ``[N]`` strings or integers, each once, in the order of the ids.

    Raises:
        ValueError: If a name comes twice.

    Example:
        >>> names = Names(["ann", "bob"])
        >>> names[1], names.ids(["bob", "ann"]).tolist()
        ('bob', [1, 0])
    """

    def __init__(self, values: Iterable[str] | IntArray | pa.Array) -> None:
        array = values if isinstance(values, pa.Array) else pa.array(values)
        integers = pa.types.is_integer(array.type)
        self.values: pa.Array = array.cast(pa.int64() if integers else pa.string())
        if pc.count_distinct(self.values).as_py() < len(self.values):
            counts = pc.value_counts(self.values)
            twice = next(entry["values"] for entry in counts.to_pylist() if entry["counts"] > 1)
            checks.fail("names", "names of which each comes once", f"{twice!r} twice")

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        """Return the name of an id."""
        if isinstance(index, slice):
            return [str(name) for name in self.values[index].to_pylist()]
        return str(self.values[int(index)].as_py())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Names) and bool(self.values.equals(other.values))

    def __hash__(self) -> int:
        return hash(self.fingerprint())

    @property
    def integers(self) -> bool:
        """Whether the names are integers."""
        return bool(pa.types.is_integer(self.values.type))

    def of(self, ids: Tensor | npt.NDArray[Any]) -> pa.Array:
        """Return the names ``[n]`` of ids ``[n]``, as an Arrow array.

        Raises:
            ValueError: If an id is out of range.
        """
        array = ids.cpu().numpy() if isinstance(ids, Tensor) else np.asarray(ids)
        if array.size and not 0 <= array.min() <= array.max() < len(self):
            checks.fail("ids", f"ids in [0, {len(self)})", f"{array.min()} to {array.max()}")
        return self.values.take(pa.array(array.reshape(-1)))

    def ids(self, names: Iterable[str | int], argument: str = "names") -> IntArray:
        """Return the ids ``[n]`` of names.

        Args:
            names: The names, as text or, where they are integers, as numbers.
            argument: What to call them in an error.

        Raises:
            ValueError: If there is no such name; names near the first one are said.
        """
        wanted = [str(name) for name in names]
        unknown = list(dict.fromkeys(name for name in wanted if name not in self._ids))
        if unknown:
            examples = f"there are {len(self):,}, such as {', '.join(map(repr, self[:3]))}"
            hint = checks.closest(unknown[0], self[:100_000]) or examples
            first = ", ".join(map(repr, unknown[:3]))
            remainder = f" and {len(unknown) - 3:,} others" if len(unknown) > 3 else ""
            allowed = "a known name" if len(wanted) == 1 else "known names"
            checks.fail(argument, allowed, first + remainder, hint=hint)
        return np.array([self._ids[name] for name in wanted], np.int64)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self)}

    def __iter__(self) -> Any:
        return iter(self[:])

    def fingerprint(self) -> str:
        """Return a hash of the names in their order."""
        return files.digest("\n".join(self))

    def __repr__(self) -> str:
        names = ", ".join(self[:3]) + (", ..." if len(self) > 3 else "")
        return f"Names({len(self)}: {names})"


def spoken(names: Sequence[Names | None], rows: Tensor) -> list[tuple[str, ...]]:
    """Return edges or triples by name.

    Args:
        names: The names of the ids in each row, ``[S]``; None: they are shown as ids.
        rows: ``[S, n]`` ids, such as edges ``[2, n]``.
    """
    columns = [
        [str(i) for i in ids.tolist()] if end is None else end.of(ids).cast("string").to_pylist()
        for end, ids in zip(names, rows, strict=True)
    ]
    return list(zip(*columns, strict=True))
