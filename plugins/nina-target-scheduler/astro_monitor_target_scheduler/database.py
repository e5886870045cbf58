"""The scheduler's database: which images wait for a grade, and how a grade is written and taken back."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .lists import Decided, file_name

PENDING, ACCEPTED, REJECTED = 0, 1, 2
NAMES = {PENDING: "pending", ACCEPTED: "accepted", REJECTED: "rejected"}
LEAST_SCHEMA = 17
NEAR_S = 600.0
"""An image and a frame of one name belong together when they were taken within so many seconds."""

COPY_TRIES = 5
"""Tries to copy a database unchanged; one that changes each time is being written all the time."""

MOST_REASON = 200
_OWN_TABLE = """CREATE TABLE IF NOT EXISTS astromonitor_grade (
    imageId INTEGER PRIMARY KEY, before INTEGER NOT NULL, beforeReason TEXT, given INTEGER NOT NULL, reason TEXT
)"""


class DatabaseError(Exception):
    """The database cannot be used; one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Image:
    """A row of ``acquiredimage`` that may be graded, and what this program did to it before."""

    image_id: int
    plan_id: int
    name: str
    taken_s: float
    status: int
    given: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """One grade to write."""

    image: Image
    status: int
    reason: str


@contextmanager
def opened_copy(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a copy of the scheduler's database, checked, so that reading changes nothing at all.

    Even a read-only connection creates or changes files next to a database; these are copied, too.

    Raises:
        DatabaseError: as :func:`opened`, or it is written all the time.
    """
    if not path.is_file():
        raise _missing(path)
    with tempfile.TemporaryDirectory(prefix="astro-monitor-") as folder:
        copy = Path(folder) / "schedulerdb.sqlite"
        try:
            _copy(path, copy)
        except OSError as error:
            raise DatabaseError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
        with opened(copy, name=path) as connection:
            yield connection


def _copy(path: Path, copy: Path) -> None:
    """Copy a database and its pending changes, in one consistent state."""
    for _ in range(COPY_TRIES):
        before = _looks(path)
        for ending in ("", "-wal", "-journal"):
            source, target = path.with_name(path.name + ending), copy.with_name(copy.name + ending)
            target.unlink(missing_ok=True)
            if ending in before:
                try:
                    shutil.copyfile(source, target)
                except FileNotFoundError:
                    break
        if _looks(path) == before:
            return
    raise DatabaseError(f"{path} is written all the time; close N.I.N.A. and try again")


def _looks(path: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of a database and of SQLite's files next to it."""
    found = {}
    for ending in ("", "-wal", "-journal"):
        file = path.with_name(path.name + ending)
        if file.is_file():
            status = file.stat()
            found[ending] = (status.st_size, status.st_mtime_ns)
    return found


def _missing(path: Path) -> DatabaseError:
    return DatabaseError(f"{path} does not exist; the scheduler keeps schedulerdb.sqlite in its own folder")


@contextmanager
def opened(path: Path, *, name: Path | None = None) -> Iterator[sqlite3.Connection]:
    """Open the scheduler's database, checked.

    Parameters:
        path: of the database.
        name: how it is called in an error, when it is a copy.

    Raises:
        DatabaseError: it is missing, busy, too old, or something else.
    """
    said = name or path
    if not path.is_file():
        raise _missing(said)
    try:
        connection = sqlite3.connect(path, timeout=10.0, isolation_level=None)
    except sqlite3.Error as error:
        raise DatabaseError(f"{said} cannot be opened: {error}") from error
    try:
        schema = int(connection.execute("PRAGMA user_version").fetchone()[0])
        columns = {row[1] for row in connection.execute("PRAGMA table_info(acquiredimage)")}
        if not {"gradingStatus", "exposureId", "rejectreason"} <= columns:
            raise DatabaseError(
                f"{said} has schema {schema}; grades are written from schema {LEAST_SCHEMA} on: update Target Scheduler"
            )
        yield connection
    except sqlite3.Error as error:
        raise DatabaseError(f"{said} cannot be used: {error}; close N.I.N.A. and try again") from error
    finally:
        connection.close()


def gradable(connection: sqlite3.Connection) -> list[Image]:
    """Return the images that wait for a grade, and those graded here and not changed since.

    Raises:
        DatabaseError: an image has a date that is no number.
    """
    own = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'astromonitor_grade'"
    joined = connection.execute(own).fetchone() is not None
    given = "g.given" if joined else "NULL"
    join = "LEFT JOIN astromonitor_grade g ON g.imageId = a.Id" if joined else ""
    rows = connection.execute(
        f"SELECT a.Id, a.exposureId, a.metadata, a.acquireddate, a.gradingStatus, {given} "  # noqa: S608
        f"FROM acquiredimage a {join} WHERE a.gradingStatus = ? OR a.gradingStatus = {given}",
        (PENDING,),
    ).fetchall()
    return [
        Image(image, plan or 0, _name(metadata), _seconds(image, date), status, was)
        for image, plan, metadata, date, status, was in rows
        if status in NAMES
    ]


def changes(images: Sequence[Image], frames: Sequence[Decided]) -> list[Change]:
    """Say which grades to write: only where one frame and one image belong together, and the grade differs."""
    wanted = []
    for image in images:
        fitting = {
            (frame.decision, frame.reason)
            for frame in frames
            if frame.name == image.name and abs(frame.taken_s - image.taken_s) <= NEAR_S
        }
        if len(fitting) != 1:
            continue
        decision, reason = fitting.pop()
        status = {"keep": ACCEPTED, "reject": REJECTED}.get(decision, PENDING)
        if status != image.status:
            said = f"[Auto] astro-monitor: {reason}"[:MOST_REASON] if status == REJECTED else ""
            wanted.append(Change(image, status, said))
    return wanted


def apply(connection: sqlite3.Connection, wanted: Sequence[Change]) -> int:
    """Write grades, all or none. An image that somebody has graded in the meantime is left alone.

    Returns:
        how many were written.
    """
    done = 0
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(_OWN_TABLE)
        for change in wanted:
            done += _write(connection, change.image.image_id, change.image.status, change.status, change.reason)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return done


def undo(connection: sqlite3.Connection) -> int:
    """Take back every grade that is still as it was written here.

    Returns:
        how many were taken back.
    """
    done = 0
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(_OWN_TABLE)
        for image, before, reason, given in connection.execute(
            "SELECT imageId, before, beforeReason, given FROM astromonitor_grade"
        ).fetchall():
            done += _set(connection, image, given, before, reason)
        connection.execute("DROP TABLE astromonitor_grade")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return done


def _write(connection: sqlite3.Connection, image: int, before: int, after: int, reason: str) -> int:
    old = connection.execute("SELECT rejectreason FROM acquiredimage WHERE Id = ?", (image,)).fetchone()
    changed = _set(connection, image, before, after, reason or None)
    if changed:
        # The first entry keeps what was before this program came; later ones only what it gave last.
        connection.execute(
            "INSERT INTO astromonitor_grade VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (imageId) DO UPDATE SET given = excluded.given, reason = excluded.reason",
            (image, before, old[0] if old else None, after, reason),
        )
    return changed


def _set(connection: sqlite3.Connection, image: int, before: int, after: int, reason: str | None) -> int:
    changed = connection.execute(
        "UPDATE acquiredimage SET gradingStatus = ?, rejectreason = ? WHERE Id = ? AND gradingStatus = ?",
        (after, reason, image, before),
    ).rowcount
    step = (after == ACCEPTED) - (before == ACCEPTED)
    if changed and step:
        connection.execute(
            "UPDATE exposureplan SET accepted = max(0, coalesce(accepted, 0) + ?) "
            "WHERE Id = (SELECT exposureId FROM acquiredimage WHERE Id = ?)",
            (step, image),
        )
    return changed


def _seconds(image: object, date: object) -> float:
    """Return when an image was taken, in seconds since the epoch; 0 when nothing is said."""
    if date is None:
        return 0.0
    if isinstance(date, int | float) and math.isfinite(date):
        return float(date)
    shown = repr(date)[:40]
    raise DatabaseError(
        f"image {image} has the date {shown}, where the scheduler writes a number of seconds; nothing was changed, "
        "check the database with Target Scheduler"
    )


def _name(metadata: str) -> str:
    try:
        return file_name(str(json.loads(metadata)["FileName"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
