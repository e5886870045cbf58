"""Events of the operating system through watchdog; its threads only store hints in a bounded buffer."""

from __future__ import annotations

import errno
import logging
import os
import sys
import threading
from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

import watchdog.events
from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from ..plain import because

log = logging.getLogger(__name__)

MAX_HINTS = 50_000
"""Most hints. Beyond it, all hints are discarded, and the folder is scanned, which is not slower then."""
JOIN_S = 5.0
"""Longest wait for the end of watchdog's threads, in seconds."""
THREADS_NEEDED, FILES_NEEDED = 3, 4
"""Threads and files that watchdog needs for one watcher on Linux."""
EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileClosedEvent,
    DirCreatedEvent,
    DirMovedEvent,
]
REPORTS_WRITING = sys.platform.startswith("linux") and hasattr(watchdog.events, "FileAttribEvent")
"""Whether there is an event for each write and each close. Elsewhere, and with watchdog 6, a chmod is reported as a
write."""
if REPORTS_WRITING:
    EVENTS.append(watchdog.events.FileAttribEvent)


class Hint(IntEnum):
    """The content of an event about a path; of two hints, the larger one is kept."""

    TOUCHED = 1
    """Permissions, times or links have changed, or the path was found."""
    WRITTEN = 2
    """The file was created or written: a program has it open until it is closed."""
    CLOSED = 3
    """The file was closed after writing, or renamed to its final name."""
    FOLDER = 4
    """A folder was created, or moved with its content."""


class Hints:
    """A bounded buffer of hints, one per path; adding a hint never waits and never fails."""

    def __init__(self, limit: int = MAX_HINTS) -> None:
        self.wake = threading.Event()
        self._limit = limit
        self._lock = threading.Lock()
        self._hints: dict[str, Hint] = {}
        self._lost = False

    def put(self, path: str, hint: Hint) -> None:
        """Add a hint."""
        with self._lock:
            if path not in self._hints and len(self._hints) >= self._limit:
                self._hints.clear()
                self._lost = True
            self._hints[path] = max(hint, self._hints.get(path, hint))
        self.wake.set()

    def take_all(self) -> tuple[dict[str, Hint], bool]:
        """Return all hints, and empty the buffer.

        Returns:
            the hints, and whether some were discarded.
        """
        with self._lock:
            self.wake.clear()
            hints, lost = self._hints, self._lost
            self._hints, self._lost = {}, False
        return hints, lost


class Watcher(Protocol):
    """A source of hints."""

    def healthy(self) -> bool:
        """Return whether all of its threads run."""
        ...

    def stop(self) -> None:
        """Stop it and its threads."""
        ...


WatcherFactory = Callable[[str, Hints], Watcher]
"""Starts a watcher on a folder; raises ``OSError`` when the system refuses it."""


class EventWatcher:
    """Watches a folder and all below it by the events of the operating system."""

    def __init__(self, root: str, hints: Hints) -> None:
        _check_resources()
        others = set(threading.enumerate())
        self._observer = Observer()
        try:
            self._observer.schedule(_Handler(hints), root, recursive=True, event_filter=EVENTS)
            self._observer.start()
        except BaseException:
            self.stop()
            raise
        # When one of these threads ends, the others continue silently, so all of them are checked.
        self._threads = [
            thread
            for thread in threading.enumerate()
            if thread not in others and type(thread).__module__.startswith("watchdog")
        ]

    def healthy(self) -> bool:
        """Return whether all threads of the watcher run."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Stop its threads; those that hang in the system remain as daemon threads."""
        try:
            self._observer.stop()
            if self._observer.is_alive():
                self._observer.join(JOIN_S)
        except (OSError, RuntimeError) as error:
            log.warning("the watcher of the folder does not stop properly: %s", error)


def _check_resources() -> None:
    """Raise an error unless a watcher can be started: one that fails half way leaves open files, at each try.

    Raises:
        RuntimeError: threads cannot be started, or files cannot be opened.
    """
    go = threading.Event()
    handles: list[int] = []
    started: list[threading.Thread] = []
    try:
        for _ in range(THREADS_NEEDED):
            thread = threading.Thread(target=go.wait, name="room", daemon=True)
            thread.start()
            started.append(thread)
        while len(handles) < FILES_NEEDED:
            handles += os.pipe()
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
        raise RuntimeError(because(error)) from error
    finally:
        go.set()
        for descriptor in handles:
            os.close(descriptor)
        for thread in started:
            thread.join()


class _Handler(FileSystemEventHandler):
    def __init__(self, hints: Hints) -> None:
        self._hints = hints

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Pass the paths of a file event on as hints; an error is logged."""
        # An exception in this method would end watchdog's thread silently.
        try:
            for path, hint in read_event(event):
                self._hints.put(path, hint)
        except Exception:
            log.exception("an event of the folder could not be processed")


def read_event(event: FileSystemEvent) -> list[tuple[str, Hint]]:
    """Return the hints of an event.

    Parameters:
        event: any event of watchdog.

    Returns:
        path and hint; empty when it is not about a file that may have become complete.
    """
    target = os.fsdecode(event.dest_path or event.src_path)
    if event.is_directory:
        return [(target, Hint.FOLDER)] if event.event_type in ("created", "moved") else []
    match event.event_type:
        case "closed":
            return [(target, Hint.CLOSED)]
        case "moved":
            return [(target, Hint.CLOSED)] if event.dest_path else []
        case "modified" if REPORTS_WRITING:
            return [(target, Hint.WRITTEN)]
        case "created" | "modified" | "attrib":
            return [(target, Hint.TOUCHED)]
    return []
