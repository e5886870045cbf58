"""The loop that combines hints, scans and settling, and keeps the watcher of events alive.

Each file results in exactly one item: an ``Arrival`` when it is complete, or a ``Failed`` when it stays short. A file
that changes afterwards is a new version and results in another item.
"""

from __future__ import annotations

import logging
import os
import random
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal

from ..clock import Clock
from ..errors import ConfigError
from ..formats import FormatTable, built_in_formats
from ..plain import counted, shown
from ..records import Arrival, Failed
from ..settings import WatchSettings
from .candidates import AlreadyDone, Candidates
from .events import EventWatcher, Hint, Hints, WatcherFactory
from .guard import WatcherGuard
from .mounts import is_remote
from .names import NameRules
from .reopened import Reopened
from .scan import MAX_DEPTH, Scan, Tree
from .unread import UnreadFiles
from .writers import OpenWriters

log = logging.getLogger(__name__)

MAX_WAIT_S = 0.5
"""Longest wait of the loop in seconds, so that it stops soon: the event that wakes it is not the one that stops it."""
GATHER_S = 0.02
"""Wait for further hints after a hint, in seconds: a growing file causes thousands."""
MOST_NAMED = 5
"""Most files that a message names; a folder may hold thousands."""
SECOND_LOOK_S = 1.0
"""Delay of the second scan of a new folder, in seconds: files may be written before the system watches the folder."""
SCAN_SHARE, MOST_SCAN_PAUSE_S = 10.0, 30.0
"""Shortest pause between scans in durations of a scan, for slow shares, and its upper limit in seconds: a share that
hung for an hour is not slow."""


