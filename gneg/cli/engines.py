"""Where a command works: the options ``--engine``, ``--address`` and ``--cpus``."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import Any

from gneg import checks
from gneg.cli.groups import Group, parameter
from gneg.cli.values import at_least, one_of

PANEL = "Engine"


class EngineOptions(Group):
    """An engine, which makes the pieces of the result; None: this process."""

    def parameters(self) -> list[inspect.Parameter]:
        """Return the options."""
        engine = "What makes the pieces of the result, the same bytes: local (this process) or ray "
        address = (
            "Address of the Ray cluster: host:port, or auto for one that runs on this machine; "
            "without it $RAY_ADDRESS, or a new one, which ends with the command."
        )
        return [
            parameter(
                "engine",
                str,
                "local",
                check=one_of("local", "ray"),
                help=f"{engine}(needs gneg\\[ray]).",
                rich_help_panel=PANEL,
            ),
            parameter("address", str | None, None, help=address, rich_help_panel=PANEL),
            parameter(
                "cpus",
                int,
                1,
                check=at_least(1),
                help="Processors of a Ray task.",
                rich_help_panel=PANEL,
            ),
        ]

    def collect(self, values: dict[str, Any], typed: Collection[str]) -> Any:
        """Return the engine, or None.

        Raises:
            ValueError: If options of Ray are given for another engine.
        """
        if values["engine"] == "local":
            for name in ("address", "cpus"):
                if name in typed:
                    checks.fail(name, "left out without --engine ray", values[name])
            return None
        from gneg.integrations.ray import RayEngine

        return RayEngine(values["address"], cpus=values["cpus"])
