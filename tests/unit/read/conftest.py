"""What the tests of the reader share: files, arrivals, and headers as capture programs write them."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from astro_monitor.records import Arrival

SETTLED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def arrive() -> Callable[..., Arrival]:
    """Make an arrival of a file, last written some seconds before it was found whole."""

    def make(path: Path, quiet_s: float = 3600.0) -> Arrival:
        size = path.stat().st_size if path.exists() else 0
        return Arrival(
            path=path,
            root=path.parent,
            size_bytes=size,
            mtime_ns=int((SETTLED - timedelta(seconds=quiet_s)).timestamp() * 1e9),
            first_seen_utc=SETTLED,
            settled_utc=SETTLED,
            how="named",
        )

    return make


@pytest.fixture(scope="session")
def real_frames() -> Path:
    """The folder of real frames, or skip."""
    default = Path(__file__).parents[4] / "shared" / "frames"
    folder = Path(os.environ.get("ASTRO_MONITOR_REAL_FRAMES", default))
    if not folder.is_dir():
        pytest.skip("no real frames here")
    return folder
