"""Frames of a night log, looked at and judged again: what another model or other settings would have decided.

Nothing is written. The frames are seen in the order in which they were judged: from their looks where these are kept
and still hold, else from their files where these were last seen. Everything else that the judge met in between is
repeated at its place: second looks, and decisions by hand that took a frame out of the baseline. The judge begins with
what it remembered before the night; where that was not kept, some frames from before are judged first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..framestore import FrameStore
from ..judge import Judge, RuleBook, SecondLooks
from ..memory import Past
from ..nightlog import FrameRow
from ..plugins import load_plugins
from ..records import Baseline, Examined, Failed, Outcome, Skipped, Verdict, baseline_key
from ..settings import Settings
from .sight import Sight

WARM_UP = 40
"""Frames kept before the chosen ones that are judged first where the judge's memory was not kept."""

Look = Callable[[FrameRow, Judge], "JudgedAgain"]
"""Examines a frame, or returns its earlier measurements; it judges nothing."""


@dataclass(frozen=True, slots=True)
class JudgedAgain:
    """One frame that is judged again: how it stands in the night log, and what became of it now.

    Attributes:
        outcome: what was seen of it; ``None`` when it could not be looked at; ``sentence`` says why.
        verdict: the last one; ``None`` when there is none, because the frame is gone, failed, or is taken for no light.
        second: what was seen at the second look, where there was one.
    """

    row: FrameRow
    outcome: Outcome | None
    verdict: Verdict | None
    sentence: str = ""
    second: Examined | None = None

    @property
    def now(self) -> str:
        """Its outcome today: a decision, ``skipped`` or ``failed``; empty when it could not be examined."""
        if self.verdict is not None:
            return self.verdict.decision
        return {Skipped: "skipped", Failed: "failed"}.get(type(self.outcome), "")

    @property
    def changed(self) -> bool:
        """Whether that differs from the last decision of the rules."""
        return bool(self.now) and self.now != self.row.rules_decision


def chosen_rows(
    rows: Iterable[FrameRow], night: str | None, *, warm_up: bool = True
) -> tuple[list[FrameRow], list[FrameRow]]:
    """Return the frames of one night to judge again, and those to be judged with them.

    Parameters:
        rows: all judged frames.
        night: date on which it began; ``None``: all nights.
        warm_up: the judge's memory before the night is not known.

    Returns:
        all frames to judge, in the order of judging: those of the night, those of other nights that were judged in
        between, and with ``warm_up`` some that were kept before; and the frames of the night alone.
    """
    ordered = sorted(rows, key=lambda row: row.seq)
    chosen = [row for row in ordered if night is None or row.night == night]
    if not chosen:
        return [], []
    before = [row for row in ordered if row.seq < chosen[0].seq and row.rules_decision == "keep"]
    between = [row for row in ordered if chosen[0].seq <= row.seq <= chosen[-1].seq]
    return [*(before[-WARM_UP:] if warm_up else ()), *between], chosen


def judge_again(
    rows: Sequence[FrameRow],
    settings: Settings,
    past: Past,
    on_models: Callable[[], None] = lambda: None,
    store: FrameStore | None = None,
) -> Iterator[JudgedAgain]:
    """Judge frames again, from their looks where these are kept, else from their files.

    Parameters:
        rows: in the order of judging.
        settings: the models, limits and site to try.
        past: what else happened to the judge.
        on_models: called when the models are loaded.
        store: of looks; ``None``: every file is read.

    Yields:
        each frame when it has been judged, and once more when a second look came to another verdict.

    Raises:
        ModelError: a model is missing, altered or does not fit.
    """
    with Sight(rows, settings, store) as sight:
        on_models()
        yield from _replayed(rows, settings, past, lambda row, judge: _stands(row, sight.see(row, judge)))


