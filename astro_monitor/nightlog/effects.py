"""What a document changes in the other tables than ``documents``. Called inside the transaction that logs it."""

from __future__ import annotations

import os
from collections import deque
from datetime import datetime
from typing import Any, NamedTuple

from ..bounds import folded_int64, int64
from ..clock import utc_text
from ..documents import Document
from ..errors import NightLogError
from .database import Database


class Sighting(NamedTuple):
    """Where a content was seen, and what the file system said of it.

    Attributes:
        path: as bytes: names need not be Unicode.
        size_bytes: its length.
        mtime_ns: its modification time.
        ctime_ns: when anything of it changed last, attributes included; 0: unknown.
        file_no: its number in the file system; 0: unknown.
        digest: of some of its bytes, made by who has seen it; empty: unknown.
    """

    path: bytes
    size_bytes: int
    mtime_ns: int
    ctime_ns: int = 0
    file_no: int = 0
    digest: str = ""

    def bounded(self) -> Sighting:
        """Return the same with numbers that SQLite can hold."""
        return Sighting(
            self.path, int64(self.size_bytes), int64(self.mtime_ns), int64(self.ctime_ns), folded_int64(self.file_no),
            self.digest,
        )  # fmt: skip


def apply(database: Database, document: Document, sighting: Sighting | None) -> None:
    """Keep frames, sightings, overrides and the latest documents in step with a new document.

    Parameters:
        database: inside a transaction.
        document: already inserted.
        sighting: the file a document of an outcome is about; ``None``: as the body says, time unknown.

    Raises:
        NightLogError: a second outcome for the same content, or a revision of a frame that was never judged.
    """
    body = document.body
    match document.kind:
        case "frame.judged" | "frame.skipped" | "frame.failed":
            _outcome(database, document)
            where = sighting or Sighting(os.fsencode(body["file"]), body["size_bytes"], 0)
            sight(database, body["frame_id"], document.seq, where)
            if document.kind == "frame.judged":
                _keep_latest(database, f"frame/{body['meta']['target'] or ''}", document.seq)
        case "frame.revised":
            _revision(database, document)
        case "alert.opened" | "alert.updated":
            _keep_latest(database, f"alert/{body['alert_id']}", document.seq)
        case "alert.closed":
            database.rows("DELETE FROM latest WHERE subject = ?", (f"alert/{body['alert_id']}",))
        case "context.observed":
            _keep_latest(database, f"context/{body['subject']}/{body['source']}", document.seq)
        case "session.started" | "metrics.described" | "list.written":
            _keep_latest(database, document.kind, document.seq)


def sight(database: Database, frame_id: str | None, outcome_seq: int, where: Sighting) -> None:
    """Note where a content is now; whatever was known of that path before is forgotten."""
    database.rows(
        "INSERT OR REPLACE INTO sightings (path, size_bytes, mtime_ns, ctime_ns, file_no, digest, frame_id, "
        "outcome_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*where.bounded(), frame_id, outcome_seq),
    )


def see_again(database: Database, waiting: deque[Sighting]) -> None:
    """Note what the file system says now of files whose content is the one that is known.

    Should the transaction fail, they are only compared by their digests once more.

    Parameters:
        database: inside a transaction.
        waiting: emptied.
    """
    for _ in range(len(waiting)):
        sighting = waiting.popleft()
        database.rows(
            "UPDATE sightings SET ctime_ns = ?, file_no = ? WHERE path = ? AND size_bytes = ? AND mtime_ns = ?",
            (sighting.ctime_ns, sighting.file_no, sighting.path, sighting.size_bytes, sighting.mtime_ns),
        )


def _outcome(database: Database, document: Document) -> None:
    body = document.body
    frame_id = body["frame_id"]
    if frame_id is None:
        return  # its bytes could not be read, so the file is known by path, size and time alone
    known = database.rows("SELECT retryable, outcome_seq FROM frames WHERE frame_id = ?", (frame_id,))
    if known and not known[0][0]:
        raise NightLogError(
            f"frame {frame_id} has its outcome already (document {known[0][1]}); note the sighting instead"
        )
    meta: dict[str, Any] = body.get("meta", {})
    judged = document.kind == "frame.judged"
    # Not INSERT OR REPLACE: that would delete the row first, and sightings refer to it.
    database.rows(
        """INSERT INTO frames VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (frame_id) DO UPDATE SET
            sha256 = excluded.sha256, outcome_seq = excluded.outcome_seq, judged = excluded.judged,
            retryable = excluded.retryable, decision = excluded.decision, class = excluded.class,
            target = excluded.target, filter = excluded.filter, sort_time = excluded.sort_time""",
        (
            frame_id,
            body.get("sha256"),
            document.seq,
            int(judged),
            int(body.get("retryable", False)),
            body.get("decision", ""),
            body.get("class", ""),
            meta.get("target") or "",
            meta.get("filter") or "",
            _utc_or(meta.get("date_obs_utc"), document.time),
        ),
    )


def _revision(database: Database, document: Document) -> None:
    body = document.body
    frame_id, decision = body["frame_id"], body["new_decision"]
    if not database.rows("SELECT 1 FROM frames WHERE frame_id = ? AND judged", (frame_id,)):
        raise NightLogError(f"frame {frame_id} was never judged, so it cannot be revised; check the id")
    database.rows("UPDATE frames SET decision = ? WHERE frame_id = ?", (decision, frame_id))
    database.rows(
        "INSERT INTO overrides VALUES (?, ?, ?, ?, ?)",
        (document.seq, frame_id, decision, body["by"], body["why"]),
    )


def _keep_latest(database: Database, subject: str, seq: int) -> None:
    database.rows("INSERT OR REPLACE INTO latest VALUES (?, ?)", (subject, seq))


def _utc_or(text: str | None, otherwise: str) -> str:
    """Bring a header time into the one form that sorts; a missing or odd one gives way to the document's time."""
    try:
        return utc_text(datetime.fromisoformat(text or ""))
    except ValueError:
        return otherwise
