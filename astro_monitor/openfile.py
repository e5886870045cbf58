"""Open regular files only: never a link in their place, never a pipe or device that would block."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_FLAGS = (
    getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)
    # Opening a named pipe would wait for the other side for ever.
    | getattr(os, "O_NONBLOCK", 0)
)  # fmt: skip


class NotPlain(OSError):
    """There is a link, a pipe, a device or a folder where a plain file belongs."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(errno.ELOOP, f"it is {what}, not a plain file", str(path))


def open_plain(path: Path, flags: int, mode: int = 0o644, *, follow: bool = False) -> int:
    """Open a plain file.

    Parameters:
        path: the file. Only its last part must be no link; folders on the way may be.
        flags: as of ``os.open``.
        mode: of a file that is made.
        follow: whether it may be a link to a plain file.

    Returns:
        a file descriptor.

    Raises:
        NotPlain: there is something else.
        OSError: it cannot be opened.
    """
    no_follow = 0 if follow else getattr(os, "O_NOFOLLOW", 0)
    if not follow and path.is_symlink():
        raise NotPlain(path, "a link")
    try:
        descriptor = os.open(path, flags | _FLAGS | no_follow, mode)
    except OSError as error:
        if no_follow and error.errno in (errno.ELOOP, errno.EMLINK):
            raise NotPlain(path, "a link") from error
        if error.errno in (errno.ENXIO, errno.EISDIR) or path.is_dir():
            raise NotPlain(path, "a pipe, a socket, a device or a folder") from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotPlain(path, "a pipe, a socket, a device or a folder")
    return descriptor


def read_plain(path: Path) -> bytes:
    """Return all bytes of a plain file.

    Raises:
        NotPlain: there is something else.
        OSError: it cannot be read.
    """
    with os.fdopen(open_plain(path, os.O_RDONLY), "rb") as file:
        return file.read()


def check_plain(path: Path) -> None:
    """Refuse anything but a regular file; a missing one is allowed.

    Raises:
        NotPlain: there is something else.
    """
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if stat.S_ISLNK(mode):
        raise NotPlain(path, "a link")
    if not stat.S_ISREG(mode):
        raise NotPlain(path, "a pipe, a socket, a device or a folder")
