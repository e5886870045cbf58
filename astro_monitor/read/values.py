"""Header values as numbers, angles and moments; ``None`` for what cannot be believed."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

from astro_monitor.fitsheader import Value

MAX_TEXT = 200
_EARLIEST, _LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_JD_OF_MJD_0 = 2_400_000.5
_MJD_0 = datetime(1858, 11, 17, tzinfo=UTC)

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_SEXAGESIMAL = re.compile(r"([+-]?)\s*(\d{1,3})[\s:dh°*]+(\d{1,2})(?:[\s:m']+(\d{1,2}(?:\.\d*)?)[s\"]?)?", re.ASCII)
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_TIME = re.compile(r"(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,12}))?", re.ASCII)


def as_text(value: Value | None) -> str | None:
    """Give printable text without blanks at its ends, at most ``MAX_TEXT`` long; ``None`` when nothing is left."""
    if value is None or isinstance(value, bool):
        return None
    text = value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)
    text = "".join(letter for letter in text if letter.isprintable()).strip()[:MAX_TEXT].strip()
    return text or None


def as_number(value: Value | None) -> float | None:
    """Give a finite number, also from text that holds nothing else."""
    if isinstance(value, str):
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            return None
        value = float(text)
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def as_degrees(value: Value | None, *, text_is_hours: bool = False) -> float | None:
    """Give an angle in degrees from a number of degrees or from sexagesimal text.

    Parameters:
        value: such as ``193.07``, ``'12 52 17.0'``, ``'-29:20:33.0'``.
        text_is_hours: sexagesimal text counts hours (right ascension), not degrees.
    """
    number = as_number(value)
    if number is not None:
        return number
    match = _SEXAGESIMAL.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    minutes, seconds = int(match[3]), float(match[4] or 0.0)
    if minutes >= 60 or seconds >= 60.0:
        return None
    degrees = int(match[2]) + minutes / 60.0 + seconds / 3600.0
    return (-degrees if match[1] == "-" else degrees) * (15.0 if text_is_hours else 1.0)


def as_moment(value: Value | None, time: Value | None = None) -> datetime | None:
    """Give a moment in UTC from FITS text, with or without ``Z`` and with any number of fractional digits.

    Parameters:
        value: ``2019-05-14T01:48:17.1234567``, or a date alone.
        time: time of day for a date alone, from another keyword.
    """
    if not isinstance(value, str):
        return None
    day, _, clock = value.strip().upper().removesuffix("Z").replace(" ", "T", 1).partition("T")
    if not clock:
        clock = time.strip().upper().removesuffix("Z") if isinstance(time, str) else ""
    date_match, time_match = _DATE.fullmatch(day), _TIME.fullmatch(clock.strip())
    if date_match is None or time_match is None:
        return None
    try:
        moment = datetime(
            int(date_match[1]), int(date_match[2]), int(date_match[3]), int(time_match[1]), int(time_match[2]),
            # A leap second is the last one of its minute here.
            min(int(time_match[3]), 59) if time_match[3] <= "60" else 99,
            int((time_match[4] or "0").ljust(6, "0")[:6]),
            tzinfo=UTC,
        )  # fmt: skip
    except ValueError:
        return None
    return _credible(moment)


def from_julian(days: float | None, *, modified: bool) -> datetime | None:
    """Give a moment from a (modified) Julian date, taken as UTC."""
    if days is None:
        return None
    mjd = days if modified else days - _JD_OF_MJD_0
    return _credible(_MJD_0 + timedelta(days=mjd)) if 0.0 < mjd < 100_000.0 else None


def _credible(moment: datetime) -> datetime | None:
    return moment if _EARLIEST <= moment < _LATEST else None
