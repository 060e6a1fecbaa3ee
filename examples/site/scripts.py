"""Pages from examples: scripts with their docstrings as text, and notebooks with their outputs."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

from examples.site import documents


def examples() -> dict[str, str]:
    """Return the pages of the examples, in the order of the table in the guide."""
    table = documents.chapters(documents.GUIDE)[""]
    listed = re.findall(r"\]\((\w+\.(?:py|ipynb))\)", table)
    folder = documents.ROOT / "examples"
    others = sorted(path.name for kind in ("[!_]*.py", "*.ipynb") for path in folder.glob(kind))
    index = "examples/index.md"
    text = table.replace("# Guide and examples", "# Examples", 1)
    pages = {index: documents.linked(text, documents.GUIDE, index)}
    for path in (folder / name for name in dict.fromkeys(listed + others)):
        make = script if path.suffix == ".py" else notebook
        pages[f"examples/{path.stem}.md"] = f"---\ntitle: {path.name}\n---\n\n{make(path)}"
    return pages


def script(path: Path) -> str:
    """Return the page of a script."""
    source = path.read_text()
    tree = ast.parse(source)
    headline, _, text = (ast.get_docstring(tree) or path.stem).partition("\n")
    code = "".join(source.splitlines(keepends=True)[tree.body[0].end_lineno :]).strip()
    title = f'title="examples/{path.name}"'
    return f"# {headline.rstrip('.')}\n\n{text.strip()}\n\n```python {title}\n{code}\n```\n"


def notebook(path: Path) -> str:
    """Return the page of a notebook."""
    parts = []
    for cell in json.loads(path.read_text())["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            parts.append(f"```python\n{source}\n```")
            parts += [output(entry) for entry in cell["outputs"]]
        else:
            parts.append(documents.linked(source, f"examples/{path.name}", f"examples/{path.name}"))
    return "\n\n".join(parts) + "\n"


def output(entry: dict[str, Any]) -> str:
    """Return an output of a cell: a picture or a table if there is one, else text."""
    data = {kind: "".join(value) for kind, value in entry.get("data", {}).items()}
    if "image/png" in data:
        return f"![](data:image/png;base64,{data['image/png'].strip()})"
    table = re.search("<table[^>]*>(.*</table>)", data.get("text/html", ""), re.DOTALL)
    if table:
        return "<table>" + re.sub(r"\n\s*", "\n", table[1])
    text = data.get("text/plain") or "".join(entry.get("text", entry.get("traceback", [])))
    return f"```text {{ .output }}\n{text.rstrip()}\n```"
