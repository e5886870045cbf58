"""Frames of a night log, looked at and judged again: what another model or other settings would have decided.

Nothing is written. The frames are read from where they were last seen, in the order in which they were judged; the
judge starts from nothing, so some frames from before are judged first where there are any.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..judge import Judge
from ..nightlog import FrameRow
from ..records import Arrival, Examined, Outcome, Verdict
from ..settings import Settings
from ..worker import WorkerLane

WARM_UP = 40
"""Frames kept before the chosen ones that are judged first, so that the rig is known."""


@dataclass(frozen=True, slots=True)
class Again:
    """One frame: how it stands in the log, and what became of it now.

    Attributes:
        verdict: ``None`` when the frame could not be looked at; ``sentence`` says why.
    """

    row: FrameRow
    outcome: Outcome | None
    verdict: Verdict | None
    sentence: str = ""

    @property
    def changed(self) -> bool:
        """Whether the rules would decide otherwise than they did last."""
        return self.verdict is not None and self.verdict.decision != self.row.rules_decision


def chosen_rows(rows: Iterable[FrameRow], night: str | None) -> tuple[list[FrameRow], list[FrameRow]]:
    """Choose the frames of one night, and those to warm up with.

    Parameters:
        rows: all judged frames.
        night: date on which it began; ``None``: all nights.

    Returns:
        frames to warm up with, and the chosen ones, both in the order of judging.
    """
    ordered = sorted(rows, key=lambda row: row.seq)
    chosen = [row for row in ordered if night is None or row.night == night]
    if not chosen:
        return [], []
    before = [row for row in ordered if row.seq < chosen[0].seq and row.rules_decision == "keep"]
    return before[-WARM_UP:], chosen


def judge_again(
    warm: Sequence[FrameRow],
    chosen: Sequence[FrameRow],
    settings: Settings,
    on_models: Callable[[], None] = lambda: None,
) -> Iterator[Again]:
    """Look at frames again and judge them.

    Parameters:
        warm: judged first, and not given back.
        chosen: the frames that matter.
        settings: the models, limits and site to try.
        on_models: called when the models are loaded.

    Raises:
        ModelError: a model is missing, altered or does not fit.
    """
    judge = Judge(settings.judge, settings.site)
    with WorkerLane(settings) as lane:
        on_models()
        for place, row in enumerate((*warm, *chosen)):
            found = _again(row, judge, lane)
            if place >= len(warm):
                yield found


def judge_only(seen: Sequence[Again], settings: Settings) -> list[Again]:
    """Judge outcomes once more with other limits: no frame is read.

    Parameters:
        seen: what :func:`judge_again` gave.
        settings: whose limits to try.
    """
    judge = Judge(settings.judge, settings.site)
    return [Again(one.row, one.outcome, _verdict(one.outcome, judge), one.sentence) for one in seen]


def moves(seen: Iterable[Again]) -> Counter[tuple[str, str]]:
    """Count decisions by what they were and what they would be."""
    return Counter((one.row.rules_decision, one.verdict.decision) for one in seen if one.verdict is not None)


def _again(row: FrameRow, judge: Judge, lane: WorkerLane) -> Again:
    path = next((Path(path) for path in row.paths if Path(path).is_file()), None)
    if path is None:
        return Again(row, None, None, "the frame is no longer where it was")
    status, now = path.stat(), datetime.now(UTC)
    arrival = Arrival(
        path=path, root=path.parent, size_bytes=status.st_size, mtime_ns=status.st_mtime_ns, first_seen_utc=now,
        settled_utc=now, how="named",
    )  # fmt: skip
    outcome = lane.examine(arrival, judge.all_baselines())
    if outcome.frame_id is not None and outcome.frame_id != row.frame_id:
        return Again(row, None, None, "another frame has taken its place")
    sentence = "" if isinstance(outcome, Examined) else outcome.sentence
    return Again(row, outcome, _verdict(outcome, judge), sentence)


def _verdict(outcome: Outcome | None, judge: Judge) -> Verdict | None:
    return judge.judge(outcome)[0] if isinstance(outcome, Examined) else None
