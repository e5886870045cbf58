"""Start of an exposure in UTC, by the keywords of all dialects."""

from __future__ import annotations

import re
from datetime import time, timedelta

from astro_monitor.fitsheader import Value

from .facts import Facts, is_unknown
from .moments import SCALES, Moment, as_moment, from_julian
from .values import as_number, as_text

DATES = (
    # Keyword, and the fraction of the exposure that has elapsed at its time. The first plausible value is used.
    ("DATE-OBS", 0.0), ("DATE-UTC", 0.0),
    ("DATE-BEG", 0.0), ("DATE_OBS", 0.0), ("DATEOBS", 0.0), ("DATE_BEG", 0.0), ("DATE-STA", 0.0),
    ("DATE-STRT", 0.0), ("SHUTOPEN", 0.0),
    ("UTC-OBS", 0.0), ("UTSTART", 0.0), ("UT-START", 0.0), ("EXPSTART", 0.0), ("STARTTIM", 0.0),
    ("UTDATE", 0.0), ("UT-DATE", 0.0), ("UT_DATE", 0.0), ("UT", 0.0), ("UTC", 0.0), ("TIME-OBS", 0.0),
    ("DATE-AVG", 0.5), ("DATE-MID", 0.5), ("DATE_AVG", 0.5), ("DATE_MID", 0.5), ("UTMID", 0.5), ("UT-MID", 0.5),
    ("DATE-END", 1.0), ("DATE_END", 1.0), ("SHUTCLSD", 1.0), ("UTEND", 1.0), ("UT-END", 1.0),
)  # fmt: skip
TIMES_OF_DAY = (
    # The same for keywords of the time of day, where the date has none.
    ("TIME-OBS", 0.0), ("TIME-BEG", 0.0), ("TIME_OBS", 0.0), ("TIMEOBS", 0.0), ("UTC-OBS", 0.0), ("UTSTART", 0.0),
    ("UT-START", 0.0), ("UT_START", 0.0), ("UTC-STRT", 0.0), ("UTC-BEG", 0.0), ("UTSTRT", 0.0), ("UT-STR", 0.0),
    ("UT-OBS", 0.0), ("UT_OBS", 0.0), ("UTOBS", 0.0), ("UTC_OBS", 0.0), ("UTCSTART", 0.0), ("UTSHUT", 0.0),
    ("UT", 0.0), ("UTC", 0.0), ("UTIME", 0.0), ("UT-TIME", 0.0), ("UT_TIME", 0.0), ("UTTIME", 0.0),
    ("STARTTIM", 0.0), ("EXPSTART", 0.0), ("TIME-STA", 0.0), ("OBSTIME", 0.0), ("TM-START", 0.0), ("TIME", 0.0),
    ("UTMID", 0.5), ("UT-MID", 0.5), ("UTMIDDLE", 0.5), ("MIDTIME", 0.5), ("TIME-MID", 0.5),
    ("UTEND", 1.0), ("UT-END", 1.0), ("UTC-END", 1.0), ("TIME-END", 1.0),
)  # fmt: skip
JULIAN = (
    ("MJD-OBS", 0.0), ("MJD-BEG", 0.0), ("MJD_OBS", 0.0), ("MJDOBS", 0.0), ("MJDSTART", 0.0), ("MJD-STR", 0.0),
    ("OBSMJD", 0.0), ("MJD", 0.0),
    ("EXPSTART", 0.0), ("JD", 0.0), ("JD-OBS", 0.0), ("JD_OBS", 0.0), ("OBSJD", 0.0),
    ("JD-BEG", 0.0), ("JDSTART", 0.0), ("JD_SOBS", 0.0),
    ("MJD-AVG", 0.5), ("MJD-MID", 0.5), ("MJD_MID", 0.5), ("JD-AVG", 0.5), ("JD-MID", 0.5), ("JD_UTC", 0.0),
    ("MJD-END", 1.0), ("JD-END", 1.0),
)  # fmt: skip
"""Keywords of Julian and modified Julian dates, and the fraction of the exposure that has elapsed."""
LOCAL_DATES = ("DATE-LOC", "DATE-LT", "DATE_LOC", "LOCDATE", "LOCALDAT", "DATE-LCL", "LT-OBS", "LOC-TIME", "LOCTIME")
"""Keywords of local time: used only where the offset from UTC is known."""
OFFSETS = ("TIMEZONE", "TZOFFSET", "UTCOFF", "UTOFFSET", "UTC-OFF", "TIMEOFF")
"""Keywords of the hours by which local time is ahead of UTC; read only where a time is local."""
ATOMIC_SECONDS = ("TAI", "TAI-BEG")
"""Keywords of the seconds of TAI since modified Julian date zero (Sloan Digital Sky Survey)."""
TIMES_FOR_MIDNIGHT = ("TIME-OBS", "UTSTART", "UT-START", "UTC-OBS", "UT")
"""Keywords of the time of day for a date whose own time is midnight."""
MIDNIGHT = time()
_DAY_S = 86_400.0
"""Seconds in a day."""


