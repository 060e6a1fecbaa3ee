"""The classes that users registered, as far as a config uses them: their record and its check."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from gneg import checks, records
from gneg.losses import LOSSES
from gneg.nn.registration import DECODERS, ENCODERS, KGES, RELATIONAL
from gneg.registry import Registry, of_kind
from gneg.samplers.text.names import GUARDS, SAMPLERS, TRIPLE_SAMPLERS
from gneg.samplers.text.parse import Expression, parse
from gneg.training.config import LinkConfig, TripleConfig
from gneg.training.record import REGISTERED

KEY = "registered"  # of the list in results.json


def registered_parts(config: LinkConfig | TripleConfig) -> list[dict[str, Any]]:
    """Return name and origin of each registered class that a config uses, for the record."""
    parts = {}
    for registry, name in _names(config):
        if name in registry.registered():
            origin = registry.origins[name]
            values = {"kind": registry.kind, "name": name, "source": origin.source}
            parts[registry.kind, name] = {**values, "sha256": origin.sha256}
    return list(parts.values())


def _names(config: LinkConfig | TripleConfig) -> Iterator[tuple[Registry[Any], str]]:
    """Yield every name that a config uses, with its registry."""
    yield LOSSES, config.loss or ""
    if isinstance(config, TripleConfig):
        yield from ((KGES, config.model), (RELATIONAL, config.encoder))
    else:
        yield from ((ENCODERS, config.encoder), (DECODERS, config.decoder or ""))
    for text in (config.sampler, config.base_measure):
        yield from _names_in(parse(text), isinstance(config, TripleConfig))


def _names_in(expression: Expression, of_triples: bool) -> Iterator[tuple[Registry[Any], str]]:
    registry: Registry[Any] = SAMPLERS
    if of_triples and expression.name in TRIPLE_SAMPLERS:
        registry = TRIPLE_SAMPLERS
    yield registry, expression.name
    yield from ((GUARDS, option) for option in expression.options)
    for part, _ in expression.parts:
        yield from _names_in(part, of_triples)


def code(parts: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what identifies registered classes, wherever their files are."""
    return sorted((part["kind"], part["name"], str(part["sha256"])) for part in parts)


def check_registered(record: Mapping[str, Any]) -> None:
    """Refuse the record of a run whose registered classes are not here; warn of changed ones.

    Nothing that a record names is imported: it is data, and may come from anyone.

    Raises:
        ValueError: If a class is not registered, or the record is damaged.
    """
    parts = record.get(KEY, [])
    fault = records.mismatch(parts, REGISTERED, KEY)
    if fault is not None:
        checks.fail("model", "a whole record of a run", fault)
    changed = []
    for part in parts:
        registry, source = of_kind(part["kind"]), part["source"]
        if registry is None or part["name"] not in registry.registered():
            hint = (
                f"import {source}, which registers it; on the command line, gneg --import {source}"
            )
            hint = hint if source else "it was registered in a notebook; register it here as well"
            checks.fail(part["kind"], "registered, as in training", repr(part["name"]), hint=hint)
        if part["sha256"] not in (None, registry.origins[part["name"]].sha256):
            changed.append(f"the {part['kind']} {part['name']!r}")
    if changed:
        text = f"the code of {', '.join(changed)} has changed since training"
        warnings.warn(text, stacklevel=3)
