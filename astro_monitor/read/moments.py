"""Dates and times of headers in UTC, in all spellings of capture programs and observatories.

The standard spelling (FITS Standard 4.0, section 9.1.1) is recognised by one pattern. Others are parsed in this module
as far as the order of their fields is clear; ``dateutil`` parses names of months. Time scales other than UTC are
converted by ``astropy.time``. Assumptions are returned as words that fit into brackets.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from astro_monitor.fitsheader import Value

_EARLIEST, _LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""Range of valid dates: earlier ones are from clocks that were never set; no digital camera is older."""
_JD_OF_MJD_0 = 2_400_000.5
"""Julian date of modified Julian date zero, by definition."""
_MJD_0 = datetime(1858, 11, 17, tzinfo=UTC)
"""Modified Julian date zero."""
_UNIX_0 = datetime(1970, 1, 1, tzinfo=UTC)
"""Zero of Unix time."""
_DAY_S = 86_400.0
"""Seconds in a day."""
_LONGEST_TEXT = 80
"""Longest text that is parsed, in characters: patterns are slow on long text, and no date is longer."""
_CENTURY_SPLIT = 70
"""Two-digit years from this one on belong to the twentieth century; POSIX has 69."""

SCALES = {
    "UTC": "utc", "UT": "utc", "GMT": "utc", "Z": "utc", "UT1": "utc", "TAI": "tai", "IAT": "tai", "TT": "tt",
    "TDT": "tt", "ET": "tt", "TDB": "tdb", "TCG": "tcg", "TCB": "tcb", "GPS": "gps",
}  # fmt: skip
"""Scale of ``astropy.time`` by the name of the time scale (FITS Standard 4.0, table 30); UT1 is within a second of
UTC."""
GPS_BEHIND_TAI_S = 19.0
"""GPS time is constant with respect to TAI, 19 seconds behind (IS-GPS-200)."""

