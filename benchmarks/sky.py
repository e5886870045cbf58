"""Seeded frames with realistic stars, written as real 16-bit FITS files with numpy alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from astro_monitor.demo.fits import CardValue, data_bytes, header_bytes

SKY_ADU, PEDESTAL_ADU, READ_NOISE_ADU, GAIN_E_ADU = 620.0, 500.0, 3.0, 1.0
STARS_PER_MPX = 125
BRIGHTEST_ADU, FAINTEST_ADU = 2e6, 150.0
"""Flux of stars; counts rise by 10^0.3 per magnitude, as in a moderately rich field."""
MOFFAT_EXPONENT = 3.0
STAMP_HALF_PX = 20
SHAPES = {6: (2116, 2836), 24: (4016, 6016), 61: (6388, 9576)}
"""(height, width) of common sensors, by megapixels."""


@dataclass(frozen=True, slots=True)
class FrameFile:
    """A frame on disk and what it is made of."""

    path: Path
    megapixels: float
    stars: int


def write_frame(folder: Path, megapixels: int, seed: int = 1, fwhm_px: float = 3.0) -> FrameFile:
    """Write one frame.

    Parameters:
        folder: where to.
        megapixels: a key of ``SHAPES``.
        seed: same seed, same bytes.
        fwhm_px: of the stars (Moffat, exponent 3).
    """
    rng = np.random.default_rng([seed, megapixels])
    height, width = SHAPES[megapixels]
    image = _sky(height, width)
    count = int(STARS_PER_MPX * height * width / 1e6)
    _add_stars(image, rng, count, fwhm_px)
    # Photon noise of many electrons is Gaussian; this is ten times as fast as a Poisson draw.
    for row in image:
        row += rng.standard_normal(width, np.float32) * np.sqrt(row / GAIN_E_ADU + READ_NOISE_ADU**2)
    pixels = np.clip(np.rint(image + PEDESTAL_ADU), 0, 65535).astype(np.uint16)
    cards: dict[str, CardValue] = {
        "IMAGETYP": "LIGHT",
        "EXPTIME": 60.0,
        "OBJECT": "benchmark",
        "EGAIN": GAIN_E_ADU,
        "FILTER": "L",
    }
    path = folder / f"bench_{megapixels:02d}_{seed}.fits"
    path.write_bytes(header_bytes((height, width), cards) + data_bytes(pixels))
    return FrameFile(path, height * width / 1e6, count)


def _sky(height: int, width: int) -> NDArray[np.float32]:
    """Sky with a gradient of 8 % and some vignetting."""
    y, x = np.linspace(-1, 1, height, dtype=np.float32)[:, None], np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    return np.asarray(SKY_ADU * (1 + 0.04 * x) * (1 - 0.05 * (x * x + y * y)), np.float32)


def _add_stars(image: NDArray[np.float32], rng: np.random.Generator, count: int, fwhm_px: float) -> None:
    height, width = image.shape
    faint, bright = FAINTEST_ADU**-0.75, BRIGHTEST_ADU**-0.75
    flux = (faint - rng.random(count) * (faint - bright)) ** (-1 / 0.75)
    x, y = rng.uniform(0, width, count), rng.uniform(0, height, count)
    alpha2 = (fwhm_px / 2) ** 2 / (2 ** (1 / MOFFAT_EXPONENT) - 1)
    peak = flux * (MOFFAT_EXPONENT - 1) / (np.pi * alpha2)
    for star in range(count):
        left, top = max(int(x[star]) - STAMP_HALF_PX, 0), max(int(y[star]) - STAMP_HALF_PX, 0)
        right, bottom = min(left + 2 * STAMP_HALF_PX, width), min(top + 2 * STAMP_HALF_PX, height)
        dx2 = (np.arange(left, right) - x[star]) ** 2
        dy2 = (np.arange(top, bottom) - y[star]) ** 2
        profile = (1 + (dx2[None, :] + dy2[:, None]) / alpha2) ** -MOFFAT_EXPONENT
        image[top:bottom, left:right] += (peak[star] * profile).astype(np.float32)
