"""Pointing of a telescope and angle of its camera: which frames a stacking program can register to each other."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from .frames import ListedFrame
from .starfield import MIN_STARS, same_field

SAME_FIELD = 0.35
"""Largest distance of frames of one pointing, as a fraction of the shorter side of the field.

Dithering shifts by tens of pixels, and a telescope that returns to its target without a plate solution misses by up to
a quarter of its field. The panels of a mosaic are at least half a field apart, commonly 0.7 to 0.9 of it.
"""
SAME_FIELD_DEG = 0.5
"""Largest distance where the pixel scale, and with it the size of the field, is unknown: ``SAME_FIELD`` of 1.4°."""
SAME_ANGLE_DEG = 10.0
"""Largest difference of camera angles within one stack. A turn by 180° (a meridian flip) shows the same field: it
counts as no difference."""


@dataclass(frozen=True, slots=True)
class Pointing:
    """The pointing of a frame; ``None`` is unknown."""

    ra_deg: float | None = None
    dec_deg: float | None = None

    @property
    def known(self) -> bool:
        """Whether the pointing is known. Programs write zero in both coordinates when they do not know it."""
        return self.ra_deg is not None and self.dec_deg is not None and (self.ra_deg, self.dec_deg) != (0.0, 0.0)

    def distance_deg(self, other: Pointing) -> float:
        """Return the angle between two known pointings, by the haversine formula."""
        assert self.ra_deg is not None and self.dec_deg is not None  # noqa: S101, PT018
        assert other.ra_deg is not None and other.dec_deg is not None  # noqa: S101, PT018
        if self == other:
            return 0.0
        ra, dec, ra2, dec2 = map(math.radians, (self.ra_deg, self.dec_deg, other.ra_deg, other.dec_deg))
        half = math.sin((dec2 - dec) / 2) ** 2 + math.cos(dec) * math.cos(dec2) * math.sin((ra2 - ra) / 2) ** 2
        return math.degrees(2 * math.asin(min(1.0, math.sqrt(half))))

    def label(self) -> str:
        """Return the pointing as part of a folder name, such as ``ra010.68_dec+41.27`` in degrees."""
        assert self.ra_deg is not None and self.dec_deg is not None  # noqa: S101, PT018
        return f"ra{self.ra_deg % 360:06.2f}_dec{self.dec_deg:+06.2f}"


def pointing_of(frame: ListedFrame) -> Pointing:
    """Return the pointing of a frame, by its header or plate solution."""
    return Pointing(frame.ra_deg, frame.dec_deg)


def tells_field(frame: ListedFrame) -> bool:
    """Whether a frame has enough stars to recognise its field."""
    return len(frame.stars) >= MIN_STARS


def tolerance_deg(frame: ListedFrame) -> float:
    """Return the largest distance between two frames of one pointing, in degrees."""
    if not frame.scale_arcsec_px or not frame.width_px or not frame.height_px:
        return SAME_FIELD_DEG
    return SAME_FIELD * min(frame.width_px, frame.height_px) * frame.scale_arcsec_px / 3600


def sees_same(frame: ListedFrame, others: Iterable[ListedFrame | None]) -> bool | None:
    """Return whether a frame shows the field of one of the others, by their stars; ``None`` when that is unknown."""
    reach_px = SAME_FIELD * min(frame.width_px or 0, frame.height_px or 0)
    answer: bool | None = None
    for other in others:
        if other is None or not other.stars or not frame.stars:
            continue
        same = same_field(other.stars, frame.stars, frame.width_px or 0, frame.height_px or 0, reach_px)
        if same:
            return True
        answer = answer if same is None else same
    return answer


def turned_deg(first_deg: float, second_deg: float) -> float:
    """Return the difference of two camera angles modulo half a turn, 0 to 90 degrees."""
    return abs((first_deg - second_deg + 90) % 180 - 90)
