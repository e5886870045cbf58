"""Which frames are judged again, because their baseline became known after them, or was replaced.

A frame is judged with what was known then. Once five frames agree, the ones before are judged again, kept or not; and
so are the frames of a night that began badly, once a better group of frames has taken the place of the first one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from ..baseline import MIN_BASELINE_FRAMES
from ..records import Arrival, Baseline, BaselineKey, Examined

MOST_FRAMES = 60
"""Last frames of a rig and target that may be judged again: a night that begins badly for hours has no more."""
SAME_NIGHT_S = 6 * 3600.0
"""Frames that are further apart belong to different nights, and the baseline of one says little of the other."""


class SecondLook(NamedTuple):
    """A frame to look at again."""

    arrival: Arrival
    frame_id: str


@dataclass(slots=True)
class _Judged:
    """How much was known when a frame was judged."""

    arrival: Arrival
    key: BaselineKey
    moment_s: float
    known: bool
    number: int


@dataclass(slots=True)
class SecondLooks:
    """The frames of a session that may be judged again."""

    _frames: dict[str, _Judged] = field(default_factory=dict)

    def note(self, examined: Examined, baseline: Baseline) -> None:
        """Take note of a frame that has been judged.

        Parameters:
            examined: the frame.
            baseline: what it was judged with.
        """
        moment = examined.meta.date_obs_utc or examined.arrival.settled_utc
        judged = _Judged(
            arrival=examined.arrival, key=baseline.key, moment_s=_seconds(moment), known=_is_known(baseline),
            number=baseline.number,
        )  # fmt: skip
        self._frames[examined.frame_id] = judged
        alike = [frame_id for frame_id, one in self._frames.items() if one.key == judged.key]
        late = [one for one in alike if abs(self._frames[one].moment_s - judged.moment_s) > SAME_NIGHT_S]
        for frame_id in {*late, *alike[:-MOST_FRAMES]}:
            del self._frames[frame_id]

    def forget(self, frame_id: str) -> None:
        """Forget a frame: its file holds another content now."""
        self._frames.pop(frame_id, None)

    def due(self, baselines: Iterable[Baseline]) -> list[SecondLook]:
        """Return the frames to judge again, oldest first; each is returned once for each baseline.

        Parameters:
            baselines: as they are now.
        """
        if not self._frames:
            return []
        numbers = {baseline.key: baseline.number for baseline in baselines if _is_known(baseline)}
        looks = []
        for frame_id, judged in self._frames.items():
            number = numbers.get(judged.key)
            if number is not None and (not judged.known or judged.number != number):
                judged.known, judged.number = True, number
                looks.append(SecondLook(judged.arrival, frame_id))
        return looks


def _is_known(baseline: Baseline) -> bool:
    """Return whether a baseline is that of enough frames of the same night and target."""
    return baseline.size >= MIN_BASELINE_FRAMES and not baseline.prior


def _seconds(moment: datetime) -> float:
    """Return a moment as seconds since the epoch; one without a zone is taken as UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
