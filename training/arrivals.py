"""Frames that no watcher saw arrive: files somebody named, and frames that never were files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from astro_monitor.records import Arrival

_NOWHERE, _LONG_AGO = Path("/simulated"), datetime(2025, 1, 1, tzinfo=UTC)


def named(path: Path, root: Path) -> Arrival:
    """Give the arrival of a file that is there.

    Parameters:
        path: the file.
        root: the folder it is told relative to.

    Raises:
        OSError: there is no such file.
    """
    status, now = path.stat(), datetime.now(UTC)
    return Arrival(
        path=path, root=root, size_bytes=status.st_size, mtime_ns=status.st_mtime_ns, first_seen_utc=now,
        settled_utc=now, how="named",
    )  # fmt: skip


def simulated(name: str) -> Arrival:
    """Give the arrival of a frame that was never written; the same for the same name."""
    return Arrival(
        path=_NOWHERE / f"{name}.fits", root=_NOWHERE, size_bytes=0, mtime_ns=0, first_seen_utc=_LONG_AGO,
        settled_utc=_LONG_AGO, how="named",
    )  # fmt: skip
