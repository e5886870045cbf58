"""What of a frame's pixels and sources is kept in its look: nine cut-outs, a binned picture, a rounded table."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..records import Detections, Frame, Raster, SourceTable

CUTOUT_PX = 112
"""Side of a cut-out in frame pixels: nine of them cost about 130 kB in the noise of a 24 MP frame."""
CUTOUT_PLACES = (0.0, 0.5, 1.0)
"""Where along each side the cut-outs lie, from the first to the last that fits: corners, edges and the middle."""
MOST_PICTURE_PX = 180_000
"""The picture has at most so many pixels: a frame of 24 MP is binned to 500 × 333."""
FINEST_OF_NOISE = 0.25
"""One unit of a raster is at most this share of the noise in one of its pixels: rounding adds less than a hundredth."""
POSITION_STEPS_PX = 256.0
"""Positions are kept to this part of a pixel, a fifth of the error of the best star."""
BRIGHTNESS_BITS = 14
"""Brightness, width and angle are kept to this many bits, better than a hundredth of a percent."""
HIGHEST = 65535
"""Largest value of a pixel of 16 bits."""
LEAST_STEP_ADU = 1e-30
"""A raster whose pixels are all alike still has a step."""


def cutouts(frame: Frame) -> tuple[Raster, ...]:
    """Return nine parts cut out of a frame at full resolution for its look: corners, edges and middle, row by row.

    Parameters:
        frame: its pixels are copied; levels that are not whole numbers are rounded to 16 bits over their range.
    """
    height, width = frame.pixels.shape
    side_y, side_x = min(CUTOUT_PX, height), min(CUTOUT_PX, width)
    tops = _starts(height, side_y)
    lefts = _starts(width, side_x)
    return tuple(
        _raster(frame.pixels[top : top + side_y, left : left + side_x], left, top, 1, 0.0)
        for top in tops
        for left in lefts
    )


def picture(frame: Frame, detections: Detections) -> Raster:
    """Return the whole frame binned to the small picture of its look, from the sums that the star finder made.

    Parameters:
        frame: used itself where it is too small to have been binned.
        detections: of the same frame.
    """
    levels, bin_px = detections.binned_adu, detections.binned_px
    if not levels.size:
        levels, bin_px = frame.pixels.astype(np.float32), 1
    factor = math.ceil(math.sqrt(levels.size / MOST_PICTURE_PX))
    rows, columns = levels.shape[0] // factor, levels.shape[1] // factor
    if factor > 1 and rows and columns:
        blocks = levels[: rows * factor, : columns * factor].reshape(rows, factor, columns * factor)
        summed = blocks.sum(axis=1)
        levels = summed[:, ::factor].copy()
        for offset in range(1, factor):
            levels += summed[:, offset::factor]
        levels /= np.float32(factor**2)
        bin_px *= factor
    if levels.size > MOST_PICTURE_PX:
        # A frame of a few rows or columns cannot be binned to the size; the picture shows its beginning.
        rows = min(levels.shape[0], MOST_PICTURE_PX)
        levels = levels[:rows, : MOST_PICTURE_PX // rows]
    return _raster(levels, 0, 0, bin_px, detections.sky.noise_adu / bin_px)


def compact(table: SourceTable) -> SourceTable:
    """Return a source table rounded to what a look keeps.

    Parameters:
        table: with float64 columns.

    Returns:
        the same table; each number is one that 32 bits hold.
    """
    x_px, y_px = (np.rint(values * POSITION_STEPS_PX) / POSITION_STEPS_PX for values in (table.x_px, table.y_px))
    names = ("flux_adu", "peak_adu", "snr", "fwhm_px", "hfr_px", "elongation", "angle_deg")
    rounded = {name: _rounded(getattr(table, name)) for name in names}
    columns = {"x_px": x_px, "y_px": y_px, **rounded}
    kept: dict[str, Any] = {name: _in_32_bits(values) for name, values in columns.items()}
    return replace(table, **kept)


def _starts(size: int, side: int) -> list[int]:
    """First pixels of the cut-outs along one side, without doubles."""
    return sorted({round(place * (size - side)) for place in CUTOUT_PLACES})


def _raster(
    levels: NDArray[np.uint16] | NDArray[np.float32], left_px: int, top_px: int, bin_px: int, noise_adu: float
) -> Raster:
    """Return pixels as a raster of 16 bits for a look: unchanged, or rounded over their range."""
    if levels.dtype == np.uint16:
        pixels = levels.astype(np.uint16)
        pixels.flags.writeable = False
        return Raster(left_px=left_px, top_px=top_px, bin_px=bin_px, zero_adu=0.0, step_adu=1.0, pixels=pixels)
    wide = levels.astype(np.float64)
    lowest, highest = (float(wide.min()), float(wide.max())) if wide.size else (0.0, 0.0)
    step_adu = max((highest - lowest) / HIGHEST, FINEST_OF_NOISE * noise_adu, LEAST_STEP_ADU)
    pixels = np.clip(np.rint((wide - lowest) / step_adu), 0, HIGHEST).astype(np.uint16)
    pixels.flags.writeable = False
    return Raster(left_px=left_px, top_px=top_px, bin_px=bin_px, zero_adu=lowest, step_adu=step_adu, pixels=pixels)


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values of the source table rounded to ``BRIGHTNESS_BITS`` bits."""
    mantissa, exponent = np.frexp(values)
    steps = float(1 << BRIGHTNESS_BITS)
    rounded: NDArray[np.float64] = np.ldexp(np.rint(mantissa * steps) / steps, exponent)
    return rounded


def _in_32_bits(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values of the source table rounded to 32-bit floats, read-only."""
    kept = values.astype(np.float32).astype(np.float64)
    kept.flags.writeable = False
    return kept
