"""Writing the night log: documents get their number here and are durable before they are announced."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from ..clock import Clock, utc_text
from ..documents import (
    BODIES,
    Body,
    Decision,
    Document,
    FrameJudged,
    FrameRevised,
    FrameSkipped,
    SessionStopped,
    body_json,
)
from . import opening
from .effects import Sighting, apply, see_again, sight
from .lock import InstanceLock
from .nights import night_of, written_at
from .reader import NightLogReader
from .rebuild import bring_back, missing_from
from .reserve import DiskReserve
from .rows import OUTCOMES, Draft, LogDamaged, LogFull, checksum
from .tally import tally
from .trail import Kept, Trail

logger = logging.getLogger(__name__)


class NightLog(NightLogReader):
    """The log of this run of the program: one writer, any number of threads that take turns. Made by :meth:`open`.

    Every method raises ``NightLogError`` when SQLite fails: ``LogBlocked`` (with ``LogFull``) when the same call may
    succeed later. A call that raised has written nothing.

    Attributes:
        session_id: goes into every document made here.
        rebuilt: how many documents were brought back from the trail when the log was opened.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        session_id: str,
        clock: Clock,
        *,
        lock: InstanceLock | None = None,
        trail: Trail | None = None,
        reserve: DiskReserve | None = None,
        longitude_deg: float | None = None,
    ) -> None:
        super().__init__(connection)
        self._clock = clock
        self._lock = lock
        self._trail = trail
        self._reserve = reserve
        self._fresh: list[Kept] = []
        self._longitude_deg = longitude_deg
        self.session_id = session_id
        self._database.rows("UPDATE about SET closed_in_order = 0")
        self.rebuilt = bring_back(self._database, trail, clock) if trail is not None else 0
        self.log_id = self._database.rows("SELECT log_id FROM about")[0][0]
        self._last_seq = super().last_seq()
        self._keep_trail()

    @classmethod
    def open(cls, path: Path | str, session_id: str, clock: Clock, *, longitude_deg: float | None = None) -> NightLog:
        """Open or make the log for writing; no other process can until :meth:`close` or the end of the process.

        A damaged log is renamed to ``<name>.corrupt.<utc>`` and a new one begun; :attr:`set_aside` then says where.
        Documents that the log lacks are brought back from the document trail next to it.

        Parameters:
            path: the file, on a local disk, or ``:memory:`` for a log that lives as long as this object.
            session_id: identity of this run of the program.
            clock: the source of time.
            longitude_deg: of the site, east positive, to tell nights apart; ``None``: this computer's time zone.

        Raises:
            NightLogError: on a network share, used by another program, newer than this program, or no night log.
        """
        if str(path) == opening.IN_MEMORY:
            connection = opening.connect(opening.IN_MEMORY)
            opening.migrate(connection, 0, clock.utc(), "")
            return cls(connection, session_id, clock, longitude_deg=longitude_deg)
        log_path = Path(path)
        opening.check_place(log_path)
        opening.check_plain_files(log_path)
        lock = InstanceLock(log_path.with_name(log_path.name + ".lock"))
        try:
            trail = Trail(log_path.with_name(log_path.stem + ".trail"))
            reserve = DiskReserve(log_path.with_name(log_path.stem + ".reserve"))
            reserve.lay_in()
            try:
                return cls._open_checked(log_path, session_id, clock, lock, trail, reserve, longitude_deg)
            except LogDamaged:
                # It was closed in order, so that not all of it was checked; now it is, and set aside.
                return cls._open_checked(log_path, session_id, clock, lock, trail, reserve, longitude_deg)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _open_checked(
        cls, log_path: Path, session_id: str, clock: Clock, lock: InstanceLock, trail: Trail, reserve: DiskReserve,
        longitude_deg: float | None,
    ) -> NightLog:  # fmt: skip
        """Open a night log whose lock is held; where all of it was checked, write its damaged trail again."""
        connection, checked = opening.open_file(log_path, clock.utc())
        try:
            log = cls(
                connection, session_id, clock, lock=lock, trail=trail, reserve=reserve, longitude_deg=longitude_deg
            )
            if checked:
                log._check_trail(trail)
            return log
        except BaseException:
            connection.close()
            raise

    def _check_trail(self, trail: Trail) -> None:
        """Write the trail again from the log, which is sound, where it is not."""
        if not trail.is_whole():
            logger.error("the document trail was damaged; it is kept as %s", trail.set_aside(self._clock.utc()))
            self._keep_trail()

    def check(self) -> None:
        """Complain when damage was met by any thread, also by one that only looked.

        Raises:
            LogDamaged: it was.
        """
        if self._database.suspect:
            raise LogDamaged("the night log is damaged; start again to have it rebuilt")

    def close(self) -> None:
        """End in order and let others open the log; again does nothing.

        A log in which damage was met is not marked as ended in order, so that the next start checks all of it.
        """
        if self._database.closed:
            return
        try:
            if not self._database.suspect:
                self._database.rows("UPDATE about SET closed_in_order = 1")
        finally:
            self._database.close()
            if self._trail is not None:
                self._trail.close()
            if self._lock is not None:
                self._lock.release()

    def last_seq(self) -> int:
        """Return the number of the newest durable document; 0 for an empty log. Never waits for a writer."""
        return self._last_seq

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Group calls: all become durable at the end of the block, or none when it raises.

        Announce documents after the block, not inside it: only then are they safe.
        """
        with self._database.turn:
            fresh = len(self._fresh)
            try:
                with self._database.transaction():
                    yield
                    newest = super().last_seq()
            except BaseException:
                del self._fresh[fresh:]
                raise
            if not self._database.in_transaction:
                self._last_seq = newest
                self._keep_trail()

    def append(self, kind: str, body: Body, cause: str = "") -> Document:
        """Number one document and keep it.

        Raises:
            ValueError: the kind is unknown or not logged, or the body is one of another kind.
        """
        return self.commit([Draft(kind, body, cause)])[0]

    def commit(
        self,
        drafts: Sequence[Draft],
        *,
        baselines: Mapping[str, dict[str, Any]] | None = None,
        keep_baselines: Sequence[str] | None = None,
        states: Mapping[str, dict[str, Any] | None] | None = None,
        sighting: Sighting | None = None,
    ) -> list[Document]:
        """Keep documents and the memory that goes with them, all or nothing.

        A ``frame.judged``, ``frame.skipped`` or ``frame.failed`` draft is that content's outcome; there can be one
        only, except that a retryable failure may be followed by another outcome.

        Parameters:
            drafts: in the order of their numbers.
            baselines: the histories behind them by name, replaced.
            keep_baselines: names of the baselines that stay, all others are forgotten; ``None``: all stay.
            states: what the program must remember over a restart, such as the alerts' state machine, replaced;
                ``None``: forgotten.
            sighting: the file that a frame draft is about.

        Returns:
            the documents, numbered.

        Raises:
            ValueError: a draft's kind is unknown or not logged, or its body is one of another kind.
            NightLogError: a second outcome, or a revision of an unknown frame.
        """
        for draft in drafts:
            _check(draft)

        def write() -> list[Document]:
            documents: list[Document] = []
            # The turn is held to the end, so that no other thread takes the same number.
            with self.transaction():
                see_again(self._database, self._seen_again)
                for draft in drafts:
                    cause = draft.cause if draft.cause_index is None else documents[draft.cause_index].doc_id
                    document = self._insert(draft.kind, draft.body, cause, sighting)
                    apply(self._database, document, sighting)
                    documents.append(document)
                for key, baseline in (baselines or {}).items():
                    self._database.rows("INSERT OR REPLACE INTO baselines VALUES (?, ?)", (key, _json(baseline)))
                if keep_baselines is not None:
                    for (key,) in self._database.rows("SELECT key FROM baselines"):
                        if key not in keep_baselines:
                            self._database.rows("DELETE FROM baselines WHERE key = ?", (key,))
                for key, state in (states or {}).items():
                    self._database.rows("DELETE FROM states WHERE key = ?", (key,))
                    if state is not None:
                        self._database.rows("INSERT INTO states VALUES (?, ?)", (key, _json(state)))
            return documents

        try:
            return write()
        except LogFull:
            if self._reserve is None or self._database.in_transaction or not self._reserve.drop():
                raise
            return write()

    def note_sighting(self, sha256: str, sighting: Sighting) -> None:
        """Note that known content was found under another path, or moved there.

        Raises:
            KeyError: the content has no outcome yet.
        """
        with self.transaction():
            known = self._database.rows("SELECT frame_id, outcome_seq FROM frames WHERE frame_id = ?", (sha256[:16],))
            if not known:
                raise KeyError(sha256)
            sight(self._database, known[0][0], known[0][1], sighting)

    def revise(
        self, frame_id: str, new_decision: Decision, by: str, why: str, weight: float | None = None,
        *, label: str = "", cause: str = "",
    ) -> Document:  # fmt: skip
        """Change a decision afterwards; the first one stays in the log.

        Parameters:
            frame_id: as in the ``frame.judged`` document.
            new_decision: what holds from now on.
            by: who or what says so.
            why: one sentence.
            weight: what the frame counts in a stack when it is kept; ``None``: as it stands, else as the formula gave
                it with the first verdict, or 1 where an old log does not contain that.
            label, cause: of a second look; empty: as they stand.

        Returns:
            the ``frame.revised`` document.

        Raises:
            KeyError: no such frame was judged.
        """
        with self.transaction():
            row = self.frame(frame_id)
            body = FrameRevised(
                frame_id=frame_id,
                file=row.body.file,
                relative_path=row.body.relative_path,
                old_decision=row.decision,
                new_decision=new_decision,
                by=by,
                why=why,
                weight=row.kept_weight(weight) if new_decision == "keep" else 0.0,
                class_=label or row.label,
                cause=cause or row.cause,
            )
            return self.append("frame.revised", body, row.doc_id)

    def close_lost_sessions(self) -> list[Document]:
        """Log ``session.stopped`` with reason ``lost`` for every earlier session that never said it stopped.

        Returns:
            the new documents; each carries the lost session's id.
        """
        documents = []
        with self.transaction():
            lost = self._database.rows(
                "SELECT session_id, doc_id FROM documents WHERE kind = 'session.started' AND session_id != ? AND "
                "session_id NOT IN (SELECT session_id FROM documents WHERE kind = 'session.stopped') ORDER BY seq",
                (self.session_id,),
            )
            for session_id, doc_id in lost:
                done = tally(self._database, session_id)
                body = SessionStopped(
                    reason="lost",
                    sentence="The session ended without saying so: a crash, a power cut or a kill.",
                    frames_judged=done.judged,
                    frames_failed=done.failed,
                    frames_skipped=done.skipped,
                    last_seq=done.last_seq,
                )
                documents.append(self._insert("session.stopped", body, doc_id, None, session_id))
        return documents

    def _insert(self, kind: str, body: Body, cause: str, sighting: Sighting | None, session_id: str = "") -> Document:
        """Insert a document into the night log with its number, time, night and checksum, and return it."""
        now = self._clock.utc()
        session = session_id or self.session_id
        seq = super().last_seq() + 1
        document = Document(
            kind=kind,
            doc_id=f"{self.log_id[:12]}-{seq}",
            session_id=session,
            seq=seq,
            time=utc_text(now),
            cause=cause,
            body=body_json(body),
        )
        text = _json(document.body)
        row = (seq, document.doc_id, session, kind, document.time, cause, text)
        night = self._night(kind, body, cause, sighting, now)
        self._database.rows(
            "INSERT INTO documents (seq, doc_id, session_id, kind, time, cause, body, crc32, night) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, checksum(row), night),
        )
        if self._trail is not None:
            self._fresh.append(Kept(row, night, sighting))
        return document

    def _keep_trail(self) -> None:
        """Put what has just become durable into the trail, and before it what is missing there."""
        fresh, self._fresh = self._fresh, []
        if self._trail is None:
            return
        if self._trail.last_seq < self._last_seq - len(fresh):
            for missing in missing_from(self._database, self._trail):
                if not self._trail.append(missing):
                    return
        self._trail.append(fresh)

    def _night(self, kind: str, body: Body, cause: str, sighting: Sighting | None, now: datetime) -> str:
        """Return the night of a document: its frame's, that of the document that led to it, or tonight."""
        if cause and kind not in OUTCOMES:
            rows = self._database.rows("SELECT night FROM documents WHERE doc_id = ?", (cause,))
            if rows:
                return str(rows[0][0])
        if kind not in OUTCOMES:
            return night_of(now, self._longitude_deg)
        meta = body.meta if isinstance(body, FrameJudged | FrameSkipped) else None
        try:
            moment = datetime.fromisoformat((meta and meta.date_obs_utc) or "")
        except ValueError:
            moment = None
        return self.night_of_frame(moment, sighting[2] if sighting is not None else 0)

    def night_of_frame(self, date_obs_utc: datetime | None, mtime_ns: int) -> str:
        """Return the night of a frame: when it was exposed, else when its file was written, else tonight."""
        return night_of(date_obs_utc or written_at(mtime_ns, self._clock.utc()), self._longitude_deg)


def _check(draft: Draft) -> None:
    """Check that documents of this kind are logged, and that the body, which is valid, is one of this kind."""
    if draft.kind not in BODIES or draft.kind == "session.heartbeat":
        raise ValueError(f"documents of kind {draft.kind!r} are not logged")
    if not isinstance(draft.body, BODIES[draft.kind]):
        raise ValueError(f"a document of kind {draft.kind!r} cannot have a body {type(draft.body).__name__}")


def _json(plain: dict[str, Any]) -> str:
    """Return the body of a document as the JSON text that the night log holds."""
    return json.dumps(plain, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
