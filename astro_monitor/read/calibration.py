"""Calibration steps recorded in a header, and the pedestal: the level that corresponds to no light."""

from __future__ import annotations

import re
from dataclasses import dataclass

from astro_monitor.fitsheader import Value

from .facts import Facts
from .values import as_text

STEPS = (
    # Letter as in CALSTAT, and the keywords by which programs record the step.
    ("B", ("BIASCORR", "BIASCOR", "BIASSUB", "BIAS_SUB", "SUBBIAS", "SUBTRACT_BIAS", "ZEROCOR", "BIASDONE", "L1STATBI",
           "OVERSCAN", "OVSCORR", "SUBOSCAN", "SUBTRACT_OVERSCAN", "L1STATOV", "DEBIAS", "BIASCAL")),
    ("D", ("DARKCORR", "DARKCOR", "DARKSUB", "DARK_SUB", "SUBDARK", "SUBTRACT_DARK", "DARKDONE", "L1STATDA",
           "DARKCAL")),
    ("F", ("FLATCORR", "FLATCOR", "FLATDIV", "FLAT_DIV", "FLATDONE", "FLAT_CORRECT", "L1STATFL", "FLATCAL",
           "FLATFIEL")),
)  # fmt: skip
WHOLE = ("CALIBRAT", "CALIBRATED", "CALIBED", "REDUCED", "PROCESSD")
"""Keywords by which programs record a complete calibration."""

_NO = (
    "OFF",
    "PENDING",
    "TODO",
    "F",
    "FALSE",
    "N",
    "NO",
    "0",
    "OMIT",
    "OMITTED",
    "PERFORM",
    "SKIPPED",
    "NONE",
    "NOT DONE",
    "RAW",
    "",
)
"""Values of a step that was not done. PERFORM is how the Hubble pipeline writes *still to be done*."""
_TAKEN = r"(subtract|correct|remov|calibrat|appl|taken off|reduc(ed|tion))"
_BIAS = r"(bias|overscan|zero[ -]?(level|frame|image)|master[ -]?(zero|offset)|offset (frame|image))"
"""Words for a bias frame. An offset alone may be that of the focuser or of the pointing."""
_NO_FRAME = "sites?|sky|skies|modes?|time|adapt\\w*|moon|hours?|rooms?|nebulae?|clouds?|locations?|conditions?"
_DARK = rf"\bdarks?\b(?! ({_NO_FRAME})\b)"
"""Words for a dark frame, not for a dark sky or site."""
_STEP_PATTERNS = (
    ("B", re.compile(rf"\b{_BIAS}\b.*{_TAKEN}|{_TAKEN}\w*\b.*\b{_BIAS}\b")),
    ("D", re.compile(rf"{_DARK}.*{_TAKEN}|{_TAKEN}\w*\b.*{_DARK}")),
    ("F", re.compile(rf"\bflat.*({_TAKEN}|divi|field)|({_TAKEN}|divi)\w*\b.*\bflat")),
)
_DENIED = re.compile(
    r"\b(not|no|none|off|without|never|skipp\w*|omit\w*|disabled|pending|available|will|to be|later|un\w+)\b|\bfail"
)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration steps (letters of CALSTAT), and the first keyword that records one."""

    steps: frozenset[str]
    source: str

    @property
    def is_dark_level_removed(self) -> bool:
        """Whether the level without light is zero: a dark contains the bias, too."""
        return bool(self.steps & {"B", "D"})


def read_calibration(facts: Facts) -> Calibration:
    """Return the calibration steps recorded in the header.

    Parameters:
        facts: values of the header.
    """
    steps: set[str] = set()
    source = ""

    def note(letters: str, keyword: str) -> None:
        nonlocal source
        steps.update(letters)
        source = source or keyword

    letters = calstat(facts)
    if letters:
        note(letters, "CALSTAT")
    for letter, keywords in STEPS:
        for keyword in keywords:
            if _is_done(facts.lookup(keyword)):
                note(letter, keyword)
                break
    for keyword in WHOLE:
        text = (as_text(facts.lookup(keyword)) or "").upper()
        if re.fullmatch(r"[BDF]{1,3}", text) and text != "F":
            note(text, keyword)
        elif _is_done(facts.lookup(keyword)):
            note("BD", keyword)
    for remark in facts.telling_remarks():
        # One remark may name several steps: ``Bias Subtraction; Dark Subtraction``.
        for part in re.split(r"[;.]\s|;", remark):
            for letter, pattern in _STEP_PATTERNS:
                if pattern.search(part) and not _DENIED.search(part):
                    note(letter, "HISTORY")
    return Calibration(frozenset(steps), source)


def flat_fielded_by_program(facts: Facts) -> str:
    """Return the keyword by which a program records a flat, a combination or a stack; empty when there is none.

    Flats are applied in processing; bias and dark are subtracted by cameras and capture programs as well. Keywords of
    observatories (``FLATCORR``) do not count: their pipelines deliver single frames to be graded.
    """
    return "CALSTAT" if set(calstat(facts)) & set("FMS") else ""


def calstat(facts: Facts) -> str:
    """Return the letters of CALSTAT (B, D, F; M for a master, S for a stack), also where it contains words."""
    status = (as_text(facts.lookup("CALSTAT")) or "").upper()
    if status in _NO:
        return ""
    if re.fullmatch(r"[BDFMSOTCX]{1,8}([ ,+/-]+[BDFMSOTCX]{1,8})*", status):
        return "".join(letter for letter in "BDFMS" if letter in status)
    words = {"B": "BIAS", "D": "DARK", "F": "FLAT", "M": "MASTER", "S": "STACK"}
    return "".join(letter for letter, word in words.items() if re.search(rf"\b{word}", status))


def read_pedestal(facts: Facts, calibration: Calibration) -> None:
    """Set ``pedestal_adu``.

    MaxIm DL writes the number to add to return to zero (negative), others the number that was added (positive). A
    pedestal in the header is still contained in the pixels, also of calibrated frames.
    """
    for keyword in ("PEDESTAL", "SOFTBIAS", "BIASADU"):
        if keyword == "BIASADU" and calibration.is_dark_level_removed:
            continue
        number = facts.number(keyword, -65_535.0, 65_535.0, zero_is_unknown=True)
        if number is not None:
            facts.keep("pedestal_adu", abs(number), keyword)
            return
    if calibration.is_dark_level_removed:
        facts.keep("pedestal_adu", 0.0, calibration.source)


def _is_done(value: Value | None) -> bool:
    """Return whether the value of a keyword records its step: true, a word, or a text with the file or the date."""
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value == 1
    text = value.strip().upper()
    return text not in _NO and not _DENIED.search(text.lower())