def read_start(facts: Facts) -> None:
    """Set ``date_obs_utc``, the start of the exposure.

    Parameters:
        facts: values of the header, with the exposure time.
    """
    scale = _time_scale(facts)
    refused: list[tuple[str, Value, str]] = []
    if scale:
        for step in (_keep_from_dates, _keep_from_julian_dates):
            if step(facts, scale, refused):
                return
    # Noted only when no start was found; an implausible value does not matter where another keyword has it.
    for keyword, value, why in refused:
        facts.refuse(keyword, value, why)
    _keep_from_local_dates(facts)


def _keep_from_dates(facts: Facts, scale: str, refused: list[tuple[str, Value, str]]) -> bool:
    """Keep the start time from date keywords in UTC, with time of day where needed; return whether there was one."""
    for keyword, passed in DATES:
        value = facts.lookup(keyword)
        if value is None or is_unknown(value):
            continue
        comment = facts.comment(keyword)
        if _is_local(comment):
            moment = _from_local(facts, keyword, value)
            if moment is not None and _keep_start_time(facts, moment, keyword, _elapsed_fraction(comment, passed)):
                return True
            refused.append((keyword, value, "it is local time by its comment, and its offset from UTC is unknown"))
            continue
        moment = as_moment(value, scale=scale)
        if moment is not None and moment.utc.time() == MIDNIGHT and "DATE" in keyword:
            moment = _with_time(facts, value, scale) or moment
        if moment is not None:
            if _keep_start_time(facts, moment, keyword, _elapsed_fraction(comment, passed)):
                return True
            continue
        for time_keyword, part in TIMES_OF_DAY if "DATE" in keyword else ():
            clock = facts.lookup(time_keyword)
            if time_keyword == keyword or clock is None or _is_local(facts.comment(time_keyword)):
                continue
            comment = facts.comment(time_keyword)
            moment = as_moment(value, clock, scale=scale, unit=comment)
            if moment is not None and _keep_start_time(
                facts, moment, f"{keyword} with {time_keyword}", _elapsed_fraction(comment, part)
            ):
                return True
        if passed == 0.0 and keyword.startswith("DATE"):
            refused.append((keyword, value, "it is no date with a time"))
    return False


def _with_time(facts: Facts, value: Value, scale: str) -> Moment | None:
    """Return the moment of a date at midnight whose time of day is in another card."""
    for keyword in TIMES_FOR_MIDNIGHT:
        clock = facts.lookup(keyword)
        if isinstance(clock, str) and not _is_local(facts.comment(keyword)):
            moment = as_moment(str(value)[:10], clock, scale=scale)
            if moment is not None and moment.utc.time() != MIDNIGHT:
                return Moment(moment.utc, ", ".join(filter(None, (moment.assumed, f"time from {keyword}"))))
    return None


