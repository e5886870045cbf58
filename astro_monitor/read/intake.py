"""Reading of a complete file into memory, while a second thread hashes the bytes.

Files are not memory-mapped: a mapped file that its writer truncates ends the process with SIGBUS. Size and modification
time are compared before and after; when they differ, the bytes are discarded. When the headers show that a file is not
a frame, only they are read.
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
"""Bytes read or hashed per step: reading and hashing overlap, and waiting threads continue early."""
FRONT_BYTES = 1 << 16
"""Bytes of the first read: they contain the headers of nearly every file."""
THREAD_FROM_BYTES = 4 << 20
"""Smaller files are hashed in the reading thread: starting a second one would take longer than it saves."""

_OPEN_FLAGS = (
    os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    # Without this flag, opening a named pipe would wait for a writer for ever.
    | getattr(os, "O_NONBLOCK", 0)
)  # fmt: skip


class Intake:
    """The bytes of one file and their SHA-256.

    Hashing follows reading. Code that changes the bytes in place calls ``wait_hashed`` first.

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
            self._thread = threading.Thread(target=self._hash_until_end, name="read-hash", daemon=True)
            self._thread.start()

    def filled_to(self, end: int) -> None:
        """Announce that the bytes before ``end`` are filled."""
        if self._thread is None:
            self._hash.update(self.data[self._filled : end].data)
            self._filled = self._hashed = end
            return
        with self._moved:
            self._filled = end
            self._moved.notify_all()

    def abandon(self) -> None:
        """End the second thread without a hash."""
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
        """Wait for the hash of all bytes, and return it as 64 hex digits."""
        self.wait_hashed(self.size_bytes)
        if self._thread is not None:
            self._thread.join()
        if self._hashed < self.size_bytes:
            raise MemoryError("the file was not hashed to its end")
        return self._hash.hexdigest()

    def release(self) -> None:
        """Release the bytes once they are hashed; pixels that share their memory keep it alive."""
        self.wait_hashed(self.size_bytes)
        self.data = np.empty(0, np.uint8)

    def read_at(self, offset: int, count: int) -> bytes:
        """Return a copy of some bytes, in the form that ``fitsheader.scan_hdus`` needs."""
        return self.data[offset : offset + count].tobytes()

    def _hash_until_end(self) -> None:
        """Hash the bytes of the file while they are filled, until all are hashed or the intake is closed."""
        try:
            while self._hashed < self.size_bytes and self._hash_what_arrived():
                pass
        finally:
            # However this thread ends, no other thread must wait for it in vain.
            with self._moved:
                self._closed = True
                self._moved.notify_all()

    def _hash_what_arrived(self) -> bool:
        """Wait for new bytes of the file, hash them, and return whether the intake was still open."""
        with self._moved:
            self._moved.wait_for(lambda: self._filled > self._hashed or self._closed)
            if self._closed:
                return False
            start, end = self._hashed, self._filled
        # In chunks, so that a thread that waits for the start of the data continues early.
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
    check: Callable[[ReadAt, int], None] = lambda read_at, size_bytes: None,
    expected: tuple[int, int] | None = None,
) -> Intake:
    """Read a complete file into memory.

    Parameters:
        path: a regular file, or a link to one.
        max_bytes: longer files are refused before anything is read.
        check: called with a function that returns bytes of the file, and with its size, before memory for the file is
            allocated; when it raises an error, the file is not read.
        expected: size and modification time (ns) at which the watcher found it complete; ``None`` for a file that a
            user named.

    Raises:
        FrameError: any error of ``check``.
        Vanished: the file does not exist.
        Incomplete: it changed since it was found or while it was read, or cannot be opened or read now.
        Unsupported: it is not a regular file, or too long.
        Unreadable: its name cannot be a file name.
    """
    with os.fdopen(_open_regular(path), "rb", buffering=0) as file:
        before = os.fstat(file.fileno())
        if expected is not None and (int64(before.st_size), int64(before.st_mtime_ns)) != expected:
            # A program is rewriting it, and how much of it is written is not known.
            raise Incomplete(
                "The file has changed since it was found complete; it will be tried again when it no longer changes."
            )
        if before.st_size > max_bytes:
            raise Unsupported(
                f"The file has {before.st_size} bytes, more than the {max_bytes} a frame may have; give single frames.",
                kind="too_large",
            )
        try:
            return _checked_and_read(file, before, check)
        except FrameError:
            raise
        except OSError as error:
            raise Incomplete(
                f"Reading the file failed ({because(error)}); it will be tried again; check the disk or network share.",
                kind="io_error",
            ) from error


def _open_regular(path: Path) -> int:
    """Return the descriptor of a regular file, opened for reading; errors as for :func:`take_in`."""
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
    return descriptor


def _checked_and_read(file: io.FileIO, before: os.stat_result, check: Callable[[ReadAt, int], None]) -> Intake:
    """Read the start of a file, check it, and read the rest."""
    front = file.read(min(FRONT_BYTES, before.st_size))
    try:
        check(_peek(file, front), before.st_size)
    except FrameError:
        _refuse_changed(file, before)
        raise
    file.seek(len(front))
    return _rest_read(file, before, front)


def _peek(file: io.FileIO, front: bytes) -> ReadAt:
    """Return a function that reads bytes from the start in memory, or from the file."""

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


def _rest_read(file: io.FileIO, before: os.stat_result, front: bytes) -> Intake:
    """Return the intake of a file: its start from memory, the rest read; raise Incomplete when the file changes."""
    intake = Intake(before.st_size)
    try:
        window = intake.data.data
        position = len(front)
        window[:position] = front
        intake.filled_to(position)
        while position < before.st_size:
            count = file.readinto(window[position : position + CHUNK_BYTES])
            if not count:
                raise _changed_error()
            position += count
            intake.filled_to(position)
        _refuse_changed(file, before)
    except OSError:
        intake.abandon()
        raise
    return intake


def _refuse_changed(file: io.FileIO, before: os.stat_result) -> None:
    """Raise Incomplete if size or modification time of the file have changed since ``before``."""
    after = os.fstat(file.fileno())
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise _changed_error()


def _changed_error() -> Incomplete:
    """Return the error for a file that changed while it was read."""
    return Incomplete("The file changed while it was read; it will be tried again when it no longer changes.")
