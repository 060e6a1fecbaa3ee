"""What a reader understood of a file: said in one line and kept with the data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Reading:
    """What a reader understood of a file.

    Attributes:
        file: Name of the file or folder.
        form: Its form, such as ``text separated by ,`` or ``parquet``.
        header: Whether the columns have names; None: the form has no columns.
        columns: The column, by name or number, of each role that one was found for.
        unused: Columns that are not used, by name or number.
        ids: What the ends of edges are: ``integers``, ``names`` or ``positions``.
        notes: Anything else that the user should know.
    """

    file: str
    form: str
    header: bool | None = None
    columns: dict[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    ids: str = "positions"
    notes: tuple[str, ...] = ()

    def with_notes(self, *counts: tuple[int, str]) -> Reading:
        """Return the reading with a note for each count, with what was counted, that is not 0."""
        notes = tuple(f"{count:,} {text}" for count, text in counts if count)
        return replace(self, notes=self.notes + notes)

    def record(self) -> dict[str, Any]:
        """Return the reading as JSON values."""
        return {**asdict(self), "unused": list(self.unused), "notes": list(self.notes)}

    @classmethod
    def of_record(cls, record: dict[str, Any]) -> Reading:
        """Return the reading that :meth:`record` was made of."""
        lists = {name: tuple(record[name]) for name in ("unused", "notes")}
        return cls(**{**record, **lists})

    def lines(self) -> list[str]:
        """Return what was understood, a fact a line; the first begins with the file."""
        parts = [self.form]
        if self.header is not None:
            parts.append("with a header" if self.header else "without a header")
        roles = ", ".join(f"{role} = {column}" for role, column in self.columns.items())
        text = f"{self.file}: {', '.join(parts)}"
        text += f"; {roles}" if roles else ""
        unused = f"columns not used: {', '.join(self.unused)}" if self.unused else ""
        return [line for line in (text, unused, f"ids are {self.ids}", *self.notes) if line]

    def __str__(self) -> str:
        return "; ".join(self.lines())
