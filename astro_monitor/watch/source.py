"""The loop that brings hints, scans and settling together, and keeps the watcher of events alive.

Each file ends in exactly one item: an ``Arrival`` when it is whole, or a ``Failed`` when it stays short. A file
that changes afterwards is a new version of itself and is handed on again.
"""

from __future__ import annotations

import heapq
import logging
import os
import random
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from ..clock import Clock
from ..errors import ConfigError, Incomplete
from ..records import Arrival, Failed
from ..settings import WatchSettings
from .events import EventWatcher, Hint, Hints, WatcherFactory
from .guard import WatcherGuard
from .mounts import is_remote
from .names import NameRules
from .probe import look_into
from .scan import Scan, Tree
from .settle import SettleRules, Settling, Sighting, State

log = logging.getLogger(__name__)

MAX_WAIT_S = 0.5
"""The longest sleep, so that a stop is seen soon: the event that means stop is not the one that wakes the loop."""
GATHER_S = 0.02
"""After a hint, others are awaited this long: a growing file sends thousands."""
SECOND_LOOK_S = 1.0
"""A new folder is scanned twice: files may come into it before the system watches it."""
SCAN_SHARE, MOST_SCAN_PAUSE_S = 10.0, 30.0
"""A scan that takes long, as on a slow share, is not repeated before ten times its own duration, but this is the most:
a share that has hung for an hour is no slow one."""
SLOW_NOTICE_S = 60.0

AlreadyDone = Callable[[Path, int, int], bool]
"""Whether a file of this path, size in bytes and modification time in ns has an outcome in the night log."""


@dataclass(slots=True)
class _Candidate:
    """A file on its way to being whole."""

    settling: Settling
    first_seen_utc: datetime
    first_seen_s: float
    how: Literal["event", "scan", "poll"]
    due_s: float = 0.0
    told_slow: bool = False