def judge_only(seen: Sequence[JudgedAgain], settings: Settings, past: Past | None = None) -> list[JudgedAgain]:
    """Judge outcomes of frames again with other limits: no frame is read.

    Parameters:
        seen: what :func:`judge_again` gave, in the order of judging.
        settings: whose limits to try.
        past: what else happened to the judge.
    """
    known = {one.row.frame_id: one for one in seen}
    looked: set[str] = set()

    def look(row: FrameRow, _: Judge) -> JudgedAgain:
        one, first = known[row.frame_id], row.frame_id not in looked
        looked.add(row.frame_id)
        return one if first or one.second is None else replace(one, outcome=one.second)

    last: dict[str, JudgedAgain] = {}
    for one in _replayed([one.row for one in seen], settings, past or Past(), look):
        last[one.row.frame_id] = one
    return [last[one.row.frame_id] for one in seen]


def moves(seen: Iterable[JudgedAgain]) -> Counter[tuple[str, str]]:
    """Count decisions on frames judged again by what they were and what they would be."""
    return Counter((one.row.rules_decision, one.now) for one in seen if one.now)


def _replayed(rows: Sequence[FrameRow], settings: Settings, past: Past, look: Look) -> Iterator[JudgedAgain]:
    """Judge frames in their order, with second looks and decisions by hand at their places."""
    judge = Judge.restore(settings.judge, settings.site, past.memory or {}, RuleBook.of(load_plugins(settings)))
    rejected = sorted(past.rejected)
    again = _Again(past=past, look=look)
    for row in rows:
        while rejected and rejected[0][0] < row.seq:
            yield from again.due(judge, rejected[0][0])
            judge.forget(rejected.pop(0)[1])
        yield from again.due(judge, row.seq)
        one = look(row, judge)
        outcome = one.outcome
        if isinstance(outcome, Examined):
            baseline = judge.baseline_for(baseline_key(outcome.meta, outcome.sensor_shape))
            one = replace(one, verdict=judge.judge(outcome)[0], second=None)
            again.note(one, outcome, baseline)
        yield one
    yield from again.due(judge, None)


@dataclass(slots=True, kw_only=True)
class _Again:
    """The second looks of frames that are judged again.

    A frame that had one has it at the same place. One that had none, though it stood as it does now, has none again.
    One that was decided on otherwise at first has it as soon as it is due.
    """

    past: Past
    look: Look
    _waiting: dict[str, JudgedAgain] = field(default_factory=dict)
    _looks: SecondLooks = field(default_factory=SecondLooks)

    def note(self, one: JudgedAgain, outcome: Examined, baseline: Baseline) -> None:
        """Take note of a frame that was judged with a baseline."""
        self._waiting[one.row.frame_id] = one
        if one.row.frame_id not in self.past.looks and one.now != one.row.first_decision:
            self._looks.note(outcome, baseline)

    def due(self, judge: Judge, before: int | None) -> Iterator[JudgedAgain]:
        """Make the second looks that are due before a document; ``None``: all that are left."""
        repeated = [
            frame_id
            for frame_id in self._waiting
            if frame_id in self.past.looks and (before is None or self.past.looks[frame_id] < before)
        ]
        for frame_id in (*repeated, *(look.frame_id for look in self._looks.due(judge.all_baselines()))):
            one = self._waiting[frame_id]
            if frame_id in self.past.looks:
                del self._waiting[frame_id]
            outcome = self.look(one.row, judge).outcome
            if isinstance(outcome, Examined):
                yield replace(one, verdict=judge.judge_again(outcome), second=outcome)


def _stands(row: FrameRow, outcome: Outcome | str) -> JudgedAgain:
    """Put an outcome to its row, if it is of the same frame; a sentence says why there is none."""
    if isinstance(outcome, str):
        return JudgedAgain(row, None, None, outcome)
    if outcome.frame_id is not None and outcome.frame_id != row.frame_id:
        return JudgedAgain(row, None, None, "another frame has taken its place")
    return JudgedAgain(row, outcome, None, "" if isinstance(outcome, Examined) else outcome.sentence)
