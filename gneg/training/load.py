"""Loading finished runs: their records and their models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, overload

from torch import Tensor

from gneg import checks
from gneg.datasets import LinkData, TripleData, reload, store
from gneg.datasets.splits import drop_repeated_edges
from gneg.graph.devices import usable
from gneg.training import checkpoint, record
from gneg.training.device import forked_random
from gneg.training.kinds import config_class, make_run
from gneg.training.link import LinkRun
from gneg.training.options import from_mapping
from gneg.training.parts import check_registered
from gneg.training.triple import TripleRun

__all__ = ["load_data", "load_record", "load_run", "load_score", "weights_of"]


def load_data(path: str | Path) -> LinkData | TripleData:
    """Return the dataset of a run: the one stored in its folder, or loaded again by its name.

    Args:
        path: The folder of a run, its ``results.json`` or one of its ``model-SEED.pt``.

    Raises:
        ValueError: If there is no such run, a file is damaged or the data are not there.
        MissingDataError: If the data are known by name, but cannot be loaded again.
    """
    record_of_run = load_record(path)
    path = Path(path)
    folder = (path if path.is_dir() else path.parent) / store.FOLDER
    if folder.exists():
        return store.load(folder)
    source = record_of_run["source"]
    if source is None:
        allowed = "a run with its data; load_run(data, path) takes them from elsewhere"
        checks.fail("path", allowed, f"{path} without {store.FOLDER}/")
    return reload(source)


def load_record(path: str | Path) -> dict[str, Any]:
    """Return the record of the training run that made ``path``.

    Args:
        path: A ``model-SEED.pt``, its ``results.json`` or the folder of both.

    Raises:
        ValueError: If there is no ``results.json``, or it is damaged.
    """
    path = Path(path)
    results = (path if path.is_dir() else path.parent) / record.NAME
    if not path.exists() or not results.exists():
        checks.fail("model", "a run of gneg train, with its results.json", str(path))
    return record.read("model", results)


def weights_of(path: str | Path) -> list[Path]:
    """Return the weights at ``path``: the file itself, or each ``model-SEED.pt`` of a folder.

    A ``results.json`` stands for its folder.

    Raises:
        ValueError: If there are none.
    """
    path = Path(path)
    path = path.parent if path.name == record.NAME and path.is_file() else path
    weights = sorted(path.glob("model-*.pt")) if path.is_dir() else [path]
    if not weights or not weights[0].exists():
        checks.fail("model", "a folder with model-SEED.pt files, or one of them", str(path))
    return weights


@overload
def load_run(data: LinkData, path: str | Path) -> LinkRun: ...
@overload
def load_run(data: TripleData, path: str | Path) -> TripleRun: ...


def load_run(data: LinkData | TripleData, path: str | Path) -> LinkRun | TripleRun:
    """Return the run whose best weights are in ``path``, on the training graph of ``data``.

    Args:
        data: The dataset that the model was trained on, recognised by its fingerprint.
        path: A ``model-SEED.pt`` beside its ``results.json``, or the folder of both, of which the
            first seed is loaded. Where this machine lacks the device of the run, it is the CPU.

    Raises:
        ValueError: If there is no such run, a file is damaged, or it was trained on other data.
    """
    weights = weights_of(path)[0]
    run_record = load_record(weights)
    trained_on, description = run_record["dataset"], data.describe()
    if isinstance(data, LinkData) and not _same(trained_on, description):
        description = drop_repeated_edges(data).describe()
    if trained_on["hash"] == description["hash"] and not _same(trained_on, description):
        hashes = trained_on.get("features_hash"), description.get("features_hash")
        checks.fail("data", f"with the features of the training, hash {hashes[0]}", hashes[1])
    names = trained_on.get("names_hash"), description.get("names_hash")
    if _same(trained_on, description) and None not in names and names[0] != names[1]:
        checks.fail("data", f"with the names of the training, hash {names[0]}", names[1])
    if not _same(trained_on, description):
        checks.fail(
            "data", f"what the model was trained on ({_text(trained_on)})", _text(description)
        )
    check_registered(run_record)
    source = str(weights.parent / record.NAME)
    config: Any = from_mapping(config_class(data), run_record["config"], source)
    if usable(config.device) is not None:
        config = replace(config, device="cpu")
    with forked_random(config.device):
        run = make_run(data, config, seed=0)
    checkpoint.load_weights(run, weights)
    return run


def load_score(data: LinkData | TripleData, path: str | Path) -> tuple[Any, Tensor]:
    """Return a trained model for samplers that select by one: its score and embeddings ``[N, D]``.

    The score is ``score(src, dst)``, of triples ``score(head, relation, tail)``, without a base
    measure. Embeddings are on the CPU, as the data are, wherever the model is. Arguments and errors
    are those of :func:`load_run`.
    """
    run = load_run(data, path)
    if isinstance(run, TripleRun):
        return run.model.scorer(), run.final_embeddings().cpu()
    return run.scorer(), run.embed().cpu()


def _same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Return whether two descriptions are of the same edges (triples) and features."""
    return all(first.get(key) == second.get(key) for key in ("hash", "features_hash"))


def _text(description: dict[str, Any]) -> str:
    """Return name, sizes and hash of a dataset that a record describes."""
    kind = "triples" if "triples" in description else "edges"
    sizes = " / ".join(f"{size:,}" for size in description[kind].values())
    return f"{description['name']}, {sizes} {kind}, hash {description['hash']}"
