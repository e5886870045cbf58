"""When a frame was exposed, from the first kilobytes of its file: enough to put files in order."""

from __future__ import annotations

from datetime import UTC, datetime

from ..formats import FormatTable
from ..read import Dialects, exposure_start
from ..records import Arrival


def exposure_started(
    arrival: Arrival, formats: FormatTable | None = None, dialects: Dialects | None = None
) -> datetime:
    """Return when the exposure of a file began by its header, else when the file was last written.

    Parameters:
        arrival: a file; what is wrong with it is no concern here, the reader will say it.
        formats: which formats are known; ``None``: those of astro-monitor.
        dialects: which keyword fills which field; ``None``: as astro-monitor knows them.
    """
    try:
        with arrival.path.open("rb") as file:

            def read_at(offset: int, count: int) -> bytes:
                file.seek(offset)
                return file.read(count)

            start = exposure_start(read_at, formats, dialects)
            if start is not None:
                return start
    except (OSError, ValueError):
        pass
    try:
        return datetime.fromtimestamp(arrival.mtime_ns / 1e9, UTC)
    except (OverflowError, OSError, ValueError):
        # A time outside the calendar: such files come last.
        return datetime.max.replace(tzinfo=UTC)
