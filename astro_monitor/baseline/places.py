"""Where the streaks of a rig's last frames were: a line that comes back at the same place is no satellite.

A line at the same place of the sensor in several frames belongs to the sensor or its electronics; one that stays among
the stars belongs to the sky or to a bright star. It must be seen in three frames, and in a fifth of all that are
remembered, before it counts as known; it is forgotten when it has not been seen for long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..records import FixedLine, Streak
from ..records.places import Shift, ends_of, same_place

REMEMBERED_FRAMES = 20
"""Frames whose streaks are remembered: enough that a line of the sensor shows in several of them."""
MOST_STREAKS = 4
"""Only the longest streaks of each frame are remembered: a sensor with more of them shows the same ones in each
frame."""
LEAST_FRAMES, LEAST_SHARE = 3, 0.2
"""Number and share of the remembered frames that must show a line at one place: two satellites meet by chance."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """The streaks of one frame, and where its field was against the reference frame, where that is known."""

    frame_id: str
    streaks: tuple[Streak, ...]
    shift: Shift | None


@dataclass(slots=True)
class Places:
    """The remembered streaks of a rig; updated with each frame, independent of its decision.

    Attributes:
        reference: number of the reference frame that the shifts are against.
    """

    reference: int = 0
    _seen: deque[_Seen] = field(default_factory=lambda: deque(maxlen=REMEMBERED_FRAMES))
    _known: tuple[FixedLine, ...] = ()

    @property
    def known(self) -> tuple[FixedLine, ...]:
        """The lines that the rig is known for."""
        return self._known

    def note(self, frame_id: str, streaks: tuple[Streak, ...], shift: Shift | None, reference: int) -> None:
        """Remember a frame. One that is remembered already is not counted twice.

        Parameters:
            frame_id: of the frame.
            streaks: all its streaks, known lines among them.
            shift: where the field of the reference frame was in it.
            reference: number of the reference frame after this one; when it has changed, this frame is the reference.
        """
        if any(seen.frame_id == frame_id for seen in self._seen):
            return
        moved = reference != self.reference
        if moved:
            self._refer(shift)
            self.reference, shift = reference, (0.0, 0.0)
        longest = sorted(streaks, key=lambda streak: -streak.length_px)[:MOST_STREAKS]
        self._seen.append(_Seen(frame_id, tuple(longest), shift))
        # Only a line that this frame shows can become known by it.
        self._know(_everywhere(self._seen) if moved else [*_everywhere([self._seen[-1]]), *self._known])

    def forget(self, frame_id: str) -> None:
        """Forget one frame."""
        for seen in [seen for seen in self._seen if seen.frame_id == frame_id]:
            self._seen.remove(seen)
            self._know(self._known)

    def for_other_field(self) -> Places:
        """Return the places for another target on the same sensor: those relative to the sensor are kept."""
        other = Places()
        other._seen.extend(_Seen(seen.frame_id, seen.streaks, None) for seen in self._seen)
        other._know(_everywhere(other._seen))
        return other

    def state(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "reference": self.reference,
            "known": [[*line.ends, line.width_px, line.on_sky] for line in self._known],
            "frames": [
                [seen.frame_id, seen.shift and list(seen.shift), [_stored(streak) for streak in seen.streaks]]
                for seen in self._seen
            ],
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Places:
        """Undo :meth:`state`.

        Raises:
            KeyError, TypeError, ValueError: the state is not one that :meth:`state` gave.
        """
        places = cls(reference=int(state["reference"]))
        for frame_id, shift, streaks in state["frames"]:
            where = (float(shift[0]), float(shift[1])) if shift else None
            places._seen.append(_Seen(str(frame_id), tuple(_restored(stored) for stored in streaks), where))
        places._known = tuple(
            FixedLine(
                x0_px=float(x0),
                y0_px=float(y0),
                x1_px=float(x1),
                y1_px=float(y1),
                width_px=float(width),
                on_sky=bool(on_sky),
            )
            for x0, y0, x1, y1, width, on_sky in state["known"]
        )
        return places

    def _refer(self, shift: Shift | None) -> None:
        """Express all shifts relative to a frame whose own shift is known, or forget them."""
        moved = [
            _Seen(seen.frame_id, seen.streaks, None)
            if seen.shift is None or shift is None
            else _Seen(seen.frame_id, seen.streaks, (seen.shift[0] - shift[0], seen.shift[1] - shift[1]))
            for seen in self._seen
        ]
        self._seen.clear()
        self._seen.extend(moved)

    def _know(self, candidates: Iterable[FixedLine]) -> None:
        """Know those lines that enough frames show at the same place."""
        least = max(LEAST_FRAMES, LEAST_SHARE * len(self._seen))
        known: list[FixedLine] = []
        if sum(bool(seen.streaks) for seen in self._seen) >= least:
            for line in candidates:
                if any(other.on_sky == line.on_sky and _alike(line, other) for other in known):
                    continue
                if sum(_shows(seen, line) for seen in self._seen) >= least:
                    known.append(line)
        self._known = tuple(known)


def _everywhere(frames: Sequence[_Seen]) -> list[FixedLine]:
    """All streaks of some frames as places on the sensor and among the stars, those of the last frame first."""
    lines = [
        _line(streak, seen.shift, on_sky=on_sky)
        for seen in reversed(frames)
        for streak in seen.streaks
        for on_sky in (False, True)
    ]
    return [line for line in lines if line is not None]


def _line(streak: Streak, shift: Shift | None, *, on_sky: bool) -> FixedLine | None:
    """The place of a streak; ``None`` where its place among the stars is not known."""
    if on_sky and shift is None:
        return None
    x0, y0, x1, y1 = ends_of(streak, shift) if on_sky and shift is not None else ends_of(streak)
    return FixedLine(x0_px=x0, y0_px=y0, x1_px=x1, y1_px=y1, width_px=streak.width_px, on_sky=on_sky)


def _alike(first: FixedLine, second: FixedLine) -> bool:
    """Return whether two fixed lines lie at the same place."""
    return same_place(first.ends, second.ends, max(first.width_px, second.width_px))


def _shows(seen: _Seen, line: FixedLine) -> bool:
    """Return whether an earlier frame of the rig shows a streak at the place of a fixed line."""
    others = [_line(streak, seen.shift, on_sky=line.on_sky) for streak in seen.streaks]
    return any(other is not None and _alike(other, line) for other in others)


def _stored(streak: Streak) -> list[float]:
    """Return a remembered streak of a place as rounded numbers, for the stored state."""
    numbers = (streak.x0_px, streak.y0_px, streak.x1_px, streak.y1_px, streak.angle_deg, streak.length_px)
    return [round(number, 2) for number in (*numbers, streak.width_px)]


def _restored(stored: list[Any]) -> Streak:
    """Return the streak that a list of numbers of the judge's memory describes."""
    x0, y0, x1, y1, angle, length, width = map(float, stored)
    return Streak(x0_px=x0, y0_px=y0, x1_px=x1, y1_px=y1, angle_deg=angle, length_px=length, width_px=width)
