"""Level and noise of the sky in parts of a frame: what pedestal and gain of a camera are worked out from."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseCell:
    """One part of the field.

    Attributes:
        place: number of the part, row by row in a grid of 6 columns and 4 rows.
        level_adu: mean level of its sky.
        variance_adu2: variance of one *sensor* pixel, rounding subtracted; that of super-pixels is multiplied by the
            number of sensor pixels in them, because their noise is that of a mean.
        pairs: number of independent differences behind the variance.
    """

    place: int
    level_adu: float
    variance_adu2: float
    pairs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SkyNoise:
    """The sky of one frame, cell by cell. The standard value is that of a frame that was not measured: no cells.

    Attributes:
        cells: at most 24, by place; parts that are black, saturated or without data are left out.
        independence: variance by differences of next neighbours over that of distant ones; 1 where the noise of each
            pixel is its own, lower where pixels were interpolated or smoothed.
        unit_adu: one ADU of 16 bits in the unit of the pixels: 1, or 1 / 65535 for pixels from 0 to 1.
        step_adu: difference of neighbouring stored values: 1, 4 or 16 where a camera of fewer bits multiplies its
            values up; 0 for pixels that are no whole numbers.
        whole_numbers: whether the pixels are stored as whole numbers.
        negative_fraction: part of the sampled pixels below zero.
    """

    cells: tuple[NoiseCell, ...] = field(default=())
    independence: float = 1.0
    unit_adu: float = 1.0
    step_adu: float = 1.0
    whole_numbers: bool = True
    negative_fraction: float = 0.0


NOT_MEASURED = SkyNoise()
"""Of a frame whose noise was not measured."""
