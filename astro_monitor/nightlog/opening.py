"""Opening the file: who may, which version it is, whether it is sound, and how SQLite must treat it.

The order matters. Nothing is written before the file is known to be ours and not newer than this program.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..clock import utc_text
from ..errors import NightLogError
from ..openfile import NotPlain, check_plain
from ..plain import because
from .database import is_corruption
from .localdisk import network_kind
from .rows import checksum
from .schema import APPLICATION_ID, DOCUMENT_COLUMNS, MIGRATIONS, TABLES, VERSION

log = logging.getLogger(__name__)

IN_MEMORY = ":memory:"

_HEADER_BYTES = 100
"""Size of the header of an SQLite file (its file format, section 1.3)."""

CHECKED = "checked"
"""The state that says when all of the log was looked at last."""
CHECK_EACH = timedelta(days=7)
"""A log that ended in order is checked in whole once a week: a check of a big one takes seconds."""


class Corrupt(Exception):
    """The file is no sound night log any more."""


def wal_is_safe(version: tuple[int, int, int]) -> bool:
    """Return whether this SQLite is free of the WAL-reset bug.

    SQLite 3.7.0 to 3.51.2 can corrupt a WAL database when two connections write and checkpoint at the same moment;
    mended in 3.51.3, 3.50.7 and 3.44.6.

    Parameters:
        version: as in ``sqlite3.sqlite_version_info``.
    """
    return (
        version >= (3, 51, 3)
        or (version[:2] == (3, 50) and version >= (3, 50, 7))
        or (version[:2] == (3, 44) and version >= (3, 44, 6))
    )


def check_place(path: Path) -> None:
    """Create the folder of the night log, and refuse one that SQLite cannot trust.

    Raises:
        NightLogError: it cannot be made, or lies on a network share.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NightLogError(
            f"the state folder {path.parent} cannot be made: {because(error)}; choose another state_folder"
        ) from error
    kind = network_kind(path.parent)
    if kind is not None:
        raise NightLogError(
            f"the state folder {path.parent} is on a network share ({kind}), where the night log could be damaged; "
            "choose a state_folder on a local disk"
        )


def check_plain_files(path: Path) -> None:
    """Refuse links, pipes and the like in the place of the night log, of SQLite's files next to it, and of its trail.

    Raises:
        NightLogError: there is one.
    """
    trail = path.with_name(path.stem + ".trail")
    try:
        for companion in ("", "-wal", "-shm", "-journal"):
            check_plain(path.with_name(path.name + companion))
        if trail.is_symlink():
            raise NotPlain(trail, "a link")
    except NotPlain as error:
        raise NightLogError(
            f"the night log cannot be kept at {error.filename}: {because(error)}; links are not followed, remove it "
            "or choose another state_folder"
        ) from error


