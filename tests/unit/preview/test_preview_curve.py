"""The sky is dark grey, stars are bright, and nothing is clipped that need not be."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.preview.curve import Curve, Sky, grey, sky_of
from astro_monitor.preview.means import block_mean, colour_means


def noise(level: float, sigma: float, shape: tuple[int, int] = (200, 300)) -> np.ndarray:
    return np.random.default_rng(1).normal(level, sigma, shape).astype(np.float32)


@pytest.mark.parametrize("level", [0.001, 1000.0, 60000.0])
def test_the_sky_is_dark_grey_whatever_its_level(level: float) -> None:
    pixels = noise(level, level * 0.01)
    pixels[100, 100] = level * 40
    shown = grey(pixels)
    assert 40 <= np.median(shown) <= 60
    assert np.quantile(shown, 0.001) > 0
    assert shown[100, 100] == 255


def test_faint_and_bright_light_can_be_told_apart() -> None:
    pixels = noise(1000.0, 10.0)
    pixels[50, 50:56] = 1000.0 + 10.0 * np.array([5, 20, 100, 500, 2000, 6000])
    steps = np.diff(grey(pixels)[50, 50:56].astype(int))
    assert (steps >= 8).all()


def test_the_noise_of_an_empty_frame_stays_dark() -> None:
    assert grey(noise(1000.0, 10.0)).max() < 200


def test_black_and_white_are_reached_and_brightness_rises() -> None:
    curve = Curve(Sky(100.0, 40.0), 5000.0)
    levels = np.linspace(0.0, 6000.0, 3000, dtype=np.float32)[None]
    bright = curve.brightness(levels)[0]
    assert (np.diff(bright) >= 0).all()
    assert bright[0] == 0.0
    assert bright[-1] == pytest.approx(1.0)
    assert float(curve.brightness(np.full((1, 1), 100.0, np.float32))[0, 0]) == pytest.approx(0.2, abs=1e-3)


@pytest.mark.parametrize("value", [0.0, 7.0, -3.0, 1e30])
def test_an_even_image_is_grey(value: float) -> None:
    assert np.unique(grey(np.full((20, 30), value, np.float32))).tolist() == [51]


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 2)])
def test_tiny_images_have_a_sky_too(shape: tuple[int, int]) -> None:
    sky = sky_of(np.ones(shape, np.float32))
    assert (sky.level, sky.depth > 0) == (1.0, True)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("factor", [1, 2, 3, 5])
def test_blocks_are_means_and_leave_out_what_fills_none(dtype: type, factor: int) -> None:
    pixels = np.random.default_rng(2).integers(0, 65535, (83, 127)).astype(dtype)
    height, width = 83 // factor, 127 // factor
    expected = pixels[: height * factor, : width * factor].reshape(height, factor, width, factor).mean(axis=(1, 3))
    assert block_mean(pixels, factor) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("cells", [1, 2])
def test_colours_are_means_of_their_places_in_the_cell(cells: int) -> None:
    mosaic = np.random.default_rng(3).integers(0, 65535, (86, 130)).astype(np.uint16)
    side = 2 * cells
    height, width = 86 // side, 130 // side
    means = colour_means(mosaic, cells)
    assert means.shape == (2, 2, height, width)
    for down in (0, 1):
        for across in (0, 1):
            plane = mosaic[down::2, across::2][: height * cells, : width * cells]
            expected = plane.reshape(height, cells, width, cells).mean(axis=(1, 3))
            assert means[down, across] == pytest.approx(expected, rel=1e-6)


def test_of_large_blocks_some_rows_stand_for_all() -> None:
    mosaic = np.full((120, 120), 700, np.uint16)
    mosaic[0::2, 0::2] = 300
    means = colour_means(mosaic, 6)
    assert np.unique(means[0, 0]).tolist() == [300.0]
    assert np.unique(means[1, 1]).tolist() == [700.0]
