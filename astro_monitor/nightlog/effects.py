"""What a document changes in the other tables than ``documents``. Called inside the transaction that logs it."""

from __future__ import annotations

import os
from collections import deque
from datetime import datetime
from typing import NamedTuple

from ..bounds import folded_int64, int64
from ..clock import utc_text
from ..documents import (
    AlertView,
    ContextObservedView,
    Document,
    FrameFailedView,
    FrameJudgedView,
    FrameRevisedView,
    FrameSkippedView,
    ListWrittenView,
    MetricsDescribedView,
    SessionStartedView,
    view,
)
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
    """Update the night log's tables of frames, sightings, overrides and latest documents for a new document.

    Parameters:
        database: inside a transaction.
        document: already inserted.
        sighting: the file a document of an outcome is about; ``None``: as the body says, time unknown.

    Raises:
        NightLogError: a second outcome for the same content, or a revision of a frame that was never judged.
    """
    match view(document):
        case FrameJudgedView() | FrameSkippedView() | FrameFailedView() as outcome:
            _outcome(database, document, outcome)
            where = sighting or Sighting(os.fsencode(outcome.file), outcome.size_bytes, 0)
            sight(database, outcome.frame_id, document.seq, where)
            if isinstance(outcome, FrameJudgedView):
                _keep_latest(database, f"frame/{outcome.meta.target or ''}", document.seq)
        case FrameRevisedView() as revision:
            _revision(database, document, revision)
        case AlertView() as alert if document.kind == "alert.closed":
            database.rows("DELETE FROM latest WHERE subject = ?", (f"alert/{alert.alert_id}",))
        case AlertView() as alert:
            _keep_latest(database, f"alert/{alert.alert_id}", document.seq)
        case ContextObservedView() as observed:
            _keep_latest(database, f"context/{observed.subject}/{observed.source}", document.seq)
        case SessionStartedView() | MetricsDescribedView() | ListWrittenView():
            _keep_latest(database, document.kind, document.seq)


def sight(database: Database, frame_id: str | None, outcome_seq: int, where: Sighting) -> None:
    """Note in the night log where a content is now; whatever was known of that path before is forgotten."""
    database.rows(
        "INSERT OR REPLACE INTO sightings (path, size_bytes, mtime_ns, ctime_ns, file_no, digest, frame_id, "
        "outcome_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*where.bounded(), frame_id, outcome_seq),
    )


def see_again(database: Database, waiting: deque[Sighting]) -> None:
    """Note in the night log what the file system reports now of files whose content is unchanged.

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


def _outcome(
    database: Database, document: Document, outcome: FrameJudgedView | FrameSkippedView | FrameFailedView
) -> None:
    """Update the row of a frame in table ``frames`` for a document with its outcome: judged, skipped or failed."""
    frame_id = outcome.frame_id
    if frame_id is None:
        return  # its bytes could not be read, so the file is known by path, size and time alone
    known = database.rows("SELECT retryable, outcome_seq FROM frames WHERE frame_id = ?", (frame_id,))
    if known and not known[0][0]:
        raise NightLogError(
            f"frame {frame_id} has its outcome already (document {known[0][1]}); note the sighting instead"
        )
    judged = outcome if isinstance(outcome, FrameJudgedView) else None
    meta = None if isinstance(outcome, FrameFailedView) else outcome.meta
    # Not INSERT OR REPLACE: that would delete the row first, and sightings refer to it.
    database.rows(
        """INSERT INTO frames VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (frame_id) DO UPDATE SET
            sha256 = excluded.sha256, outcome_seq = excluded.outcome_seq, judged = excluded.judged,
            retryable = excluded.retryable, decision = excluded.decision, class = excluded.class,
            target = excluded.target, filter = excluded.filter, sort_time = excluded.sort_time""",
        (
            frame_id,
            None if isinstance(outcome, FrameFailedView) else outcome.sha256,
            document.seq,
            int(judged is not None),
            int(isinstance(outcome, FrameFailedView) and outcome.retryable),
            judged.decision if judged else "",
            judged.class_ if judged else "",
            (meta and meta.target) or "",
            (meta and meta.filter) or "",
            _utc_or((meta and meta.date_obs_utc) or "", document.time),
        ),
    )


def _revision(database: Database, document: Document, revision: FrameRevisedView) -> None:
    """Write the new decision of a revised frame to table ``frames``, and the revision itself to table ``overrides``."""
    frame_id, decision = revision.frame_id, revision.new_decision
    if not database.rows("SELECT 1 FROM frames WHERE frame_id = ? AND judged", (frame_id,)):
        raise NightLogError(f"frame {frame_id} was never judged, so it cannot be revised; check the id")
    database.rows("UPDATE frames SET decision = ? WHERE frame_id = ?", (decision, frame_id))
    database.rows(
        "INSERT INTO overrides VALUES (?, ?, ?, ?, ?)",
        (document.seq, frame_id, decision, revision.by, revision.why),
    )


def _keep_latest(database: Database, subject: str, seq: int) -> None:
    """Note in table ``latest`` that this document of the night log is the newest one on a subject."""
    database.rows("INSERT OR REPLACE INTO latest VALUES (?, ?)", (subject, seq))


def _utc_or(text: str, otherwise: str) -> str:
    """Bring a header time into the one form that sorts; a missing or odd one gives way to the document's time."""
    try:
        return utc_text(datetime.fromisoformat(text))
    except ValueError:
        return otherwise
