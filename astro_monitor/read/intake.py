"""A file is taken into memory once, whole, while a second thread hashes what has arrived.

Nothing is mapped: a mapped file that its writer shortens ends the process with SIGBUS. The file is asked for its
size and time before and after; when they differ, the bytes are thrown away. When its headers show that it is no frame,
they alone are read.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from astro_monitor.bounds import int64
from astro_monitor.errors import FrameError, Incomplete, Unreadable, Unsupported, Vanished
from astro_monitor.fitsheader import ReadAt
from astro_monitor.plain import because

CHUNK_BYTES = 1 << 20
FRONT_BYTES = 1 << 16
"""Size of the first read: contains the headers of nearly every file."""
THREAD_FROM_BYTES = 4 << 20
"""Smaller files are hashed where they are read: starting a thread would cost more than it saves."""

_OPEN_FLAGS = (
    os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    # Opening a named pipe would wait for a writer for ever.
    | getattr(os, "O_NONBLOCK", 0)
)  # fmt: skip


class Intake:
    """The bytes of one file and their SHA-256.

    The hash runs behind the reading. Whoever changes the bytes in place calls ``wait_hashed`` first.

    Attributes:
        data: (N,) uint8, all bytes of the file; writable.
        size_bytes: length of the file.
    """

    def __init__(self, size_bytes: int) -> None:
        self.data: NDArray[np.uint8] = np.empty(size_bytes, np.uint8)
        self.size_bytes = size_bytes
        self._hash = hashlib.sha256()
        self._filled = 0
        self._hashed = 0
        self._closed = False
        self._moved = threading.Condition()
        self._thread: threading.Thread | None = None
        if size_bytes >= THREAD_FROM_BYTES:
            self._thread = threading.Thread(target=self._follow, name="read-hash", daemon=True)
            self._thread.start()

    def filled_to(self, end: int) -> None:
        """Say that the bytes before ``end`` are there."""
        if self._thread is None:
            self._hash.update(self.data[self._filled : end].data)
            self._filled = self._hashed = end
            return
        with self._moved:
            self._filled = end
            self._moved.notify_all()

    def abandon(self) -> None:
        """Let the second thread end without a hash."""
        with self._moved:
            self._closed = True
            self._moved.notify_all()
        if self._thread is not None:
            self._thread.join()

    def wait_hashed(self, end: int) -> None:
        """Wait until the bytes before ``end`` are hashed and may be changed."""
        with self._moved:
            self._moved.wait_for(lambda: self._hashed >= end or self._closed)

    def hexdigest(self) -> str:
        """Wait for the hash of all bytes: 64 hex digits."""
        self.wait_hashed(self.size_bytes)
        if self._thread is not None:
            self._thread.join()
        if self._hashed < self.size_bytes:
            raise MemoryError("the file was not hashed to its end")
        return self._hash.hexdigest()

    def release(self) -> None:
        """Let go of the bytes once they are hashed; pixels made of them in place keep theirs alive."""
        self.wait_hashed(self.size_bytes)
        self.data = np.empty(0, np.uint8)

    def read_at(self, offset: int, count: int) -> bytes:
        """Give a copy of some bytes, as ``fitsheader.scan_hdus`` wants them."""
        return self.data[offset : offset + count].tobytes()

    def _follow(self) -> None:
        try:
            while self._hashed < self.size_bytes and self._hash_what_arrived():
                pass
        finally:
            # Whatever ends this thread, nobody waits for it in vain.
            with self._moved:
                self._closed = True
                self._moved.notify_all()

    def _hash_what_arrived(self) -> bool:
        with self._moved:
            self._moved.wait_for(lambda: self._filled > self._hashed or self._closed)
            if self._closed:
                return False
            start, end = self._hashed, self._filled
        # In pieces, so that whoever waits for the front of the data is let go early.
        while start < end:
            piece = min(end, start + CHUNK_BYTES)
            self._hash.update(self.data[start:piece].data)
            start = piece
            with self._moved:
                self._hashed = start
                self._moved.notify_all()
        return True


def take_in(
    path: Path,
    max_bytes: int,
    look: Callable[[ReadAt, int], None] = lambda read_at, size_bytes: None,
    found: tuple[int, int] | None = None,
) -> Intake:
    """Read a whole file into memory.

    Parameters:
        path: a regular file, or a link to one.
        max_bytes: longer files are refused before anything is read.
        look: called once, before there is memory for the file, with a function that gives its bytes and with its size;
            when it raises, the file is not taken in.
        found: size and modification time (ns) with which it was found whole; ``None``: it was named by a person.

    Raises:
        FrameError: whatever ``look`` raises.
        Vanished: it is not there.
        Incomplete: it changed since it was found or while it was read, or cannot be opened or read now.
        Unsupported: it is no regular file, or too long.
        Unreadable: its name cannot be a file name.
    """
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
    except FileNotFoundError as error:
        raise Vanished("The file is gone; nothing to do if it was moved or deleted on purpose.") from error
    except ValueError as error:
        raise Unreadable("The name holds a NUL byte, so no file can have it.", kind="bad_name") from error
    except OSError as error:
        if path.is_dir():
            raise Unsupported("This is a folder, not a frame; name the files in it.", kind="not_a_file") from error
        raise Incomplete(
            f"The file cannot be opened now ({because(error)}); it will be tried again; check its permissions.",
            kind="no_access",
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unsupported(
            "This is a folder, a pipe or a device, not a file; name the files to be read.", kind="not_a_file"
        )
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        before = os.fstat(file.fileno())
        if found is not None and (int64(before.st_size), int64(before.st_mtime_ns)) != found:
            # A program is rewriting it; how far that has come is unknown here.
            raise Incomplete(
                "The file has changed since it was found complete; it will be tried again when it no longer changes."
            )
        if before.st_size > max_bytes:
            raise Unsupported(
                f"The file has {before.st_size} bytes, more than the {max_bytes} a frame may have; give single frames.",
                kind="too_large",
            )
        try:
            front = file.read(min(FRONT_BYTES, before.st_size))
            try:
                look(_peek(file, front), before.st_size)
            except FrameError:
                _refuse_changed(file, before)
                raise
            file.seek(len(front))
            intake = _filled(file, before, front)
        except FrameError:
            raise
        except OSError as error:
            raise Incomplete(
                f"Reading the file failed ({because(error)}); it will be tried again; check the disk or network share.",
                kind="io_error",
            ) from error
    return intake


def _peek(file: io.FileIO, front: bytes) -> ReadAt:
    """Return a reader of bytes: from the front, or from the file where they lie behind it."""

    def read_at(offset: int, count: int) -> bytes:
        if offset + count <= len(front):
            return front[offset : offset + count]
        file.seek(offset)
        parts = []
        while count > 0 and (part := file.read(count)):
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    return read_at


def _filled(file: io.FileIO, before: os.stat_result, front: bytes) -> Intake:
    intake = Intake(before.st_size)
    try:
        window = intake.data.data
        position = len(front)
        window[:position] = front
        intake.filled_to(position)
        while position < before.st_size:
            count = file.readinto(window[position : position + CHUNK_BYTES])
            if not count:
                raise _changed()
            position += count
            intake.filled_to(position)
        _refuse_changed(file, before)
    except OSError:
        intake.abandon()
        raise
    return intake


def _refuse_changed(file: io.FileIO, before: os.stat_result) -> None:
    after = os.fstat(file.fileno())
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise _changed()


def _changed() -> Incomplete:
    return Incomplete("The file changed while it was read; it will be tried again when it no longer changes.")
