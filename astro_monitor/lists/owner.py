"""The owner of a folder of lists: two watches with the same folder never write into each other's lists.

The first watch that writes into a folder claims it, with a hidden file. Any other watch then writes into a sub-folder
of its own. The claim names a watch by an identity that is kept with its night log, and by where that log is, so that
a watch whose state folder was lost gets its lists back.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..openfile import read_plain
from .files import own_file, replace_file

CLAIM = ".astro-monitor-owner.json"
"""The file in a folder of lists that names the watch which writes there."""

IDENTITY = "lists-owner"
"""The file with the identity of the watch, next to the night log."""

PATIENCE_S = 10.0
"""Another command may be writing the same lists; it takes well under a second."""
RETRY_S = 0.02
_RANDOM_NODE = 1 << 40
"""This bit is set in the node number of a computer without a network card: such a number changes with each start."""

if sys.platform != "win32":
    import fcntl


@dataclass(frozen=True, slots=True)
class Owner:
    """A watch, as the owner of lists.

    Attributes:
        identity: made once for each night log.
        place: computer and folder of the night log.
        name: name of the sub-folder, where the folder belongs to another watch.
    """

    identity: str
    place: str
    name: str


def owner_of(state: Path) -> Owner:
    """Return the owner that keeps its night log in a folder; its identity is made at the first call.

    Where it cannot be kept (a folder of an archive that is only read, a full disk), it follows from the place.

    Parameters:
        state: the folder with the night log.
    """
    path = state / IDENTITY
    identity = ""
    with contextlib.suppress(OSError):
        with contextlib.suppress(FileExistsError), path.open("x", encoding="ascii") as file:
            file.write(uuid.uuid4().hex)
        identity = read_plain(path).decode("ascii", "replace").strip()
    node = uuid.getnode()
    number = "" if node & _RANDOM_NODE else f"{node:012x}"
    place = f"{socket.gethostname()}/{number}:{state.resolve()}"
    return Owner(identity or hashlib.sha256(os.fsencode(place)).hexdigest()[:32], place, state.name)


def own_place(folder: Path, owner: Owner | None) -> Path:
    """Return the folder into which an owner's lists go: the folder itself, or one in it when it is another's.

    Parameters:
        folder: what was asked for; made when missing.
        owner: whose lists; ``None`` for lists of no watch, which claim nothing.

    Raises:
        OSError: the folder cannot be made or claimed.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from error
    if owner is None or _claim(folder, owner):
        return folder
    own = folder / owner.name
    own.mkdir(exist_ok=True)
    if not _claim(own, owner):
        own = folder / f"{owner.name}-{owner.identity[:6]}"
        own.mkdir(exist_ok=True)
        _claim(own, owner)
    return own


def _claim(folder: Path, owner: Owner) -> bool:
    """Claim a folder; return whether it is the owner's."""
    path = folder / CLAIM
    mine = {"schema": "astro-monitor/owner/1", "identity": owner.identity, "place": owner.place}
    content = json.dumps(mine, indent=1).encode("ascii")
    # Written whole under another name, then given its name only if that is free: a claim is never half there.
    own = folder / f"{CLAIM}.{owner.identity}"
    own_file(path)
    if not os.path.lexists(path):
        replace_file(own, content)
        try:
            own.rename(path) if os.name == "nt" else os.link(own, path)
        except FileExistsError:
            pass
        except OSError:
            _claim_without_links(path, content)  # a disk that knows no second names
        own.unlink(missing_ok=True)
    try:
        found = json.loads(read_plain(path))
        identity, place = found["identity"], found["place"]
    except (ValueError, KeyError, TypeError):
        identity, place = "", ""  # damaged by a full disk or a crash: free again
    if identity == owner.identity:
        return True
    if place == owner.place or not identity:
        replace_file(path, content)
        return True
    return False


def _claim_without_links(path: Path, content: bytes) -> None:
    with contextlib.suppress(FileExistsError), path.open("xb") as file:
        file.write(content)


@contextlib.contextmanager
def turn(folder: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold a folder of lists while it is written, so that a command and a running watch take turns.

    The folder itself is locked, so no file is left behind. Where the system or the disk has no such locks, nothing is
    held.

    Parameters:
        folder: the lists; it exists.
        patience_s: how long to wait for the other one.

    Raises:
        TimeoutError: it is held for longer than that.
    """
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        deadline_s = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline_s:
                    raise TimeoutError(errno.ETIMEDOUT, "another program is writing there", str(folder)) from error
                time.sleep(RETRY_S)
            except OSError:
                break
        yield
    finally:
        os.close(descriptor)