def _keep_from_julian_dates(facts: Facts, scale: str, refused: list[tuple[str, Value, str]]) -> bool:
    """Keep the start time from keywords with Julian dates or atomic seconds; return whether there was one."""
    for keyword, passed in JULIAN:
        days = as_number(facts.lookup(keyword))
        moment = from_julian(days, scale=scale, modified="MJD" in keyword) if days != 0.0 else None
        if moment is not None and _keep_start_time(
            facts, moment, keyword, _elapsed_fraction(facts.comment(keyword), passed)
        ):
            return True
    for keyword in ATOMIC_SECONDS:
        seconds = as_number(facts.lookup(keyword))
        moment = from_julian(seconds / _DAY_S, scale="tai") if seconds is not None and seconds > 3e9 else None
        if moment is not None and _keep_start_time(facts, moment, keyword, 0.0):
            return True
    return False


def _keep_from_local_dates(facts: Facts) -> None:
    """Keep the start time from the first keyword with local time, or refuse it when its offset from UTC is unknown."""
    for keyword in LOCAL_DATES:
        value = facts.lookup(keyword)
        if value is None or is_unknown(value):
            continue
        moment = _from_local(facts, keyword, value)
        if moment is None or not _keep_start_time(facts, moment, keyword, 0.0):
            facts.refuse(keyword, value, "it is local time, and its offset from UTC is unknown")
        return


def _from_local(facts: Facts, keyword: str, value: Value) -> Moment | None:
    """Return a local time in UTC where its offset is in the text, in its comment or in another card."""
    if re.search(r"\d\s*(Z|[+-]\d\d:?(\d\d)?)$", str(value).strip(), re.ASCII):
        return as_moment(value)
    moment = as_moment(value)
    match = re.search(r"(?:utc|gmt)\s*([+-])\s*(\d{1,2})(?::?(\d\d))?\b", facts.comment(keyword).lower())
    if match is not None:
        hours = (int(match[2]) + int(match[3] or 0) / 60.0) * (1.0 if match[1] == "+" else -1.0)
        source = "its comment"
    else:
        offsets = [(number, card) for card in OFFSETS if (number := as_number(facts.lookup(card))) is not None]
        if not offsets:
            return None
        hours, source = offsets[0]
    if moment is None or abs(hours) > 14.0:
        return None
    return Moment(moment.utc - timedelta(hours=hours), f"local time, {hours:+g} h by {source}")


def _keep_start_time(facts: Facts, moment: Moment, source: str, passed: float) -> bool:
    """Set the start time, unless the exposure that must be subtracted is unknown; return whether it was set."""
    assumed = [moment.assumed] if moment.assumed else []
    begun = moment.utc
    if passed:
        exposure: float | None = facts.values.get("exposure_s")
        if exposure is None:
            return False
        begun -= timedelta(seconds=passed * exposure)
        assumed.append("less half of the exposure" if passed < 1.0 else "less the exposure")
    facts.keep("date_obs_utc", begun, f"{source} ({', '.join(assumed)})" if assumed else source)
    return True


def _elapsed_fraction(comment: str, default: float) -> float:
    """Return the fraction of the exposure that has elapsed, by the remark, else the default."""
    comment = comment.lower()
    fraction_words: tuple[tuple[str, float], ...] = (
        (r"\b(start|begin|began|opened|opening)", 0.0), (r"\bmid(?!night)", 0.5), (r"\b(end|stop|finish|clos)", 1.0),
    )  # fmt: skip
    fractions = {fraction for pattern, fraction in fraction_words if re.search(pattern, comment)}
    return fractions.pop() if len(fractions) == 1 else default


def _is_local(comment: str) -> bool:
    """Return whether a time is local by its remark; UTC without an offset takes precedence."""
    comment = comment.lower()
    plain_utc = re.search(r"\b(utc?|gmt)\b(?!\s*[+-]\s*\d)", comment) is not None
    return re.search(r"\blocal\b", comment) is not None and not plain_utc


def _time_scale(facts: Facts) -> str:
    """Return the time scale of the header; empty when its times cannot be converted to UTC."""
    text = (as_text(facts.lookup("TIMESYS")) or "UTC").upper()
    scale = SCALES.get(re.split(r"[ (/]", text)[0].strip(), "")
    if not scale:
        if text in ("LOCAL", "LT"):
            facts.note(f"TIMESYS = {text!r}: the times are local, and their offset from UTC is unknown.")
            return ""
        facts.note(f"TIMESYS = {text[:20]!r} is no known time scale; UTC is assumed.")
        return "utc"
    return scale
