"""Atomic replacement of list files; files of other makers stay, under another name where theirs is needed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ..openfile import NotPlain, check_plain, read_plain
from .names import short_digest

_RETRY_WINERRORS = (5, 32, 33)
"""Access denied, sharing violation, lock violation: another program on Windows has the file open."""
ASIDE_MARK = ".yours-"
"""Part of the new name of a foreign file that had the name of a list."""
TORN_PREFIX, TORN_SUFFIX = ".astro-monitor-", ".tmp"
"""Start and end of the names of temporary files, which remain only after a kill."""
_RETRY_PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.75, 1.0)
"""Pauses between tries, in seconds: 2.5 s together. Programs that index or back up a file release it within that
time."""


def replace_file(path: Path, content: bytes, pause: Callable[[float], None] = time.sleep) -> bool:
    """Replace the content of a file atomically; a file that has this content already is left alone.

    Parameters:
        path: the file; its folder exists.
        content: all of its bytes.
        pause: waits for a number of seconds between tries where another program holds the file open (Windows).

    Returns:
        whether the file was written.

    Raises:
        OSError: the file cannot be written; the old file is still there, and no temporary file is left.
    """
    if _has_content(path, content):
        return False
    handle, name = tempfile.mkstemp(prefix=TORN_PREFIX, suffix=TORN_SUFFIX, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        _replace_with_retries(temporary, path, pause)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return True


def _has_content(path: Path, content: bytes) -> bool:
    """Return whether a list file already has exactly these bytes."""
    with contextlib.suppress(OSError):
        return path.lstat().st_size == len(content) and read_plain(path) == content
    return False


def _replace_with_retries(source: Path, goal: Path, pause: Callable[[float], None]) -> None:
    """Rename a temporary file to a list, with pauses and retries while Windows reports the list as open."""
    for seconds in _RETRY_PAUSES_S:
        try:
            source.replace(goal)
            return
        except OSError as error:
            if getattr(error, "winerror", None) not in _RETRY_WINERRORS:
                raise
            pause(seconds)
    source.replace(goal)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder of the lists durable (fsync), where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest(content: bytes) -> str:
    """Return the digest of a list in the table of contents: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(content).hexdigest()[:16]


def replace_own_file(path: Path, content: bytes, known: str | None, legacy: bool) -> bool:
    """Write a list; a foreign file with its name is renamed first, never overwritten.

    Parameters:
        path: the list; its folder exists.
        content: all of its bytes.
        known: :func:`digest` of what this program last wrote there; ``None`` when it wrote nothing.
        legacy: whether version 0.1, which kept no digests, wrote a list there.

    Returns:
        whether the file was written.

    Raises:
        OSError: the list cannot be written.
    """
    if _has_content(path, content):
        return False
    if not _is_free_or_own(path, known, legacy):
        set_aside(path)
    return replace_file(path, content)


def remove_own_file(path: Path, known: str | None, legacy: bool) -> bool:
    """Remove a list that is no longer needed, unless it was changed since this program wrote it.

    Parameters:
        path, known, legacy: as for :func:`replace_own_file`.

    Returns:
        ``False`` when the file is foreign or was changed; it stays.
    """
    if not os.path.lexists(path):
        return True
    if not _is_free_or_own(path, known, legacy):
        return False
    path.unlink()
    return True


def _is_free_or_own(path: Path, known: str | None, legacy: bool) -> bool:
    """Return whether a path is free, or holds what this program wrote. Empty files count as free."""
    if not os.path.lexists(path):
        return True
    if path.is_symlink() or not path.is_file():
        return False
    content = path.read_bytes()
    return not content or (legacy if known is None else digest(content) == known)


def make_own_folder(path: Path) -> None:
    """Make a folder; a link or a file of its name is renamed first, so that nothing is written elsewhere."""
    if os.path.lexists(path) and (path.is_symlink() or not path.is_dir()):
        set_aside(path)
    path.mkdir(exist_ok=True)


def set_aside_if_not_plain(path: Path) -> None:
    """Rename a link, a folder or a pipe that has the name of one of this program's own files."""
    try:
        check_plain(path)
    except NotPlain:
        set_aside(path)


def set_aside(path: Path) -> Path:
    """Rename a foreign file to ``NAME.yours-DIGEST.ENDING`` in the same folder.

    Returns:
        the new name.
    """
    if path.is_symlink():
        mark = short_digest(str(path.readlink()))
    elif path.is_file():
        mark = digest(path.read_bytes())[:6]
    else:
        mark = short_digest(str(path))
    number = 0
    while True:
        goal = path.with_name(f"{path.stem}{ASIDE_MARK}{mark}{f'-{number}' if number else ''}{path.suffix}")
        if not os.path.lexists(goal):
            path.rename(goal)
            return goal
        number += 1


def remove_if_empty(folder: Path) -> None:
    """Remove a folder if it is empty."""
    try:
        folder.rmdir()
    except OSError:
        return
