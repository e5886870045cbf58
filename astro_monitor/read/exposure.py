"""Exposure time in seconds: its keyword, and the unit of its number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from astro_monitor.fitsheader import Value
from astro_monitor.records import FrameKind

from .facts import Facts, is_unknown
from .values import as_number, as_text

KEYWORDS = (
    # Keyword, and its unit where the name contains it. The first plausible value is used.
    ("EXPTIME", ""), ("EXPOSURE", ""), ("EXPOINUS", "us"), ("EXP_TIME", ""), ("EXP-TIME", ""), ("EXPOSTIM", ""),
    ("EXPOSURE_TIME", ""), ("EXPOSURETIME", ""), ("ITIME", ""), ("INTTIME", ""), ("EXPT", ""), ("ELAPTIME", ""),
    ("EXP_SEC", "s"), ("EXPTIME_MS", "ms"), ("EXPMS", "ms"), ("EXP_MS", "ms"),
    ("EXP-MS", "ms"), ("EXPINMS", "ms"), ("EXPOSMS", "ms"), ("EXPUS", "us"), ("EXP_US", "us"),
    ("EXPOSED", ""), ("SHUTTIME", ""), ("INTEGRAT", ""), ("EXP", ""),
)  # fmt: skip
NEED_UNIT = ("EXP", "INTEGRAT")
"""Keywords that may also hold a number of exposures: used only with a unit."""
UNIT_S: Mapping[str, float] = MappingProxyType({"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0})
"""Seconds in each unit."""
SHORTEST_S, LONGEST_S = 1e-6, 86_400.0
"""Plausible range in seconds: from below the fastest electronic shutter to one day, longer than any dark."""
LONGEST_NIGHT_S = 43_200.0
"""Longest exposure of a light in seconds, 12 hours: a larger number without a unit is not in seconds."""
NO_SECONDS = "it is no exposure time in seconds, and no unit is given"
SHUTTERLESS_KINDS: tuple[FrameKind, ...] = ("bias", "dark", "flat")
"""Frame types whose exposure may be zero."""

_UNITS = (
    ("ns", r"ns|nsec|nano-?sec(?:ond)?s?"),
    ("us", r"us|[µμ]s|usec|micro-?s(?:ec(?:ond)?s?)?"),
    ("ms", r"ms|msec|milli-?s(?:ec(?:ond)?s?)?"),
    ("min", r"min|mins|minutes?"),
    ("h", r"h|hrs?|hours?"),
    ("s", r"s|secs?|seconds?|sec\."),
)
_WITH_UNIT = re.compile(r"([+-]?[\d.,]+(?:[eEdD][+-]?\d+)?)\s*([a-zA-Zµμ.-]+)")
_CLOCK = re.compile(
    r"(\d{1,2}):(\d\d):(\d\d(?:\.\d*)?)|(?:(\d{1,2}) ?h ?)?(\d{1,3}) ?m(?:in)? ?(\d{1,2}(?:\.\d*)?) ?s", re.ASCII
)
"""Hours, minutes and seconds: ``00:05:00`` or ``5m0s``."""
_FRACTION = re.compile(r"(\d{1,6})\s*/\s*(\d{1,6})\s*(?:s|sec)?\.?", re.IGNORECASE)


def read_exposure(facts: Facts, kind: FrameKind) -> None:
    """Set ``exposure_s``; implausible values are noted.

    Parameters:
        facts: values of the header.
        kind: type of the frame; a light has an exposure above zero, and at most of one night.
    """
    candidates: list[tuple[float, str, str]] = []
    for keyword, unit in KEYWORDS:
        value = facts.lookup(keyword)
        if value is None or is_unknown(value):
            continue
        seconds, stated = _seconds(value, unit, facts.comment(keyword))
        if keyword in NEED_UNIT and not stated:
            continue
        if seconds is None:
            facts.refuse(keyword, value, "it is no number")
        elif not 0.0 <= seconds <= LONGEST_S:
            facts.refuse(keyword, value, NO_SECONDS)
        elif seconds < SHORTEST_S and kind not in SHUTTERLESS_KINDS:
            facts.refuse(keyword, value, "a frame of the sky takes time")
        else:
            candidates.append((seconds, keyword, stated))
    if not candidates:
        return
    chosen = candidates[0]
    for other in candidates[1:]:
        if {_power(chosen[0], other[0])} & {1e3, 1e6} and not chosen[2]:
            # The same exposure in milliseconds or microseconds: the smaller number is in seconds.
            chosen = other
        elif chosen[0] > 0 and abs(other[0] - chosen[0]) > 0.01 * chosen[0]:
            facts.note(f"{other[1]} gives {other[0]:g} s, {chosen[1]} gives {chosen[0]:g} s; the latter is used.")
    seconds, keyword, stated = chosen
    if seconds > LONGEST_NIGHT_S and not stated and kind not in SHUTTERLESS_KINDS:
        facts.refuse(keyword, facts.lookup(keyword) or "", NO_SECONDS)
        return
    facts.keep("exposure_s", seconds, f"{keyword} ({stated})" if stated not in ("", "s") else keyword)


def _seconds(value: Value, unit: str, comment: str) -> tuple[float | None, str]:
    """Return the exposure in seconds, and its unit where it is written."""
    text = as_text(value) or ""
    number = as_number(value)
    if number is None:
        match = _FRACTION.fullmatch(text)
        if match is not None and int(match[2]):
            return int(match[1]) / int(match[2]), "s"
        match = _CLOCK.fullmatch(text)
        if match is not None:
            hours, minutes, seconds = (
                float(part or 0) for part in (match[1] or match[4], match[2] or match[5], match[3] or match[6])
            )
            return hours * 3600.0 + minutes * 60.0 + seconds, "s"
        match = _WITH_UNIT.fullmatch(text)
        number = as_number(match[1]) if match is not None else None
        if match is None or number is None:
            return None, ""
        unit = _unit_of_word(match[2].lower())
        if not unit:
            return None, ""
    unit = unit or _unit_in(comment.lower())
    return number * UNIT_S[unit or "s"], unit


def _unit_in(comment: str) -> str:
    """Return the unit named in a remark: in brackets, after *in*, or anywhere as a word, seconds first."""
    # A number with a unit describes something else: ``shutter latency 5 ms``.
    comment = re.sub(r"\d+(\.\d+)?\s*[a-zµμ]+", " ", comment)
    for pattern in (r"[\[(]\s*([a-zµμ.-]+)\s*[\])]", r"\bin\s+(?:decimal\s+)?([a-zµμ.-]+)"):
        for word in re.findall(pattern, comment):
            unit = _unit_of_word(word)
            if unit:
                return unit
    words = [_unit_of_word(word) for word in re.findall(r"[a-zµμ-]{2,}", comment) if word not in ("min", "us", "ns")]
    return "s" if "s" in words else next((unit for unit in words if unit), "s" if comment.strip() == "s" else "")


def _unit_of_word(word: str) -> str:
    """Return the unit of time that a word means, a key of ``UNIT_S``; empty when it means none."""
    return next((unit for unit, pattern in _UNITS if re.fullmatch(pattern, word.rstrip("."))), "")


def _power(large: float, small: float) -> float:
    """Return the ratio of two numbers if it is 1,000 or 1,000,000, else 0."""
    if small <= 0.0:
        return 0.0
    return next((power for power in (1e3, 1e6) if abs(large / small / power - 1.0) < 1e-6), 0.0)