class FolderSource:
    """A folder as a stream of whole files. One thread runs it; :meth:`state` and :meth:`rescan` are for any thread.

    Parameters:
        root: the watched folder. It may be missing and come back, as shares do.
        settings: how to watch.
        clock: source of time.
        already_done: asked once for each file that is met, in the thread that runs the stream.
        start_watcher: starts a watcher of events; the tests put theirs here.
        is_remote: tells whether a folder is on a network share, which is polled.
        jitter: source of the random spread of scans, so that several programs do not scan in step.
        on_turn: called each time the loop goes round: the file system answers.

    Raises:
        ConfigError: the root is a file.
    """

    def __init__(
        self,
        root: Path,
        settings: WatchSettings,
        clock: Clock,
        *,
        already_done: AlreadyDone = lambda path, size_bytes, mtime_ns: False,
        start_watcher: WatcherFactory = EventWatcher,
        is_remote: Callable[[Path], bool] = is_remote,
        jitter: random.Random | None = None,
        on_turn: Callable[[], None] = lambda: None,
    ) -> None:
        if root.exists() and not root.is_dir():
            raise ConfigError(f"{root} is a file; name the folder the capture program writes into")
        self._root = Path(os.path.abspath(root))  # noqa: PTH100 - keeps a link as the user named it
        self._settings = settings
        self._clock = clock
        self._already_done = already_done
        self._jitter = jitter or random.Random()
        self._on_turn = on_turn
        self._tree = Tree(str(self._root), NameRules(settings.ignore), settings.follow_links)
        self._hints = Hints()
        self._guard = WatcherGuard(self._tree.root, settings, self._hints, start_watcher, is_remote)
        self._candidates: dict[str, _Candidate] = {}
        self._due: list[tuple[float, str]] = []
        self._settled: dict[str, tuple[int, int]] = {}
        self._scans_due: dict[str, float] = {}
        self._next_scan_s = 0.0
        self._scanned_once = False
        self._unannounced: set[str] = set()
        self._memory_fails = False
        self._rescan_asked = threading.Event()

    def state(self) -> str:
        """One sentence for people: what the watcher is doing."""
        return self._guard.state

    @property
    def root_is_there(self) -> bool:
        """Whether the folder was there when it was looked for last."""
        return self._guard.root_is_there

    @property
    def remote(self) -> bool:
        """Whether the folder is on a network share, as far as can be told."""
        return self._guard.remote

    def rescan(self) -> None:
        """Scan the whole folder now."""
        self._rescan_asked.set()
        self._hints.wake.set()

    def arrivals(self, stop: threading.Event) -> Iterator[Arrival]:
        """Yield each whole file; those that stay short are only written to the log. See :meth:`items`."""
        with closing(self.items(stop)) as items:
            for item in items:
                if isinstance(item, Arrival):
                    yield item
                else:
                    log.warning("%r: %s", item.arrival.path.name, item.sentence)

    def items(self, stop: threading.Event) -> Generator[Arrival | Failed, None, None]:
        """Yield each file once when it is whole, or as failed when it stays short, until ``stop`` is set.

        Parameters:
            stop: ends the stream, and all threads of the watcher, within a second.

        Yields:
            ``Arrival``, or ``Failed`` of stage ``watch`` and kind ``incomplete``. Both again after a change.
        """
        try:
            while not stop.is_set():
                self._on_turn()
                now_s = self._clock.monotonic()
                if self._guard.check(now_s):
                    self._next_scan_s = now_s
                stopped = self._asked_on_the_way(stop)
                self._take_hints(now_s, stopped)
                self._scan_what_is_due(now_s, stopped)
                yield from self._settle_what_is_due(stopped)
                self._wait(stop)
        finally:
            self._guard.stop()

    def _asked_on_the_way(self, stop: threading.Event) -> Callable[[], bool]:
        """Give a function that long work asks whether to stop, and that shows by being asked that it goes on."""

        def stopped() -> bool:
            self._on_turn()
            return stop.is_set()

        return stopped

    def _wait(self, stop: threading.Event) -> None:
        now_s = self._clock.monotonic()
        due_s = [self._next_scan_s, now_s + MAX_WAIT_S, *self._scans_due.values()]
        if self._due:
            due_s.append(self._due[0][0])
        if self._clock.wait(self._hints.wake, max(min(due_s) - now_s, 0.0)):
            self._clock.wait(stop, GATHER_S)

    def _take_hints(self, now_s: float, stopped: Callable[[], bool]) -> None:
        hints, lost = self._hints.take_all()
        if lost:
            log.warning("more events than can be kept; the folder is scanned instead")
        if lost or self._rescan_asked.is_set():
            self._rescan_asked.clear()
            self._next_scan_s = now_s
        for path, hint in hints.items():
            self._unannounced.discard(path)
            if hint is Hint.FOLDER:
                if self._tree.counts_as_folder(path):
                    self._scan_folder(path, now_s, "event", stopped)
                    self._scans_due[path] = now_s + SECOND_LOOK_S
            elif self._tree.counts(path):
                self._take_hint(path, hint, now_s)

    def _take_hint(self, path: str, hint: Hint, now_s: float) -> None:
        try:
            sighting = self._tree.sight(path)
        except OSError:
            # The next scan tries again.
            return
        if sighting is None:
            self._candidates.pop(path, None)
            return
        candidate = self._meet(path, sighting, now_s, "event")
        if candidate is not None and hint is Hint.CLOSED:
            candidate.settling.closed(now_s)
            self._schedule(path, candidate, now_s)

    def _scan_what_is_due(self, now_s: float, stopped: Callable[[], bool]) -> None:
        for folder in [folder for folder, due_s in self._scans_due.items() if due_s <= now_s]:
            del self._scans_due[folder]
            self._scan_folder(folder, now_s, "event", stopped)
        if now_s < self._next_scan_s:
            return
        if not self._guard.root_is_there:
            # The guard asks for a scan as soon as the folder is back.
            self._next_scan_s = now_s + self._settings.rescan_s
            return
        if self._unannounced:
            self._guard.doubt(now_s, len(self._unannounced))
            self._unannounced.clear()
        before_s = self._clock.monotonic()
        announced = self._scanned_once and self._guard.by_events
        scan = self._scan_folder(self._tree.root, now_s, "scan" if self._guard.by_events else "poll", stopped)
        if announced:
            # Events told of none of these; if none does so until the next scan, the watcher is blind.
            self._unannounced = self._found_at(now_s)
        if scan.complete:
            self._forget_all_but(scan)
        self._scanned_once = True
        after_s = self._clock.monotonic()
        every_s = self._settings.rescan_s if self._guard.by_events else self._settings.poll_s
        every_s *= self._jitter.uniform(0.75, 1.25)
        self._next_scan_s = after_s + max(every_s, min(SCAN_SHARE * (after_s - before_s), MOST_SCAN_PAUSE_S))

    def _found_at(self, now_s: float) -> set[str]:
        return {
            path
            for path, candidate in self._candidates.items()
            if candidate.how == "scan" and candidate.first_seen_s == now_s
        }

    def _scan_folder(
        self, folder: str, now_s: float, how: Literal["event", "scan", "poll"], stopped: Callable[[], bool]
    ) -> Scan:
        scan = self._tree.scan(folder, stopped)
        ignore = self._settings.existing == "ignore" and not self._scanned_once and folder == self._tree.root
        for path, sighting in scan.files.items():
            if ignore:
                self._settled.setdefault(path, (sighting.size_bytes, sighting.mtime_ns))
            else:
                self._meet(path, sighting, now_s, how)
        return scan

    def _forget_all_but(self, scan: Scan) -> None:
        """Files that are gone are forgotten, so that memory does not grow and a file that comes back is new."""
        for path in [path for path in self._settled if path not in scan.files]:
            del self._settled[path]
        for path in [path for path in self._candidates if path not in scan.files]:
            del self._candidates[path]

    def _meet(
        self, path: str, sighting: Sighting, now_s: float, how: Literal["event", "scan", "poll"]
    ) -> _Candidate | None:
        """Take note of a file; ``None`` when it has had its outcome and has not changed since."""
        candidate = self._candidates.get(path)
        if candidate is not None:
            before = candidate.settling.sighting
            candidate.settling.saw(sighting, now_s)
            if before != sighting:
                self._schedule(path, candidate, now_s)
            return candidate
        version = (sighting.size_bytes, sighting.mtime_ns)
        if self._settled.get(path) == version:
            return None
        if path not in self._settled:
            done = self._is_already_done(path, version)
            if done:
                self._settled[path] = version
            if done is not False:
                return None
        self._settled.pop(path, None)
        candidate = _Candidate(Settling(self._rules(), sighting, now_s), self._clock.utc(), now_s, how)
        self._candidates[path] = candidate
        self._schedule(path, candidate, now_s)
        return candidate

    def _is_already_done(self, path: str, version: tuple[int, int]) -> bool | None:
        """Ask the night log; ``None`` when it does not answer, and the next scan asks again."""
        try:
            done = self._already_done(Path(path), *version)
        except Exception as error:
            if not self._memory_fails:
                log.warning("the night log does not say which files are done (%s); new files wait for it", error)
            self._memory_fails = True
            return None
        self._memory_fails = False
        return done

    def _rules(self) -> SettleRules:
        quiet_s = self._settings.quiet_network_s if self._guard.remote else self._settings.quiet_s
        return SettleRules(quiet_s, self._settings.give_up_s)

    def _schedule(self, path: str, candidate: _Candidate, now_s: float) -> None:
        candidate.due_s = candidate.settling.next_check_s(now_s)
        heapq.heappush(self._due, (candidate.due_s, path))

    def _settle_what_is_due(self, stopped: Callable[[], bool]) -> Iterator[Arrival | Failed]:
        while self._due and self._due[0][0] <= self._clock.monotonic() and not stopped():
            due_s, path = heapq.heappop(self._due)
            candidate = self._candidates.get(path)
            if candidate is None or candidate.due_s != due_s:
                # An entry that was overtaken by a later one, or whose file is gone.
                continue
            item = self._check(path, candidate, self._clock.monotonic())
            if item is not None:
                yield item

    def _check(self, path: str, candidate: _Candidate, now_s: float) -> Arrival | Failed | None:
        """Look at a file again; give its item when it has come to an end."""
        settling = candidate.settling
        missing = "cannot be read"
        try:
            sighting = self._tree.sight(path)
            if sighting is None:
                del self._candidates[path]
                return None
            settling.saw(sighting, now_s)
            if settling.is_ripe(now_s):
                look = look_into(path, sighting.size_bytes)
                after = self._tree.sight(path)
                if after == sighting:
                    settling.decide(look, now_s)
                    missing = look.missing
                elif after is not None:
                    settling.saw(after, now_s)
        except FileNotFoundError:
            del self._candidates[path]
            return None
        except PermissionError:
            # Whole or not, only the reader can say that it must not read it; it does so in words.
            if settling.unchanged_s(now_s) >= settling.quiet_needed_s():
                settling.state = State.READY
        except OSError as error:
            log.debug("%r cannot be looked at: %s", path, error)
            if settling.unchanged_s(now_s) >= self._settings.give_up_s:
                settling.state = State.STUCK
        return self._end(path, candidate, missing, now_s)

    def _end(self, path: str, candidate: _Candidate, missing: str, now_s: float) -> Arrival | Failed | None:
        sighting = candidate.settling.sighting
        if candidate.settling.state not in (State.READY, State.STUCK):
            self._tell_if_slow(path, candidate, now_s)
            self._schedule(path, candidate, now_s)
            return None
        del self._candidates[path]
        self._settled[path] = (sighting.size_bytes, sighting.mtime_ns)
        arrival = Arrival(
            path=Path(path),
            root=self._root,
            size_bytes=sighting.size_bytes,
            mtime_ns=sighting.mtime_ns,
            first_seen_utc=candidate.first_seen_utc,
            settled_utc=self._clock.utc(),
            how=candidate.how,
        )
        if candidate.settling.state is State.READY:
            return arrival
        return Failed(
            arrival=arrival,
            frame_id=None,
            stage="watch",
            kind=Incomplete.kind,
            known=True,
            retryable=True,
            sentence=f"the file {missing} and has not changed for {self._settings.give_up_s:g} s; check the capture "
            "program and its disk, and it is looked at again when it changes",
            timings_s={"waited": now_s - candidate.first_seen_s},
        )

    def _tell_if_slow(self, path: str, candidate: _Candidate, now_s: float) -> None:
        if not candidate.told_slow and now_s - candidate.first_seen_s > SLOW_NOTICE_S:
            candidate.told_slow = True
            log.info("%r has been written for more than %g s and is not whole yet", Path(path).name, SLOW_NOTICE_S)
