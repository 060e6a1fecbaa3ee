"""Build the site into a folder, ``build/site`` by default; a warning is an error."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

CONFIG = Path(__file__).parent / "mkdocs.yml"
BUILT = CONFIG.parents[2] / "build" / "site"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m examples.site", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=BUILT, help="the site's folder")
    folder = parser.parse_args().folder.resolve()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    start = time.perf_counter()
    try:
        build(load_config(str(CONFIG), site_dir=str(folder), strict=True))
    except Abort as error:
        sys.exit(str(error))
    print(f"{folder / 'index.html'}, in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
