"""Looking at the night log: documents in order, frames as they stand now, what was remembered."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..documents import Document, FrameFailedView, FrameJudgedView, FrameRevisedView
from . import opening
from .database import Database
from .effects import Sighting
from .rows import BY_RULES, FrameRow, LogDamaged, SkippedRow, as_skipped, checksum
from .schema import DOCUMENT_COLUMNS, IS_JUDGED, IS_SKIPPED

_PAGE = 500
"""Rows read at a time by the methods that walk through the log, so that writers get their turn in between."""

_SEEN_AGAIN = 100_000
"""Files whose times or numbers have changed, and whose content has not, that are kept in mind until the next commit."""

_SNAPSHOT_TARGETS = 50
"""Targets, the latest ones, whose last frame a snapshot holds."""

_SNAPSHOT_SOURCES = 20
"""Sources of observations, the latest ones, whose last observation a snapshot holds."""


class NightLogReader:
    """A night log that is only looked at. Thread-safe. Made by :meth:`read`.

    Every method raises ``NightLogError`` when SQLite fails or a row is damaged.

    Attributes:
        log_id: made with the file. Sequence numbers of another ``log_id`` have nothing to do with these.
        set_aside: where the damaged log went that this one replaces; ``None`` when nothing ever happened.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._database = Database(connection)
        self._seen_again: deque[Sighting] = deque(maxlen=_SEEN_AGAIN)
        self.log_id: str
        self.log_id, replaced = self._database.rows("SELECT log_id, set_aside FROM about")[0]
        self.set_aside = Path(replaced) if replaced else None

    @staticmethod
    def read(path: Path | str) -> NightLogReader:
        """Open an existing log to look at it, also while another program writes it.

        Raises:
            NightLogError: absent, damaged, or not of this version.
        """
        return NightLogReader(opening.open_to_read(Path(path)))

    def close(self) -> None:
        """Close the file; again does nothing."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def last_seq(self) -> int:
        """Return the number of the newest document; 0 for an empty log."""
        return int(self._database.rows("SELECT coalesce(max(seq), 0) FROM documents")[0][0])

    def after(self, seq: int, limit: int) -> list[Document]:
        """Return the documents after ``seq``, in order, at most ``limit``."""
        last = NightLogReader.last_seq(self)
        documents = self._select("seq > ? ORDER BY seq LIMIT ?", (seq, limit))
        # The numbers have no hole, so a missing row is damage that must not pass as "nothing happened". Documents that
        # another thread or process has added since ``last`` are welcome.
        consecutive = all(document.seq == seq + 1 + index for index, document in enumerate(documents))
        if not consecutive or (len(documents) < limit and seq + len(documents) < last):
            self._database.suspect = True
            raise LogDamaged(f"documents after {seq} of the night log are lost; start again to have the log checked")
        return documents

    def documents(
        self, *, kind: str | None = None, session: str | None = None, night: str | None = None
    ) -> Iterator[Document]:
        """Walk through the documents in order.

        Parameters:
            kind: only this kind.
            session: only of this session.
            night: only of the observing night that began on this date, such as ``2026-11-20``.
        """
        if kind is session is night is None:
            yield from self._all()
            return
        wanted = {"kind": kind, "session_id": session, "night": night}
        named = {column: value for column, value in wanted.items() if value is not None}
        where = "".join(f"{column} = ? AND " for column in named) + "seq > ? ORDER BY seq LIMIT ?"
        seq = 0
        while page := self._select(where, (*named.values(), seq, _PAGE)):
            yield from page
            seq = page[-1].seq

    def snapshot(self) -> list[Document]:
        """Return what holds now, in order: session, metric table, open alerts, lists, the last frame of each target.

        The latest observation of each source is among them.
        """
        return self._select(
            "seq IN (SELECT seq FROM latest WHERE subject NOT LIKE 'frame/%' AND subject NOT LIKE 'context/%' "
            "UNION ALL SELECT seq FROM "
            "(SELECT seq FROM latest WHERE subject LIKE 'frame/%' ORDER BY seq DESC LIMIT ?) "
            "UNION ALL SELECT seq FROM "
            "(SELECT seq FROM latest WHERE subject LIKE 'context/%' ORDER BY seq DESC LIMIT ?)) ORDER BY seq",
            (_SNAPSHOT_TARGETS, _SNAPSHOT_SOURCES),
        )

    def has_content(self, sha256: str) -> bool:
        """Return whether this content has its final outcome; a failure that may be tried again is none.

        Parameters:
            sha256: of the content; its first 16 digits, the frame's id, are enough.
        """
        known = "SELECT 1 FROM frames WHERE frame_id = ? AND NOT retryable"
        return bool(self._database.rows(known, (sha256[:16],)))

    def outcome_of(self, sha256: str) -> Document:
        """Return the ``frame.judged``, ``frame.skipped`` or ``frame.failed`` document of a content.

        Raises:
            KeyError: it has none yet.
        """
        documents = self._select("seq = (SELECT outcome_seq FROM frames WHERE frame_id = ?)", (sha256[:16],))
        if not documents:
            raise KeyError(sha256)
        return documents[0]

    def content_at(self, path: Path) -> str:
        """Return the identity of the content that was last seen under this path; empty when there is none."""
        rows = self._database.rows("SELECT frame_id FROM sightings WHERE path = ?", (os.fsencode(path),))
        return rows[0][0] or "" if rows else ""

    def last_sighting(self) -> int:
        """Return the number of the newest sighting of a file; 0 when there is none."""
        return int(self._database.rows("SELECT coalesce(max(seen), 0) FROM sightings")[0][0])

    def sightings_after(self, number: int) -> list[tuple[int, str, str]]:
        """Return where files were seen since the sighting of that number, in order.

        Returns:
            for each its own number, the path as text from ``os.fsdecode``, and the frame that is there now; an empty
            text where its content could not be read.
        """
        rows = self._database.rows("SELECT seen, path, frame_id FROM sightings WHERE seen > ? ORDER BY seen", (number,))
        return [(seen, os.fsdecode(path), frame_id or "") for seen, path, frame_id in rows]

    def already_done(
        self, path: Path, size_bytes: int, mtime_ns: int, ctime_ns: int = 0, file_no: int = 0,
        digest: Callable[[], str] = str,
    ) -> bool:  # fmt: skip
        """Return whether this file, unchanged since, has its final outcome, so that it need not be read.

        Parameters:
            path: where it is.
            size_bytes, mtime_ns: its length and modification time; other ones are another file.
            ctime_ns, file_no: as in ``Sighting``; 0: not asked for. A chmod or a hard link changes the first, a share
                that was mounted again the second: then the digest decides.
            digest: takes the digest of the file as it is now; asked only in that case.
        """
        asked = Sighting(os.fsencode(path), size_bytes, mtime_ns, ctime_ns, file_no).bounded()
        rows = self._database.rows(
            "SELECT s.outcome_seq, f.retryable, s.ctime_ns, s.file_no, s.digest FROM sightings s "
            "LEFT JOIN frames f ON f.frame_id = s.frame_id WHERE s.path = ? AND s.size_bytes = ? AND s.mtime_ns = ?",
            asked[:3],
        )
        if not rows:
            return False
        seq, retryable, *known, known_digest = rows[0]
        # A file that could not be read has no identity, and only its document says whether that may pass.
        if self._may_pass(seq) if retryable is None else retryable:
            return False
        if not ctime_ns or known == [asked.ctime_ns, asked.file_no]:
            return True
        # A log of version 1 did not keep them: what it knows is believed, and kept from now on.
        if known[0] and (not known_digest or digest() != known_digest):
            return False
        self._seen_again.append(asked)
        return True

    def failure_at(self, path: Path) -> Document | None:
        """Return the ``frame.failed`` document of a file that may still be graded; ``None`` when there is none."""
        documents = self._select(
            "kind = 'frame.failed' AND seq = (SELECT outcome_seq FROM sightings WHERE path = ?)", (os.fsencode(path),)
        )
        return documents[0] if documents and FrameFailedView.of(documents[0].body).retryable else None

    def unfinished(self) -> list[Path]:
        """Return the files whose last outcome is a failure that may pass, the oldest failure first."""
        rows = self._database.rows(
            "SELECT s.path, d.seq FROM documents d JOIN sightings s ON s.outcome_seq = d.seq "
            "WHERE d.kind = 'frame.failed' ORDER BY d.seq"
        )
        return [Path(os.fsdecode(path)) for path, seq in rows if self._may_pass(seq)]

    def _may_pass(self, seq: int) -> bool:
        """Return whether a document is a failure that may be tried again."""
        failures = self._select("kind = 'frame.failed' AND seq = ?", (seq,))
        return any(FrameFailedView.of(failure.body).retryable for failure in failures)

    def judged_frames(self, *, night: str | None = None) -> Iterator[FrameRow]:
        """Walk through all judged light frames as they stand now, by DATE-OBS, then in the order of judging.

        Frames that another content of their file has replaced are left out; :meth:`frame` gives them.

        Parameters:
            night: only those of the observing night that began on this date.
        """
        for night_of_it, document in self._walk(IS_JUDGED, night):
            row = self._frame_row(night_of_it, document)
            if not row.replaced_by:
                yield row

    def skipped_frames(self, *, night: str | None = None) -> Iterator[SkippedRow]:
        """Walk through all files that are no light frames, by DATE-OBS, then in the order in which they were noted.

        Parameters:
            night: only those of the observing night that began on this date.
        """
        for night_of_it, document in self._walk(IS_SKIPPED, night):
            yield self._skipped_row(night_of_it, document)

    def frame(self, frame_id: str) -> FrameRow:
        """Return one judged frame as it stands now.

        Raises:
            KeyError: no such frame was judged.
        """
        return self._frame_row(*self._outcome(IS_JUDGED, frame_id))

    def skipped_frame(self, frame_id: str) -> SkippedRow:
        """Return one file that is no light frame.

        Raises:
            KeyError: no such file was skipped.
        """
        return self._skipped_row(*self._outcome(IS_SKIPPED, frame_id))

    def baselines(self) -> dict[str, dict[str, Any]]:
        """Return the histories behind all baselines by name."""
        rows = self._database.rows("SELECT key, value FROM baselines ORDER BY key")
        return {key: dict(json.loads(value)) for key, value in rows}

    def state_names(self, start: str) -> list[str]:
        """Return the names of the states that begin so."""
        rows = self._database.rows("SELECT key FROM states WHERE substr(key, 1, ?) = ?", (len(start), start))
        return [key for (key,) in rows]

    def state(self, key: str) -> dict[str, Any] | None:
        """Return what was remembered under ``key``, or ``None``."""
        rows = self._database.rows("SELECT value FROM states WHERE key = ?", (key,))
        return dict(json.loads(rows[0][0])) if rows else None

    def _all(self) -> Iterator[Document]:
        """Yield all documents of the night log in their order, read page by page."""
        seq = 0
        while page := self.after(seq, _PAGE):
            yield from page
            seq = page[-1].seq

    def _select(self, where: str, values: Sequence[str | bytes | int]) -> list[Document]:
        """Return the documents for which ``where`` (never user text) holds, each checked against its checksum."""
        rows = self._database.rows(f"SELECT {DOCUMENT_COLUMNS} FROM documents WHERE {where}", values)  # noqa: S608
        return [self._document(row) for row in rows]

    def _walk(self, which: str, night: str | None) -> Iterator[tuple[str, Document]]:
        """Walk through outcomes for which ``which`` (never user text) holds, by time; give the night of each, too."""
        only = "" if night is None else "d.night = ? AND "
        position: tuple[str, int] = ("", 0)
        while page := self._outcomes(
            f"{which} AND {only}(f.sort_time, f.outcome_seq) > (?, ?) ORDER BY f.sort_time, f.outcome_seq LIMIT ?",
            (*(() if night is None else (night,)), *position, _PAGE),
        ):
            for sort_time, night_of_it, document in page:
                yield night_of_it, document
                position = (sort_time, document.seq)

    def _outcome(self, which: str, frame_id: str) -> tuple[str, Document]:
        """Return the night and the outcome document of one frame; raise ``KeyError`` when the log has none."""
        outcomes = self._outcomes(f"{which} AND f.frame_id = ?", (frame_id,))
        if not outcomes:
            raise KeyError(frame_id)
        return outcomes[0][1:]

    def _outcomes(self, where: str, values: Sequence[str | int]) -> list[tuple[str, str, Document]]:
        """Return outcomes for which ``where`` (never user text) holds: the text each is sorted by, night, document."""
        columns = ", ".join(f"d.{name}" for name in DOCUMENT_COLUMNS.split(", "))
        rows = self._database.rows(
            f"SELECT f.sort_time, d.night, {columns} FROM frames f JOIN documents d "  # noqa: S608
            f"ON d.seq = f.outcome_seq WHERE {where}",
            values,
        )
        return [(row[0], row[1], self._document(row[2:])) for row in rows]

    def _paths(self, frame_id: str) -> tuple[str, ...]:
        """Return the paths where a content was seen, newest first."""
        seen = self._database.rows("SELECT path FROM sightings WHERE frame_id = ? ORDER BY seen DESC", (frame_id,))
        return tuple(os.fsdecode(path) for (path,) in seen)

    def _skipped_row(self, night: str, document: Document) -> SkippedRow:
        """Return the row of a skipped file, from its ``frame.skipped`` document and its sightings."""
        body = as_skipped(document)
        return SkippedRow(
            seq=document.seq,
            frame_id=body.frame_id,
            time=document.time,
            night=night,
            paths=self._paths(body.frame_id),
            body=body,
        )

    def _frame_row(self, night: str, document: Document) -> FrameRow:
        """Return the row of a judged frame as it stands now: its first verdict and all revisions of it."""
        judged = FrameJudgedView.of(document.body)
        # What is said comes from the documents, which have checksums; the other tables only lead to them.
        revisions = [
            FrameRevisedView.of(revised.body)
            for revised in self._select(
                "seq IN (SELECT seq FROM overrides WHERE frame_id = ?) ORDER BY seq", (judged.frame_id,)
            )
        ]
        by_rules = [judged.decision, *(revised.new_decision for revised in revisions if revised.by == BY_RULES)]
        latest = revisions[-1] if revisions else None
        weight = latest.weight if latest else judged.weight
        if weight is None:
            weight = judged.weight if judged.decision == "keep" else 1.0
        decision = latest.new_decision if latest else judged.decision
        return FrameRow(
            seq=document.seq,
            doc_id=document.doc_id,
            frame_id=judged.frame_id,
            time=document.time,
            night=night,
            paths=self._paths(judged.frame_id),
            decision=decision,
            first_decision=judged.decision,
            rules_decision=by_rules[-1],
            decided_by=latest.by if latest else BY_RULES,
            why=latest.why if latest else "",
            replaced_by=latest.replaced_by if latest else "",
            label=(latest and latest.class_) or judged.class_,
            cause=(latest and latest.cause) or judged.cause,
            weight=weight if decision == "keep" else 0.0,
            body=judged,
        )

    def _document(self, row: Sequence[Any]) -> Document:
        """Return a row of table ``documents`` as a document; raise ``LogDamaged`` when its checksum is wrong."""
        seq, doc_id, session_id, kind, time, cause, body, crc32 = row
        if checksum(row[:7]) != crc32:
            self._database.suspect = True
            raise LogDamaged(f"document {seq} of the night log is damaged; start again to have the log checked")
        return Document(
            kind=kind, doc_id=doc_id, session_id=session_id, seq=seq, time=time, cause=cause, body=json.loads(body)
        )
