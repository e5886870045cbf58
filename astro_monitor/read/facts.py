"""Values read from a header, with the keyword of each, and notes about ignored values."""

from __future__ import annotations

import re
from typing import Any

from astro_monitor.fitsheader import Header, Value

from .values import as_number, as_text

UNKNOWN_TEXTS = ("UNKNOWN", "NONE", "N/A", "NULL", "DEFAULT", "AUTO", "UNDEFINED", "-", "--", "---", "?")
"""Texts that programs write for *not known*: they are ignored without a note."""
_MAX_NOTES = 20
"""Most notes about one header, so that a damaged header does not flood the documents."""
_MAX_REMARK, _MAX_REMARKS, _MAX_TEXT = 200, 8000, 1000
"""Limits for pattern matching, which is slow on long text: characters of a remark, number of remarks, characters of a
value."""
_WITH_UNIT = re.compile(
    r"(?:ISO\s*)?([+-]?[\d.,]+)\s*(?:arc-?sec\w*\s*(?:/|per)\s*pi?xe?l?|[\"″']{1,2}(?:/pi?xe?l?)?|°|deg\.?|degrees?)?\s*(?:C|Celsius|mm|um|µm|μm|microns?|e-?/ADU|ADU|%|dB)?"
)
"""Units that need no conversion; a value with another unit, such as metres for a focal length, is ignored."""
_TELLING = re.compile(
    "siril|pixinsight|image|star|drizz|deepsky|astro ?pixel|astrometric stacking|astap|ccdproc|astropy|stack"
    "|added|integrat|regist|align|process|calibrat|reduc|reproj|combin|average|median|mean|sum|sigma|bias|zero|offset|overscan|dark|flat"
)


class Facts:
    """Values of a header, collected step by step.

    Attributes:
        values: known fields of ``FrameMeta``.
        sources: the keyword of each field, and in brackets what was assumed.
        notes: sentences about ignored values.
    """

    def __init__(self, headers: tuple[Header, ...]) -> None:
        self._headers = headers
        self.values: dict[str, Any] = {}
        self.sources: dict[str, str] = {}
        self.notes: list[str] = []
        remarks = [remark[:_MAX_REMARK] for header in headers for remark in header.remarks[:_MAX_REMARKS]]
        self._remarks = tuple(remarks)
        self._telling = tuple(text for remark in self._remarks if _TELLING.search(text := remark.lower()))

    def lookup(self, keyword: str) -> Value | None:
        """Return the value from the first header that has the keyword."""
        for header in self._headers:
            value = header.value(keyword)
            if isinstance(value, str):
                value = value[:_MAX_TEXT]
                if not value.strip():
                    continue
            if value is not None:
                return value
        return None

    def comment(self, keyword: str) -> str:
        """Return the comment of a keyword's card."""
        return next((header.comment(keyword)[:_MAX_REMARK] for header in self._headers if keyword in header), "")

    def remarks(self) -> tuple[str, ...]:
        """Return the text of all COMMENT and HISTORY cards."""
        return self._remarks

    def telling_remarks(self) -> tuple[str, ...]:
        """Return the remarks that may be about processing or calibration, in lower case; most headers have none."""
        return self._telling

    def keywords(self) -> tuple[str, ...]:
        """Return the keywords of all headers."""
        return tuple(keyword for header in self._headers for keyword in header.cards)

    def keep(self, field: str, value: object, source: str) -> None:
        """Set a field and its source."""
        self.values[field] = value
        self.sources[field] = source

    def note(self, sentence: str) -> None:
        """Add a note, up to ``_MAX_NOTES``."""
        if len(self.notes) < _MAX_NOTES:
            self.notes.append(sentence)

    def refuse(self, keyword: str, value: Value, why: str) -> None:
        """Add a note about an ignored value."""
        self.note(f"{keyword} = {(as_text(value) or '')[:40]!r} was ignored: {why}.")

    def number(self, keyword: str, low: float, high: float, *, zero_is_unknown: bool = False) -> float | None:
        """Return the number of a keyword if it is plausible; else add a note why it is not."""
        value = self.lookup(keyword)
        if value is None:
            return None
        number = as_number(value)
        if number is None and is_unknown(value):
            return None
        if number is None and isinstance(value, str) and (match := _WITH_UNIT.fullmatch(value.strip())) is not None:
            number = as_number(match[1])
        if number is None:
            self.refuse(keyword, value, "it is no number")
        elif number == 0.0 and zero_is_unknown:
            return None
        elif not low <= number <= high:
            self.refuse(keyword, value, f"it is not between {low:g} and {high:g}")
        else:
            return number
        return None


def is_unknown(value: Value) -> bool:
    """Return whether a text means that the value is not known."""
    return (as_text(value) or "").upper() in UNKNOWN_TEXTS
