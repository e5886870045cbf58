"""The usual mean star of a rig, which the one of a new frame is compared with.

A mean over the last few usual frames has less noise than one of them, and less of the small tracking errors that each
has. Wide frames are left out, so that it stays sharp; where the usual width has changed it starts again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..records import NO_PROFILE, Examined, StarProfile
from .noted import is_sane

FEWEST_STARS = 4
"""A mean image of fewer stars may show a neighbour of one of them."""
LIKE_USUAL = 0.08
"""Largest difference of a frame's width from the usual one, as a natural logarithm, with which it enters the mean."""
NO_LONGER_USUAL = 0.12
"""Difference of the mean's width from the usual one, as a natural logarithm, from which it starts again."""
MEAN_FRAMES = 8
"""A frame counts at least as one of so many in the mean: what the rig has become shows after an hour."""


@dataclass(slots=True)
class UsualProfile:
    """The usual mean star of one rig.

    Attributes:
        profile: empty while there is none.
        fwhm_px: mean width (minor axis) of the frames in it, in sensor pixels.
        frames: how many frames are in it, at most ``MEAN_FRAMES``.
    """

    profile: StarProfile = NO_PROFILE
    fwhm_px: float = 0.0
    frames: int = 0

    def note(self, examined: Examined, usual_fwhm_px: float) -> bool:
        """Take note of a frame that belongs to the usual ones.

        Parameters:
            examined: the frame, with its profile.
            usual_fwhm_px: median width (minor axis) of the usual frames, this one included.

        Returns:
            whether the profile has changed.
        """
        width_px, new = examined.measurements.values.get("fwhm_minor_px"), examined.profile
        if not is_sane(width_px) or min(width_px, usual_fwhm_px) <= 0.0 or new.count < FEWEST_STARS:
            return False
        off = abs(math.log(width_px / usual_fwhm_px))
        if self.frames:
            own = abs(math.log(self.fwhm_px / usual_fwhm_px))
            other_scale = new.px != self.profile.px
            if own > NO_LONGER_USUAL and off < 0.5 * own:
                self.frames = 0
            elif off > LIKE_USUAL or other_scale:
                return False
        share = 1.0 / min(self.frames + 1, MEAN_FRAMES)
        mean = (1.0 - share) * self.profile.stack() + np.float32(share) * new.stack()
        self.fwhm_px = float(f"{(1.0 - share) * self.fwhm_px + share * width_px:.6g}")
        count = min(self.profile.count if self.frames else 0, new.count) or new.count
        self.profile = StarProfile.packed_from(mean, new.bin_px, new.sensor_px_per_px, count)
        self.frames = min(self.frames + 1, MEAN_FRAMES)
        return True

    def state(self) -> list[Any]:
        """Return everything as plain JSON values, below 7 kB."""
        return [self.profile.state(), self.fwhm_px, self.frames]

    @classmethod
    def restore(cls, stored: list[Any]) -> UsualProfile:
        """Undo :meth:`state`.

        Raises:
            TypeError, ValueError: the state is not one that :meth:`state` returned.
        """
        profile, fwhm_px, frames = stored
        usual = cls(StarProfile.restore(profile), float(fwhm_px), int(frames))
        if not 0 <= usual.frames <= MEAN_FRAMES or not is_sane(usual.fwhm_px) or usual.fwhm_px < 0.0:
            raise ValueError("this is no usual profile of stars")
        if usual.frames and not (usual.fwhm_px > 0.0 and usual.profile.packed):
            raise ValueError("a usual profile of stars has a width and pixels")
        return usual
