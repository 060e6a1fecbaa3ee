"""The files of a folder that hold the parts of a split."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from gneg import checks
from gneg.datasets.sources import columns as roles
from gneg.datasets.sources import formats
from gneg.datasets.table_options import TableOptions
from gneg.datasets.triple import PARTS

SPELLINGS = {"train": ("train",), "valid": ("valid", "val", "dev"), "test": ("test",)}
SUFFIXES = (".txt", ".tsv", ".csv", ".parquet", ".arrow", ".feather", ".nt")
COMPRESSED = ("", ".gz", ".bz2", ".zst")
ALLOWED = "a folder with train.txt, valid.txt and test.txt (or .tsv, .csv, .parquet, .nt)"
_END = "|".join(re.escape(suffix) for suffix in SUFFIXES)
_COMPRESSED_END = "|".join(re.escape(suffix) for suffix in COMPRESSED if suffix)
_LONGER = r"(?:(.+)[-_.])?({words})(?:[-_.](.+))?({end})({compressed})?"


def by_part(folder: Path) -> dict[str, list[Path]]:
    """Return the files of a folder that are named as those of each part are.

    Where none is called by the word for a part alone, those that hold it are taken, if there are
    such for all parts: ``wikidata5m_train.txt``, ``train_edges.csv``.
    """
    exact = {}
    for part, spellings in SPELLINGS.items():
        names = [word + suffix for word in spellings for suffix in SUFFIXES]
        paths = [folder / (name + compressed) for name in names for compressed in COMPRESSED]
        exact[part] = [path for path in paths if path.is_file()]
    if any(exact.values()):
        return exact
    longer = {part: _longer(folder, part) for part in PARTS}
    shared = sorted(set.intersection(*(set(paths) for paths in longer.values())))
    return {part: [path for rest in shared for path in longer[part][rest]] for part in PARTS}


def _longer(folder: Path, part: str) -> dict[tuple[str, str], list[Path]]:
    """Return the files with the word of a part in their name, by what stands around it."""
    words = "|".join(SPELLINGS[part])
    pattern = _LONGER.format(words=words, end=_END, compressed=_COMPRESSED_END)
    paths: dict[tuple[str, str], list[Path]] = {}
    for path in sorted(folder.iterdir()):
        match = re.fullmatch(pattern, path.name)
        if match is None or not path.is_file() or "neg" in (match[1] or "") + (match[3] or ""):
            continue
        paths.setdefault((match[1] or "", match[3] or ""), []).append(path)
    return paths


def files_of(folder: Path, needed: Sequence[str] = PARTS) -> dict[str, Path]:
    """Return the file of each part.

    Args:
        folder: The folder.
        needed: The parts that must have a file.

    Raises:
        ValueError: If one of these parts has no file, or a part has several.
    """
    candidates = by_part(folder)
    if not any(candidates.values()):
        allowed = f"{ALLOWED}, or with train2id.txt of OpenKE"
        inner = sorted(path for path in folder.iterdir() if path.is_dir())
        meant = next((path for path in inner if any(by_part(path).values())), None)
        hint = f"did you mean {meant}?" if meant else "name a file of edges or triples by itself"
        checks.fail("dataset", allowed, f"{folder} with {_listing(folder)}", hint=hint)
    paths = {}
    for part, of_part in candidates.items():
        if not of_part and part not in needed:
            continue
        if not of_part:
            hint = f"call it {' or '.join(SPELLINGS[part])}, or name one file: it is split at "
            hint += "random, or by its column split"
            checks.fail("dataset", ALLOWED, f"{folder} without a file of {part}", hint=hint)
        if len(of_part) > 1:
            names = " and ".join(path.name for path in of_part)
            checks.fail("dataset", f"a folder with one file of {part}", f"{names} in {folder}")
        paths[part] = of_part[0]
    return paths


def _listing(folder: Path) -> str:
    """Return the names of the first files of a folder, for people."""
    names = sorted(path.name for path in folder.iterdir())
    remainder = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + remainder if names else "no files"


def with_repeated_header(paths: dict[str, Path], options: TableOptions) -> TableOptions:
    """Return options that say so where all parts begin with the same row, as with a header.

    Its values come up nowhere else: a row of the split stands in one part only.

    Args:
        paths: The file of each part.
        options: What the caller says of the header.
    """
    if options.header is not None or any(".nt" in path.suffixes for path in paths.values()):
        return options
    headless = replace(options, header=False)
    heads = [formats.head(path, headless, roles.is_header) for path in paths.values()]
    tables = [raw.columns for raw in heads if raw is not None and raw.names is None]
    if heads[0] is None or heads[0].names is not None or len(tables) < 2:
        return options
    first = [column[0].as_py() for column in tables[0]]
    repeated = all([column[0].as_py() for column in columns] == first for columns in tables)
    return replace(options, header=True) if repeated and comes_once(first, tables[0]) else options


def comes_once(first: Sequence[str], columns: Sequence[pa.Array]) -> bool:
    """Return whether the values of a first row are words that do not come again below it."""
    return not any(
        roles.is_number(value) or pc.any(pc.equal(column[1:], value)).as_py()
        for value in first
        for column in columns
    )
