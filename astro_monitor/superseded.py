"""Verdicts on earlier content of a file: a picture that was judged unfinished, or a header that was rewritten.

A verdict on content that is nowhere any more must not stay in the lists or keep a warning open. Where the new content
is of the same exposure, the earlier verdict is revised: *reject*, with the identity of the frame that replaces it. An
exposure that was overwritten by the next one was what it was: it only leaves the lists, as its file is gone.
"""

from __future__ import annotations

from . import documents
from .clock import utc_text
from .documents import Decision
from .nightlog import BY_RULES, Draft, FrameRow, NightLogReader
from .records import Examined, Failed, Outcome, Skipped

MOST_KEPT = 1000
"""Most files that became unreadable after their verdict for which the judged content is remembered."""


class Superseded:
    """Finds the verdict that a new content of a file replaces; for the thread that judges.

    Parameters:
        night_log: where all verdicts are.
    """

    def __init__(self, night_log: NightLogReader) -> None:
        self._log = night_log
        self._unreadable: dict[str, str] = {}

    def by(self, outcome: Outcome) -> list[FrameRow]:
        """Return the frame whose place this outcome takes; an empty list when there is none.

        Parameters:
            outcome: not written down yet.
        """
        path = str(outcome.arrival.path)
        held = self._log.content_at(outcome.arrival.path)
        before = [one for one in (held, self._unreadable.pop(path, "")) if one and one != outcome.frame_id]
        if isinstance(outcome, Failed):
            # Its content may come back, or another one: the next outcome decides.
            if before and len(self._unreadable) < MOST_KEPT:
                self._unreadable[path] = before[-1]
            return []
        for frame_id in before:
            try:
                row = self._log.frame(frame_id)
            except KeyError:
                continue
            if set(row.paths) <= {path} and _same_exposure(row.body, outcome):
                return [row]
        return []

    def come_back(self, frame_id: str) -> list[Draft]:
        """Return the revision that makes a frame valid again when its file has the earlier content again.

        Parameters:
            frame_id: of the content; an empty list where it was not replaced.
        """
        try:
            row = self._log.frame(frame_id)
        except KeyError:
            return []
        if not row.replaced_by:
            return []
        why = "The file holds this content again."
        weight = row.body.weight if row.first_decision == "keep" else 0.0
        return [
            _revision(row, row.body, row.decision, row.first_decision, BY_RULES, why, weight, "", row.doc_id),
        ]


def replaced(row: FrameRow, replaced_by: str) -> Draft:
    """Return the revision that withdraws a verdict on earlier content of a file.

    Parameters:
        row: the frame as it stands.
        replaced_by: frame that has taken its place.
    """
    why = "The file has other content now: it was judged before it was complete, or has been changed since."
    return _revision(row, row.body, row.decision, "reject", BY_RULES, why, 0.0, replaced_by, row.doc_id)


def carried_over(row: FrameRow, body: documents.FrameJudged) -> list[Draft]:
    """Return the revision that carries a decision by hand over to the new content of the same exposure.

    Parameters:
        row: the earlier frame.
        body: of the ``frame.judged`` draft that comes first in the same commit.

    Returns:
        an empty list where there is no decision by hand, or it is the same as that of the rules now.
    """
    if row.decided_by == BY_RULES or row.decision == body.decision:
        return []
    why = f"Decided before the file was changed: {row.why or 'no reason given'}"
    weight = (row.weight or 1.0) if row.decision == "keep" else 0.0
    return [_revision(row, body, body.decision, row.decision, row.decided_by, why, weight, "", "")]


def _revision(
    row: FrameRow, body: documents.FrameJudged | documents.FrameJudgedView, old: Decision, new: Decision, by: str,
    why: str, weight: float, replaced_by: str, cause: str,
) -> Draft:  # fmt: skip
    """Return the draft of a ``frame.revised`` document for a verdict on earlier content of a file."""
    revised = documents.FrameRevised(
        frame_id=body.frame_id,
        file=body.file,
        relative_path=body.relative_path,
        old_decision=old,
        new_decision=new,
        by=by,
        why=why,
        weight=weight,
        replaced_by=replaced_by,
        class_=body.class_,
        cause=body.cause,
    )
    return Draft("frame.revised", revised, cause, None if cause else 0)


def _same_exposure(body: documents.FrameJudgedView, outcome: Examined | Skipped) -> bool:
    """Whether two contents of one file are of one exposure: by their DATE-OBS, else by their length."""
    before = body.meta.date_obs_utc
    now = utc_text(outcome.meta.date_obs_utc) if outcome.meta.date_obs_utc else None
    return before == now if before else body.size_bytes == outcome.arrival.size_bytes
