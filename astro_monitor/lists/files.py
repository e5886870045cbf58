"""Files and folders of links that are replaced whole, never torn."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

_RETRY_WINERRORS = (5, 32, 33)
"""Access denied, sharing violation, lock violation: somebody on Windows has the file open."""
_RETRY_PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.75, 1.0)


def replace_file(path: Path, content: bytes, pause: Callable[[float], None] = time.sleep) -> bool:
    """Make a file hold exactly these bytes, at once; a file that does already is left alone.

    Parameters:
        path: the file; its folder exists.
        content: all of its bytes.
        pause: waits so many seconds between tries where another program holds the file (Windows).

    Returns:
        whether the file was written.

    Raises:
        OSError: it cannot be written; the old file is still there, and no temporary file is left.
    """
    with contextlib.suppress(OSError):
        if not path.is_symlink() and path.stat().st_size == len(content) and path.read_bytes() == content:
            return False
    handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        _replace(temporary, path, pause)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return True


def _replace(source: Path, goal: Path, pause: Callable[[float], None]) -> None:
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
    """Make the names in a folder durable, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def own_folder(path: Path) -> None:
    """Make a folder; a link in its place is removed, so that nothing is written elsewhere."""
    if path.is_symlink():
        path.unlink()
    path.mkdir(exist_ok=True)


def replace_links(folder: Path, links: Mapping[str, str]) -> bool:
    """Make a folder hold exactly these links: a new folder is filled, then takes the place of the old one.

    Parameters:
        folder: the folder of links; only links are ever in it.
        links: link name to the path it points to.

    Returns:
        whether anything had to change.

    Raises:
        OSError: links cannot be made here; the old folder is still there.
    """
    if _links_in(folder) == {name: str(Path(goal)) for name, goal in links.items()}:
        return False
    new, old = folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")
    remove_folder(new)
    remove_folder(old)
    new.mkdir()
    try:
        for name, goal in links.items():
            _link(new / name, goal)
    except OSError:
        remove_folder(new)
        raise
    sync_folder(new)
    if folder.is_symlink() or folder.exists():
        folder.rename(old)
    new.rename(folder)
    sync_folder(folder.parent)
    remove_folder(old)
    return True


def _link(link: Path, goal: str) -> None:
    """Link to a frame; where links to names need a privilege (Windows), link to the content."""
    try:
        link.symlink_to(goal)
    except OSError:
        if os.name == "posix":
            raise
        os.link(goal, link)


def _links_in(folder: Path) -> dict[str, str] | None:
    """Give what links are in a folder; ``None`` when it is no folder of links only."""
    if folder.is_symlink():
        return None
    try:
        return {entry.name: str(entry.readlink()) for entry in folder.iterdir()}
    except OSError:
        return None


def remove_folder(folder: Path) -> None:
    """Remove a folder of links without following one of them."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
