"""Ownership of a folder of lists: two watches with the same folder never write into each other's lists.

The first watch that writes into a folder claims it with a hidden file. Any other watch then writes into its own
sub-folder. The claim identifies a watch by an identity that is kept with its night log, and by the location of that
log, so that a watch whose state folder was lost gets its lists back.
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
from .replacing import replace_file, set_aside_if_not_plain

CLAIM = ".astro-monitor-owner.json"
"""Name of the file in a folder of lists that identifies the watch which writes there."""

IDENTITY = "lists-owner"
"""Name of the file with the identity of the watch, next to the night log."""

PATIENCE_S = 10.0
"""Longest wait for another command that writes the same lists, in seconds; a writing takes well under one second."""
RETRY_S = 0.02
"""Pause between two tries to lock the folder, in seconds: short next to a writing of the lists."""
_RANDOM_NODE = 1 << 40
"""Multicast bit of a node number (RFC 4122, 4.5): set when the number is random, so that it changes at each start."""

if sys.platform != "win32":
    import fcntl


@dataclass(frozen=True, slots=True)
class Owner:
    """A watch that owns lists.

    Attributes:
        identity: random, made once for each night log.
        place: computer and folder of the night log.
        name: name of the sub-folder to use when the folder belongs to another watch.
        state: the folder of the night log.
    """

    identity: str
    place: str
    name: str
    state: Path


def owner_of(state: Path) -> Owner:
    """Return the watch that keeps its night log in a folder; its identity is made at the first call.

    Where the identity cannot be stored (a read-only archive, a full disk), it is derived from the location.

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
    address = f"{socket.gethostname()}/{number}:{state.resolve()}"
    return Owner(identity or hashlib.sha256(os.fsencode(address)).hexdigest()[:32], address, state.name, state)


def own_place(folder: Path, owner: Owner | None) -> Path:
    """Return the folder for an owner's lists: the folder itself, or a sub-folder when another watch owns it.

    Parameters:
        folder: the requested folder; made when missing.
        owner: the watch; ``None`` for lists without a watch, which claim nothing.

    Raises:
        OSError: the folder cannot be made or claimed.
    """
    try:
        # The folder of a night log that was taken away is not made again, empty, in its old place.
        folder.mkdir(parents=owner is None or owner.state not in folder.parents, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from error
    if owner is None or _claim(folder, owner):
        return folder
    subfolder = folder / owner.name
    subfolder.mkdir(exist_ok=True)
    if not _claim(subfolder, owner):
        subfolder = folder / f"{owner.name}-{owner.identity[:6]}"
        subfolder.mkdir(exist_ok=True)
        _claim(subfolder, owner)
    return subfolder


def _claim(folder: Path, owner: Owner) -> bool:
    """Claim a folder; return whether the owner holds it."""
    path = folder / CLAIM
    mine = {"schema": "astro-monitor/owner/1", "identity": owner.identity, "place": owner.place}
    content = json.dumps(mine, indent=1).encode("ascii")
    # Written under another name, then renamed only if the final name is free: a claim is never incomplete.
    claim_file = folder / f"{CLAIM}.{owner.identity}"
    set_aside_if_not_plain(path)
    if not os.path.lexists(path):
        replace_file(claim_file, content)
        try:
            claim_file.rename(path) if os.name == "nt" else os.link(claim_file, path)
        except FileExistsError:
            pass
        except OSError:
            _claim_without_links(path, content)  # the file system has no hard links
        claim_file.unlink(missing_ok=True)
    try:
        claim = json.loads(read_plain(path))
        identity, address = claim["identity"], claim["place"]
    except (ValueError, KeyError, TypeError):
        identity, address = "", ""  # damaged by a full disk or a crash: the folder is free
    if identity == owner.identity:
        return True
    if address == owner.place or not identity:
        replace_file(path, content)
        return True
    return False


def _claim_without_links(path: Path, content: bytes) -> None:
    """Write the claim on a folder of lists, unless one exists, on a file system without hard links."""
    with contextlib.suppress(FileExistsError), path.open("xb") as file:
        file.write(content)


@contextlib.contextmanager
def turn(folder: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Lock a folder of lists while it is written, so that a command and a running watch take turns.

    The folder itself is locked, so no lock file is left. Where the system or the file system has no such locks, nothing
    is locked.

    Parameters:
        folder: the lists; it exists.
        patience_s: how long to wait for the other program.

    Raises:
        TimeoutError: the folder stays locked for longer than that.
    """
    if sys.platform == "win32":
        yield
    else:
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
