"""Rows of header dialects: which keywords fill a field of ``FrameMeta``, and which values are plausible.

The tables are in :mod:`astro_monitor.read.dialects`; plugins add rows to them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NumberRow:
    """A number: a field of ``FrameMeta``, its keywords in order of preference, and the plausible range.

    Attributes:
        field: name of the field, with its unit, such as ``sensor_temp_c``.
        keywords: of the header, in upper case.
        low: least plausible value, in the unit of the field.
        high: largest plausible value.
        zero_is_unknown: programs write 0 for *not known*, so it is ignored without a note.
    """

    field: str
    keywords: tuple[str, ...]
    low: float
    high: float
    zero_is_unknown: bool = False


@dataclass(frozen=True, slots=True)
class TextRow:
    """A text: a field of ``FrameMeta`` and its keywords in order of preference."""

    field: str
    keywords: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AngleRow:
    """An angle in degrees.

    Attributes:
        field: name of the field, such as ``ra_deg``.
        keywords: of the header, in upper case.
        low: least plausible value, in degrees.
        high: largest plausible value, in degrees.
        text_is_hours: sexagesimal text of these keywords is right ascension in hours.
    """

    field: str
    keywords: tuple[str, ...]
    low: float
    high: float
    text_is_hours: bool = False


DialectRow = NumberRow | TextRow | AngleRow
