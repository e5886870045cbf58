"""Header values as text, numbers and angles; ``None`` for invalid values."""

from __future__ import annotations

import math
import re
import unicodedata

from astro_monitor.fitsheader import Value

MAX_TEXT = 200
"""Longest text that is kept, in characters; FITS cards hold 68."""
_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eEdD][+-]?\d{1,3})?", re.ASCII)
_SEXAGESIMAL = re.compile(r"([+-]?)\s*(\d{1,3})[\s:dh°*]+(\d{1,2})(?:[\s:m']+(\d{1,2}(?:\.\d*)?)[s\"]?)?", re.ASCII)


def as_text(value: Value | None) -> str | None:
    """Return printable text without blanks at its ends, at most ``MAX_TEXT`` long; ``None`` when it is empty."""
    if value is None or isinstance(value, bool):
        return None
    text = value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)
    if not text.isascii():
        # A letter with an accent is one letter, whichever way its program composed it.
        text = unicodedata.normalize("NFC", text)
    text = "".join(letter for letter in text if letter.isprintable()).strip()[:MAX_TEXT].strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()  # quoted twice by the program
    return text or None


def as_number(value: Value | None) -> float | None:
    """Return a finite number, also from text that is a number; the decimal separator may be a comma."""
    if isinstance(value, str):
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            return None
        value = float(text.replace(",", ".").upper().replace("D", "E"))
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def as_degrees(value: Value | None, *, text_is_hours: bool = False) -> float | None:
    """Return an angle in degrees from a number of degrees or from sexagesimal text.

    Parameters:
        value: such as ``193.07``, ``'12 52 17.0'``, ``'-29:20:33.0'``.
        text_is_hours: whether sexagesimal text is in hours (right ascension), not in degrees.
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
