"""The frames of a night from which pedestal and gain of a camera are worked out: few, and far apart in brightness."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ..records import Camera
from .camera import estimate
from .exposed import Exposed

MOST_LIGHTS = 24
"""Light frames that are kept. Those closest in brightness to others go first: a slope needs what is far apart."""
MOST_OF_CALIBRATION = 2
"""Bias frames, and dark frames, that are kept: the newest."""


@dataclass(slots=True)
class CameraPool:
    """Frames of one camera at one gain and binning.

    Attributes:
        frames: light, bias and dark frames, oldest first.
    """

    frames: list[Exposed] = field(default_factory=list)
    _camera: Camera | None = None

    def camera(self) -> Camera:
        """Return what is known of the camera."""
        if self._camera is None:
            self._camera = estimate(self.frames)
        return self._camera

    def note(self, frame: Exposed) -> None:
        """Add a frame; one that is already in is not counted twice.

        A light frame in another unit, or with another zero, replaces all earlier ones; such a bias or dark frame is
        ignored.

        Parameters:
            frame: light, bias or dark; one whose noise was not measured is ignored.
        """
        if not frame.cells or any(known.frame_id == frame.frame_id for known in self.frames):
            return
        if frame.kind != "light" and not all(known.compares(frame) for known in self.frames if known.kind == "light"):
            return
        self.frames = [known for known in self.frames if known.compares(frame)]
        self.frames.append(frame)
        self._camera = None
        alike = [known for known in self.frames if known.kind == frame.kind]
        if frame.kind != "light":
            for old in alike[:-MOST_OF_CALIBRATION]:
                self.frames.remove(old)
        elif len(alike) > MOST_LIGHTS:
            self.frames.remove(_least_telling(alike))

    def forget(self, frame_id: str) -> None:
        """Remove a frame whose file was not complete.

        Parameters:
            frame_id: of the frame; unknown ones are ignored.
        """
        self.frames = [frame for frame in self.frames if frame.frame_id != frame_id]
        self._camera = None

    def clear(self) -> None:
        """Forget every frame, because later ones are in another unit."""
        self.frames.clear()
        self._camera = None

    def state(self) -> list[Any]:
        """Return everything as plain JSON values."""
        return [frame.state() for frame in self.frames]

    @classmethod
    def restore(cls, stored: list[Any]) -> CameraPool:
        """Undo :meth:`state`.

        Raises:
            KeyError, TypeError, ValueError: the state is not one that :meth:`state` returned.
        """
        return cls([Exposed.restore(frame) for frame in stored])


def _least_telling(lights: list[Exposed]) -> Exposed:
    """Return the frame whose neighbours in brightness are closest together; never the newest, faintest or brightest."""
    newest = lights[-1]
    ordered = sorted(lights, key=lambda frame: frame.variance_adu2)
    gaps = [
        (math.log(after.variance_adu2 / before.variance_adu2), frame)
        for before, frame, after in zip(ordered, ordered[1:], ordered[2:], strict=False)
        if frame is not newest
    ]
    return min(gaps, key=lambda gap: gap[0])[1]
