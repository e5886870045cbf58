"""Files that are not complete yet, and files that have an outcome: their states, and when to check them."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from ..clock import Clock
from ..errors import Incomplete
from ..plain import because
from ..records import Arrival, Failed
from ..settings import WatchSettings
from .candidate import Candidate, How, SettledFile
from .events import Hint
from .probe import digest_of, look_into
from .scan import EXHAUSTED, Tree
from .settle import SettleRules, Settling, Sighting, State
from .writers import OpenWriters

log = logging.getLogger(__name__)

SLOW_NOTICE_S = 60.0
"""Seconds after which an incomplete file is mentioned in the log: longer than nearly every frame takes to be
written."""
MANY_NUMBERS = 20
"""Consecutive files with a changed inode number and unchanged bytes after which the numbers of this file system are not
trusted."""

_UNKNOWN = Sighting(0, 0, (0, 0))
"""Sighting of a file about which nothing is known."""

AlreadyDone = Callable[[Path, Sighting, Callable[[], str]], bool]
"""Returns whether a file of this path and sighting has an outcome; the last argument computes its digest."""


class Candidates:
    """The files of one watched folder; for use by one thread.

    Parameters:
        root: the watched folder.
        tree: rules for the files in it.
        settings: settings of watching.
        clock: source of time.
        already_done: called once for each new file.
        is_remote: returns whether the folder is on a network share now.
        writers: files that other programs have open.

    Attributes:
        fault: reason why files cannot be read now, as a clause; empty when they can.
        log_fails: whether the last query of the night log failed.
    """

    def __init__(
        self,
        root: Path,
        tree: Tree,
        settings: WatchSettings,
        clock: Clock,
        already_done: AlreadyDone,
        is_remote: Callable[[], bool],
        writers: OpenWriters,
    ) -> None:
        self.fault = ""
        self.log_fails = False
        self._root = root
        self._tree = tree
        self._settings = settings
        self._clock = clock
        self._already_done = already_done
        self._is_remote = is_remote
        self._writers = writers
        self._waiting: dict[str, Candidate] = {}
        self._settled: dict[str, SettledFile] = {}
        self._due: list[tuple[float, str]] = []
        self._odd: list[Failed] = []
        self._unforeseen: set[str] = set()
        self._vain_numbers = 0

    def next_due_s(self) -> float:
        """Return the time of the next call of :meth:`settle_due`, in monotonic seconds."""
        if self._odd:
            return self._clock.monotonic()
        return self._due[0][0] if self._due else float("inf")

    def waiting(self) -> list[str]:
        """Return the files that are not known to be complete."""
        return sorted(self._waiting)

    def ignore(self, path: str, sighting: Sighting) -> None:
        """Ignore a file until it changes."""
        self._settled.setdefault(path, SettledFile(sighting, ignored=True))

    def start_over(self, path: str) -> None:
        """Treat a file as new at its next sighting, even if it has not changed."""
        self._settled.pop(path, None)

    def found_by_scan_at(self, now_s: float) -> set[str]:
        """Return the files that a scan found first at this time."""
        by_scan = ((path, file) for path, file in self._waiting.items() if file.how == "scan")
        return {path for path, file in by_scan if file.first_seen_s == now_s}

    def forget_all_but(self, existing: Iterable[str], keep: Callable[[str], bool]) -> None:
        """Forget files that no longer exist, so that memory does not grow and a file that comes back is new.

        Parameters:
            existing: the existing files.
            keep: returns whether another file may exist nevertheless.
        """
        existing_paths = set(existing)
        for known in (self._settled, self._waiting):
            for path in [path for path in known if path not in existing_paths and not keep(path)]:
                del known[path]

    def events_were_lost(self) -> None:
        """Forget which files are open: the event of closing may be among the lost ones."""
        for candidate in self._waiting.values():
            candidate.writing = False

    def take_hint(self, path: str, hint: Hint, now_s: float) -> None:
        """Process a file that an event names."""
        try:
            sighting = self._tree.sight(path)
            if sighting is None:
                self._waiting.pop(path, None)
                return
            if hint is Hint.CLOSED and path not in self._waiting:
                self._check_settled(path, sighting)
            candidate = self._meet(path, sighting, now_s, "event")
        except OSError as error:
            # The next scan retries it.
            self._note_exhausted(error)
            return
        except Exception as error:
            self.give_up(path, error, now_s)
            return
        if candidate is None:
            return
        if hint is Hint.WRITTEN:
            candidate.writing = True
        elif hint is Hint.CLOSED:
            candidate.writing = False
            candidate.settling.closed(now_s)
            self._schedule_check(path, candidate, now_s)

    def meet(self, path: str, sighting: Sighting, now_s: float, how: How) -> None:
        """Process a file that a scan found."""
        try:
            self._meet(path, sighting, now_s, how)
        except OSError as error:
            self._note_exhausted(error)
        except Exception as error:
            self.give_up(path, error, now_s)

    def settle_due(self, stopped: Callable[[], bool]) -> Iterator[Arrival | Failed]:
        """Check each file that is due.

        Yields:
            the outcomes of files that are complete or given up.
        """
        while self._odd:
            yield self._odd.pop()
        while self._due and self._due[0][0] <= self._clock.monotonic() and not stopped():
            due_s, path = heapq.heappop(self._due)
            candidate = self._waiting.get(path)
            if candidate is None or candidate.due_s != due_s:
                # An entry that was superseded by a later one, or whose file no longer exists.
                continue
            now_s = self._clock.monotonic()
            try:
                item = self._check_file(path, candidate, now_s)
            except Exception as error:
                self.give_up(path, error, now_s)
                continue
            if item is not None:
                yield item

    def _meet(self, path: str, sighting: Sighting, now_s: float, how: How) -> Candidate | None:
        """Process a sighting of a file; ``None`` when it has an outcome and has not changed since."""
        candidate = self._waiting.get(path)
        if candidate is not None:
            before = candidate.settling.sighting
            candidate.settling.saw(sighting, now_s)
            if before != sighting:
                self._schedule_check(path, candidate, now_s)
            return candidate
        settled = self._settled.get(path)
        if settled is not None:
            if settled.sighting == sighting or self._is_same(path, settled, sighting):
                return None
        elif (done := self._is_done(path, sighting)) is not False:
            if done:
                self._settled[path] = SettledFile(sighting)
            return None
        self._settled.pop(path, None)
        return self._begin_waiting(path, sighting, now_s, how)

    def _begin_waiting(self, path: str, sighting: Sighting, now_s: float, how: How) -> Candidate:
        """Return a new candidate for a file that has to settle, with its first check scheduled."""
        quiet_s = self._settings.quiet_network_s if self._is_remote() else self._settings.quiet_s
        rules = SettleRules(quiet_s, self._settings.give_up_s)
        candidate = Candidate(Settling(rules, sighting, now_s), self._clock.utc(), now_s, how)
        self._waiting[path] = candidate
        self._schedule_check(path, candidate, now_s)
        return candidate

    def _is_same(self, path: str, settled: SettledFile, sighting: Sighting) -> bool:
        """Whether a file with another sighting has the same bytes, as after a chmod, a new link or a new mount."""
        before = settled.sighting
        if (before.size_bytes, before.mtime_ns) != (sighting.size_bytes, sighting.mtime_ns):
            return False
        if settled.ignored:
            return before.file_id == sighting.file_id
        only_number = before.ctime_ns == sighting.ctime_ns
        if only_number and self._vain_numbers >= MANY_NUMBERS:
            return True
        same = (
            digest_of(path, sighting.size_bytes) == settled.digest
            if settled.digest
            else self._is_done(path, sighting) is True
        )
        if only_number:
            self._vain_numbers = self._vain_numbers + 1 if same else 0
        if same:
            self._settled[path] = settled._replace(sighting=sighting)
            # The night log stores the new sighting; its answer is known.
            self._is_done(path, sighting, settled.digest)
        return same

    def _check_settled(self, path: str, sighting: Sighting) -> None:
        """Compare the bytes of a file closed after its outcome, with unchanged times: it may have been mapped."""
        settled = self._settled.get(path)
        if settled is None or settled.sighting != sighting or not settled.digest:
            return
        if digest_of(path, sighting.size_bytes) != settled.digest:
            del self._settled[path]
            self._begin_waiting(path, sighting, self._clock.monotonic(), "event")

    def _is_done(self, path: str, sighting: Sighting, digest: str = "") -> bool | None:
        """Query the night log; ``None`` when it does not answer, and the next scan repeats the query."""

        def computed_digest() -> str:
            return digest or digest_of(path, sighting.size_bytes)

        try:
            done = self._already_done(Path(path), sighting, computed_digest)
        except OSError as error:
            self._note_exhausted(error)
            return None
        except Exception as error:
            if not self.log_fails:
                log.warning("the night log cannot be read (%s); new files wait until it can", error)
            self.log_fails = True
            return None
        self.log_fails = False
        return done

    def _schedule_check(self, path: str, candidate: Candidate, now_s: float) -> None:
        """Put the next check of a waiting file into the queue."""
        candidate.due_s = candidate.settling.next_check_s(now_s)
        heapq.heappush(self._due, (candidate.due_s, path))

    def _check_file(self, path: str, candidate: Candidate, now_s: float) -> Arrival | Failed | None:
        """Check a file again; return its item when it is complete or given up."""
        settling = candidate.settling
        missing, digest = "cannot be read", ""
        try:
            sighting = self._tree.sight(path)
            if sighting is None:
                del self._waiting[path]
                return None
            settling.saw(sighting, now_s)
            if settling.is_ripe(now_s):
                look = look_into(path, sighting.size_bytes, self._tree.names.formats)
                being_written = candidate.writing or (
                    not settling.was_closed and self._writers.has(sighting.file_id, now_s)
                )
                after = self._tree.sight(path)
                if after == sighting:
                    settling.decide(look, now_s, being_written=being_written)
                    missing, digest = look.missing, look.digest
                elif after is not None:
                    settling.saw(after, now_s)
            self.fault = ""
        except FileNotFoundError:
            del self._waiting[path]
            return None
        except PermissionError:
            # Complete or not, the reader reports that it has no permission.
            if settling.unchanged_s(now_s) >= settling.quiet_needed_s():
                settling.state = State.READY
        except OSError as error:
            log.debug("%r cannot be checked: %s", path, error)
            if not self._note_exhausted(error) and settling.unchanged_s(now_s) >= self._settings.give_up_s:
                settling.state = State.STUCK
        if settling.state not in (State.READY, State.STUCK):
            self._report_if_slow(path, candidate, now_s)
            self._schedule_check(path, candidate, now_s)
            return None
        del self._waiting[path]
        self._settled[path] = SettledFile(settling.sighting, digest)
        arrival = self._arrival_of(path, settling.sighting, digest, candidate.first_seen_utc, candidate.how)
        return (
            arrival
            if settling.state is State.READY
            else self._stuck_failure(arrival, missing, now_s - candidate.first_seen_s)
        )

    def _arrival_of(self, path: str, sighting: Sighting, digest: str, seen_utc: datetime, how: How) -> Arrival:
        """Return the arrival of a settled file: path, size, times, digest, and how it was found."""
        return Arrival(
            path=Path(path),
            root=self._root,
            size_bytes=sighting.size_bytes,
            mtime_ns=sighting.mtime_ns,
            first_seen_utc=seen_utc,
            settled_utc=self._clock.utc(),
            how=how,
            ctime_ns=sighting.ctime_ns,
            file_no=sighting.file_id[1],
            digest=digest,
        )

    def _stuck_failure(self, arrival: Arrival, missing: str, waited_s: float) -> Failed:
        """Return the failure of a file that is incomplete and has not changed for the time limit."""
        return Failed(
            arrival=arrival,
            frame_id=None,
            stage="watch",
            kind=Incomplete.kind,
            known=True,
            retryable=True,
            sentence=f"the file {missing} and has not changed for {self._settings.give_up_s:g} s; check the capture "
            "program and its disk, and it is looked at again when it changes",
            timings_s={"waited": waited_s},
        )

    def give_up(self, path: str, error: Exception, now_s: float) -> None:
        """Give up the file of an unforeseen error, and report it once."""
        if path in self._unforeseen:
            return
        self._unforeseen.add(path)
        log.error("%r cannot be watched; please report this file", path, exc_info=error)
        candidate = self._waiting.pop(path, None)
        sighting = candidate.settling.sighting if candidate else _UNKNOWN
        first_seen_s = candidate.first_seen_s if candidate else now_s
        self._settled.setdefault(path, SettledFile(sighting, ignored=True))
        seen_utc, how = (candidate.first_seen_utc, candidate.how) if candidate else (self._clock.utc(), "scan")
        self._odd.append(
            Failed(
                arrival=self._arrival_of(path, sighting, "", seen_utc, how),
                frame_id=None,
                stage="watch",
                kind="unforeseen",
                known=False,
                retryable=False,
                sentence=f"unforeseen {type(error).__name__} while the file was waited for: {error}; "
                "please report this file",
                timings_s={"waited": now_s - first_seen_s},
            )
        )

    def _note_exhausted(self, error: OSError) -> bool:
        """Record an error that is not specific to a file; return whether this is one."""
        if error.errno not in EXHAUSTED:
            return False
        if not self.fault:
            log.error("files cannot be opened (%s); they wait until they can be", because(error))
        self.fault = f"files cannot be opened ({because(error)})"
        return True

    def _report_if_slow(self, path: str, candidate: Candidate, now_s: float) -> None:
        """Log once that a file has been incomplete for longer than ``SLOW_NOTICE_S``."""
        if not candidate.reported_slow and now_s - candidate.first_seen_s > SLOW_NOTICE_S:
            candidate.reported_slow = True
            log.info("%s is still not complete after %g s; it is graded as soon as it is", path, SLOW_NOTICE_S)
