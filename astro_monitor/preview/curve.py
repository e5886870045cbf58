"""The brightness curve of previews: faint light stands out of a dark grey sky, bright cores keep their structure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SKY_BRIGHTNESS = 0.2
"""Brightness of the sky, of 1: dark grey. The usual 0.25 of screen stretches shows more noise."""

LOW_SHARE = 0.01
"""The darkest pixels of the sky: those that fewer than this share are darker than."""

BLACK_DEPTH = 1.7
"""Black lies so many times as far below the sky as its darkest pixels. In pure noise these lie 2.33 standard deviations
below the median, and black 4."""

MIDTONES_PART = 0.6
"""Share of the midtones curve in the mean with the logarithm. The first shows what is faint, but puts all that is more
than a hundred standard deviations above the sky into its last tenth; the second keeps cores of galaxies apart."""

EVEN_DEPTH = 1e-3
"""Depth of black under a sky without noise, as a share of what is there. Any value shows such a sky in grey."""

SAMPLES = 20_000
"""The sky is read from about so many pixels."""

LEAST_WHITE = 5.0
"""White lies at least so many times as far above the sky as black lies below: the noise of an empty frame must not
reach from black to white."""

_STRIP_ROWS = 32
"""Rows that are stretched at a time, so that all steps stay in the cache."""


@dataclass(frozen=True, slots=True)
class Sky:
    """The sky in a picture, in the unit of its pixels.

    Attributes:
        level: median of the pixels.
        depth: how far black lies below it.
    """

    level: float
    depth: float

    @property
    def sigma(self) -> float:
        """Standard deviation of a sky that is noise alone; an upper limit for others."""
        return self.depth / 4.0


def sky_of(pixels: NDArray[np.float32]) -> Sky:
    """Return the sky of a picture.

    Parameters:
        pixels: (h, w) finite.
    """
    sample = _sorted_sample(pixels)
    level, low = (float(sample[int(share * len(sample))]) for share in (0.5, LOW_SHARE))
    depth = BLACK_DEPTH * (level - low)
    if depth <= 0.0:
        # Most pixels have one value, as in simulated and in clipped frames.
        depth = max((float(sample[-1]) - level) * EVEN_DEPTH, abs(level) * EVEN_DEPTH, EVEN_DEPTH)
    return Sky(level, depth)


def quantile(pixels: NDArray[np.float32], share: float) -> float:
    """Return the level which this share of the pixels is darker than, read from a sample of them.

    Parameters:
        pixels: (h, w) finite.
        share: 0 to below 1.
    """
    sample = _sorted_sample(pixels)
    return float(sample[int(share * len(sample))])


def _sorted_sample(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a sorted sample of the pixels of a picture, evenly spaced over it."""
    step = max(1, round(np.sqrt(pixels.size / SAMPLES)))
    top, left = (min(step // 2, side - 1) for side in pixels.shape)
    return np.sort(pixels[top::step, left::step], axis=None)


class Curve:
    """From levels above the sky to brightness, 0 (black) to 1 (white).

    Formula: the mean of PixInsight's midtones transfer function, m(x) = (m - 1) x / ((2 m - 1) x - m), and of
    log(1 + x / s) / log(1 + 1 / s), where x is 0 at black and 1 at white; m and s are such that the sky becomes
    ``SKY_BRIGHTNESS`` in both.

    Parameters:
        sky: of the picture.
        brightest: its largest level.
    """

    def __init__(self, sky: Sky, brightest: float) -> None:
        self._black = sky.level - sky.depth
        self._range = sky.depth + max(brightest - sky.level, LEAST_WHITE * sky.depth)
        x = sky.depth / self._range
        # The midtones value that takes the sky to its brightness: the same function with the two exchanged.
        self._midtones = (SKY_BRIGHTNESS - 1) * x / ((2 * SKY_BRIGHTNESS - 1) * x - SKY_BRIGHTNESS)
        self._log_scale = _log_scale(x)

    def brightness(self, levels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the brightness of pixels, 0 to 1.

        Parameters:
            levels: (h, w).
        """
        out = np.empty_like(levels)
        m, part, scale = self._midtones, MIDTONES_PART, self._log_scale
        for row in range(0, len(levels), _STRIP_ROWS):
            x = levels[row : row + _STRIP_ROWS] - np.float32(self._black)
            x *= np.float32(1.0 / self._range)
            np.clip(x, 0.0, 1.0, out=x)
            # Numerator and denominator of the formula with their signs changed, so that all terms are positive.
            bright = x * np.float32(1 - 2 * m)
            bright += np.float32(m)
            np.divide(x, bright, out=bright)
            bright *= np.float32(part * (1 - m))
            x *= np.float32(1.0 / scale)
            x += np.float32(1.0)
            np.log(x, out=x)
            x *= np.float32((1 - part) / np.log1p(1.0 / scale))
            np.add(bright, x, out=out[row : row + _STRIP_ROWS])
        return out


def grey(levels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a picture as grey values with a dark grey sky.

    Parameters:
        levels: (h, w) finite.

    Returns:
        (h, w) uint8.
    """
    bright = Curve(sky_of(levels), float(levels.max())).brightness(levels)
    bright *= np.float32(255.0)
    bright += np.float32(0.5)
    return bright.astype(np.uint8)


def _log_scale(sky: float) -> float:
    """Return s for which log(1 + sky / s) is ``SKY_BRIGHTNESS`` of log(1 + 1 / s): by bisection of its logarithm."""
    low, high = np.log(1e-12), np.log(1e12)
    for _ in range(60):
        middle = (low + high) / 2
        s = np.exp(middle)
        if np.log1p(sky / s) > SKY_BRIGHTNESS * np.log1p(1.0 / s):
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))
