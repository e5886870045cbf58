"""What the judge remembers, kept with the night log: to go on after a restart, and to judge a night again as it was.

The judge's memory as it was before the first frame of a night, and when each second look was made, are what
``astro-monitor diff`` needs in addition to the frames: with the same models and settings it reaches the same verdicts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .documents import FrameRevisedView
from .judge import Judge
from .nightlog import BY_RULES, NightLog, NightLogReader

JUDGE_STATE = "judge"
BEFORE = "judge_before/"
"""State that holds the judge's memory before a night; the night's date follows."""
LOOKS = "second_looks"

NIGHTS_KEPT = 30
"""Nights for which the judge's memory is kept: 50 kB each with one rig, 1 MB at most."""
LOOKS_KEPT = 2000
"""Second looks of which it is remembered when they were made: a night has tens."""

State = dict[str, Any]


def judge_memory(night_log: NightLogReader) -> State:
    """Return the judge's memory as of the last document of the night log; empty in a new log."""
    outline, kept = night_log.state(JUDGE_STATE), night_log.baselines()
    if outline is None:
        return {}
    # Logs from before the histories had rows of their own hold them in the outline.
    named = [kept.get(history, {}) if isinstance(history, str) else history for history in outline.get("histories", [])]
    return {**outline, "histories": named}


class Memory:
    """States that go into the night log with its next documents.

    Parameters:
        night_log: of the session.
    """

    def __init__(self, night_log: NightLog) -> None:
        self._log = night_log
        self._nights = sorted(name.removeprefix(BEFORE) for name in night_log.state_names(BEFORE))
        self._looks: State = night_log.state(LOOKS) or {}
        self._pending: dict[str, State | None] = {}

    def begin(self, night: str, judge: Judge) -> None:
        """Keep the judge's memory when a night begins; later frames of the same night change nothing.

        Parameters:
            night: date on which it began.
            judge: before it judges the night's first frame.
        """
        if night in self._nights:
            return
        self._pending[f"{BEFORE}{night}"] = judge.state()
        self._nights = sorted([*self._nights, night])
        for old in self._nights[:-NIGHTS_KEPT]:
            self._pending[f"{BEFORE}{old}"] = None
        self._nights = self._nights[-NIGHTS_KEPT:]

    def looked(self, frame_id: str) -> None:
        """Record with the night log that a second look was made now, whether or not it changed anything."""
        self._looks[frame_id] = self._log.last_seq()
        for old in list(self._looks)[:-LOOKS_KEPT]:
            del self._looks[old]
        self._pending[LOOKS] = self._looks

    def pending(self) -> dict[str, State | None]:
        """Return the states to write; ``None``: to forget."""
        return dict(self._pending)

    def written(self) -> None:
        """Record that the states are committed."""
        self._pending.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What happened to the judge while the frames of a night were judged, other than the judging itself.

    Attributes:
        memory: before the first of them; ``None`` when it was not kept.
        looks: second looks: after which document each frame had one.
        rejected: decisions by hand that took a frame out of the baseline: number of the document, frame.
    """

    memory: State | None = None
    looks: dict[str, int] = field(default_factory=dict)
    rejected: tuple[tuple[int, str], ...] = ()


def past_of(night_log: NightLogReader, nights: Iterable[str]) -> Past:
    """Return what else happened to the judge in some nights of the night log: second looks, decisions by hand.

    Parameters:
        night_log: that of the frames.
        nights: dates on which they began, in order.
    """
    first = next(iter(nights), "")
    looks: dict[str, int] = {}
    rejected: list[tuple[int, str]] = []
    for document in night_log.documents(kind="frame.revised"):
        revision = FrameRevisedView.of(document.body)
        if revision.replaced_by:
            continue  # no second look: its file holds another content
        if revision.by == BY_RULES:
            # Older logs have no other trace of second looks: those that changed nothing are unknown.
            looks[revision.frame_id] = document.seq - 1
        elif revision.new_decision == "reject":
            rejected.append((document.seq, revision.frame_id))
    looks |= night_log.state(LOOKS) or {}
    return Past(memory=night_log.state(f"{BEFORE}{first}"), looks=looks, rejected=tuple(rejected))
