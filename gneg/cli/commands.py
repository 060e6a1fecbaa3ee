"""The commands by name, each imported when it is called."""

from __future__ import annotations

import functools
import gc
import importlib
import re
from itertools import pairwise
from typing import Any, ClassVar

import typer

from gneg.lazy import importing


class LazyGroup(typer.core.TyperGroup):
    """A group that knows the names and first lines of its commands, and imports what is called.

    torch alone takes longer to import than the list of all commands may take to print.
    """

    #: Whether the process is a command's alone, so that objects made before it are nobody else's.
    in_own_process: ClassVar[bool] = False
    #: The typer application of the group in :mod:`gneg.cli.app`.
    application: ClassVar[str]
    #: Module of each command and the first line of its help, in the order of use.
    table: ClassVar[dict[str, tuple[str, str]]]

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; one that is not imported has name and first line only."""
        if cmd_name in self.table and cmd_name not in self.commands:
            self.commands[cmd_name] = typer.core.TyperCommand(
                cmd_name, help=self.table[cmd_name][1]
            )
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that ``args`` name, imported; options without a value end it."""
        for before, value in pairwise([*args, "-"]):
            if before.startswith("-") and (value == "" or re.fullmatch("--[a-z-]+=", before)):
                _refuse_empty(before)
        if args and args[0] in self.table:
            self.load(args[0])
        else:  # the nearest of all names is suggested
            self.commands.update({name: self.get_command(ctx, name) for name in self.table})
        return super().resolve_command(ctx, args)

    def load(self, name: str) -> Any:
        """Import a command and return it."""
        module = self.table[name][0]
        if module != "app":  # where groups are made, which are here from the start
            self.commands[name] = _command(self.application, module, name)
        return self.commands[name]


@functools.cache
def _command(group: str, module: str, name: str) -> Any:
    """Import the module of a command, and return the command."""
    application: typer.Typer = getattr(importlib.import_module("gneg.cli.app"), group)
    with importing():
        importlib.import_module(f"gneg.cli.{module}")
        if LazyGroup.in_own_process:
            gc.freeze()  # else all of it would be looked through now, and at the end
    (info,) = (info for info in application.registered_commands if info.name == name)
    return typer.main.get_command_from_info(
        info,
        pretty_exceptions_short=application.pretty_exceptions_short,
        rich_markup_mode=application.rich_markup_mode,
    )


def _refuse_empty(option: str) -> None:
    """Refuse an empty value of an option: as a path it would be the current folder."""
    from gneg import checks
    from gneg.cli.app import plain_errors

    with plain_errors():
        checks.fail(option.strip("-="), "a value that is not empty", "''")


class Commands(LazyGroup):
    """The commands of ``gneg``."""

    application = "app"
    table: ClassVar[dict[str, tuple[str, str]]] = {
        "train": ("train", "Train a link predictor and rank held-out edges: Hits@K, MRR, AUC."),
        "describe": ("describe", "Say what is understood of a file, and stop."),
        "predict": (
            "predict",
            "Say which links are missing: the likeliest new links of nodes, by a trained model.",
        ),
        "evaluate": (
            "evaluate",
            "Rank held-out edges against easy and hard negatives, or among all nodes: Hits@K, "
            "MRR, AUC.",
        ),
        "hardset": (
            "hardset",
            "Make hard negatives for evaluation: HeaRT's procedure and other families.",
        ),
        "audit": ("audit", "Measure how hard, how risky and how costly a sampler's negatives are."),
        "sample": (
            "sample",
            "Write negatives of every positive to a file, reproducible to the bit.",
        ),
        "ingest": (
            "ingest",
            "Build a graph from files that need not fit in memory, in a folder that opens at once.",
        ),
        "generate": ("generate", "Generate large random graphs, for measurements."),
        "compare": (
            "compare",
            "Train a grid of settings over seeds, and test what each part is worth.",
        ),
        "report": (
            "report",
            "Write a page, and figures for papers, from the results of gneg compare.",
        ),
        "kg": ("app", "Knowledge-graph completion: train, predict, compare samplers."),
        "samplers": (
            "lists",
            "List samplers, their options, and how expressions combine them.",
        ),
        "losses": ("lists", "List losses."),
        "datasets": ("lists", "List datasets that are known by name."),
    }


class KgCommands(LazyGroup):
    """The commands of ``gneg kg``."""

    application = "kg"
    table: ClassVar[dict[str, tuple[str, str]]] = {
        "train": (
            "train_triples",
            "Train embeddings of a knowledge graph and rank held-out triples from both ends.",
        ),
        "describe": (
            "describe",
            "Say what is understood of a file or folder of triples, and stop.",
        ),
        "predict": (
            "complete",
            "Complete triples: the likeliest heads, relations or tails, by a trained model.",
        ),
        "compare": (
            "compare",
            "Train every model with every sampler over seeds, and test which differ.",
        ),
        "presets": ("lists", "List presets: settings of models that were tuned on validation."),
    }