def check_header(path: Path) -> None:
    """Check the first bytes of the night log, before SQLite does, and refuse what is not to be touched.

    Raises:
        NightLogError: of a newer version, or some other program's database, or unreadable.
        Corrupt: no SQLite file at all.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        return
    except OSError as error:
        raise NightLogError(f"the night log {path} cannot be read: {because(error)}; check its permissions") from error
    if not header:
        return
    if len(header) < _HEADER_BYTES or not header.startswith(b"SQLite format 3\0"):
        raise Corrupt("it does not begin like an SQLite file")
    # https://www.sqlite.org/fileformat.html: user version at byte 60, application id at byte 68, both big-endian.
    _check_identity(path, int.from_bytes(header[68:72], "big"), int.from_bytes(header[60:64], "big"))


def _check_identity(path: Path, application_id: int, version: int) -> None:
    """Raise ``NightLogError`` when a database file is of another program or of a newer version of the night log."""
    if application_id != APPLICATION_ID and (application_id, version) != (0, 0):
        raise NightLogError(f"{path} is a database of another program; move it away or choose another state_folder")
    if version > VERSION:
        raise NightLogError(
            f"the night log {path} was written by a newer astro-monitor (version {version}, this one knows {VERSION}); "
            "update the program or choose another state_folder; the file was not touched"
        )


def connect(location: str, *, read_only: bool = False) -> sqlite3.Connection:
    """Open an SQLite connection to the night log; nothing is written yet.

    Parameters:
        location: a path, or ``:memory:``.
        read_only: for other processes that look at the log; it must exist.

    Raises:
        sqlite3.Error: as SQLite says.
    """
    target = (
        location
        if location == IN_MEMORY
        else f"{Path(location).absolute().as_uri()}?mode={'rw' if read_only else 'rwc'}"
    )
    connection = sqlite3.connect(
        target, uri=location != IN_MEMORY, isolation_level=None, check_same_thread=False, timeout=10.0
    )
    # Text damaged so that it is no UTF-8 must reach the checksum, which tells what is wrong.
    connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    try:
        pragmas = ["busy_timeout=10000", "foreign_keys=ON", "trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0"]
        if read_only:
            # A reader needs write access to undo a commit that a crash cut short, but never changes anything.
            pragmas.append("query_only=ON")
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def make_durable(connection: sqlite3.Connection) -> None:
    """Choose the journal of the night log and have every commit flushed to the disk before it returns.

    In the range of the WAL-reset bug a rollback journal is used: as durable, a little slower, and readers in other
    processes stay harmless.
    """
    journal = "WAL" if wal_is_safe(sqlite3.sqlite_version_info) else "TRUNCATE"
    for pragma in (
        f"journal_mode={journal}",
        "synchronous=FULL",
        f"journal_size_limit={64 << 20}",
        "wal_autocheckpoint=1000",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def check_owner(connection: sqlite3.Connection, path: Path) -> int:
    """Refuse a newer night log and another program's file, before anything is written to it.

    Returns:
        the version of the log; 0 for a new one.

    Raises:
        NightLogError: not ours, or newer.
    """
    application_id = int(connection.execute("PRAGMA application_id").fetchone()[0])
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    _check_identity(path, application_id, version)
    if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise NightLogError(f"{path} is a database of another program; move it away or choose another state_folder")
    return version


def migrate(connection: sqlite3.Connection, version: int, now: datetime, set_aside: str) -> None:
    """Update the tables of the night log from ``version`` to this one, all or nothing."""
    if version == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                connection.execute(statement)
        if version == 0:
            about = (uuid.uuid4().hex, utc_text(now), set_aside)
            connection.execute("INSERT INTO about VALUES (1, ?, ?, 1, ?)", about)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def keep_copy(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """Keep a copy of a night log as an older program wrote it, so that one can go back to that program.

    Parameters:
        connection: on the log.
        path: of the log; the copy is named after it and its version. One that is there already stays.
        version: of the log.

    Raises:
        sqlite3.Error: it cannot be written; nothing was migrated.
    """
    copy = path.with_name(f"{path.name}.version-{version}")
    if copy.exists():
        return
    unfinished = copy.with_name(copy.name + ".part")
    unfinished.unlink(missing_ok=True)
    target = sqlite3.connect(unfinished)
    try:
        connection.backup(target)
    finally:
        target.close()
    unfinished.rename(copy)
    log.info("the night log is brought to version %d; it is kept as it was in %s", VERSION, copy)


def check_sound(connection: sqlite3.Connection, now: datetime, *, thoroughly: bool) -> bool:
    """Check the tables and the numbering of the night log.

    Parameters:
        connection: an open log of this version.
        now: the time.
        thoroughly: check every page and every document too when the log was not closed in order, or was not checked
            like this for a week: bits fall over on a shelf as well.

    Returns:
        whether all of it was checked.

    Raises:
        Corrupt: something is damaged.
    """
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not names >= TABLES:
        raise Corrupt(f"tables are missing: {', '.join(sorted(TABLES - names))}")
    about = connection.execute("SELECT closed_in_order, log_id, set_aside FROM about").fetchone()
    if about is None or not all(isinstance(text, str) for text in about[1:]):
        raise Corrupt("it does not say who it is")
    checked = thoroughly and (not about[0] or _check_is_due(connection, now))
    if checked:
        _check_all(connection)
        connection.execute("INSERT OR REPLACE INTO states VALUES (?, ?)", (CHECKED, json.dumps({"at": utc_text(now)})))
    # One statement, so that both are of one moment: another process may be writing.
    count, last = connection.execute("SELECT count(*), coalesce(max(seq), 0) FROM documents").fetchone()
    if last != count:
        raise Corrupt(f"{count} documents are numbered up to {last}")
    return checked


def _check_is_due(connection: sqlite3.Connection, now: datetime) -> bool:
    """Return whether the last full check of the night log is unknown or older than ``CHECK_EACH``."""
    row = connection.execute("SELECT value FROM states WHERE key = ?", (CHECKED,)).fetchone()
    try:
        age = now - datetime.fromisoformat(json.loads(row[0])["at"])
    except (TypeError, ValueError, KeyError):
        return True
    return not timedelta(0) <= age < CHECK_EACH


def _check_all(connection: sqlite3.Connection) -> None:
    """Raise ``Corrupt`` when SQLite finds damage in the night log, or a document does not match its checksum."""
    findings = [str(found[0]) for found in connection.execute("PRAGMA quick_check(5)")]
    if findings != ["ok"]:
        raise Corrupt("; ".join(findings))
    for row in connection.execute(f"SELECT {DOCUMENT_COLUMNS} FROM documents"):  # noqa: S608
        if checksum(row[:-1]) != row[-1]:
            raise Corrupt(f"document {row[0]} does not have its checksum")


def set_aside(path: Path, now: datetime) -> Path:
    """Rename a damaged night log and its companions, so that a new one can begin and the evidence stays.

    Returns:
        the new place of the log.
    """
    suffix = now.strftime(".corrupt.%Y%m%dT%H%M%S.%fZ")
    for companion in ("-wal", "-shm", "-journal", ""):
        present = path.with_name(path.name + companion)
        if present.exists():
            present.rename(path.with_name(path.name + suffix + companion))
    return path.with_name(path.name + suffix)


def open_file(path: Path, now: datetime) -> tuple[sqlite3.Connection, bool]:
    """Open, migrate and check a night log; set a damaged one aside and begin a new one. The caller holds the lock.

    Returns:
        a connection, and whether every page and document was checked.

    Raises:
        NightLogError: it is not ours, of a newer version, or cannot be opened.
    """
    try:
        return _open_sound(path, now, "")
    except Corrupt as damage:
        kept_as = set_aside(path, now)
        log.error("the night log was damaged (%s); it is kept as %s and a new one begins", damage, kept_as)
        try:
            return _open_sound(path, now, str(kept_as))
        except Corrupt as again:
            raise NightLogError(f"no night log can be made at {path}: {again}; check the disk") from again


def _open_sound(path: Path, now: datetime, replaces: str) -> tuple[sqlite3.Connection, bool]:
    """Open a night log, update its tables to this version and check it; also return whether the check ran."""
    check_header(path)
    try:
        connection = connect(str(path))
        try:
            version = check_owner(connection, path)
            make_durable(connection)
            if 0 < version < VERSION:
                keep_copy(connection, path, version)
            migrate(connection, version, now, replaces)
            checked = check_sound(connection, now, thoroughly=True)
        except BaseException:
            connection.close()
            raise
    except UnicodeDecodeError as error:
        raise Corrupt("its schema holds letters that are none") from error
    except sqlite3.Error as error:
        if is_corruption(error):
            raise Corrupt(str(error)) from error
        raise NightLogError(
            f"the night log {path} cannot be opened: {error}; check the disk's free space and permissions"
        ) from error
    return connection, checked


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open an existing night log for reading; nothing is mended or changed.

    Raises:
        NightLogError: absent, damaged, or not of this version.
    """
    if not path.is_file():
        raise NightLogError(f"there is no night log at {path}; has a session run with this state_folder?")
    try:
        check_header(path)
        connection = connect(str(path), read_only=True)
        try:
            check_sound(connection, datetime.now(UTC), thoroughly=False)
        except BaseException:
            connection.close()
            raise
    except (Corrupt, sqlite3.Error, UnicodeDecodeError) as error:
        raise NightLogError(
            f"the night log {path} cannot be read: {error}; a damaged one is set aside when the next session starts"
        ) from error
    return connection
