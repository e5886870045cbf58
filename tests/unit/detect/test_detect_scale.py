"""The binning follows the width of the stars, whatever shape they have."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.detect.scale import choose_bin
from astro_monitor.detect.sky import sky_map

SHAPE = (768, 768)


def field(stamp: np.ndarray, *, count: int = 40, seed: int = 1, snr: float = 60.0) -> np.ndarray:
    """Stars of one shape on a sky of 1000 with noise 20."""
    rng = np.random.default_rng(seed)
    pixels = 1000 + rng.normal(0, 20, SHAPE)
    reach = stamp.shape[0]
    for _ in range(count):
        top, left = rng.integers(0, SHAPE[0] - reach, 2)
        pixels[top : top + reach, left : left + reach] += 20 * snr * rng.uniform(0.5, 8) * stamp / stamp.max()
    return pixels.clip(0, 65535).astype(np.uint16)


def grid(reach: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(float)
    return x, y


def moffat(fwhm_px: float) -> np.ndarray:
    x, y = grid(int(6 * fwhm_px) + 4)
    alpha2 = fwhm_px**2 / (4 * (2 ** (1 / 3) - 1))
    return (1 + (x**2 + y**2) / alpha2) ** -3.0


def chosen(pixels: np.ndarray) -> int:
    return choose_bin(pixels, sky_map(pixels), 65535.0)


@pytest.mark.parametrize(("fwhm_px", "expected"), [(1.6, 1), (2.5, 1), (3.8, 1), (7.0, 2), (14.0, 4), (24.0, 8)])
def test_round_stars(fwhm_px: float, expected: int) -> None:
    assert chosen(field(moffat(fwhm_px))) == expected


def test_rings_are_binned_until_they_are_small() -> None:
    x, y = grid(30)
    radius = np.hypot(x, y)
    ring = ((radius < 22) & (radius > 9)).astype(float)
    assert chosen(field(ring, count=15)) >= 4


def test_faint_rings_are_seen_although_no_pixel_stands_out() -> None:
    x, y = grid(30)
    radius = np.hypot(x, y)
    ring = ((radius < 22) & (radius > 9)).astype(float)
    assert chosen(field(ring, count=15, snr=1.0)) >= 4


def test_long_trails_are_binned() -> None:
    x, y = grid(30)
    trail = np.exp(-(y**2) / 3.0) * (np.abs(x) < 20)
    assert chosen(field(trail)) >= 2


def test_hot_pixels_do_not_make_stars_sharp() -> None:
    pixels = field(moffat(14.0))
    rng = np.random.default_rng(2)
    pixels[rng.integers(0, 768, 200), rng.integers(0, 768, 200)] = 30000
    assert chosen(pixels) >= 2


def test_saturated_stars_are_not_used() -> None:
    stamp = np.minimum(moffat(3.0), 0.02)
    sharp = field(moffat(2.5), count=30, seed=3).astype(np.int64)
    wide = field(stamp, count=10, seed=4, snr=8000).astype(np.int64) - 1000
    pixels = (sharp + wide).clip(0, 40000).astype(np.uint16)
    assert choose_bin(pixels, sky_map(pixels), 40000.0) == 1


@pytest.mark.parametrize("shape", [(25, 25), (8, 8), (40, 700)])
def test_empty_and_small_frames_are_not_binned(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).normal(500, 9, shape).astype(np.float32)
    assert chosen(pixels) == 1
    assert chosen(np.full(shape, 7, np.uint16)) == 1


def test_knots_of_a_nebula_do_not_blur_the_stars_among_them() -> None:
    """Most of what is bright is nebula, of all sizes; fifteen stars of 2.5 pixels are alike."""
    pixels = field(moffat(2.5), count=15, snr=40.0).astype(float)
    rng = np.random.default_rng(5)
    x, y = grid(60)
    for _ in range(60):
        width_px = rng.uniform(9, 30)
        top, left = rng.integers(0, SHAPE[0] - 121, 2)
        pixels[top : top + 121, left : left + 121] += rng.uniform(600, 2500) * np.exp(-(x**2 + y**2) / width_px**2)
    assert chosen(pixels.clip(0, 65535).astype(np.uint16)) == 1
