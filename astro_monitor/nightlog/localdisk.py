"""Whether a folder lies on a network share, where SQLite's locks and flushes cannot be trusted."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ncpfs", "ceph", "glusterfs", "lustre", "beegfs", "davfs"}
)
"""File system types of Linux whose bytes lie on another computer."""

_LOCAL_FUSE = frozenset({"fuseblk", "fuse.fuse-overlayfs", "fuse.lxcfs"})
"""FUSE types that sit on a local disk; every other one is taken for remote (sshfs, rclone, s3fs …)."""

_DRIVE_REMOTE = 4
"""Answer of Windows' ``GetDriveTypeW`` for a network drive."""


def network_kind(folder: Path) -> str | None:
    """Return the name of the network file system that a night log's folder lies on.

    Linux reads the mount table, Windows asks for the drive type. Other systems are not checked.

    Parameters:
        folder: an existing folder.

    Returns:
        its type such as ``nfs4``, or ``None`` for a local disk or when it is not known.
    """
    resolved = folder.resolve()
    if sys.platform == "win32":
        if str(resolved).startswith("\\\\"):
            return "network share"
        return "network drive" if ctypes.windll.kernel32.GetDriveTypeW(resolved.anchor) == _DRIVE_REMOTE else None
    try:
        table = Path("/proc/self/mounts").read_text("utf-8", "surrogateescape")
    except OSError:
        return None
    return kind_in_mounts(str(resolved), table)


def kind_in_mounts(folder: str, table: str) -> str | None:
    r"""Do the work of :func:`network_kind` on the text of ``/proc/self/mounts``.

    Parameters:
        folder: an absolute path without links.
        table: one mount a line: device, mount point (blanks as ``\040``), type, options.
    """
    best, kind = "", ""
    for line in table.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
        inside = folder == point or folder.startswith(point.rstrip("/") + "/")
        # Of two mounts on one point the later hides the earlier, hence >=.
        if inside and len(point) >= len(best):
            best, kind = point, fields[2]
    remote = kind in _NETWORK or (kind.startswith("fuse") and kind not in _LOCAL_FUSE)
    return kind if remote else None
