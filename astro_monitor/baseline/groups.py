"""A group of frames that agree with one another."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from .centres import Centre, disagreement
from .noted import NotedFrame
from .spreads import median

CONSECUTIVE = 5
"""The sharpest width and the most light so far are the best medians of so many consecutive frames of a group."""


@dataclass(slots=True)
class Group:
    """Frames that agree with one another. Changes with each frame that joins.

    Attributes:
        number: of the group in its history, counted from 1.
        frames: the last ones, oldest first.
        sharpest_px: lowest median width of consecutive frames; 0 until there are enough.
        brightest_mag: lowest median loss of light of consecutive frames in the present field; ``None`` likewise.
    """

    number: int
    frames: deque[NotedFrame] = field(default_factory=deque)
    sharpest_px: float = 0.0
    brightest_mag: float | None = None
    _centre: Centre | None = None

    @property
    def centre(self) -> Centre:
        """The middle of the frames."""
        if self._centre is None:
            self._centre = Centre.of(self.frames)
        return self._centre

    def disagreement(self, frame: NotedFrame, *, sidereal: bool) -> float:
        """Return how far a frame is from the group; 1 at most agrees."""
        return disagreement(
            frame, self.centre, sharpest_px=self.sharpest_px, brightest_mag=self.brightest_mag, sidereal=sidereal
        )

    def add(self, frame: NotedFrame, most: int) -> None:
        """Let a frame join.

        Parameters:
            frame: agrees with the group.
            most: frames that are remembered; the oldest go.
        """
        if self.frames and self.frames[-1].sighting.field != frame.sighting.field:
            self.brightest_mag = None
        self.frames.append(frame)
        while len(self.frames) > most:
            self.frames.popleft()
        self._centre = None
        latest = list(self.frames)[-CONSECUTIVE:]
        if len(latest) < CONSECUTIVE:
            return
        width_px = median([one.width_px for one in latest])
        self.sharpest_px = min(width_px, self.sharpest_px or width_px)
        field = frame.sighting.field
        light = [one.sighting.light_mag for one in latest if one.sighting.field == field]
        known = [light_mag for light_mag in light if light_mag is not None]
        if len(known) == CONSECUTIVE:
            least = median(known)
            self.brightest_mag = least if self.brightest_mag is None else min(least, self.brightest_mag)

    def remove(self, frame_id: str) -> bool:
        """Remove a frame; returns whether it was there."""
        found = [frame for frame in self.frames if frame.frame_id == frame_id]
        for frame in found:
            self.frames.remove(frame)
        self._centre = None
        return bool(found)

    def keep_last(self, count: int) -> None:
        """Forget all but the last frames, and how sharp they have been: the focus has changed."""
        while len(self.frames) > count:
            self.frames.popleft()
        self.sharpest_px = 0.0
        self._centre = None

    def refer(self, reference: NotedFrame) -> None:
        """Express all numbers relative to another reference frame.

        Parameters:
            reference: the new one, with its numbers relative to the present one.
        """
        self.frames = deque(frame.against(reference) for frame in self.frames)
        self._centre = None

    def state(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "number": self.number,
            "frames": [frame.state() for frame in self.frames],
            "sharpest_px": self.sharpest_px,
            "brightest_mag": self.brightest_mag,
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Group:
        """Undo :meth:`state`.

        Raises:
            KeyError, TypeError, ValueError: the state is not one that :meth:`state` returned.
        """
        brightest = state["brightest_mag"]
        return cls(
            number=int(state["number"]),
            frames=deque(NotedFrame.restore(stored) for stored in state["frames"]),
            sharpest_px=float(state["sharpest_px"]),
            brightest_mag=None if brightest is None else float(brightest),
        )
