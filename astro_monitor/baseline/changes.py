"""Changes of a rig that a frame tells of before it is judged: another night, side of the mount, focus, unit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC
from typing import Any

from ..records import Examined
from .noted import is_sane
from .reference import Reference

STEADY_FOCUS_FRAMES = 3
"""A focuser that stood still for so many frames and then moves was focused again; one that moves all the time
compensates the temperature."""
NIGHT_GAP_S = 6 * 3600.0
"""Frames that are further apart belong to different nights."""


@dataclass(frozen=True, slots=True)
class Restart:
    """Whether a frame made the baseline start again.

    Attributes:
        sentence: why, for the user; empty when it did not.
        refocused: earlier trends of the width no longer apply.
    """

    sentence: str = ""
    refocused: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What is new with a frame.

    Attributes:
        night: it belongs to another night than the frame before.
        flipped: the mount has changed sides.
        focused: the focuser has moved after a steady time.
    """

    night: bool = False
    flipped: bool = False
    focused: bool = False


@dataclass(slots=True)
class Changes:
    """What the last frame said of the rig.

    Attributes:
        side: of the mount in the last frame, where the header names it.
        focus, focus_steady: position of the focuser in the last frame, and for how many frames it has been there.
        last_s: when the last frame was taken, seconds since the epoch.
    """

    side: str | None = None
    focus: float | None = None
    focus_steady: int = 0
    last_s: float | None = None

    def note(self, examined: Examined, reference: Reference) -> Change:
        """Take note of a frame before it is judged.

        Parameters:
            examined: the frame.
            reference: notes how the field lies.
        """
        return Change(
            night=self._is_another_night(examined),
            flipped=self._has_flipped(examined, reference),
            focused=self._was_focused(examined),
        )

    def _is_another_night(self, examined: Examined) -> bool:
        """Return whether hours have passed since the last frame, forwards or, with an older file, backwards."""
        moment = examined.meta.date_obs_utc or examined.arrival.settled_utc
        moment_s = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        before_s, self.last_s = self.last_s, moment_s
        return before_s is not None and abs(moment_s - before_s) > NIGHT_GAP_S

    def _has_flipped(self, examined: Examined, reference: Reference) -> bool:
        """Return whether the mount has flipped since the last frame of this baseline; the new side is remembered."""
        turned_over = reference.has_turned(examined)
        side = examined.meta.pier_side
        flipped = side != self.side if side and self.side else turned_over
        self.side = side or self.side
        return flipped

    def _was_focused(self, examined: Examined) -> bool:
        """Return whether the focuser has moved after a steady time; its new position is remembered."""
        position = examined.meta.focuser_position
        if position is None:
            return False
        moved = self.focus is not None and position != self.focus
        steady, self.focus = self.focus_steady, position
        self.focus_steady = 0 if moved else self.focus_steady + 1
        return moved and steady >= STEADY_FOCUS_FRAMES

    def state(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return asdict(self)

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Changes:
        """Undo :meth:`state`.

        Raises:
            TypeError: the state is not one that :meth:`state` returned.
        """
        return cls(**state)


def has_other_unit(examined: Examined) -> bool:
    """Return whether the pixel values of a frame are in another unit than those of earlier frames."""
    ratio = examined.measurements.values.get("unit_ratio")
    return is_sane(ratio) and ratio > 0.0