_ORDINARY = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d*))?Z?", re.ASCII)
_SCALE_AT_END = re.compile(
    r"[\s_]*[(\[]?(?<![A-Z])(UTC|UT1|UT|GMT|TAI|IAT|TT|TDT|ET|TDB|TCG|TCB|GPS)\b(?:\([A-Z]+\))?[)\]]?$"
)
_OFFSET_AT_END = re.compile(r"\s*([+-])(\d{1,2}):?(\d\d)?$", re.ASCII)
_HALF_AT_END = re.compile(r"\s*([AP])\.?M\.?$")
_DAY_OF_YEAR = re.compile(r"\+?0?(\d{4})[-:/.]?(\d{3})", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_FIELDS = re.compile(r"\+?(\d{1,5})\s*[-/.: ]\s*(\d{1,2})\s*[-/.: ]\s*(\d{1,4})", re.ASCII)
_COMPACT_TIME = re.compile(r"(\d\d)(\d\d)(\d\d)(?:[.,](\d*))?", re.ASCII)
_TIME = re.compile(
    r"(\d{1,2})\s*[:hH.\- ]\s*(\d{1,2})(?:\s*[:mM'.\- ]\s*(\d{1,2})(?:[.,:](\d*))?\s*[sS\"]?)?\s*[mM']?", re.ASCII
)
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d*)?", re.ASCII)
_SPLIT = re.compile(
    r"(?P<day>\+?\d{1,5}[-/.:]\d{1,2}[-/.:]\d{1,4}|\d{4}[-:]?\d{3}(?!\d)|\d{8})(?:\s*T\s*|[\s_,;/:-]+)(?P<clock>\d.*)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment in UTC, and the assumptions made to read it (empty, or words for brackets)."""

    utc: datetime
    assumed: str = ""


def as_moment(value: Value | None, time: Value | None = None, *, scale: str = "utc", unit: str = "") -> Moment | None:
    """Return the moment of a header value, or ``None`` when it is not a date.

    Parameters:
        value: a date with or without a time, such as ``2019-05-14T01:48:17.1234567`` or ``28/03/93``; a number is
            a Julian date, a modified Julian date, seconds since 1970 or a decimal year, by its size.
        time: time of day for a date alone, from another keyword: text, or a number of hours or of seconds.
        scale: time scale of the header, a value of ``SCALES``; a scale in the text takes precedence.
        unit: remark of the time's keyword, which may contain the unit seconds.
    """
    if isinstance(value, str) and scale == "utc":
        match = _ORDINARY.fullmatch(value.strip())
        if match is not None:
            return _time_from_parts(
                match[1], match[2], match[3], (int(match[4]), int(match[5]), int(match[6]), match[7]), ""
            )
    if isinstance(value, bool) or value is None:
        return None
    text = str(value).strip(" \"'").upper()
    if len(text) > _LONGEST_TEXT or len(str(time)) > _LONGEST_TEXT:
        return None
    if _NUMBER.fullmatch(text) and len(text) not in (8, 14):
        return _time_from_number(float(text.replace(",", ".")), scale)
    return _time_from_text(text, time, scale, unit)


def from_julian(days: float | None, *, scale: str = "utc", modified: bool | None = None) -> Moment | None:
    """Return the moment of a Julian date or a modified Julian date; its size decides which of the two it is.

    Parameters:
        days: the date in days.
        scale: its time scale, a value of ``SCALES``.
        modified: whether its keyword means a modified Julian date; a contradicting size is noted.
    """
    if days is None:
        return None
    is_modified = days <= 2e6
    mjd = days if is_modified else days - _JD_OF_MJD_0
    if not 0.0 < mjd < 100_000.0:
        return None
    strange = modified is not None and modified != is_modified
    assumed = f"as a {'modified ' if is_modified else ''}Julian date" if strange else ""
    return _converted_to_utc(_MJD_0 + timedelta(days=mjd), scale, assumed)


def _time_from_number(number: float, scale: str) -> Moment | None:
    """Return the time that a number means: a Julian date, seconds or milliseconds since 1970, or a decimal year."""
    if 2e6 < number < 3e6 or 4e4 < number < 1e5:
        moment = from_julian(number, scale=scale)
        return moment and Moment(moment.utc, _with_assumption(moment.assumed, "as a Julian date"))
    if 3e11 < number < 5e12:
        return _credible_time(_UNIX_0 + timedelta(milliseconds=number), "as milliseconds since 1970")
    if 3e8 < number < 5e9:
        return _credible_time(_UNIX_0 + timedelta(seconds=number), "as seconds since 1970")
    year = math.floor(number)
    if 1980 <= year < 2100 and number != year:
        start, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
        return _converted_to_utc(start + (number - year) * (end - start), scale, "as a year with its fraction")
    return None


def _time_from_text(text: str, time: Value | None, scale: str, unit: str) -> Moment | None:
    """Return the time of a date text in a header, with its time of day, time zone and time scale; else ``None``."""
    day, clock_text = _day_and_clock(text)
    clock: Value | None = time if clock_text is None else clock_text
    if isinstance(clock, str):
        scale_match = _SCALE_AT_END.search(clock)
        if scale_match is not None:
            clock, scale = clock[: scale_match.start()], SCALES[scale_match[1]]
        clock = clock.upper().strip().removesuffix("Z").strip()
    offset, half = timedelta(0), ""
    if isinstance(clock, str):
        match = _OFFSET_AT_END.search(clock)
        if match is not None and ":" in clock[: match.start()]:
            clock = clock[: match.start()]
            offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0)) * (1 if match[1] == "+" else -1)
        match = _HALF_AT_END.search(clock)
        if match is not None:
            clock, half = clock[: match.start()].strip(), match[1]
    parts = _clock_parts(clock, unit, half)
    if parts is None:
        return _time_by_month_name(text, scale)
    date = _date_parts(day, american=half != "")
    if date is None:
        return _time_by_month_name(text, scale)
    year, month, number, assumed = date
    moment = _time_from_parts(str(year), str(month), str(number), parts, assumed)
    if moment is None:
        return None
    return _converted_to_utc(moment.utc - offset, scale, moment.assumed)


def _day_and_clock(text: str) -> tuple[str, str | None]:
    """Split text into its date and its time of day, which may be missing."""
    match = _SPLIT.fullmatch(text)
    if match is not None:
        return match["day"], match["clock"]
    if len(text) == 14 and text.isdigit():
        return text[:8], text[8:]
    day, mark, clock = text.partition("T")
    if mark and clock[:1].isdigit() and day[-1:].isdigit():
        return day, clock
    return text.removesuffix("Z").strip(), None


def _clock_parts(clock: Value | None, unit: str, half: str) -> tuple[int, int, int, str | None] | None:
    """Return hours, minutes, seconds and the digits of their fraction."""
    if isinstance(clock, bool) or clock is None:
        return None
    text = str(clock).strip()
    match = _COMPACT_TIME.fullmatch(text) or _TIME.fullmatch(text)
    if match is not None and not (isinstance(clock, float)):
        hours = int(match[1])
        if half:
            hours = hours % 12 + (12 if half == "P" else 0)
        return hours, int(match[2]), int(match[3] or 0), match[4]
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text.replace(",", "."))
    seconds = number if number > 24.0 or re.search(r"\[s|sec", unit.lower()) else number * 3600.0
    if not 0.0 <= seconds <= _DAY_S:
        return None
    whole = min(math.floor(seconds), int(_DAY_S) - 1)
    return whole // 3600, whole // 60 % 60, whole % 60, f"{seconds - whole:.6f}"[2:8]


