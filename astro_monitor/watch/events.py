"""The only door to watchdog. Events are put into a bounded box, and nothing else happens in its threads."""

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
"""Beyond this the hints are thrown away, all of them, and the folder is scanned: that is no slower then."""
JOIN_S = 5.0
THREADS_NEEDED, FILES_NEEDED = 3, 4
"""What watchdog starts and opens for one watcher on Linux."""
EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileClosedEvent,
    DirCreatedEvent,
    DirMovedEvent,
]
TELLS_WRITING = sys.platform.startswith("linux") and hasattr(watchdog.events, "FileAttribEvent")
"""Whether there is an event for each write and each close. Elsewhere, and with watchdog 6, a chmod looks like a
write."""
if TELLS_WRITING:
    EVENTS.append(watchdog.events.FileAttribEvent)


class Hint(IntEnum):
    """What an event said of a path. Of two, the larger one is kept."""

    TOUCHED = 1
    """Its rights, times or links have changed, or it was found."""
    WRITTEN = 2
    """Created, or bytes were written: a program has it open until it is closed."""
    CLOSED = 3
    """Closed after writing, or given its final name."""
    FOLDER = 4
    """A folder that was made, or moved here with all that is in it."""


class Hints:
    """A bounded box of hints, one for each path; putting into it never waits and never fails."""

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
        """Empty the box.

        Returns:
            the hints, and whether some were thrown away.
        """
        with self._lock:
            self.wake.clear()
            hints, lost = self._hints, self._lost
            self._hints, self._lost = {}, False
        return hints, lost


class Watcher(Protocol):
    """Something that gives hints while it lives."""

    def healthy(self) -> bool:
        """Whether all of it still runs."""
        ...

    def stop(self) -> None:
        """End it and its threads."""
        ...


WatcherFactory = Callable[[str, Hints], Watcher]
"""Starts a watcher on a folder; raises ``OSError`` when the system does not let it."""


class EventWatcher:
    """Watches a folder and all below it by the events of the operating system."""

    def __init__(self, root: str, hints: Hints) -> None:
        _make_sure_of_room()
        others = set(threading.enumerate())
        self._observer = Observer()
        try:
            self._observer.schedule(_Handler(hints), root, recursive=True, event_filter=EVENTS)
            self._observer.start()
        except BaseException:
            self.stop()
            raise
        # A dead thread of these leaves the others running and silent, so that all of them are checked.
        self._threads = [
            thread
            for thread in threading.enumerate()
            if thread not in others and type(thread).__module__.startswith("watchdog")
        ]

    def healthy(self) -> bool:
        """Whether all threads of the watcher live."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """End its threads; those that hang in the system are left behind, as daemon threads."""
        try:
            self._observer.stop()
            if self._observer.is_alive():
                self._observer.join(JOIN_S)
        except (OSError, RuntimeError) as error:
            log.warning("the watcher of the folder does not end in order: %s", error)


def _make_sure_of_room() -> None:
    """See whether a watcher could be started: one that stops half way leaves open files behind, at each try.

    Raises:
        RuntimeError: no thread can be started, or no file opened.
    """
    go = threading.Event()
    held: list[int] = []
    started: list[threading.Thread] = []
    try:
        for _ in range(THREADS_NEEDED):
            thread = threading.Thread(target=go.wait, name="room", daemon=True)
            thread.start()
            started.append(thread)
        while len(held) < FILES_NEEDED:
            held += os.pipe()
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
        raise RuntimeError(because(error)) from error
    finally:
        go.set()
        for descriptor in held:
            os.close(descriptor)
        for thread in started:
            thread.join()


class _Handler(FileSystemEventHandler):
    def __init__(self, hints: Hints) -> None:
        self._hints = hints

    def on_any_event(self, event: FileSystemEvent) -> None:
        # An exception here would end watchdog's thread without a word.
        try:
            for path, hint in read_event(event):
                self._hints.put(path, hint)
        except Exception:
            log.exception("an event of the folder was not understood")


def read_event(event: FileSystemEvent) -> list[tuple[str, Hint]]:
    """Say what an event hints at.

    Parameters:
        event: any event of watchdog.

    Returns:
        path and hint; empty when it tells nothing about a file that may have become whole.
    """
    target = os.fsdecode(event.dest_path or event.src_path)
    if event.is_directory:
        return [(target, Hint.FOLDER)] if event.event_type in ("created", "moved") else []
    match event.event_type:
        case "closed":
            return [(target, Hint.CLOSED)]
        case "moved":
            return [(target, Hint.CLOSED)] if event.dest_path else []
        case "modified" if TELLS_WRITING:
            return [(target, Hint.WRITTEN)]
        case "created" | "modified" | "attrib":
            return [(target, Hint.TOUCHED)]
    return []
