"""Detection of network shares, on which events of other computers do not arrive."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

REMOTE_TYPES = frozenset(
    "9p afs afpfs beegfs ceph cifs coda davfs fuse glusterfs gfs2 lustre ncpfs nfs nfs4 ocfs2 orangefs panfs"
    " prl_fs smb3 smbfs vboxsf virtiofs vmhgfs drvfs".split()
)
"""Types of file systems that are remote, or shared with a host. ``fuse.…`` is included; ``fuseblk`` is a local disk."""

MOUNTS = Path("/proc/self/mountinfo")


def is_remote(folder: Path) -> bool:
    """Return whether to poll a folder, because events may not arrive; false where this is unknown.

    Parameters:
        folder: the watched folder; it need not exist.
    """
    real = os.path.realpath(folder)
    if sys.platform == "win32":
        return _is_remote_drive(real)
    if sys.platform == "darwin":
        # A share or a removable disk is mounted there; polling is right for the former, and harmless for the latter.
        return real.startswith("/Volumes/")
    try:
        table = MOUNTS.read_text("utf-8", "surrogateescape")
    except OSError:
        return False
    kind = file_system(real, table)
    return kind in REMOTE_TYPES or kind.startswith("fuse.")


def file_system(path: str, table: str) -> str:
    """Return the type of the file system of a path.

    Parameters:
        path: absolute, without symbolic links.
        table: text of ``/proc/self/mountinfo`` (see proc(5)): the fifth field is the mount point, with blanks
            and backslashes written as octal numbers; the type follows a separate ``-``.

    Returns:
        the type, such as ``ext4``, or an empty text when the table does not contain it.
    """
    best, kind = "", ""
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        # The last of two mounts on the same point hides the first.
        if inside and len(point) >= len(best):
            best, kind = point, after.split(" ")[0]
    return kind


def _is_remote_drive(real: str) -> bool:
    """Return whether a path is on a network drive of Windows; false on other systems."""
    if sys.platform == "win32":
        import ctypes

        drive_remote = 4
        drive = os.path.splitdrive(real)[0]
        return drive.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(drive + "\\") == drive_remote
    return False
