"""The DuckDB database in which edges are numbered and sorted beyond memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from gneg import files
from gneg.kernels import threads

T = TypeVar("T")
Report = Callable[[str, int, "int | None"], object]
NAME = "edges.duckdb"
KEPT = "what is finished is kept"
#: Memory of Python, torch and the batches that are on their way, which is not the database's.
RESERVED = 600 * 2**20
LEAST = 256 * 2**20  # that the database works with
BATCH = 2**18  # rows that are handled at once
SECONDS = 0.3  # between two reports of a statement


class Database:
    """A database in a folder, whose finished stages outlive the process.

    Args:
        folder: The folder.
        memory: Memory of the whole process, in bytes.
        report: Called with the name of a stage, what is done, and all; None: not known.
    """

    def __init__(self, folder: Path, memory: int, report: Report) -> None:
        self.report, self._folder = report, folder
        try:
            import duckdb
        except ImportError as error:
            text = "graphs are built with duckdb: pip install 'gneg[ingest]'"
            raise ImportError(text) from error
        self._errors = duckdb.Error, duckdb.OutOfMemoryException, duckdb.InterruptException
        for left in folder.glob("duckdb_temp*"):  # of a process that was killed
            left.unlink(missing_ok=True)
        settings: dict[str, Any] = {
            "memory_limit": f"{max(memory - RESERVED, LEAST)}B",
            "threads": threads.get_num_threads(),
            "temp_directory": str(folder),
            "preserve_insertion_order": False,
        }
        remedy = "start again with --fresh (fresh=True)"
        with self._plain_errors(remedy if (folder / NAME).exists() else KEPT):
            self._connection = duckdb.connect(str(folder / NAME), config=settings)
            self._connection.execute("SET enable_progress_bar = true")
            self._connection.execute("SET enable_progress_bar_print = false")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS stages (name VARCHAR PRIMARY KEY, outcome VARCHAR)"
            )

    def close(self) -> None:
        """Close the database; what is finished stays."""
        self._connection.close()

    def stage(self, name: str, work: Callable[[], T]) -> T:
        """Return what ``work()`` returns, JSON; if it was finished before, what it returned then.

        Args:
            name: Name of the stage.
            work: What it does, in one transaction.
        """
        row = self.rows("SELECT outcome FROM stages WHERE name = ?", [name])
        if row:
            stored: T = json.loads(row[0][0])
            return stored
        self.run("BEGIN")
        try:
            outcome = work()
            self.run("INSERT INTO stages VALUES (?, ?)", [name, json.dumps(outcome)])
            self.run("COMMIT")
        except BaseException:
            with suppress(self._errors[0]):  # closing the database does the same
                self._connection.execute("ROLLBACK")
            raise
        self.run("CHECKPOINT")
        return outcome

    def rows(self, sql: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the few rows of a query."""
        self.run(sql, values)
        return self._connection.fetchall()

    def run(self, sql: str, values: Iterable[Any] = (), *, name: str = "") -> None:
        """Run a statement, in a thread so that Ctrl-C ends it.

        Args:
            sql: The statement.
            values: Values of its parameters.
            name: Name to report its progress under; empty: it is not reported.
        """
        self._in_thread(lambda: self._connection.execute(sql, list(values)), name)

    def _in_thread(self, call: Callable[[], T], name: str) -> T:
        """Return what a call returns, while its progress is reported and Ctrl-C is heard."""
        outcomes: list[T] = []
        errors: list[BaseException] = []
        # Not Thread.join(), which takes a thread for ended once Ctrl-C has interrupted it.
        ended = threading.Event()

        def execute() -> None:
            try:
                outcomes.append(call())
            except BaseException as error:
                errors.append(error)
            finally:
                ended.set()

        threading.Thread(target=execute, name="gneg-duckdb").start()
        try:
            while not ended.wait(SECONDS):
                if name:
                    self.report(name, max(0, int(self._connection.query_progress())), 100)
        except BaseException:
            self._connection.interrupt()
            ended.wait()
            raise
        with self._plain_errors():
            for error in errors:
                raise error
        return outcomes[0]

    def insert(self, table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
        """Insert batches; what reading them raises is raised as it is."""
        errors: list[Exception] = []

        def guarded() -> Iterator[pa.RecordBatch]:
            try:
                yield from batches
            except Exception as error:  # which the database would turn into text
                errors.append(error)
                raise

        self._connection.register("batches", pa.RecordBatchReader.from_batches(schema, guarded()))
        try:
            self.run(f"INSERT INTO {table} SELECT * FROM batches")
        except (ValueError, OSError) as error:
            raise (errors[0] if errors else error) from None
        self._connection.unregister("batches")

    def batches(self, sql: str, name: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query in batches, not all at once.

        Args:
            sql: The query.
            name: Name to report its progress under until there are rows.
        """

        def begin() -> tuple[Any, Any]:
            reader = self._connection.sql(sql).to_arrow_reader(BATCH)
            return reader, next(reader, None)

        reader, batch = self._in_thread(begin, name)
        while batch is not None:
            yield batch
            with self._plain_errors():
                batch = next(reader, None)

    @contextmanager
    def _plain_errors(self, remedy: str = KEPT) -> Iterator[None]:
        base, memory, interrupted = self._errors
        try:
            yield
        except memory as error:
            line = " ".join(str(error).split())[:160]
            reason = f"memory and disk are not enough for this many edges ({line})"
            text = f"{reason}; allow more with memory, or free disk: what is finished is kept"
            raise files.WriteError(text) from error
        except interrupted:
            raise KeyboardInterrupt from None
        except base as error:
            line = " ".join(str(error).split())[:300]
            raise files.WriteError(f"{self._folder}: {line}; {remedy}") from error
