"""What one frame says about each kind of trouble that there are warnings for."""

from __future__ import annotations

from collections.abc import Collection

from ..documents.vocabulary import AlertKind
from ..records import Examined
from .alerts import Sign
from .combine import Ruling
from .evidence import Case

FAULT_KINDS: tuple[AlertKind, ...] = ("tracking", "seeing", "background")
"""Kinds of warnings about faults, in the order in which a frame is noted."""
FLAG_KINDS: dict[AlertKind, str] = {"obstruction": "obstructed", "pointing": "off_target"}
"""Kinds of warnings about flags, which never reject a frame."""
MOST_LETTERS = 48
"""Longest name of a file in a sentence: it is meant for a small screen."""


def sign_of_fault(kind: AlertKind, ruling: Ruling, cause: str, warned_of: Collection[str], *, widened: bool) -> Sign:
    """Return what a frame means for the warning about one fault.

    Parameters:
        kind: one of ``FAULT_KINDS``.
        ruling: on the frame.
        cause: the likely cause, where it belongs to this fault.
        warned_of: kinds of warnings that are open.
        widened: whether the stars are still as wide as when a slow rise of the width was reported.
    """
    sign = _sign(ruling, kind)
    if kind == "seeing" and sign == "good" and widened:
        return "doubtful"
    if kind == "background" and sign not in ("bad", "severe") and ruling.bright:
        return "moonlit" if cause == "moon" else "bad"
    return _with_other_alerts(sign, kind, ruling.fault, warned_of)


def sign_of_flag(kind: AlertKind, case: Case, ruling: Ruling, *, sent_elsewhere: bool) -> Sign:
    """Return what a frame means for the warning about a flag.

    Parameters:
        kind: one of ``FLAG_KINDS``.
        case: the frame and its baseline.
        ruling: on it.
        sent_elsewhere: whether its header names another place than the headers of the frames before.
    """
    if kind == "pointing" and sent_elsewhere:
        return "doubtful"
    if FLAG_KINDS[kind] in ruling.flags:
        return "bad"
    known = case.value("dead_cell_fraction" if kind == "obstruction" else "matched_star_count")
    return "doubtful" if known is None or case.baseline.size == 0 else "good"


def shown_name(examined: Examined) -> str:
    """Return the name of a frame's file for a sentence: without its ending, and of a long one the last letters."""
    name = examined.arrival.path.stem.encode("utf-8", "replace").decode("utf-8")
    return name if len(name) <= MOST_LETTERS else f"…{name[1 - MOST_LETTERS :]}"


def _sign(ruling: Ruling, fault: str) -> Sign:
    """Return what a frame means for the alert about one fault, by itself."""
    if fault in ruling.severe:
        return "severe"
    decision = ruling.fault_decisions[fault]
    if decision == "reject":
        return "bad"
    others = any(decision == "reject" for decision in ruling.fault_decisions.values())
    if fault in ruling.suspected and not others:
        return "bad" if ruling.label == "very_bad_tracking" else "suspect"
    return "good" if decision == "keep" and (ruling.decision == "keep" or others) else "doubtful"


def _with_other_alerts(sign: Sign, kind: str, fault: str, warned_of: Collection[str]) -> Sign:
    """Weigh a sign while there is an alert about another fault, which may look like this one for a frame.

    Elongated stars are wide, too, and stars out of focus seem elongated: what comes with a fault that has been
    reported is not new, and what is severe must be so in a second frame.
    """
    if sign == "bad" and fault != kind and fault in warned_of:
        return "doubtful"
    return "bad" if sign == "severe" and set(warned_of) - {kind} else sign
