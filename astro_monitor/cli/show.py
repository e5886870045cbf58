"""Documents as lines for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..documents import Document
from ..plain import counted
from .page import Page, Piece, Times

DECISION_STYLE = {"keep": "green", "review": "yellow", "reject": "red"}
SEVERITY_STYLE = {"alert.opened": "bold red", "alert.updated": "yellow", "alert.closed": "bold green"}
SKIPPED_STYLE = "dim"
FAILED_STYLE = "magenta"

WIDE = 120
"""From this many columns a line has room for every number."""

MOST_REASONS = 3
"""Reasons that are shown of a decision; there are rarely more, and the worst come first."""

SKIPPED_FLAG = "not_a_light"
"""How documents of protocol 1.0 mark a file that is no light frame."""


def print_document(document: Document, page: Page, times: Times) -> None:
    """Print one document as one line, broken where the screen is too narrow.

    Parameters:
        document: any kind.
        page: where to.
        times: how moments are shown; a line says which day begins.
    """
    day = times.new_day(document.time)
    if day:
        page.line(Piece(day, "dim", flows=True))
    page.line(*pieces(document, times, wide=page.width == 0 or page.width >= WIDE), indent=INDENT)


INDENT = 6
"""Columns before the further lines of a document."""


def pieces(document: Document, times: Times, *, wide: bool = True) -> list[Piece]:
    """Write one document as the pieces of a line.

    Parameters:
        document: any kind.
        times: how moments are shown.
        wide: show every number.
    """
    body, kind = document.body, document.kind
    clock = Piece(times.clock(document.time))
    match kind:
        case "frame.judged" if SKIPPED_FLAG not in body["flags"]:
            return [clock, *_judged(body, wide=wide)]
        case "frame.judged" | "frame.skipped":
            why = body["why"] if kind == "frame.skipped" else " ".join(reasons(body))
            return [
                clock,
                _word("skipped", SKIPPED_STYLE),
                *_file_and_reason(body["relative_path"], why, SKIPPED_STYLE),
            ]
        case "frame.failed":
            return [
                clock,
                _word("failed", FAILED_STYLE),
                *_file_and_reason(body["relative_path"], body["sentence"], FAILED_STYLE),
            ]
        case "frame.revised":
            path = body.get("relative_path") or body["file"]
            change = Piece(f"{body['old_decision']} → {body['new_decision']}", DECISION_STYLE[body["new_decision"]])
            if body.get("replaced_by"):
                change = Piece(f"{body['old_decision']} taken back", "dim")
            return [clock, _word("revised"), Piece(path, "bold", flows=True), change, Piece(body["why"], flows=True)]
        case "alert.opened" | "alert.updated" | "alert.closed":
            style = "dim" if body.get("repeat") else SEVERITY_STYLE[kind]
            title = f"{kind[6:].upper()} {body['kind']} alert ({body['severity']}):"
            return [clock, Piece(title, style), Piece(f"{body['sentence']} {body['advice']}".rstrip(), flows=True)]
        case "list.written":
            counts = f"{body['kept']} kept, {body['review']} to review, {body['rejected']} rejected"
            return [clock, _word("lists", "dim"), Piece(f"{counts} → {body['folder']}", "dim", flows=True)]
        case "session.started":
            models = ", ".join(f"{model['name']} {model['version']}" for model in body["models"])
            words = [f"{_doing(body['mode'])} {body['watch_root']}", f"with {models}" if models else ""]
            return [clock, _word("started", "dim"), *(Piece(one, "dim", flows=True) for one in words)]
        case "session.stopped":
            counts = ", ".join(f"{body.get(f'frames_{word}', 0)} {word}" for word in ("judged", "skipped", "failed"))
            return [clock, _word("stopped", "dim"), Piece(f"{counts}. {body['sentence']}", "dim", flows=True)]
        case _:
            return [clock, Piece(kind, "dim")]


def number(value: float | None, form: str) -> str:
    """Write a number, or a dash when it is missing."""
    return "–" if value is None else format(value, form)


def reasons(body: Mapping[str, Any]) -> list[str]:
    """Return why a frame is not kept; empty for one that is.

    Parameters:
        body: of ``frame.judged``.

    Returns:
        sentences, the worst first: those of the rules that came to this decision; never empty for another than *keep*.
    """
    if body["decision"] == "keep":
        return []
    sentences = [reason["sentence"] for reason in body["reasons"] if reason["decision"] == body["decision"]]
    sentences = sentences or [reason["sentence"] for reason in body["reasons"]]
    sentences = [sentence for sentence in sentences if sentence.strip()]
    if not sentences:
        return [f"The class is {body['class'].replace('_', ' ')}; no rule gave a reason."]
    more = len(sentences) - MOST_REASONS
    return sentences if more <= 0 else [*sentences[:MOST_REASONS], f"({counted(more, 'more reason')})"]


def flags(body: Mapping[str, Any]) -> Piece:
    """Write the flags of a frame, in brackets; no text when there are none."""
    return Piece(f"[{', '.join(body['flags'])}]" if body["flags"] else "", "cyan")


def _judged(body: Mapping[str, Any], *, wide: bool) -> Sequence[Piece]:
    values = body["measurements"]
    numbers = [
        f"stars {number(values.get('star_count'), '.0f'):>5}",
        f"FWHM {number(values.get('fwhm_px'), '.2f'):>5} px",
    ]
    if wide and values.get("fwhm_arcsec") is not None:
        numbers.append(f"{values['fwhm_arcsec']:5.2f}″")
    if wide:
        numbers.append(f"Gauss {number(values.get('fwhm_gauss_px'), '.2f'):>5} px")
    numbers.append(f"ecc {number(values.get('eccentricity'), '.2f'):>4}")
    if wide:
        numbers.append(f"sky {number(values.get('background_adu'), '.0f'):>6} ADU")
    return [
        _word(body["decision"], DECISION_STYLE[body["decision"]]),
        Piece(f"{body['class']:17}"),
        *map(Piece, numbers),
        Piece(body["relative_path"], "bold", flows=True),
        flags(body),
        Piece(" ".join(reasons(body)), flows=True),
    ]


def _file_and_reason(path: str, sentence: str, style: str) -> Sequence[Piece]:
    return [Piece(path, "bold", flows=True), Piece(sentence, style, flows=True)]


def _word(word: str, style: str = "") -> Piece:
    return Piece(f"{word:7}", style)


def _doing(mode: str) -> str:
    return "grading" if mode == "grade" else "watching"
