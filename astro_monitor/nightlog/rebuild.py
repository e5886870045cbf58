"""Between the night log and its document trail: what either lacks is brought from the other when the log is opened."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator

from ..clock import Clock
from ..documents import Document
from ..errors import NightLogError
from .database import Database
from .effects import apply
from .rows import LogDamaged, checksum
from .schema import DOCUMENT_COLUMNS
from .trail import Kept, Trail

log = logging.getLogger(__name__)

_PAGE = 500
"""Documents that are read at once: a few megabytes."""


def bring_back(database: Database, trail: Trail, clock: Clock) -> int:
    """Bring documents from the trail into a night log that lacks them: a new one, or one that lost its newest pages.

    The log then gets another identity. The numbers after the trail's last one may have been given before, and clients
    must not take new documents for the ones that they know under those numbers.

    Parameters:
        database: of a sound log; no other process writes.
        trail: next to it. A trail of another log is set aside.
        clock: the source of time.

    Returns:
        how many documents came back.

    Raises:
        LogDamaged: the log does not hold what its counters say.
        NightLogError: SQLite fails.
    """
    last = int(database.rows("SELECT coalesce(max(seq), 0) FROM documents")[0][0])
    if not _is_of(database, trail, last):
        log.error("the document trail is of another night log; it is kept as %s", trail.set_aside(clock.utc()))
        return 0
    if trail.last_seq <= last:
        return 0
    count = 0
    with database.transaction():
        for kept in trail.documents():
            if kept.seq > last:
                _insert(database, kept)
                count += 1
        database.rows("UPDATE about SET log_id = ?", (uuid.uuid4().hex,))
    log.warning("%d documents were brought back into the night log from its document trail", count)
    return count


def missing_from(database: Database, trail: Trail) -> Iterator[list[Kept]]:
    """Yield the documents that the night log has and its trail lacks, in order, a page at a time.

    Raises:
        LogDamaged: a document is damaged or lost; damage is not spread.
    """
    while rows := database.rows(
        f"SELECT {DOCUMENT_COLUMNS}, night FROM documents WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608
        (trail.last_seq, _PAGE),
    ):
        for index, row in enumerate(rows):
            if row[0] != trail.last_seq + 1 + index or checksum(row[:7]) != row[7]:
                raise _damaged(database, trail.last_seq + 1 + index)
        yield [Kept(row[:7], row[8], None) for row in rows]


def _damaged(database: Database, seq: int) -> LogDamaged:
    """Mark the night log as suspect and return the error that a document of it is damaged or lost."""
    database.suspect = True
    return LogDamaged(f"document {seq} of the night log is damaged or lost; start again to have it rebuilt")


def _is_of(database: Database, trail: Trail, last: int) -> bool:
    """Return whether log and trail agree on the newest document that both have; where one is empty, they do."""
    common = min(last, trail.last_seq)
    if not common:
        return True
    rows = database.rows(f"SELECT {DOCUMENT_COLUMNS} FROM documents WHERE seq = ?", (common,))  # noqa: S608
    if not rows or checksum(rows[0][:7]) != rows[0][7]:
        raise _damaged(database, common)
    known = rows[0][1]
    return any(kept.seq == common and kept.doc_id == known for kept in trail.documents_from(common))


def _insert(database: Database, kept: Kept) -> None:
    """Insert a document from the document trail into the night log, with its changes of the other tables."""
    seq, doc_id, session_id, kind, time, cause, text = kept.row
    database.rows(
        "INSERT INTO documents (seq, doc_id, session_id, kind, time, cause, body, crc32, night) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*kept.row, checksum(kept.row), kept.night),
    )
    document = Document(
        kind=kind, doc_id=doc_id, session_id=session_id, seq=seq, time=time, cause=cause, body=json.loads(text)
    )
    try:
        apply(database, document, kept.sighting)
    except NightLogError as error:
        log.warning("document %d came back, but what follows from it did not: %s", seq, error)
