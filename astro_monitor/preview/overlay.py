"""A frame as a picture with its sources marked."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..records import KIND_ARTEFACT, KIND_EXTENDED, KIND_STAR, SourceTable, Streak
from .curve import grey
from .means import block_mean

LONGEST_SIDE_PX = 2400
"""Longest side of the picture in pixels; larger frames are binned by a whole factor."""
COLOURS = {KIND_STAR: (90, 230, 90), KIND_EXTENDED: (80, 200, 255), KIND_ARTEFACT: (255, 80, 80)}
"""Colours of the marks (red, green, blue)."""
STREAK_COLOUR = (255, 200, 60)
"""Colour of the lines along trails (red, green, blue)."""
LEAST_RADIUS_PX = 4.0
"""Radius of the smallest mark in the picture: smaller ones hide the star."""
LEAST_SNR_OF_SHAPE = 20.0
"""Signal to noise from which the shape of a source is drawn; that of fainter ones is mostly noise."""
CORNERS = 24
"""Corners of the polygon that is drawn as an ellipse."""


def overlay_png(
    pixels: NDArray[np.generic],
    px_per_pixel: int,
    table: SourceTable,
    streaks: tuple[Streak, ...],
    *,
    first_row_on_top: bool,
) -> bytes:
    """Return a PNG of a frame with a mark around each source and a line along each trail.

    The mark is an ellipse with the width and direction of the source where these are reliable: not for faint sources,
    nor for those with a note. Others have a circle of the median size.

    Parameters:
        pixels: (H, W), the frame.
        px_per_pixel: sensor pixels along one pixel of ``pixels``; positions in ``table`` are sensor pixels.
        table: the sources.
        streaks: trails, in sensor pixels.
        first_row_on_top: whether the first row is at the top; FITS viewers draw it at the bottom.
    """
    factor = max(1, -(-max(pixels.shape) // LONGEST_SIDE_PX))
    plain = grey(block_mean(pixels, factor))
    picture = Image.fromarray(plain if first_row_on_top else plain[::-1]).convert("RGB")
    scale = 1.0 / (factor * px_per_pixel)
    draw = ImageDraw.Draw(picture)

    def in_picture(x_px: NDArray[np.float64], y_px: NDArray[np.float64]) -> list[tuple[float, float]]:
        # The centre of picture pixel i covers sensor pixels i / scale … (i + 1) / scale - 1.
        x, y = (x_px + 0.5) * scale - 0.5, (y_px + 0.5) * scale - 0.5
        return list(zip(x, y if first_row_on_top else picture.height - 1 - y, strict=True))

    width_px = np.where(_well_shaped(table), table.fwhm_px, np.nan)
    median_px = float(np.nanmedian(width_px)) if np.isfinite(width_px).any() else 0.0
    angles = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    for i in range(len(table)):
        measured = np.isfinite(width_px[i])
        radius = max(1.5 * (width_px[i] if measured else median_px), LEAST_RADIUS_PX / scale)
        stretch = np.sqrt(table.elongation[i]) if measured else 1.0
        angle = np.radians(table.angle_deg[i]) if measured else 0.0
        along, across = radius * stretch * np.cos(angles), radius / stretch * np.sin(angles)
        x = table.x_px[i] + along * np.cos(angle) - across * np.sin(angle)
        y = table.y_px[i] + along * np.sin(angle) + across * np.cos(angle)
        draw.polygon(in_picture(x, y), outline=COLOURS[int(table.kind[i])])
    for streak in streaks:
        ends = in_picture(np.array([streak.x0_px, streak.x1_px]), np.array([streak.y0_px, streak.y1_px]))
        draw.line(ends, fill=STREAK_COLOUR, width=1)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _well_shaped(table: SourceTable) -> NDArray[np.bool_]:
    """Return for each source (N,) whether its width and shape are above the noise."""
    sound = np.array([not note for note in table.note], np.bool_)
    return sound & np.isfinite(table.fwhm_px) & ~(table.snr < LEAST_SNR_OF_SHAPE)
