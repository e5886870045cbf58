"""Documents as lines for people."""

from __future__ import annotations

from collections.abc import Sequence

from ..documents import (
    AlertView,
    BadDocument,
    ContextObservedView,
    Document,
    FrameFailedView,
    FrameJudgedView,
    FrameRevisedView,
    FrameSkippedView,
    ListWrittenView,
    ObservedValueView,
    PluginDisabledView,
    SessionStartedView,
    SessionStoppedView,
    view,
)
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

    One whose values are not those of its kind, as a later version may send, is named and not shown.

    Parameters:
        document: any kind.
        page: where to.
        times: how moments are shown; a line says which day begins.
    """
    day = times.new_day(document.time)
    if day:
        page.line(Piece(day, "dim", flows=True))
    try:
        page.line(*pieces(document, times, wide=page.width == 0 or page.width >= WIDE), indent=INDENT)
    except (BadDocument, AttributeError, KeyError, TypeError, ValueError):
        page.line(times.clock(document.time), f"{document.kind} {document.seq}: it does not fit its kind")


INDENT = 6
"""Columns before the further lines of a document."""


def pieces(document: Document, times: Times, *, wide: bool = True) -> list[Piece]:
    """Write one document as the pieces of a line.

    Parameters:
        document: any kind.
        times: how moments are shown.
        wide: show every number.
    """
    clock = Piece(times.clock(document.time))
    match view(document):
        case FrameJudgedView() as judged if SKIPPED_FLAG not in judged.flags:
            return [clock, *_judged(judged, wide=wide)]
        case FrameJudgedView() as judged:
            return [clock, *_skipped(judged.relative_path, " ".join(reasons(judged)))]
        case FrameSkippedView() as skipped:
            return [clock, *_skipped(skipped.relative_path, skipped.why)]
        case FrameFailedView() as failed:
            return [
                clock,
                _first_column("failed", FAILED_STYLE),
                *_file_and_reason(failed.relative_path, failed.sentence, FAILED_STYLE),
            ]
        case FrameRevisedView() as revised:
            return [clock, *_revised(revised)]
        case AlertView() as alert:
            style = "dim" if alert.repeat else SEVERITY_STYLE[document.kind]
            title = f"{document.kind[6:].upper()} {alert.kind} alert ({alert.severity}):"
            return [clock, Piece(title, style), Piece(f"{alert.sentence} {alert.advice}".rstrip(), flows=True)]
        case ListWrittenView() as lists:
            counts = f"{lists.kept} kept, {lists.review} to review, {lists.rejected} rejected"
            return [clock, _first_column("lists", "dim"), Piece(f"{counts} → {lists.folder}", "dim", flows=True)]
        case SessionStartedView() as started:
            models = ", ".join(f"{model.name} {model.version}" for model in started.models)
            words = [f"{_verb_of_mode(started.mode)} {started.watch_root}", f"with {models}" if models else ""]
            return [clock, _first_column("started", "dim"), *(Piece(one, "dim", flows=True) for one in words)]
        case SessionStoppedView() as stopped:
            counts = f"{stopped.frames_judged} judged, {stopped.frames_skipped} skipped, {stopped.frames_failed} failed"
            return [clock, _first_column("stopped", "dim"), Piece(f"{counts}. {stopped.sentence}", "dim", flows=True)]
        case ContextObservedView() as observed:
            values = ", ".join(f"{value.key} {_observed_text(value)}" for value in observed.values)
            return [
                clock,
                _first_column(observed.subject, "dim"),
                Piece(f"{observed.source}: {values}", "dim", flows=True),
            ]
        case PluginDisabledView() as disabled:
            return [clock, _first_column("plugin", FAILED_STYLE), Piece(disabled.sentence, FAILED_STYLE, flows=True)]
        case _:
            return [clock, Piece(document.kind, "dim")]


def number(value: float | None, form: str) -> str:
    """Show a number, or a dash when it is missing."""
    return "–" if value is None else format(value, form)


def reasons(judged: FrameJudgedView) -> list[str]:
    """Return why a frame is not kept; empty for one that is.

    Parameters:
        judged: body of ``frame.judged``.

    Returns:
        sentences, the worst first: those of the rules that came to this decision; never empty for another than *keep*.
    """
    if judged.decision == "keep":
        return []
    sentences = [reason.sentence for reason in judged.reasons if reason.decision == judged.decision]
    sentences = sentences or [reason.sentence for reason in judged.reasons]
    sentences = [sentence for sentence in sentences if sentence.strip()]
    if not sentences:
        return [f"The class is {judged.class_.replace('_', ' ')}; no rule gave a reason."]
    more = len(sentences) - MOST_REASONS
    return sentences if more <= 0 else [*sentences[:MOST_REASONS], f"({counted(more, 'more reason')})"]


def flags(judged: FrameJudgedView) -> Piece:
    """Write the flags of a frame, in brackets; no text when there are none."""
    return Piece(f"[{', '.join(judged.flags)}]" if judged.flags else "", "cyan")


def _judged(judged: FrameJudgedView, *, wide: bool) -> Sequence[Piece]:
    """Return the cells of the line of a judged frame: decision, class, measurements, file, flags and reasons."""
    values = judged.measurements
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
        _first_column(judged.decision, DECISION_STYLE[judged.decision]),
        Piece(f"{judged.class_:17}"),
        *map(Piece, numbers),
        Piece(judged.relative_path, "bold", flows=True),
        flags(judged),
        Piece(" ".join(reasons(judged)), flows=True),
    ]


def _skipped(path: str, why: str) -> Sequence[Piece]:
    """Return the cells of the line that shows a skipped file, which is not graded."""
    return [_first_column("skipped", SKIPPED_STYLE), *_file_and_reason(path, why, SKIPPED_STYLE)]


def _revised(revised: FrameRevisedView) -> Sequence[Piece]:
    """Return the cells of the line that shows a decision changed by hand or taken back."""
    path = revised.relative_path or revised.file
    change = Piece(f"{revised.old_decision} → {revised.new_decision}", DECISION_STYLE[revised.new_decision])
    if revised.replaced_by:
        change = Piece(f"{revised.old_decision} taken back", "dim")
    return [_first_column("revised"), Piece(path, "bold", flows=True), change, Piece(revised.why, flows=True)]


def _observed_text(value: ObservedValueView) -> str:
    """Write an observed value with its unit, or a dash when it is not known."""
    if value.value is None:
        return "–"
    if isinstance(value.value, bool):
        return "yes" if value.value else "no"
    written = f"{value.value:g}" if isinstance(value.value, float) else str(value.value)
    return f"{written} {value.unit}".rstrip()


def _file_and_reason(path: str, sentence: str, style: str) -> Sequence[Piece]:
    """Return the last two cells of the line of a frame: its file, and the sentence that explains the outcome."""
    return [Piece(path, "bold", flows=True), Piece(sentence, style, flows=True)]


def _first_column(word: str, style: str = "") -> Piece:
    """Return the cell at the start of a line that shows a document: a decision or a word, seven columns wide."""
    return Piece(f"{word:7}", style)


def _verb_of_mode(mode: str) -> str:
    """Return the verb for the mode of a session as shown on the screen: ``grading`` or ``watching``."""
    return "grading" if mode == "grade" else "watching"
