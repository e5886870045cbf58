"""One SQLite connection that threads share by turns, with transactions that nest and errors of this program."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import NightLogError
from .rows import LogBlocked, LogDamaged, LogFull

Values = Sequence[str | bytes | int | None]


class Database:
    """Owns the connection. Every error of SQLite leaves here as a ``NightLogError``.

    Parameters:
        connection: in autocommit mode, opened with ``check_same_thread=False``.

    Attributes:
        turn: held by the thread whose turn it is.
        closed: no more calls are possible.
        suspect: damage was met.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.turn = threading.RLock()
        self._depth = 0
        self.closed = False
        self.suspect = False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the turn; all writes inside become durable together at the outermost end, or none does."""
        with self.turn:
            name = f"step{self._depth}"
            self._execute("BEGIN IMMEDIATE" if self._depth == 0 else f"SAVEPOINT {name}")
            self._depth += 1
            try:
                yield
                self._execute("COMMIT" if self._depth == 1 else f"RELEASE {name}")
            except BaseException:
                # A full disk makes SQLite roll back by itself; then there is nothing left to undo.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK" if self._depth == 1 else f"ROLLBACK TO {name}")
                raise
            finally:
                self._depth -= 1

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open; ask while holding the turn."""
        return self._depth > 0

    def rows(self, statement: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Run one statement and give all its rows."""
        with self.turn:
            return self._execute(statement, values)

    def close(self) -> None:
        """Close the connection; again does nothing."""
        with self.turn:
            if not self.closed:
                self.closed = True
                self._connection.close()

    def _execute(self, statement: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Run one SQL statement on the night log and return its rows; raise ``NightLogError`` for errors of SQLite."""
        if self.closed:
            raise NightLogError("the night log is closed; open it again")
        try:
            return self._connection.execute(statement, values).fetchall()
        except UnicodeDecodeError as error:
            # What SQLite says of a damaged schema quotes it.
            self.suspect = True
            raise LogDamaged("the night log is damaged: its schema is; start again to have it rebuilt") from error
        except sqlite3.Error as error:
            self.suspect = self.suspect or is_corruption(error)
            raise translated(error) from error


def is_corruption(error: sqlite3.Error) -> bool:
    """Return whether an SQLite error means a damaged night log, not one that is locked, full or unreadable."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def translated(error: sqlite3.Error) -> NightLogError:
    """Return the night log's error for an error of SQLite."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return LogFull("the disk of the night log is full; make room; nothing was written, and it will be tried again")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LogBlocked("another program holds the night log; nothing was written and it may be tried again")
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM):
        # Its journal is opened for each commit, which fails while this program may open no more files.
        return LogBlocked(
            f"the night log cannot be opened now ({error}); nothing was written, and it will be tried again"
        )
    if is_corruption(error):
        return LogDamaged(f"the night log is damaged: {error}; start again to have it rebuilt")
    return NightLogError(f"the night log failed: {error}; check its disk, then start again")