def _date_parts(day: str, *, american: bool) -> tuple[int, int, int, str] | None:
    """Return year, month, day and the assumption about their order."""
    match = _COMPACT.fullmatch(day)
    if match is not None:
        return int(match[1]), int(match[2]), int(match[3]), ""
    match = _DAY_OF_YEAR.fullmatch(day)
    if match is not None and 1 <= int(match[2]) <= 366 and int(match[1]) < _LATEST.year:
        date = datetime(int(match[1]) or 1, 1, 1) + timedelta(days=int(match[2]) - 1)
        return date.year, date.month, date.day, ""
    match = _FIELDS.fullmatch(day)
    if match is None:
        return None
    first, second, third = (int(field) for field in match.groups())
    if len(match[1]) >= 4:
        return first, second, third, ""
    if ":" in day:
        return None  # a time of day
    if len(match[3]) < 4 and third <= 31 and ("-" in day or first > 31):
        return _with_century(first), second, third, "two-digit year first"
    year = third if len(match[3]) == 4 else _with_century(third)
    months_first = second > 12 or (american and first <= 12)
    if months_first:
        return year, first, second, "month first"
    return year, second, first, "day first"


def _with_century(year: int) -> int:
    """Return a two-digit year with its century: 1900 from ``_CENTURY_SPLIT`` on, else 2000."""
    return year + (1900 if year >= _CENTURY_SPLIT else 2000)


def _time_by_month_name(text: str, scale: str) -> Moment | None:
    """Return the moment of a date with the name of a month; year, month, day and time must be complete."""
    if not re.search(r"\b(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)", text) or ":" not in text:
        return None
    from dateutil import parser  # takes 20 ms to import, so only for names of months

    scale_match = _SCALE_AT_END.search(text)
    if scale_match is not None:
        text, scale = text[: scale_match.start()], SCALES[scale_match[1]]
    readings = []
    try:
        # Missing fields are filled from two different days: equal results mean that none was missing.
        for default in (datetime(1904, 2, 1), datetime(1977, 11, 28)):
            parsed = parser.parse(text, default=default, dayfirst=True, tzinfos=_zone)
            readings.append((parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)).astimezone(UTC))
    except (ValueError, OverflowError, TypeError, KeyError):
        return None
    return _converted_to_utc(readings[0], scale, "") if readings[0] == readings[1] else None


def _zone(name: str | None, offset: int | None) -> timezone | None:
    """Return the time zone of a text; a name without an offset is refused, because names are ambiguous."""
    if name is None and offset is None:
        return None
    if offset is None:
        raise ValueError(f"the zone {name} is not known")
    return timezone(timedelta(seconds=offset))


def _time_from_parts(
    year: str, month: str, day: str, clock: tuple[int, int, int, str | None], assumed: str
) -> Moment | None:
    """Return the time made of year, month, day and clock parts; ``None`` when they are out of range."""
    hours, minutes, seconds, fraction = clock
    if seconds > 60 or (hours, minutes) > (24, 0):
        return None
    try:
        moment = datetime(
            int(year), int(month), int(day), hours % 24, minutes,
            # A leap second is read as the last second of its minute.
            min(seconds, 59), int((fraction or "0").ljust(6, "0")[:6]), tzinfo=UTC,
        )  # fmt: skip
        return _credible_time(moment + timedelta(days=hours // 24), assumed)
    except (ValueError, OverflowError):
        return None


def _converted_to_utc(moment: datetime, scale: str, assumed: str) -> Moment | None:
    """Return a header's time converted from its time scale, such as TAI, to UTC; ``None`` when it is not credible."""
    if scale == "utc" or not _EARLIEST <= moment < _LATEST:
        return _credible_time(moment, assumed)
    from astropy.time import Time  # takes 0.5 s to import, so only for TAI, TT and TDB
    from astropy.utils import iers

    shift = timedelta(seconds=GPS_BEHIND_TAI_S if scale == "gps" else 0.0)
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("auto_max_age", None):
        text = (moment + shift).replace(tzinfo=None).isoformat()
        converted = Time(text, format="isot", scale="tai" if scale == "gps" else scale).utc.isot
    return _credible_time(
        datetime.fromisoformat(converted).replace(tzinfo=UTC), _with_assumption(assumed, f"{scale.upper()} to UTC")
    )


def _with_assumption(assumed: str, addition: str) -> str:
    """Return the text of the assumptions about a header's time with one more appended."""
    return f"{assumed}, {addition}" if assumed else addition


def _credible_time(moment: datetime, assumed: str) -> Moment | None:
    """Return the time of a header, or ``None`` when it is before or after any possible frame."""
    return Moment(moment, assumed) if _EARLIEST <= moment < _LATEST else None
