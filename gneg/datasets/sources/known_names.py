"""Datasets that are known by name, and whether an argument is such a name or a path."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gneg import checks
from gneg.datasets.sources import citations, interactions, local, ogb, pyg
from gneg.datasets.sources.digits import digits
from gneg.datasets.sources.hyperbolic import hyperbolic


class TripleSource(NamedTuple):
    """The folder of a dataset and the address of ``train.txt``, ``valid.txt``, ``test.txt``."""

    folder: str
    url: str


#: Datasets that need no download, by name: functions of the seed of the split.
EMBEDDED = {"hyperbolic": hyperbolic, "digits": digits}
_CONVE = "https://raw.githubusercontent.com/TimDettmers/ConvE/master/{}"
_KEEN = "https://raw.githubusercontent.com/ZhenfengLei/KGDatasets/master/{}"
_CODEX = "https://raw.githubusercontent.com/tsafavi/codex/master/data/triples/codex-{}"
_VILLMOW = "https://raw.githubusercontent.com/villmow/datasets_knowledge_embedding/master/{}"
#: Knowledge graphs that are read from text files.
TRIPLES = {
    "fb15k237": TripleSource("fb15k237", _VILLMOW.format("FB15k-237")),
    "wn18rr": TripleSource("wn18rr", _VILLMOW.format("WN18RR/text")),
    "yago3-10": TripleSource("yago3-10", _KEEN.format("YAGO3-10")),
    "nations": TripleSource("nations", _KEEN.format("Nations")),
    "umls": TripleSource("umls", _KEEN.format("UMLS")),
    "kinship": TripleSource("kinship", _KEEN.format("Kinship")),
    **{f"codex-{size}": TripleSource(f"codex-{size}", _CODEX.format(size)) for size in "sml"},
}
_OTHER_SPELLINGS = {"fb15k-237": "fb15k237"}


def link_names() -> list[str]:
    """Return the names that :func:`gneg.datasets.load` knows."""
    return [*EMBEDDED, *pyg.NAMES, *ogb.NAMES, *interactions.NAMES, citations.NAME]


def triple_names() -> list[str]:
    """Return the names that :func:`gneg.datasets.load_triples` knows."""
    return [*TRIPLES, *ogb.TRIPLE_NAMES]


def known_name(dataset: str | Path, names: Sequence[str]) -> str | None:
    """Return the known name that a dataset is, whatever its case; None: it is a path.

    What holds a separator (``./codex-m``) or begins with ``.`` or ``~`` is a path, as is a ``Path``
    that exists.

    Args:
        dataset: A name or path.
        names: The names that are known.

    Raises:
        ValueError: If it is empty, as an unset variable is, which would be the working directory.
    """
    text = str(dataset)
    if not text:
        checks.fail("dataset", "a name or a path", "''")
    is_path = isinstance(dataset, Path) and dataset.exists()
    if is_path or text.startswith((".", "~")) or "/" in text or os.sep in text:
        return None
    lower = text.lower()
    by_spelling = {name.lower(): name for name in names}
    return by_spelling.get(_OTHER_SPELLINGS.get(lower, lower))


def warn_of_local(dataset: str | Path, root: str | Path | None) -> None:
    """Warn where a file or folder of the working directory has the known name that is loaded.

    Not so where that directory is the root, whose folder of this name is the dataset's copy.

    Args:
        dataset: The name, as it was given.
        root: Folder of local copies; None: the cache.
    """
    path = Path(dataset)
    if path.exists() and local.folder_of(root).resolve() != Path.cwd():
        kind = "folder" if path.is_dir() else "file"
        text = f"'{dataset}' is the known dataset; for the {kind} of this name give ./{dataset}"
        warnings.warn(text, stacklevel=4)


def from_anywhere(dataset: str | Path) -> str:
    """Return a known name as it is, and a path as one that holds in any folder.

    Args:
        dataset: A name or path; a ``Path`` is one whatever its name.
    """
    known = [*link_names(), *triple_names()]
    if isinstance(dataset, str) and known_name(dataset, known) is not None:
        return dataset
    return str(Path(dataset).expanduser().absolute())
