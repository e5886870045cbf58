"""When a frame was exposed, from the first kilobytes of its file: enough to put files in order."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

from ..errors import FrameError
from ..fitsheader import scan_hdus
from ..records import Arrival

EXTENSIONS_READ = 2
"""A compressed or multi-extension file may keep DATE-OBS in its first extension."""


def exposure_started(arrival: Arrival) -> datetime:
    """Say when the exposure began: DATE-OBS when the header has it, else when the file was last written.

    Parameters:
        arrival: a file; what is wrong with it is no concern here, the reader will say it.
    """
    try:
        written = datetime.fromtimestamp(arrival.mtime_ns / 1e9, UTC)
    except (OverflowError, OSError, ValueError):
        # A time outside the calendar: such files come last.
        written = datetime.max.replace(tzinfo=UTC)
    try:
        with arrival.path.open("rb") as file:

            def read_at(offset: int, count: int) -> bytes:
                file.seek(offset)
                return file.read(count)

            for hdu in itertools.islice(scan_hdus(read_at), EXTENSIONS_READ):
                value = hdu.header.value("DATE-OBS")
                if isinstance(value, str) and "T" in value:
                    moment = datetime.fromisoformat(value.strip())
                    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (OSError, FrameError, ValueError):
        return written
    return written
