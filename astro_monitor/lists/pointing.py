"""Pointing of a telescope and angle of its camera: which frames a stacker can register on each other."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from .frames import ListedFrame
from .starfield import MIN_STARS, same_field

SAME_FIELD = 0.35
"""Frames belong to one pointing when they are no farther apart than this share of the shorter side of the field.

Dithering moves by tens of pixels, and a telescope that goes back to its target without a plate solution misses by up to
a quarter of its field. The panels of a mosaic are at least half a field apart, commonly 0.7 to 0.9 of it.
"""
SAME_FIELD_DEG = 0.5
"""The same where the pixel scale, and with it the size of the field, is unknown."""
SAME_ANGLE_DEG = 10.0
"""Angles that differ by less are one class. A turn by 180 degrees (a meridian flip) is none: the same field is seen."""


@dataclass(frozen=True, slots=True)
class Pointing:
    """The pointing of a frame; ``None`` is unknown."""

    ra_deg: float | None = None
    dec_deg: float | None = None

    @property
    def known(self) -> bool:
        """Whether it is known. Programs write zero in both when they do not know it."""
        return self.ra_deg is not None and self.dec_deg is not None and (self.ra_deg, self.dec_deg) != (0.0, 0.0)

    def distance_deg(self, other: Pointing) -> float:
        """Return the angle between two known pointings."""
        assert self.ra_deg is not None and self.dec_deg is not None  # noqa: S101, PT018
        assert other.ra_deg is not None and other.dec_deg is not None  # noqa: S101, PT018
        if self == other:
            return 0.0
        ra, dec, ra2, dec2 = map(math.radians, (self.ra_deg, self.dec_deg, other.ra_deg, other.dec_deg))
        half = math.sin((dec2 - dec) / 2) ** 2 + math.cos(dec) * math.cos(dec2) * math.sin((ra2 - ra) / 2) ** 2
        return math.degrees(2 * math.asin(min(1.0, math.sqrt(half))))

    def label(self) -> str:
        """Return it as part of a folder's name, such as ``ra010.68_dec+41.27`` in degrees."""
        assert self.ra_deg is not None and self.dec_deg is not None  # noqa: S101, PT018
        return f"ra{self.ra_deg % 360:06.2f}_dec{self.dec_deg:+06.2f}"


def pointing_of(frame: ListedFrame) -> Pointing:
    """Return the pointing of a frame, by its header or plate solution."""
    return Pointing(frame.ra_deg, frame.dec_deg)


def tells_field(frame: ListedFrame) -> bool:
    """Whether a frame has enough stars to recognise its field."""
    return len(frame.stars) >= MIN_STARS


def tolerance_deg(frame: ListedFrame) -> float:
    """Return how far apart two frames of one pointing may be."""
    if not frame.scale_arcsec_px or not frame.width_px or not frame.height_px:
        return SAME_FIELD_DEG
    return SAME_FIELD * min(frame.width_px, frame.height_px) * frame.scale_arcsec_px / 3600


def sees_same(frame: ListedFrame, others: Iterable[ListedFrame | None]) -> bool | None:
    """Return whether a frame shows the field of one of the others, by their stars; ``None`` when that is unknown."""
    reach_px = SAME_FIELD * min(frame.width_px or 0, frame.height_px or 0)
    answer: bool | None = None
    for one in others:
        if one is None or not one.stars or not frame.stars:
            continue
        same = same_field(one.stars, frame.stars, frame.width_px or 0, frame.height_px or 0, reach_px)
        if same:
            return True
        answer = answer if same is None else same
    return answer


def turned_deg(one: float, other: float) -> float:
    """Return by how much two angles of a camera differ, 0 to 90: half a turn counts as none."""
    return abs((one - other + 90) % 180 - 90)
