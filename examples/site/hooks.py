"""Hooks of mkdocs: every page of the site is made from what the repository holds."""

from __future__ import annotations

from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from examples.site import api, commands, documents, scripts

SECTIONS = {
    "Guide": documents.guide,
    "Examples": scripts.examples,
    "Command line": commands.pages,
    "API": api.pages,
    "Results": documents.results,
    "Project": documents.project,
}
pages: dict[str, str] = {}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Make the pages and their order."""
    pages.update(documents.front())
    navigation: list[Any] = [{"Home": "index.md"}]
    for title, make in SECTIONS.items():
        section = make()
        pages.update(section)
        navigation.append({title: list(section)})
    config.nav = navigation
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and the pictures."""
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    for picture in documents.PICTURES.iterdir():
        path = f"pictures/{picture.name}"
        files.append(File.generated(config, path, abs_src_path=str(picture)))
    return files
