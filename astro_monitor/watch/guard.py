"""Supervision of the watcher of events: it is replaced when it ends, misses files or its folder was replaced."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from pathlib import Path

from ..plain import because
from ..settings import WatchSettings
from .events import Hints, Watcher, WatcherFactory
from .scan import identity

log = logging.getLogger(__name__)

CHECK_S = 5.0
"""Interval of the checks of folder and watcher, in seconds."""
RETRY_S = 60.0
"""Shortest time before a watcher that could not be started, or missed files, is replaced, in seconds."""


class WatcherGuard:
    """Supervises one watcher on one folder.

    Parameters:
        root: the folder.
        settings: whether to use events, and the polling interval without them.
        hints: buffer for the watcher's hints.
        start_watcher: starts a watcher.
        is_remote: returns whether a folder is on a network share.

    Attributes:
        state: what the watcher is doing, as a clause for people.
        root_is_there: whether the folder existed at the last check.
        remote: whether it is on a network share.
        trouble: reason why no watcher could be started for lack of threads or open files, as a clause; else empty.
    """

    def __init__(
        self,
        root: str,
        settings: WatchSettings,
        hints: Hints,
        start_watcher: WatcherFactory,
        is_remote: Callable[[Path], bool],
    ) -> None:
        self.state = "not watching yet"
        self.trouble = ""
        self.root_is_there = False
        self.remote = False
        self._root = root
        self._settings = settings
        self._hints = hints
        self._start_watcher = start_watcher
        self._is_remote = is_remote
        self._watcher: Watcher | None = None
        self._identity: tuple[int, int] | None = None
        self._next_check_s = float("-inf")
        self._retry_s = float("-inf")

    @property
    def by_events(self) -> bool:
        """Whether a watcher of events runs."""
        return self._watcher is not None

    def check(self, now_s: float) -> bool:
        """Check folder and watcher, when a check is due.

        Parameters:
            now_s: monotonic time in seconds.

        Returns:
            whether a scan is needed now, because the folder is new or events may have been lost.
        """
        if now_s < self._next_check_s:
            return False
        self._next_check_s = now_s + CHECK_S
        current = identity(self._root)
        if current is None:
            return self._note_missing_root()
        replaced = current != self._identity
        if replaced and self._identity is not None:
            log.warning("%r was missing or replaced; watching starts again", self._root)
        self._identity = current
        self.root_is_there = True
        if replaced:
            # It may be a network share now, or one that was not mounted before.
            self.remote = self._is_remote(Path(self._root))
            self._retry_s = now_s
            self._end_watcher()
        elif self._watcher is not None and not self._watcher.healthy():
            log.warning("the watcher of %r has ended; it is started again", self._root)
            self._retry_s = now_s
            self._end_watcher()
        started = self._watcher is None and self._start_by_events(now_s)
        return replaced or started

    def doubt(self, now_s: float, missed: int) -> None:
        """Replace the watcher after a scan that found files without an event: it may be blind.

        Parameters:
            now_s: monotonic time in seconds.
            missed: number of these files.
        """
        if self._watcher is None or now_s < self._retry_s:
            return
        log.warning("%d new files were found without an event; the watcher is started again", missed)
        self._end_watcher()
        self._next_check_s = now_s
        self._start_by_events(now_s)

    def stop(self) -> None:
        """End the watcher and its threads."""
        self._end_watcher()
        self.state = "stopped"

    def _note_missing_root(self) -> bool:
        """Note that the watched folder is missing, end its watcher, and return that no scan is needed."""
        if self.root_is_there or self._identity is None:
            log.warning("%r is missing; watching continues when it is back", self._root)
        self.root_is_there = False
        # A folder that comes back may have the same inode number: it is new nevertheless.
        self._identity = (-1, -1)
        self.state = f"the folder {self._root!r} is missing"
        self._end_watcher()
        return False

    def _start_by_events(self, now_s: float) -> bool:
        """Start the watcher of file events if the settings allow it, and return whether it has started."""
        looking = f"looking each {self._settings.poll_s:g} s"
        if self._settings.mode == "polling" or (self._settings.mode == "auto" and self.remote):
            self.state = f"{looking}, because this is a network share" if self.remote else looking
            return False
        if now_s < self._retry_s:
            return False
        self._retry_s = now_s + RETRY_S
        try:
            self._watcher = self._start_watcher(self._root, self._hints)
        except OSError as error:
            reason = _why_no_events(error)
            self.state = f"{looking}, because {reason}"
            log.warning("events of %r are not available, because %s; polling instead", self._root, reason)
            return False
        except (RuntimeError, MemoryError) as error:
            # Python raises RuntimeError when the system refuses a thread. A later try may succeed.
            self._retry_s = now_s
            self.state = f"{looking}, because no thread can be started"
            if not self.trouble:
                log.error(
                    "the watcher of %r cannot be started: %s; it will be tried again every %g s",
                    self._root,
                    error,
                    CHECK_S,
                )
            self.trouble = f"the watcher of events cannot be started ({error})"
            return False
        self.trouble = ""
        self.state = "watching by events"
        return True

    def _end_watcher(self) -> None:
        """Stop the watcher of file events if it runs."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()


def _why_no_events(error: OSError) -> str:
    """Return the reason for which the system refuses file events, with the limit to raise where one is reached."""
    match error.errno:
        case errno.ENOSPC:
            return "the limit on watched folders is reached (raise fs.inotify.max_user_watches)"
        case errno.EMFILE:
            return "the limit on watchers is reached (raise fs.inotify.max_user_instances)"
    return f"the system says: {because(error)}"
