"""The colours of a filter array, at half the resolution of the brightness, as JPEG files hold them.

The sky becomes grey and the stars white on average. Colours are shown where there is light: in the sky they are noise,
and in saturated cores they are wrong.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .curve import Curve, quantile, sky_of
from .means import colour_means

BAYER_LETTERS = 4
"""A Bayer cell has four letters; Fujifilm's array, whose name is longer, is shown in grey."""

STAR_SIGMA = 8.0
"""The white balance is read from stars this far above the sky in each colour."""
FEW_STARS = 8
"""With fewer the colours of the sensor stay as they are."""
MOST_STARS = 500
"""The brightest ones are enough."""
NEUTRAL_SHARE = 0.3
"""The sky's grey is that of the pixels which this share is darker than: a nebula may cover half of the frame."""
LARGEST_GAIN = 4.0
"""No sensor needs more for its weakest colour."""
SATURATED = 0.9
"""Brighter pixels, as a share of the brightest, tell no colour: the green ones clip first."""

SKY_COLOUR = 0.4
"""Part of the colour that is shown at the level of the sky."""
FULL_COLOUR_SIGMA = 10.0
"""All of the colour is shown from so far above the sky."""
PALE_FROM = 0.75
"""Brighter pixels, of 1, become paler up to white."""

CHROMA_MIDDLE = 128.0
"""Chroma value of grey in JFIF (ITU-T T.871)."""
BLUE_SCALE, RED_SCALE = 255.0 * 0.564, 255.0 * 0.713
"""From differences to brightness, of 1, to the chroma values of JFIF (ITU-T T.871)."""


def is_bayer(bayer: str | None) -> bool:
    """Return whether a filter array has cells of 2 × 2 colours."""
    return bayer is not None and len(bayer) == BAYER_LETTERS


def chroma(mosaic: NDArray[np.generic], bayer: str, cells: int, stars: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Return the chroma values Cb and Cr of a picture, (2, h, w).

    Parameters:
        mosaic: (H, W) filter array.
        bayer: its letters at the upper left.
        cells: one value is made from ``cells`` × ``cells`` cells.
        stars: (n, 2) row and column of stars in the result, brightest first.
    """
    red, green, blue = _balanced(planes(mosaic, bayer, cells), stars)
    light = (red + blue + 2 * green) / 4
    sky = sky_of(light)
    bright = Curve(sky, float(light.max(initial=sky.level))).brightness(light)
    part = np.clip((light - sky.level) * ((1 - SKY_COLOUR) / (FULL_COLOUR_SIGMA * sky.sigma)) + SKY_COLOUR, 0.0, 1.0)
    part *= np.clip((1 - bright) / (1 - PALE_FROM), 0.0, 1.0)
    # Brightness over light, so that the share of each colour stays as it is.
    part *= bright / np.maximum(light - (sky.level - sky.depth), 0.2 * sky.depth)
    out = np.empty((2, *light.shape), np.uint8)
    for plane, colour, scale in ((0, blue, BLUE_SCALE), (1, red, RED_SCALE)):
        difference = (colour - light) * part
        difference *= np.float32(scale)
        out[plane] = np.clip(_smoothed(difference) + np.float32(CHROMA_MIDDLE + 0.5), 0.0, 255.0)
    return out


def _smoothed(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean over three rows and three columns, the middle ones twice.

    The colours of a cell lie a pixel apart, so that a sharp star is red on one side and blue on the other.
    """
    for axis in (0, 1):
        before, middle, after = (np.moveaxis(values, axis, 0)[part] for part in (np.s_[:-2], np.s_[1:-1], np.s_[2:]))
        mean = values.copy()
        np.moveaxis(mean, axis, 0)[1:-1] = (before + after) * np.float32(0.25) + middle * np.float32(0.5)
        values = mean
    return values


def planes(mosaic: NDArray[np.generic], bayer: str, cells: int) -> NDArray[np.float32]:
    """Return red, green and blue, (3, h, w), as means over blocks of cells.

    Headers that count rows from the other end name the array upside down. The greens, which are equal, show it.

    Parameters:
        mosaic: (H, W) filter array.
        bayer: its letters at the upper left.
        cells: side of a block in cells.
    """
    means = colour_means(mosaic, cells)
    positions = means.reshape(4, *means.shape[2:])
    greens = [position for position in range(4) if bayer[position] == "G"]
    others = [position for position in range(4) if bayer[position] != "G"]
    if len(greens) == 2 and _difference(positions, greens) > 3.0 * _difference(positions, others):
        bayer = bayer[2:] + bayer[:2]
    out = np.zeros((3, *positions.shape[1:]), np.float32)
    for plane, letter in zip(out, "RGB", strict=True):
        of_letter = [position for position in range(4) if bayer[position] == letter]
        for position in of_letter:
            plane += positions[position]
        plane /= np.float32(max(1, len(of_letter)))
    return out


def _difference(positions: NDArray[np.float32], pair: list[int]) -> float:
    """Return the difference of two places of the cell in standard deviations of the sky, and a twentieth at least."""
    first, second = (sky_of(positions[position]) for position in pair)
    return abs(first.level - second.level) / max(first.sigma, second.sigma) + 0.05


def _balanced(colours: NDArray[np.float32], stars: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return red, green and blue above their sky, (3, h, w), with factors that make the stars white on average."""
    skies = [sky_of(plane) for plane in colours]
    for plane in colours:
        plane -= np.float32(quantile(plane, NEUTRAL_SHARE))
    light = colours[:, stars[:MOST_STARS, 0], stars[:MOST_STARS, 1]]
    green = light[1]
    enough = light > np.array([[STAR_SIGMA * sky.sigma] for sky in skies], np.float32)
    good = enough.all(axis=0) & (green < SATURATED * float(colours[1].max(initial=0.0)))
    if np.count_nonzero(good) >= FEW_STARS:
        gains = np.clip(np.median(green[good] / light[:, good], axis=1), 1.0 / LARGEST_GAIN, LARGEST_GAIN)
        colours *= gains.astype(np.float32)[:, None, None]
    return colours
