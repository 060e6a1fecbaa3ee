"""``python -m gneg.cli``."""

from gneg.cli import main

main()
