"""From pixels to grey values that show both the sky and the stars."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SKY_GREY = 0.25
"""Where the sky lies between black and white, as in the automatic stretch of common programs."""
BLACK_SIGMA = 2.8
"""Black lies this many standard deviations of the sky below its level."""
MAD_TO_SIGMA = 1.4826
SAMPLES = 250_000
"""Level and noise of the sky are read from about so many pixels."""


def block_mean(pixels: NDArray[np.generic], factor: int) -> NDArray[np.float32]:
    """Return the mean of blocks of ``factor`` × ``factor`` pixels; what does not fill a block is left out.

    Parameters:
        pixels: (H, W).
        factor: side of a block in pixels.

    Returns:
        (H // factor, W // factor) float32.
    """
    height, width = (side // factor for side in pixels.shape)
    cut = pixels[: height * factor, : width * factor].reshape(height, factor, width, factor)
    return np.asarray(cut.mean(axis=(1, 3), dtype=np.float32))


def stretched(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return grey values by a midtones transfer function, chosen so that the sky is dark grey.

    Formula: PixInsight's midtones transfer function, m(x) = (m - 1) x / ((2 m - 1) x - m), with m such that the median
    becomes ``SKY_GREY``.

    Parameters:
        pixels: (H, W) float32, finite.

    Returns:
        (H, W) uint8.
    """
    step = max(1, int(np.sqrt(pixels.size / SAMPLES)))
    sample = pixels[::step, ::step]
    sky = float(np.median(sample))
    noise = MAD_TO_SIGMA * float(np.median(np.abs(sample - sky)))
    black, white = sky - BLACK_SIGMA * noise, float(pixels.max(initial=sky))
    if white <= black:
        return np.full(pixels.shape, round(255 * SKY_GREY), np.uint8)
    x = np.clip((pixels - black) / (white - black), 0.0, 1.0)
    middle = max((sky - black) / (white - black), 1e-6)
    # The midtones value that takes the median to SKY_GREY: the same function with the two exchanged.
    m = (SKY_GREY - 1) * middle / ((2 * SKY_GREY - 1) * middle - SKY_GREY)
    grey = (m - 1) * x / ((2 * m - 1) * x - m)
    return np.asarray(np.rint(255 * np.clip(grey, 0.0, 1.0)), np.uint8)