class FolderSource:
    """A folder as a stream of complete files. One thread runs :meth:`items`; other methods are for any thread.

    Parameters:
        root: the watched folder. It may be missing temporarily, like a network share.
        settings: settings of watching.
        clock: source of time.
        already_done: called once for each new file, in the thread that runs the stream.
        start_watcher: starts a watcher of events; tests pass their own.
        is_remote: returns whether a folder is on a network share, which is polled.
        jitter: source of the random spread of scans, so that several programs do not scan in step.
        on_turn: called in each iteration of the loop, as a sign that the file system answers.
        formats: the known formats; ``None`` for those of astro-monitor.

    Attributes:
        reopened: receives files that are to be passed on again.

    Raises:
        ConfigError: the root is a file.
    """

    def __init__(
        self,
        root: Path,
        settings: WatchSettings,
        clock: Clock,
        *,
        already_done: AlreadyDone = lambda path, sighting, digest: False,
        start_watcher: WatcherFactory = EventWatcher,
        is_remote: Callable[[Path], bool] = is_remote,
        jitter: random.Random | None = None,
        on_turn: Callable[[], None] = lambda: None,
        formats: FormatTable | None = None,
    ) -> None:
        if root.exists() and not root.is_dir():
            raise ConfigError(f"{root} is a file; name the folder the capture program writes into")
        self._root = Path(os.path.abspath(root))  # noqa: PTH100 - keeps a link as the user named it
        self._settings = settings
        self._clock = clock
        self._jitter = jitter or random.Random()
        self._on_turn = on_turn
        names = NameRules(settings.ignore, formats or built_in_formats())
        self._tree = Tree(str(self._root), names, settings.follow_links)
        self._unread = UnreadFiles(self._tree.root)
        self._hints = Hints()
        self.reopened = Reopened(self._hints)
        self._guard = WatcherGuard(self._tree.root, settings, self._hints, start_watcher, is_remote)
        self._candidates = Candidates(
            self._root, self._tree, settings, clock, already_done, lambda: self._guard.remote,
            OpenWriters(names.formats.endings),
        )  # fmt: skip
        self._scans_due: dict[str, float] = {}
        self._next_scan_s = 0.0
        self._scanned_once = False
        self._unannounced: set[str] = set()
        self._scan_fault = ""
        self._refused: dict[str, str] = {}
        self._too_deep = ""
        self._rescan_asked = threading.Event()

    def state(self) -> str:
        """Return what the watcher is doing, as a clause for people."""
        deep = f"; folders deeper than {MAX_DEPTH} are not searched: {self._too_deep!r}" if self._too_deep else ""
        return self._guard.state + deep

    def trouble(self) -> str:
        """Return what prevents the watcher from finding frames, as a sentence; empty when nothing does."""
        faults = (self._guard.trouble, self._scan_fault, self._candidates.fault)
        clauses = list(dict.fromkeys(clause for clause in faults if clause))
        return f"New frames may not be seen: {'; '.join(clauses)}." if clauses else ""

    def unfinished(self) -> str:
        """Return the files that are not complete yet, as a sentence; empty when there are none."""
        waiting = self._candidates.waiting()
        if not waiting:
            return ""
        names = ", ".join(shown(os.path.relpath(path, self._tree.root)) for path in waiting[:MOST_NAMED])
        names += ", …" if len(waiting) > MOST_NAMED else ""
        verb = "it is" if len(waiting) == 1 else "they are"
        return (
            f"{counted(len(waiting), 'file')} not complete yet; {verb} graded by the next watch, once complete: {names}"
        )

    def blind_spots(self) -> str:
        """Return the folders in the root that cannot be read, as a sentence; empty when there are none.

        Frames in other folders are found, so this is not a fault of the watcher.
        """
        refused = self._refused
        if not refused:
            return ""
        folder, why = next(iter(refused.items()))
        others = f" and {counted(len(refused) - 1, 'other folder')}" if len(refused) > 1 else ""
        name = shown(os.path.relpath(folder, self._tree.root))
        return f"New frames in {name}{others} are not seen: {why}; check the permissions."

    @property
    def root_is_there(self) -> bool:
        """Whether the folder existed at the last check."""
        return self._guard.root_is_there

    @property
    def remote(self) -> bool:
        """Whether the folder is known to be on a network share."""
        return self._guard.remote

    def rescan(self) -> None:
        """Scan the whole folder now."""
        self._rescan_asked.set()
        self._hints.wake.set()

    def arrivals(self, stop: threading.Event) -> Iterator[Arrival]:
        """Yield each complete file; those that stay short are only logged. See :meth:`items`."""
        with closing(self.items(stop)) as items:
            for item in items:
                if isinstance(item, Arrival):
                    yield item
                else:
                    log.warning("%r: %s", item.arrival.path.name, item.sentence)

    def items(self, stop: threading.Event) -> Generator[Arrival | Failed, None, None]:
        """Yield each file once when it is complete, or as failed when it stays short, until ``stop`` is set.

        Parameters:
            stop: ends the stream, and all threads of the watcher, within a second.

        Yields:
            ``Arrival``, or ``Failed`` of stage ``watch`` and kind ``incomplete``; again after each change.
        """
        try:
            while not stop.is_set():
                self._on_turn()
                now_s = self._clock.monotonic()
                if self._guard.check(now_s):
                    self._next_scan_s = now_s
                    self._candidates.events_were_lost()
                stopped = self._stop_check(stop)
                self._take_hints(now_s, stopped)
                self._scan_what_is_due(now_s, stopped)
                yield from self._candidates.settle_due(stopped)
                self._wait_for_work(stop)
        finally:
            self._guard.stop()

    def _stop_check(self, stop: threading.Event) -> Callable[[], bool]:
        """Return a function for long work that returns whether to stop; its calls are also a sign of progress."""

        def stopped() -> bool:
            self._on_turn()
            return stop.is_set()

        return stopped

    def _wait_for_work(self, stop: threading.Event) -> None:
        """Wait until file events arrive or a check or scan is due; after an event, shortly for further ones."""
        now_s = self._clock.monotonic()
        due_s = [self._next_scan_s, now_s + MAX_WAIT_S, self._candidates.next_due_s(), *self._scans_due.values()]
        if self._clock.wait(self._hints.wake, max(min(due_s) - now_s, 0.0)):
            self._clock.wait(stop, GATHER_S)

    def _take_hints(self, now_s: float, stopped: Callable[[], bool]) -> None:
        """Pass the paths of file events to the candidates, scan new folders, and request a scan after lost events."""
        hints, lost = self._hints.take_all()
        for path in self.reopened.take(hints):
            self._candidates.start_over(path)
        if lost:
            log.warning("too many events; the folder is scanned instead")
        if lost or self._rescan_asked.is_set():
            self._rescan_asked.clear()
            self._next_scan_s = now_s
            self._candidates.events_were_lost()
        for path, hint in hints.items():
            self._unannounced.discard(path)
            if hint is Hint.FOLDER:
                if self._tree.counts_as_folder(path):
                    self._scan_folder(path, now_s, "event", stopped)
                    self._scans_due[path] = now_s + SECOND_LOOK_S
            elif self._tree.counts(path):
                self._candidates.take_hint(path, hint, now_s)
            else:
                kind = self._tree.unread_kind(path)
                if kind is not None:
                    self._unread.note(path, kind)

    def _scan_what_is_due(self, now_s: float, stopped: Callable[[], bool]) -> None:
        """Scan the folders whose second scan is due, and the whole watched folder when its next scan is due."""
        for folder in [folder for folder, due_s in self._scans_due.items() if due_s <= now_s]:
            del self._scans_due[folder]
            self._scan_folder(folder, now_s, "event", stopped)
        if now_s < self._next_scan_s:
            return
        if not self._guard.root_is_there:
            # The guard requests a scan as soon as the folder is back.
            self._next_scan_s = now_s + self._settings.rescan_s
            return
        if self._unannounced:
            self._guard.doubt(now_s, len(self._unannounced))
            self._unannounced.clear()
        before_s = self._clock.monotonic()
        announced = self._scanned_once and self._guard.by_events
        scan = self._scan_folder(self._tree.root, now_s, "scan" if self._guard.by_events else "poll", stopped)
        if announced:
            # Without an event for these files until the next scan, the watcher is blind.
            self._unannounced = self._candidates.found_by_scan_at(now_s)
        if scan.complete:
            self._candidates.forget_all_but(scan.files, self._tree.is_too_deep if scan.too_deep else _never_too_deep)
        self._log_problems(scan)
        self._scanned_once = True
        after_s = self._clock.monotonic()
        every_s = self._settings.rescan_s if self._guard.by_events else self._settings.poll_s
        every_s *= self._jitter.uniform(0.75, 1.25)
        self._next_scan_s = after_s + max(every_s, min(SCAN_SHARE * (after_s - before_s), MOST_SCAN_PAUSE_S))

    def _scan_folder(
        self, folder: str, now_s: float, how: Literal["event", "scan", "poll"], stopped: Callable[[], bool]
    ) -> Scan:
        """Scan a folder, pass the files found to the candidates, and return the scan."""
        scan = self._tree.scan(folder, stopped)
        ignore = self._settings.existing == "ignore" and not self._scanned_once and folder == self._tree.root
        for path, sighting in scan.files.items():
            if ignore:
                self._candidates.ignore(path, sighting)
            else:
                self._candidates.meet(path, sighting, now_s, how)
        for path, error in scan.unforeseen.items():
            self._candidates.give_up(path, error, now_s)
        for path, kind in scan.unread.values():
            self._unread.note(path, kind)
        return scan

    def _log_problems(self, scan: Scan) -> None:
        """Log the problems of a scan once."""
        if scan.fault and not self._scan_fault:
            log.error("the folder cannot be searched (%s); it will be tried again", scan.fault)
        self._scan_fault = f"folders cannot be listed ({scan.fault})" if scan.fault else ""
        before, self._refused = self._refused, scan.refused
        if scan.refused.keys() - before.keys():
            log.warning("%s", self.blind_spots())
        if scan.too_deep and not self._too_deep:
            log.warning("folders deeper than %d are not searched, such as %r", MAX_DEPTH, scan.too_deep)
        self._too_deep = scan.too_deep


def _never_too_deep(path: str) -> bool:
    """Return false for each path, for a scan in which no folder was too deep."""
    return False
