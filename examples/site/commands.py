"""Pages of the command line, from the application itself."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer
from typer.models import ArgumentInfo, OptionInfo

from gneg import cli

KINDS = {int: "integer", float: "number", str: "text", Path: "path", bool: ""}


def pages() -> dict[str, str]:
    """Return a page for each command, after one that lists them."""
    for module in pkgutil.iter_modules(cli.__path__, "gneg.cli."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)  # where the commands register themselves
    commands = dict(commands_of(cli.app, "gneg"))
    lines = [f"* [`{name}`]({file_of(name)}): {help_of(commands[name])[0]}" for name in commands]
    text = "\n".join(["# Command line", "", *lines, ""])
    index = {"commands/index.md": f"{text}\n{panels(cli.app.registered_callback.callback)}"}
    return index | {f"commands/{file_of(name)}": page(name, commands[name]) for name in commands}


def commands_of(group: typer.Typer, prefix: str) -> Iterator[tuple[str, Callable[..., None]]]:
    """Yield the commands of a group with their full names, those of the groups in it last."""
    named = {info.name: info.callback for info in group.registered_commands}
    for name in typer.main.get_command(group).list_commands(None):
        if name in named:
            yield f"{prefix} {name}", named[name]
    for info in group.registered_groups:
        yield from commands_of(info.typer_instance, f"{prefix} {info.name}")


def file_of(name: str) -> str:
    """Return the file of a command's page."""
    return f"{name.removeprefix('gneg ').replace(' ', '-')}.md"


def help_of(command: Callable[..., None]) -> list[str]:
    """Return the paragraphs of a command's help as Markdown, each in one line."""
    text = re.sub(r"\[bold\](.*?)\[/\]", r"`\1`", inspect.getdoc(command) or "")
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def page(name: str, command: Callable[..., None]) -> str:
    """Return the page of a command."""
    examples = [text for text in help_of(command) if text.startswith("`")]
    sentences = [text for text in help_of(command) if text not in examples]
    lines = [line for text in examples for line in re.findall("`([^`]+)`", text)]
    code = ["```sh", *lines, "```"] if lines else []
    usage = " ".join([name, "[OPTIONS]", *usage_of(command)])
    parts = [f"# {name}", "\n\n".join(sentences), f"```text\n{usage}\n```", "\n".join(code)]
    return "\n\n".join([*filter(None, parts), panels(command)])


def parameters(command: Callable[..., None]) -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield the name, the type, typer's description and the default of each parameter."""
    hints = typing.get_type_hints(command, include_extras=True)
    for name, parameter in inspect.signature(command).parameters.items():
        if typing.get_origin(hints[name]) is typing.Annotated:
            kind, info, *_ = typing.get_args(hints[name])
            yield name, kind, info, parameter.default


def usage_of(command: Callable[..., None]) -> Iterator[str]:
    """Yield the arguments of a command."""
    for name, kind, info, default in parameters(command):
        if isinstance(info, ArgumentInfo):
            text = name.upper() + "..." * (typing.get_origin(kind) is list)
            yield text if default is inspect.Parameter.empty else f"[{text}]"


def panels(command: Callable[..., None]) -> str:
    """Return the arguments and options of a command, a definition each, by panel."""
    shown: dict[str, list[str]] = {}
    for name, kind, info, default in parameters(command):
        if getattr(info, "hidden", False):
            continue
        flags = [name.upper()] if isinstance(info, ArgumentInfo) else flags_of(name, kind, info)
        panel = info.rich_help_panel or ("Options" if isinstance(info, OptionInfo) else "Arguments")
        label = ", ".join(f"`{flag}`" for flag in flags)
        label = f'<span id="{name.replace("_", "-")}">{label}</span>'
        label += f" {kind_of(kind, info)}{default_of(default, flags)}"
        shown.setdefault(panel, []).append(f"{label}\n:   {escaped(info.help or '')}\n")
    return "\n".join(f"## {panel}\n\n" + "\n".join(lines) for panel, lines in shown.items())


def escaped(text: str) -> str:
    """Return plain text as Markdown in one line."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", " ".join(text.split()))


def flags_of(name: str, kind: Any, info: OptionInfo) -> list[str]:
    """Return the flags of an option, and the ones that turn it off."""
    flag = f"--{name.replace('_', '-')}"
    declared = info.param_decls or ([f"{flag}/--no{flag[1:]}"] if kind is bool else [flag])
    return [flag for text in declared if text.startswith("-") for flag in text.split("/")]


def kind_of(kind: Any, info: Any) -> str:
    """Return the type of an option's value, with its range."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        kind = next(member for member in typing.get_args(kind) if member is not type(None))
    if typing.get_origin(kind) is list:
        return f"{kind_of(typing.get_args(kind)[0], info)}, repeated"
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(f"`{choice}`" for choice in typing.get_args(kind))
    limits = "" if info.min is None else f" ≥ {info.min}"
    limits += "" if info.max is None else f" ≤ {info.max}"
    return f"*{KINDS[kind]}{limits}*" if KINDS[kind] else ""


def default_of(value: Any, flags: list[str]) -> str:
    """Return the default of an option, if it has one."""
    if value is inspect.Parameter.empty:
        return ", required"
    if isinstance(value, bool):
        return f", default `{flags[not value]}`" if len(flags) > 1 else ""
    return "" if value is None else f", default `{value}`"
