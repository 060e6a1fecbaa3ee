"""Lists of what the library knows by name, for the READMEs."""

from __future__ import annotations

import inspect

from benchmarks.format import table
from gneg import datasets
from gneg.datasets.sources import citations, interactions, ogb, pyg
from gneg.losses import LOSSES
from gneg.samplers.text.names import SAMPLERS, options_of


def first_line(cls: type) -> str:
    """Return the first line of a class's docstring, for a cell of a table."""
    return (inspect.getdoc(cls) or "").split("\n")[0].replace("|", "\\|")


def samplers() -> str:
    """Return the list of samplers."""
    rows = [
        [f"`{name}`", f"`{cls.__name__}`", ", ".join(options_of(cls)), first_line(cls)]
        for name, cls in SAMPLERS.items()
    ]
    return table(["`--sampler`", "class", "options", "what it does"], rows)


def losses() -> str:
    """Return the list of losses."""
    rows = [[f"`{name}`", f"`{cls.__name__}`", first_line(cls)] for name, cls in LOSSES.items()]
    return table(["`--loss`", "class", "what it costs"], rows)


def known_datasets() -> str:
    """Return the list of datasets that are known by name."""
    sources = {
        "PyG: Planetoid, Amazon, Coauthor": tuple(pyg.NAMES),
        "OGB, with its splits and negatives": tuple(ogb.NAMES),
        "users and items, LightGCN's files": interactions.NAMES,
        "SNAP: citations with their times": (citations.NAME,),
    }
    listed = {name for names in sources.values() for name in names}
    embedded = tuple(name for name in datasets.names() if name not in listed)
    sources = {"embedded: no download": embedded, **sources}
    sources["knowledge graphs, for `gneg kg`"] = tuple(datasets.triple_names())
    rows = [[", ".join(f"`{name}`" for name in sources[text]), text] for text in sources]
    return table(["names", "from"], rows)
