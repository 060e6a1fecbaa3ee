"""The config and the run of each kind of data: links and triples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gneg import checks
from gneg.datasets import LinkData, TripleData
from gneg.training.config import LinkConfig, TripleConfig
from gneg.training.resources import DEFAULT, Resources

if TYPE_CHECKING:
    from gneg.training.link import LinkRun
    from gneg.training.triple import TripleRun

Config = LinkConfig | TripleConfig


def config_class(data: LinkData | TripleData) -> type[LinkConfig] | type[TripleConfig]:
    """Return the class of configs for a kind of data."""
    return TripleConfig if isinstance(data, TripleData) else LinkConfig


def make_run(
    data: LinkData | TripleData, config: Config, seed: int, resources: Resources = DEFAULT
) -> LinkRun | TripleRun:
    """Return the untrained run of one seed; resources are those of mini-batches.

    Raises:
        ValueError: If the config is not one for this kind of data.
    """
    expected = config_class(data)
    if not isinstance(config, expected):
        allowed = f"a {expected.__name__} for {type(data).__name__}"
        checks.fail("config", allowed, type(config).__name__)
    in_batches = (resources,) if isinstance(config, LinkConfig) else ()
    run: LinkRun | TripleRun = run_class(config)(data, config, seed, *in_batches)
    return run


def run_class(config: Config) -> Any:
    """Return the class of a config's runs; PyTorch Geometric, slow to import, is for links only."""
    if isinstance(config, TripleConfig):
        from gneg.training.triple import TripleRun

        return TripleRun
    from gneg.training.link import LinkRun

    return LinkRun
