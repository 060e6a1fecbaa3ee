"""The readers' errors under the name that the caller's argument has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def naming(name: str, argument: str = "dataset") -> Iterator[None]:
    """Name the caller's argument in the errors of a reader, which calls its file by another name.

    Args:
        name: The name of the caller's argument.
        argument: The name that the reader uses.

    Raises:
        ValueError: As the block does, with the name in place of the reader's.
    """
    try:
        yield
    except ValueError as error:
        message, start = str(error), f"'{argument}' "
        if not message.startswith(start):
            raise
        raise ValueError(f"'{name}' {message.removeprefix(start)}") from error
