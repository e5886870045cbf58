"""Start of the exposure from the first kilobytes of a file, to sort files by time."""

from __future__ import annotations

import logging
from datetime import datetime

from astro_monitor.errors import FrameError
from astro_monitor.fitsheader import ReadAt
from astro_monitor.formats import LONGEST_MAGIC_BYTES, FormatTable, built_in_formats
from astro_monitor.formats.contents import FormatReader

from .dialects import BUILT_IN, Dialects, read_meta
from .fits import FitsReader

log = logging.getLogger(__name__)


def exposure_start(
    read_at: ReadAt, formats: FormatTable | None = None, dialects: Dialects | None = None
) -> datetime | None:
    """Return the start of the exposure in UTC by the header; ``None`` when it is missing or cannot be read.

    Parameters:
        read_at: returns bytes of the file.
        formats: which formats are known; ``None``: those of astro-monitor.
        dialects: which keyword fills which field; ``None``: as astro-monitor knows them.
    """
    registered = (formats or built_in_formats()).of_bytes(read_at(0, LONGEST_MAGIC_BYTES))
    if registered is not None and not registered.row.reader:
        return None
    try:
        reader: FormatReader = FitsReader() if registered is None else registered.row.load_reader()
        for headers in reader.headers(read_at):
            start = read_meta(headers, dialects=dialects or BUILT_IN).date_obs_utc
            if start is not None:
                return start
    except FrameError:
        return None
    except Exception:
        if registered is None or registered.guard is None:
            raise
        log.exception("the date of a file cannot be read by the plugin %s", registered.guard.name)
    return None
