"""A frame as the search for trails sees it."""

from __future__ import annotations

from dataclasses import dataclass

from ..records import SkyMap
from .sky import Pixels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """The frame that a line lies on.

    Attributes:
        saturation_adu: level from which on a pixel is saturated.
        step: frame pixels from one sample to the next.
        star_steps: width of the stars.
    """

    pixels: Pixels
    sky: SkyMap
    saturation_adu: float
    step: int
    star_steps: float
