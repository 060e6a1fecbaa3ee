"""Times of facts, which triples have no use for: found, so that the same fact is not held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gneg.datasets.sources import columns as roles
from gneg.datasets.sources import id_maps, numbering
from gneg.datasets.sources.formats import RawTable

PLACE = 3  # of the column of times beside a triple, where there is no header


def column(raw: RawTable, positions: Mapping[roles.Role, int]) -> tuple[pa.Array, str] | None:
    """Return the column that may hold times, and its name or number; None: there is none."""
    if raw.names is not None:
        if "time" not in positions:
            return None
        return raw.columns[positions["time"]], raw.names[positions["time"]]
    if len(raw.columns) <= PLACE or PLACE in positions.values():
        return None
    return raw.columns[PLACE], str(PLACE + 1)


def are_times(columns: Sequence[pa.Array], name: str, folder: Path | None) -> bool:
    """Return whether columns hold times: dates, integers in the order of the parts, or so named.

    Args:
        columns: The column of each part.
        name: Its name, or its number in files without a header.
        folder: The folder of the parts, whose ``stat.txt`` says that facts have times; None: the
            column is that of a single file.
    """
    texts = [each.cast(pa.string()) for each in columns if len(each)]
    dates = all(roles.is_measure(each) and not roles.is_number(each[0].as_py()) for each in texts)
    if not name.isdecimal() or dates:
        return True
    typed = numbering.typed(texts)
    if not all(pa.types.is_integer(each.type) for each in typed):
        return False
    if folder is not None and (folder / id_maps.STATISTICS).is_file():
        return True
    bounds: list[npt.NDArray[np.int64]] = [
        np.array(list(pc.min_max(each).as_py().values())) for each in typed
    ]
    flat = np.concatenate(bounds)
    in_order = bool((np.diff(flat) >= 0).all())
    return len(typed) > 1 and in_order and flat[0] < flat[-1]
