"""The frame properties that the search for trails needs."""

from __future__ import annotations

from dataclasses import dataclass

from ..records import SkyMap
from .sky import Pixels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """The frame of a line.

    Attributes:
        saturation_adu: level from which pixels are saturated.
        step: distance of samples in frame pixels.
        star_steps: full width at half maximum of the stars, in steps.
    """

    pixels: Pixels
    sky: SkyMap
    saturation_adu: float
    step: int
    star_steps: float
