"""What a document changes in the tables beside ``documents``. Called inside the transaction that logs it."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from ..clock import utc_text
from ..errors import NightLogError
from ..messages import Document
from .database import Database

Sighting = tuple[bytes, int, int]
"""Path as bytes (names need not be Unicode), size in bytes, modification time in nanoseconds."""


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
            where = sighting or (os.fsencode(body["file"]), body["size_bytes"], 0)
            sight(database, body["frame_id"], document.seq, where)
            if document.kind == "frame.judged":
                _keep_latest(database, f"frame/{body['meta']['target'] or ''}", document.seq)
        case "frame.revised":
            _revision(database, document)
        case "alert.opened" | "alert.updated":
            _keep_latest(database, f"alert/{body['alert_id']}", document.seq)
        case "alert.closed":
            database.rows("DELETE FROM latest WHERE subject = ?", (f"alert/{body['alert_id']}",))
        case "session.started" | "metrics.described" | "list.written":
            _keep_latest(database, document.kind, document.seq)


def sight(database: Database, frame_id: str | None, outcome_seq: int, where: Sighting) -> None:
    """Note where a content is now; whatever was known of that path before is forgotten."""
    path, size_bytes, mtime_ns = where
    database.rows(
        "INSERT OR REPLACE INTO sightings (path, size_bytes, mtime_ns, frame_id, outcome_seq) VALUES (?, ?, ?, ?, ?)",
        (path, size_bytes, mtime_ns, frame_id, outcome_seq),
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
